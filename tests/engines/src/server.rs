//! A server process that does not outlive us.
//!
//! Beside every server sits a watchdog: a shell that reads from a pipe whose other end is ours. When we are
//! gone, however we went, the read ends, and it stops the server and removes its folder. This needs nothing
//! from the operating system but pipes, and does not care which of our threads started what.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::TempDir;

use crate::children::{child_processes, process_runs};
use crate::tool;
use crate::wait::eventually;

/// How long a server may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);

/// Arguments: the server's process id, which is its group's too; the signal's name; the folder.
const WATCHDOG: &str = r#"
read -r _ && exit 0
kill -s "$2" "$1" 2>/dev/null
patience=50
while [ "$patience" -gt 0 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; patience=$((patience - 1)); done
kill -s KILL -- "-$1" 2>/dev/null
rm -rf -- "$3"
"#;

/// What a server is asked to stop with. Its data is thrown away, so the fastest clean way is the best.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StopWith {
    Quit,
    Kill,
}

impl StopWith {
    fn signal(self) -> Signal {
        match self {
            Self::Quit => Signal::QUIT,
            Self::Kill => Signal::KILL,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// A running server, in a process group and a temporary folder of its own.
#[derive(Debug)]
pub(crate) struct Server {
    command: Command,
    process: Child,
    watchdog: Child,
    stop: StopWith,
    log: PathBuf,
    folder: TempDir,
}

impl Server {
    /// Starts `command`; what it says goes to `server.log` in `folder`, which goes when the server goes.
    pub(crate) fn spawn(mut command: Command, folder: TempDir, stop: StopWith) -> Result<Self> {
        let log = folder.path().join("server.log");
        let output = File::create(&log).context("the log cannot be made")?;
        command.process_group(0).stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
        let (process, watchdog) = watched(&mut command, stop, folder.path())?;
        Ok(Self { command, process, watchdog, stop, log, folder })
    }

    /// kill −9, of all of its processes at once. Its folder stays, for [`spawn_again`](Self::spawn_again).
    pub(crate) fn kill(&mut self) {
        // PostgreSQL's are in sessions of their own, and hold its memory until they are gone.
        let children = child_processes(self.process.id()).unwrap_or_default();
        // Nothing here can be answered for: whoever is gone already is as good as killed.
        let _ = kill_process_group(Pid::from_child(&self.process), Signal::KILL);
        for child in children.iter().filter_map(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process(child, Signal::KILL);
        }
        let _ = self.process.wait();
        eventually(GRACE, || children.iter().all(|id| !process_runs(*id)).then_some(()));
        self.call_off();
    }

    /// The same command in the same folder, after it was killed.
    pub(crate) fn spawn_again(&mut self) -> Result<()> {
        (self.process, self.watchdog) = watched(&mut self.command, self.stop, self.folder.path())?;
        Ok(())
    }

    /// One of its folders becomes a copy of another one.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.folder.path().join(from), self.folder.path().join(to));
        if to.exists() {
            fs::remove_dir_all(&to).context("the old copy stays")?;
        }
        tool::copy(&from, &to)
    }

    /// Ends the watchdog, which then leaves the folder alone.
    fn call_off(&mut self) {
        if let Some(mut pipe) = self.watchdog.stdin.take() {
            let _ = pipe.write_all(b"stopped\n");
        }
        let _ = self.watchdog.wait();
    }

    /// Waits until `ready` says so. A server that ends meanwhile, or takes longer than `limit`, is an error
    /// that carries the end of its log.
    pub(crate) fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let process = &mut self.process;
        let outcome = eventually(limit, || match process.try_wait() {
            Ok(None) => ready().then_some(Ok(())),
            Ok(Some(status)) => Some(Err(format!("it ended with {status}"))),
            Err(error) => Some(Err(error.to_string())),
        });
        let failure = match outcome {
            Some(Ok(())) => return Ok(()),
            Some(Err(failure)) => failure,
            None => format!("it was not ready within {} s", limit.as_secs()),
        };
        bail!("{failure}\n{}", self.last_lines())
    }

    /// The end of what it has printed.
    pub(crate) fn last_lines(&self) -> String {
        tool::last_lines(&fs::read_to_string(&self.log).unwrap_or_default(), tool::LINES)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    /// Nothing here can be answered for: whoever is gone already is as good as stopped.
    fn drop(&mut self) {
        let group = Pid::from_child(&self.process);
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = kill_process(group, self.stop.signal());
            eventually(GRACE, || self.process.try_wait().ok().flatten());
        }
        self.kill();
    }
}

/// Runs the command, and what stops it when we are gone.
fn watched(command: &mut Command, stop: StopWith, folder: &Path) -> Result<(Child, Child)> {
    let mut process =
        command.spawn().with_context(|| format!("{} cannot be run", command.get_program().display()))?;
    match watch(process.id(), stop, folder) {
        Ok(watchdog) => Ok((process, watchdog)),
        Err(error) => {
            process.kill()?;
            process.wait()?;
            Err(error)
        }
    }
}

/// The watchdog gets a group of its own, so that Ctrl-C in a terminal reaches us and not it.
fn watch(server: u32, stop: StopWith, folder: &Path) -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", WATCHDOG, "watchdog", &server.to_string(), stop.name()])
        .arg(folder)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("the watchdog cannot be run")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stays until it is told to go.
    fn a_server() -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "echo up; while :; do sleep 1; done"]);
        command
    }

    #[test]
    fn a_server_ends_and_its_folder_goes_with_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_path_buf();
        let server = Server::spawn(a_server(), folder, StopWith::Kill).unwrap();
        let process = Pid::from_child(&server.process);
        drop(server);
        assert!(rustix::process::test_kill_process(process).is_err(), "the process is gone");
        assert!(!path.exists());
    }

    #[test]
    fn a_server_whose_owner_died_is_stopped_and_its_folder_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = a_server().process_group(0).stdout(Stdio::null()).spawn().unwrap();
        let mut watchdog = watch(server.id(), StopWith::Kill, folder.path()).unwrap();
        drop(watchdog.stdin.take());
        assert!(!server.wait().unwrap().success(), "it was stopped from outside");
        assert!(watchdog.wait().is_ok());
        assert!(!folder.path().exists());
    }

    #[test]
    fn a_killed_server_comes_back_in_the_same_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_path_buf();
        let mut server = Server::spawn(a_server(), folder, StopWith::Kill).unwrap();
        let first = Pid::from_child(&server.process);
        fs::write(path.join("data"), "kept").unwrap();
        server.kill();
        assert!(rustix::process::test_kill_process(first).is_err(), "the process is gone");
        server.spawn_again().unwrap();
        assert!(rustix::process::test_kill_process(Pid::from_child(&server.process)).is_ok());
        assert_eq!(fs::read_to_string(path.join("data")).unwrap(), "kept");
        drop(server);
        assert!(!path.exists());
    }

    #[test]
    fn a_server_that_ends_early_says_why() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo the port is in use >&2; exit 1"]);
        let mut server = Server::spawn(command, tempfile::tempdir().unwrap(), StopWith::Kill).unwrap();
        let error = server.wait_until(Duration::from_mins(1), || false).unwrap_err().to_string();
        assert!(error.contains("the port is in use"), "{error}");
    }
}
