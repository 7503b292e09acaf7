//! One process of the binary, gone with its value.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hexalpes_engines::{eventually, program};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than a process gives what it accepted before it ends.
const END_PATIENCE: Duration = Duration::from_mins(1);

/// How it is started, so that it can be started again, and the child while it runs.
#[derive(Debug)]
pub(crate) struct Process {
    start: Start,
    child: Child,
}

/// What it takes to start a process.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// A program that goes somewhere and becomes ours there.
    pub(crate) by: Vec<OsString>,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) log: PathBuf,
}

impl Process {
    /// What the engines of a developer's shell are does not reach it: only `environment` does.
    pub(crate) fn start(start: Start) -> Self {
        let child = spawn(&start);
        Self { start, child }
    }

    /// Starts it again, after it has ended.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.start);
    }

    /// From its next start on.
    pub(crate) fn set(&mut self, variable: &'static str, value: String) {
        self.start.environment.push((variable, value));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process runs");
    }

    /// Waits for the end; the exit code, if it was not a signal that ended it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let ended = || self.child.try_wait().expect("the process can be waited for");
        let ended = eventually(END_PATIENCE, ended);
        ended.unwrap_or_else(|| panic!("it does not end: {}", self.log())).code()
    }

    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        self.ended()
    }

    /// Resident memory in bytes; 0 of who has ended.
    pub(crate) fn memory(&self) -> u64 {
        self.of_memory("VmRSS:")
    }

    /// The most that it ever was, likewise.
    pub(crate) fn memory_peak(&self) -> u64 {
        self.of_memory("VmHWM:")
    }

    fn of_memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or_default() * 1024
    }

    /// All that it ever printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.start.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(Start { by, arguments, environment, log }: &Start) -> Child {
    let output = fs::File::options().create(true).append(true).open(log).expect("the log can be written");
    let errors = output.try_clone().expect("the log can be written");
    let mut words = by.iter().cloned().chain([program("hexalpes").into()]).chain(arguments.iter().cloned());
    let mut command = Command::new(words.next().expect("there is at least the binary"));
    command.args(words).env_remove("PULSAR_BROKER_URL").env_remove("PULSAR_ADMIN_URL");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the product starts")
}
