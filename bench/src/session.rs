//! A contender's process while it serves invocations.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::body::Bytes;
use tokio::process::{Child, Command};

use crate::contender::Contender;
use crate::runtime_api::RuntimeApi;

/// A start that takes longer has failed, under valgrind too.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running contender. Dropping it ends the process.
pub(crate) struct Session {
    // Before the API, which it would miss.
    process: Child,
    api: RuntimeApi,
    /// From the start of the process to its first poll.
    pub(crate) start: Duration,
}

impl Session {
    /// Starts a contender, `under` a tool and its arguments if there are any.
    ///
    /// # Errors
    /// If it does not ask for an event in time.
    pub(crate) async fn start(contender: &Contender, under: &[String]) -> anyhow::Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let command: Vec<&String> = under.iter().chain(&contender.command).collect();
        let (program, arguments) = command.split_first().context("no program")?;
        let start = Instant::now();
        let process = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", &*api.address.to_string()),
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "none"),
                ("AWS_SECRET_ACCESS_KEY", "none"),
                ("PATH", "/usr/bin:/bin"),
            ])
            .envs(contender.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {program}; `make bench` builds it"))?;
        let polled = tokio::time::timeout(START_LIMIT, api.polled()).await;
        polled.with_context(|| format!("{} does not start", contender.name))??;
        Ok(Session { api, process, start: start.elapsed() })
    }

    /// One invocation.
    ///
    /// # Errors
    /// If the function fails.
    pub(crate) async fn invoke(&mut self, event: &Bytes) -> anyhow::Result<Bytes> {
        self.api.invoke(event.clone()).await
    }

    /// The processor time that the process has used, in nanoseconds, user's and system's.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub(crate) fn cpu_nanoseconds(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for thread in fs::read_dir(self.file("task")?)? {
            let statistics = fs::read_to_string(thread?.path().join("schedstat"))?;
            sum += number(&statistics, 0)?;
        }
        Ok(sum)
    }

    /// The most memory that the process has had at a time, in bytes.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(self.file("status")?)?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
        Ok(number(line, 1)? * 1024)
    }

    /// Ends the process as Lambda does, and waits for its end.
    ///
    /// # Errors
    /// If it cannot be told to.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        let id = self.process.id().context("the process has ended")?;
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        self.process.wait().await?;
        Ok(())
    }

    fn file(&self, name: &str) -> anyhow::Result<std::path::PathBuf> {
        let id = self.process.id().context("the process has ended")?;
        Ok(Path::new("/proc").join(id.to_string()).join(name))
    }
}

fn number(text: &str, word: usize) -> anyhow::Result<u64> {
    let number = text.split_whitespace().nth(word).context("the kernel tells no number")?;
    Ok(number.parse()?)
}
