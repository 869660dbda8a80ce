//! The functions' real bootstraps under cargo-lambda's emulator of the Lambda runtime API.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::workspace;

/// The emulator listens within a second; a machine under load gets more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running `cargo lambda watch`, on a port of its own. Dropping stops it and the functions that it started.
#[derive(Debug)]
pub struct Emulator {
    process: Child,
    port: u16,
    log: PathBuf,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// The function's response, byte for byte.
    Response(String),
    /// The function's error, as `cargo lambda invoke` prints it.
    Error(String),
}

impl Emulator {
    /// Starts the emulator. A function is built when it is first invoked. `name` tells this emulator's log file from
    /// others'; `variables` are what the functions find in their environment beside the workspace's defaults.
    ///
    /// # Errors
    /// If cargo-lambda is not installed or does not listen in time.
    pub fn start(name: &str, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = workspace::root().join("target").join("emulator").join(format!("{name}.log"));
        fs::create_dir_all(log.parent().unwrap_or(Path::new(".")))?;
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let process = cargo_lambda()?
            .args(["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("cannot start cargo-lambda")?;
        let mut emulator = Emulator { process, port, log };
        emulator.wait_until_it_listens()?;
        Ok(emulator)
    }

    /// Invokes a function with the event in a file.
    ///
    /// # Errors
    /// If the invocation cannot be made at all; an error of the function's own is an [`Invocation`].
    pub fn invoke(&self, function: &str, event: &Path) -> anyhow::Result<Invocation> {
        let port = self.port.to_string();
        let output = cargo_lambda()?
            .args(["lambda", "invoke", "--invoke-address", "127.0.0.1", "--invoke-port", &port, function])
            .arg("--data-file")
            .arg(event)
            .output()
            .context("cannot start cargo-lambda")?;
        if output.status.success() {
            // The response is followed by a line break that is the command's.
            let response = String::from_utf8(output.stdout).context("the response is not UTF-8")?;
            return Ok(Invocation::Response(response.trim_end_matches('\n').to_owned()));
        }
        Ok(Invocation::Error(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// The alerts, dead letters and windows' totals that functions have printed so far, one a line: what the sinks of
    /// development write.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn messages(&self) -> std::io::Result<Vec<String>> {
        let is_message = |line: &&str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            let has = |member: &str| value.get(member).is_some();
            has("alert_id") || has("event_window_start") || (has("id") && has("reason"))
        };
        Ok(self.output()?.lines().filter(is_message).map(str::to_owned).collect())
    }

    /// What the emulator and the functions have printed so far.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn output(&self) -> std::io::Result<String> {
        fs::read_to_string(&self.log)
    }

    fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("cargo-lambda ended with {status}; it printed:\n{}", self.output()?);
            }
            if start.elapsed() > START_LIMIT {
                bail!("cargo-lambda did not listen within {START_LIMIT:?}; it printed:\n{}", self.output()?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Asked to end, it ends its functions too; killed, it would leave them running.
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// cargo-lambda, from the project's virtual environment.
fn cargo_lambda() -> anyhow::Result<Command> {
    let program = workspace::root().join(".venv/bin/cargo-lambda");
    if !program.exists() {
        bail!("cargo-lambda is not installed in .venv; `make cargo-lambda` installs it");
    }
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    Ok(command)
}
