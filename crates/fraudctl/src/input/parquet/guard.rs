//! Calls into the reader of the format, which panics on some damaged files.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use super::ParquetFault;

thread_local! {
    /// Whether a panic of this thread is expected, and answered by an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Makes the process's panic hook say nothing of a panic that is answered.
fn quiet_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                others(info);
            }
        }));
    });
}

/// What `call` gives; its panic is an error. What it works on must not be used after an error.
pub(super) fn guarded<T>(
    call: impl FnOnce() -> Result<T, ::parquet::errors::ParquetError>,
) -> Result<T, ParquetFault> {
    quiet_hook();
    let before = IS_GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    IS_GUARDED.set(before);
    match result {
        Ok(result) => Ok(result?),
        Err(_) => Err(ParquetFault::Contradictory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::panic, reason = "it is what is guarded against")]
    fn a_panic_is_an_error_and_the_next_call_works() {
        assert!(matches!(guarded::<()>(|| panic!("no values")), Err(ParquetFault::Contradictory)));
        assert!(matches!(guarded(|| Ok(7)), Ok(7)));
        assert!(!IS_GUARDED.get());
    }
}
