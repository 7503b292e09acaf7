//! The command line. Flags win over the environment.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{backbone, up};

#[derive(Parser)]
#[command(name = "hexalpes", version, about = "A partner-program platform on an event backbone")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// What is logged: a level, or directives such as `warn,hexalpes_broker=debug`
    #[arg(long, global = true, env = "HEXALPES_LOG", default_value = "warn")]
    log: String,
}

#[derive(Subcommand)]
enum Command {
    /// Backbone, relay and every service in one process (the default)
    Up(Places),
    /// The backbone alone: a Pulsar-compatible broker
    Backbone(Places),
}

/// Where data lies and which ports are taken; everything listens on loopback.
#[derive(Args, Clone)]
pub(crate) struct Places {
    /// Folder of everything that must survive
    #[arg(long, env = "HEXALPES_DATA", default_value = "data")]
    pub(crate) data: PathBuf,
    /// Pulsar's binary protocol
    #[arg(long, env = "HEXALPES_BACKBONE_PORT", default_value_t = 6650)]
    pub(crate) backbone_port: u16,
    /// Pulsar's Admin REST
    #[arg(long, env = "HEXALPES_ADMIN_PORT", default_value_t = 8080)]
    pub(crate) admin_port: u16,
    /// The commission API
    #[arg(long, env = "COMMISSIONS_PORT", default_value_t = 5001)]
    pub(crate) commissions_port: u16,
    /// A Pulsar cluster to use instead of the embedded backbone; takes `PULSAR_ADMIN_URL` too
    #[arg(long, env = "PULSAR_BROKER_URL", requires = "pulsar_admin_url")]
    pub(crate) pulsar_broker_url: Option<String>,
    #[arg(long, env = "PULSAR_ADMIN_URL", requires = "pulsar_broker_url")]
    pub(crate) pulsar_admin_url: Option<String>,
}

impl Cli {
    pub(crate) fn run(self) -> Result<()> {
        hexalpes_telemetry::init(&self.log, false)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let stop = stop_on_signal()?;
            match self.command {
                Some(Command::Backbone(places)) => backbone::alone(&places, stop).await,
                Some(Command::Up(places)) => up::up(&places, stop).await,
                None => up::up(&Places::of_environment(), stop).await,
            }
        })
    }
}

impl Places {
    /// What `up` takes when nothing is said.
    fn of_environment() -> Self {
        #[derive(Parser)]
        struct Only {
            #[command(flatten)]
            places: Places,
        }
        Only::parse_from(["hexalpes"]).places
    }
}

/// Cancelled by Ctrl-C or a polite kill.
fn stop_on_signal() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stopping.cancel();
    });
    Ok(stop)
}
