//! One process of the binary, gone with its value.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use hexalpes_engines::program;
use rustix::process::{Pid, Signal, kill_process};

/// How it is started, so that it can be started again, and the child while it runs.
#[derive(Debug)]
pub(crate) struct Process {
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, String)>,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// What the engines of a developer's shell are does not reach it: only `environment` does.
    pub(crate) fn start(
        arguments: Vec<OsString>,
        environment: Vec<(&'static str, String)>,
        log: PathBuf,
    ) -> Self {
        let child = spawn(&arguments, &environment, &log);
        Self { arguments, environment, log, child }
    }

    /// Starts it again, after it has ended.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.arguments, &self.environment, &self.log);
    }

    /// Sends a signal and waits for the end; the exit code, if it was not the signal that ended it.
    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).expect("the process runs");
        self.child.wait().expect("the process can be waited for").code()
    }

    /// All that it ever printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(arguments: &[OsString], environment: &[(&'static str, String)], log: &PathBuf) -> Child {
    let output = fs::File::options().create(true).append(true).open(log).expect("the log can be written");
    let errors = output.try_clone().expect("the log can be written");
    let mut command = Command::new(program("hexalpes"));
    command.args(arguments).env_remove("PULSAR_BROKER_URL").env_remove("PULSAR_ADMIN_URL");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().expect("the product starts")
}
