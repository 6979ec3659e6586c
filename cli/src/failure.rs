//! How a command ends when it does not succeed.

use std::io::Write as _;
use std::process::ExitCode;

use hauptbuch_sim::output::OutputError;
use hauptbuch_sim::run::RunError;

/// Why a command failed: an exit code and one line.
#[derive(Debug)]
pub struct Failure {
    exit_code: u8,
    line: String,
}

impl Failure {
    /// The input can't be used; whoever called has to change something.
    pub fn bad_input(line: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            line: line.into(),
        }
    }

    /// The answer is no, or something happened that should not.
    pub fn failed(line: impl Into<String>) -> Self {
        Self {
            exit_code: 1,
            line: line.into(),
        }
    }

    /// Says it on standard error.
    pub fn report(&self) -> ExitCode {
        // Control characters of somebody else's text can't break the line or steer a terminal.
        let line = self.line.trim().replace(char::is_control, " ");
        // Where standard error is closed nobody is left to tell.
        let _ = writeln!(std::io::stderr(), "hauptbuch: {line}");
        ExitCode::from(self.exit_code)
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        let exit_code = match &error {
            OutputError::Run(RunError::Interrupted) => 130,
            OutputError::Io { .. }
            | OutputError::NotOurs { .. }
            | OutputError::RollupName { .. }
            | OutputError::Run(
                RunError::Config(_)
                | RunError::ZeroInterval
                | RunError::TooLong
                | RunError::Plan(_)
                | RunError::Arrivals(_),
            ) => 2,
            _ => 1,
        };
        Self {
            exit_code,
            line: error.to_string(),
        }
    }
}
