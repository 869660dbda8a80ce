//! How a command fails, and with which exit status.

use std::fmt;
use std::process::ExitCode;
use std::time::Instant;

use crate::aws::hint;
use crate::display::{print_detail, print_failure};

/// Why a command failed; scripts read it from the exit status.
#[derive(Debug)]
pub enum Failure {
    /// Something failed: status 1.
    Failed(anyhow::Error),
    /// The input, or part of it, is wrong: status 2, as clap exits for wrong arguments. The correct part was processed.
    Input(anyhow::Error),
    /// What was measured is not within what was asked for: status 3.
    Beyond(anyhow::Error),
}

impl Failure {
    /// The input is wrong.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Failure::Input(error.into())
    }

    /// The exit status.
    pub fn status(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Input(_) => 2,
            Failure::Beyond(_) => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Failed(error) | Failure::Input(error) | Failure::Beyond(error)) = self;
        fmt::Display::fmt(error, f)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Failed(error)
    }
}

/// The exit code of `program`, which started then, after `result`. Prints a failure, and what to do about it if that is known, to standard error.
pub fn code(program: &str, started: Instant, result: Result<(), Failure>) -> ExitCode {
    print_detail(format_args!("{program}: {:.3} s", started.elapsed().as_secs_f64()));
    let Err(failure) = result else { return ExitCode::SUCCESS };
    print_failure(format_args!("{program}: {failure:#}"));
    if let Some(mend) = hint(&failure) {
        print_failure(format_args!("to fix it: {mend}"));
    }
    ExitCode::from(failure.status())
}
