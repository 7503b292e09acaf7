//! Debezium's connectors for Pulsar, what runs one, and Pulsar's settings for sources.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cache::{Lock, cache_folder};
use crate::given::BRIEF_JVM;
use crate::pulsar::{PULSAR_VERSION, configure, copied_by_maven};
use crate::server::{Server, StopWith};
use crate::{Absent, Engine, Pulsar, process_runs};

const MEMORY: &str = "-Xms128m -Xmx512m";

/// Debezium's connectors, as Pulsar has them: archives in a folder.
#[derive(Debug, Clone)]
pub struct Debezium {
    connectors: PathBuf,
}

/// A source of theirs that runs, in a JVM of its own; gone with its value.
#[derive(Debug)]
pub struct DebeziumSource {
    server: Server,
}

impl Debezium {
    /// Brings the connectors, if they are not there yet: 200 MB once.
    pub fn prepare() -> Result<Self, Absent> {
        let connectors = connectors().map_err(|error| Absent::because("Debezium", &error))?;
        Ok(Self { connectors })
    }

    pub(crate) fn at(connectors: PathBuf) -> Self {
        Self { connectors }
    }

    /// The folder that Pulsar's workers take connectors from.
    pub fn connectors(&self) -> &Path {
        &self.connectors
    }

    /// What reads an engine's databases; none for SQLite. The newest for Pulsar, 1.9.7, asks MySQL for its place in the log
    /// by a statement that MySQL has not had since 8.4.
    pub fn archive(&self, engine: Engine) -> Option<PathBuf> {
        let connector = match engine {
            Engine::MariaDb => CONNECTORS[0],
            Engine::Postgres => CONNECTORS[1],
            Engine::Sqlite | Engine::MySql => return None,
        };
        Some(self.connectors.join(format!("{connector}-{PULSAR_VERSION}.nar")))
    }

    /// Runs a source beside a broker, as `pulsar-admin sources localrun` does. Its configuration is JSON as `pulsar-admin
    /// sources create` takes it, and names the archive.
    pub fn run(&self, config: &str, service_url: &str, admin_url: &str) -> Result<DebeziumSource> {
        let folder = tempfile::Builder::new().prefix("hexalpes-debezium-").tempdir()?;
        let mut command = Pulsar::program("function-localrunner").map_err(anyhow::Error::new)?;
        command.args(["--sourceConfig", config, "--runtime", "THREAD"]);
        command.args(["--brokerServiceUrl", service_url, "--webServiceUrl", admin_url]);
        // Archives are unpacked into Java's own temporary folder.
        let temporary = format!("-Djava.io.tmpdir={}", folder.path().display());
        command.env("PULSAR_EXTRA_OPTS", temporary).env("PULSAR_MEM", MEMORY).env("PULSAR_GC", BRIEF_JVM);
        command.env("PULSAR_LOG_DIR", folder.path().join("logs")).env("PULSAR_LOG_APPENDER", "Console");
        Ok(DebeziumSource { server: Server::spawn(command, folder, StopWith::Kill)? })
    }
}

impl DebeziumSource {
    /// Not any more where it cannot do what it was told.
    pub fn runs(&self) -> bool {
        process_runs(self.server.id())
    }

    /// The end of what it has printed.
    pub fn last_lines(&self) -> String {
        self.server.last_lines()
    }
}

const CONNECTORS: [&str; 2] = ["pulsar-io-debezium-mysql", "pulsar-io-debezium-postgres"];

/// The folder of the connectors' archives. What is published as a jar is the archive.
pub(crate) fn connectors() -> Result<PathBuf> {
    let cache = cache_folder("debezium")?;
    let folder = cache.join(PULSAR_VERSION);
    fs::create_dir_all(&folder).context("the connectors' folder cannot be made")?;
    let _lock = Lock::of(&cache)?;
    for connector in CONNECTORS {
        let archive = folder.join(format!("{connector}-{PULSAR_VERSION}.nar"));
        if !archive.is_file() {
            let artifact = format!("org.apache.pulsar:{connector}:{PULSAR_VERSION}:jar");
            let name = format!("{connector}-{PULSAR_VERSION}.jar");
            copied_by_maven(&artifact, &name, &archive)?;
        }
    }
    Ok(folder)
}

/// Writes what runs sources is told, and says where. It takes the broker's addresses from the broker's own settings.
pub(crate) fn worker(home: &Path, folder: &Path, connectors: &Path) -> Result<PathBuf> {
    let within = |name: &str| folder.join(name).display().to_string();
    let settings = [
        ("connectorsDirectory", connectors.display().to_string()),
        ("downloadDirectory", within("download")),
        ("logDirectory", within("logs")),
    ];
    let configuration = folder.join("functions_worker.yml");
    configure(&home.join("conf/functions_worker.yml"), ": ", &settings, &configuration)?;
    Ok(configuration)
}
