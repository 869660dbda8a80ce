//! One core for all that is measured and for what invokes it, as a function has on Lambda below 1,769 MB of memory. Over
//! several, processor time would depend on where the scheduler puts whom.

/// Keeps this process, and those that it starts from now on, on one core. To be called before it has other threads.
///
/// # Errors
/// If the kernel refuses.
#[cfg(target_os = "linux")]
pub(crate) fn stay() -> std::io::Result<()> {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let allowed = sched_getaffinity(None)?;
    // The first is where most systems handle interrupts.
    if let Some(last) = (0..CpuSet::MAX_CPU).rev().find(|&core| allowed.is_set(core)) {
        let mut one = CpuSet::new();
        one.set(last);
        sched_setaffinity(None, &one)?;
    }
    Ok(())
}

/// Elsewhere the scheduler decides.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stay() -> std::io::Result<()> {
    Ok(())
}
