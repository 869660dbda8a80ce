//! One setting of glibc's allocator.

/// Has the allocator keep the memory that an invocation frees for the next one, and a tool's that goes through files in
/// pieces what a piece frees.
///
/// By itself it maps each large block anew and gives it back when it is freed. An event of megabytes then costs a page
/// fault for every 4 KiB of it, of its payloads and of its response, in each invocation: a third of the time of the
/// transform, and a fifth of a back-test's. A function's memory is its own whether it uses it or not.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn keep_freed_memory() {
    /// The largest that glibc takes for a threshold of mapping (mallopt(3), M_MMAP_THRESHOLD).
    const MAX_MMAP_THRESHOLD: libc::c_int = 32 * 1024 * 1024;
    /// More than a function ever frees at the end of its heap.
    const TRIM_THRESHOLD: libc::c_int = 256 * 1024 * 1024;
    #[allow(unsafe_code, reason = "the only way to the allocator's settings")]
    // SAFETY: mallopt takes two numbers and changes nothing but the allocator's own settings, under its own lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    }
}

/// Elsewhere there is nothing to set.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed_memory() {}
