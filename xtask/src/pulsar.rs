//! `cargo xtask pulsar`: a real Pulsar for a look around, on ports of its own.
//!
//! The process that started it holds a lock on a file that names it, for as long as Pulsar runs: so a file
//! that nobody holds is left over, and a process id is never taken for another's.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use hexalpes_engines::{Pulsar, cache_folder, eventually};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Longer than Pulsar may take to start, a first download not counted.
const STARTED_WITHIN: Duration = Duration::from_mins(15);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start it and print the lines to export; it runs until Ctrl-C
    Start {
        /// Leave it running in the background, until `stop`
        #[arg(long)]
        detach: bool,
    },
    /// Stop the one that runs
    Stop,
    /// Say whether one runs, and where
    Status,
    /// Run Pulsar's own pulsar-admin against the one that runs
    Admin {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// The one that runs: who owns it, and what to export.
struct Running {
    owner: i32,
    service_url: String,
    admin_url: String,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Start { detach: true } => start_detached(),
        Command::Start { detach: false } => start(),
        Command::Stop => stop(),
        Command::Status => status(),
        Command::Admin { arguments } => admin(&arguments),
    }
}

fn start() -> Result<ExitCode> {
    let path = file()?;
    let mut file = File::options().create(true).write(true).truncate(false).open(&path)?;
    match file.try_lock() {
        Ok(()) => file.set_len(0)?,
        Err(TryLockError::WouldBlock) => bail!("one runs already: cargo xtask pulsar status"),
        Err(TryLockError::Error(error)) => {
            return Err(error).context("the file that names it cannot be locked");
        }
    }
    let pulsar = Pulsar::start()?;
    let named = json!({
        "owner": process::id(),
        "service_url": pulsar.service_url(),
        "admin_url": pulsar.admin_url(),
    });
    file.write_all(named.to_string().as_bytes())?;
    print_exports(&pulsar.service_url(), &pulsar.admin_url());
    println!("# running until Ctrl-C");
    // A signal ends us; whatever ends us, the watchdog beside Pulsar stops it.
    loop {
        thread::park();
    }
}

fn start_detached() -> Result<ExitCode> {
    ensure!(running()?.is_none(), "one runs already: cargo xtask pulsar status");
    let log = file()?.with_extension("log");
    let output = File::create(&log).context("the log cannot be made")?;
    let mut owner = process::Command::new(env::current_exe()?)
        .args(["pulsar", "start"])
        .process_group(0)
        .stdin(Stdio::null())
        .stderr(output.try_clone()?)
        .stdout(output)
        .spawn()?;
    let started = eventually(STARTED_WITHIN, || match (owner.try_wait(), running()) {
        (Ok(None), Ok(None)) => None,
        (_, running) => Some(running),
    });
    match started {
        Some(Ok(Some(running))) => {
            print_exports(&running.service_url, &running.admin_url);
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("it did not start\n{}", fs::read_to_string(&log)?),
    }
}

fn stop() -> Result<ExitCode> {
    let Some(running) = running()? else {
        println!("none runs");
        return Ok(ExitCode::SUCCESS);
    };
    let owner = Pid::from_raw(running.owner).context("the owner has a process id")?;
    kill_process(owner, Signal::TERM).context("the owner cannot be told")?;
    let (_, address) = running.service_url.split_once("://").context("a URL has a scheme")?;
    let gone = eventually(STOPPED_WITHIN, || std::net::TcpStream::connect(address).is_err().then_some(()));
    gone.context("it still answers")?;
    println!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Exit code 1 where none runs, so that scripts can ask.
fn status() -> Result<ExitCode> {
    let running = running()?;
    if let Some(running) = &running {
        print_exports(&running.service_url, &running.admin_url);
    } else {
        println!("none runs");
    }
    Ok(if running.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn admin(arguments: &[String]) -> Result<ExitCode> {
    let running = running()?.context("none runs: cargo xtask pulsar start")?;
    let mut command = Pulsar::program("pulsar-admin")?;
    let status = command.args(["--admin-url", &running.admin_url]).args(arguments).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn running() -> Result<Option<Running>> {
    let path = file()?;
    let Ok(file) = File::open(&path) else { return Ok(None) };
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return Ok(None);
    }
    let text = fs::read_to_string(&path)?;
    // Empty while it starts.
    Ok(serde_json::from_str::<Value>(&text).ok().and_then(|named| {
        Some(Running {
            owner: named["owner"].as_i64()?.try_into().ok()?,
            service_url: named["service_url"].as_str()?.to_owned(),
            admin_url: named["admin_url"].as_str()?.to_owned(),
        })
    }))
}

fn file() -> Result<PathBuf> {
    Ok(cache_folder("pulsar")?.join("running.json"))
}

fn print_exports(service_url: &str, admin_url: &str) {
    println!("export PULSAR_BROKER_URL={service_url}");
    println!("export PULSAR_ADMIN_URL={admin_url}");
}
