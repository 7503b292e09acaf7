//! The product's release build in a process and a folder of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hexalpes_engines::{eventually, free_port, status_of};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const READY_WITHIN: Duration = Duration::from_secs(30);
const PORTS: [&str; 12] = [
    "--backbone-port",
    "--admin-port",
    "--commissions-port",
    "--partners-port",
    "--affiliates-port",
    "--conversions-port",
    "--marketing-port",
    "--campaigns-port",
    "--recruitment-port",
    "--analytics-port",
    "--notifications-port",
    "--console-port",
];
/// Linux counts the time of processes in hundredths for everybody, whatever its own clock does.
const TICKS_A_SECOND: f64 = 100.0;
/// After its start a process has things to do that an idle one has not.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Gone with its value, and with Ctrl-C, for it is in our process group.
#[derive(Debug)]
pub(crate) struct Process {
    /// As it was started, for it to be started again.
    command: Command,
    child: Child,
    folder: TempDir,
    /// By the flags that say them.
    ports: [(&'static str, u16); 12],
    pub(crate) started: Instant,
}

impl Process {
    /// Starts `hexalpes backbone` or `hexalpes up`, and does not wait for anything.
    pub(crate) fn start(command: &str) -> Result<Self> {
        Self::start_set(&[command], &[])
    }

    /// The same with more to say, and settings from the environment.
    pub(crate) fn start_set(words: &[&str], environment: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hexalpes-bench-").tempdir()?;
        let ports = PORTS.map(|flag| (flag, free_port()));
        let log = File::create(folder.path().join("log"))?;
        let program = program()?;
        let mut command = Command::new(&program);
        command
            .args(words)
            .args(flags(&ports, folder.path()))
            .env_remove("PULSAR_BROKER_URL")
            .env_remove("PULSAR_ADMIN_URL")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be run", program.display()))?;
        Ok(Self { command, child, folder, ports, started })
    }

    /// The same again in the same folder, after [`end`](Self::end).
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.started = Instant::now();
        self.child = self.command.spawn()?;
        Ok(())
    }

    /// Runs a command that asks this process, and gives what it prints.
    pub(crate) fn ask(&self, words: &[&str]) -> Result<String> {
        let asked =
            Command::new(program()?).args(words).args(flags(&self.ports, self.folder.path())).output()?;
        let [said, complaint] = [&asked.stdout, &asked.stderr].map(|text| String::from_utf8_lossy(text));
        ensure!(asked.status.success(), "{words:?}: {said}{complaint}");
        Ok(said.into_owned())
    }

    /// The port that a flag says.
    pub(crate) fn port(&self, flag: &str) -> u16 {
        self.ports.iter().find(|(known, _)| *known == flag).map_or(0, |(_, port)| *port)
    }

    /// The file of a service's database.
    pub(crate) fn database_file(&self, service: &str) -> PathBuf {
        data(self.folder.path()).join(format!("{service}.db"))
    }

    /// Waits until a health check says 200, and says how long that took from the start on.
    pub(crate) fn ready(&mut self, port: u16, path: &str) -> Result<Duration> {
        let ready = eventually(READY_WITHIN, || match self.child.try_wait() {
            Ok(None) => (status_of(port, path) == Some(200)).then_some(true),
            _ => Some(false),
        });
        let took = self.started.elapsed();
        ensure!(ready == Some(true), "it did not start: {}", self.log());
        Ok(took)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn events_file(&self) -> PathBuf {
        data(self.folder.path()).join("events.jsonl")
    }

    pub(crate) fn service_url(&self) -> String {
        format!("pulsar://127.0.0.1:{}", self.port("--backbone-port"))
    }

    pub(crate) fn admin_port(&self) -> u16 {
        self.port("--admin-port")
    }

    pub(crate) fn api_port(&self) -> u16 {
        self.port("--commissions-port")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn idle_megabytes(&self) -> Result<f64> {
        settled_megabytes(self.id())
    }

    /// A polite stop; an error if it did not end well.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    /// The same, for it to be [started again](Self::start_again).
    pub(crate) fn end(&mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        match self.child.wait()? {
            status if status.success() => Ok(()),
            status => bail!("it ended with {status}: {}", self.log()),
        }
    }
}

impl Drop for Process {
    /// Whoever has ended already is as good as killed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The resident memory of a process that has had the time to settle.
pub(crate) fn settled_megabytes(id: u32) -> Result<f64> {
    eventually(SETTLED_AFTER, || None::<()>);
    resident_megabytes(id)
}

/// The resident memory of a process.
pub(crate) fn resident_megabytes(id: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).context("this needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("a process has memory")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}

/// What a process has used of the cores, all of its threads together, and those that it started and that have ended.
pub(crate) fn cpu_seconds(id: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).context("this needs Linux")?;
    // The program's name stands in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("a process has a name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // Its own in user and system mode, and those of the ended, likewise.
    let used = fields.get(11..15).context("a process has used some")?;
    let ticks = used.iter().map(|ticks| ticks.parse::<f64>()).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS_A_SECOND)
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn flags(ports: &[(&'static str, u16)], folder: &Path) -> Vec<OsString> {
    let mut flags = vec!["--data".into(), data(folder).into()];
    flags.extend(ports.iter().flat_map(|(flag, port)| [(*flag).into(), port.to_string().into()]));
    flags
}

/// `hexalpes`, beside us.
fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let program = here.parent().unwrap_or(Path::new(".")).join("hexalpes");
    ensure!(program.is_file(), "{} is not built: use cargo xtask bench", program.display());
    Ok(program)
}
