//! A real Apache Pulsar, standalone.
//!
//! The distribution comes from Maven's repositories once, is kept in the user's cache folder, and is unpacked
//! there. Each start writes its own configuration and keeps its data in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cache::{Lock, appear, cache_folder};
use crate::given::BRIEF_JVM;
use crate::server::{Server, StopWith};
use crate::{Absent, child_processes, debezium, free_port, status_of, tool};

/// The version that everything here was measured against.
pub const PULSAR_VERSION: &str = "4.0.8";

const READY_WITHIN: Duration = Duration::from_mins(2);
const MEMORY: &str = "-Xms512m -Xmx1g -XX:MaxDirectMemorySize=1g";

/// A Pulsar with one broker and one bookie whose journal syncs every write.
#[derive(Debug)]
pub struct Pulsar {
    service_port: u16,
    admin_port: u16,
    server: Server,
}

impl Pulsar {
    /// Downloads and unpacks what [`Pulsar::start`] needs, if it is not there yet. Takes a minute once.
    pub fn prepare() -> Result<(), Absent> {
        distribution().map(drop).map_err(|error| Absent::because("Pulsar", &error))
    }

    pub fn start() -> Result<Self, Absent> {
        start(None, None).map_err(|error| Absent::because("Pulsar", &error))
    }

    /// Starts in two thirds of the time and with half of the work, for whoever measures nothing: see [`BRIEF_JVM`].
    pub fn start_brief() -> Result<Self, Absent> {
        start(None, Some(BRIEF_JVM)).map_err(|error| Absent::because("Pulsar", &error))
    }

    /// With Debezium's connectors for MySQL and PostgreSQL, which are brought if they are not there yet (200 MB once). A
    /// source that is made of one runs in a JVM of its own.
    pub fn start_with_debezium() -> Result<Self, Absent> {
        debezium::connectors()
            .and_then(|connectors| start(Some(&connectors), None))
            .map_err(|error| Absent::because("Debezium", &error))
    }

    /// One of the distribution's own programs: `pulsar-admin`, `pulsar-client`, `pulsar-perf`.
    pub fn program(name: &str) -> Result<Command, Absent> {
        let home = distribution().map_err(|error| Absent::because("Pulsar", &error))?;
        Ok(Command::new(home.join("bin").join(name)))
    }

    /// Runs `pulsar-admin` against this one, and gives what it prints.
    pub fn admin(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Self::program("pulsar-admin")?;
        tool::run(command.args(["--admin-url", &self.admin_url()]).args(arguments))
    }

    /// What `PULSAR_BROKER_URL` takes.
    pub fn service_url(&self) -> String {
        format!("pulsar://127.0.0.1:{}", self.service_port)
    }

    /// What `PULSAR_ADMIN_URL` takes.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// The JVM, for whoever wants to measure or hurt it.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// kill −9. Its data stays, for [`start_again`](Self::start_again).
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// At the same address and with the same data, after it was killed.
    pub fn start_again(&mut self) -> Result<()> {
        self.server.spawn_again()?;
        let admin_port = self.admin_port;
        self.server.wait_until(READY_WITHIN, || is_ready(admin_port))
    }

    /// The JVMs of its sources, as long as they run.
    pub fn source_process_ids(&self) -> Result<Vec<u32>> {
        child_processes(self.process_id())
    }
}

/// Without `connectors` nobody can make sources or functions; without `options` the JVM collects and compiles as Pulsar's own
/// script says.
fn start(connectors: Option<&Path>, options: Option<&str>) -> Result<Pulsar> {
    tool::find(&["java"])?;
    let home = distribution()?;
    let folder = tempfile::Builder::new().prefix("hexalpes-pulsar-").tempdir()?;
    let (service_port, admin_port, bookie_port) = (free_port(), free_port(), free_port());
    let settings = [
        ("brokerServicePort", service_port.to_string()),
        ("webServicePort", admin_port.to_string()),
        ("bindAddress", "127.0.0.1".to_owned()),
        ("advertisedAddress", "127.0.0.1".to_owned()),
        ("journalSyncData", "true".to_owned()),
        ("narExtractionDirectory", folder.path().display().to_string()),
    ];
    let configuration = folder.path().join("standalone.conf");
    configure(&home.join("conf/standalone.conf"), "=", &settings, &configuration)?;

    let mut command = Command::new(home.join("bin/pulsar"));
    command.args(["standalone", "-nss", "--bookkeeper-port", &bookie_port.to_string()]);
    match connectors {
        None => {
            command.arg("-nfw");
        }
        Some(connectors) => {
            let worker = debezium::worker(&home, folder.path(), connectors)?;
            command.arg("-fwc").arg(&worker).env("PULSAR_WORKER_CONF", &worker);
        }
    }
    command.arg("--config").arg(&configuration);
    command.arg("--metadata-dir").arg(folder.path().join("metadata"));
    command.arg("--bookkeeper-dir").arg(folder.path().join("bookkeeper"));
    command.current_dir(folder.path());
    command.env("PULSAR_STANDALONE_CONF", &configuration);
    command.env("PULSAR_MEM", MEMORY).env("PULSAR_LOG_DIR", folder.path().join("logs"));
    command.env("PULSAR_LOG_APPENDER", "Console").envs(options.map(|options| ("PULSAR_GC", options)));
    let mut server = Server::spawn(command, folder, StopWith::Kill)?;
    server.wait_until(READY_WITHIN, || {
        is_ready(admin_port)
            && (connectors.is_none() || status_of(admin_port, "/admin/v2/worker/cluster") == Some(200))
    })?;
    Ok(Pulsar { service_port, admin_port, server })
}

fn is_ready(admin_port: u16) -> bool {
    status_of(admin_port, "/admin/v2/brokers/health") == Some(200)
        && status_of(admin_port, "/admin/v2/namespaces/public/default") == Some(200)
}

/// Writes a configuration of the distribution with some of its values replaced, which stand behind `sign`.
pub(crate) fn configure(
    original: &Path,
    sign: &str,
    settings: &[(&str, String)],
    configuration: &Path,
) -> Result<()> {
    let name = original.file_name().unwrap_or_default().display().to_string();
    let text = fs::read_to_string(original).with_context(|| name.clone())?;
    fs::write(configuration, configured(&text, &name, sign, settings)?).context(name)
}

/// A key that is not there is an error: a setting that Pulsar ignores would go unseen.
fn configured(original: &str, name: &str, sign: &str, settings: &[(&str, String)]) -> Result<String> {
    let mut lines: Vec<String> = original.lines().map(str::to_owned).collect();
    for (key, value) in settings {
        let line = lines
            .iter_mut()
            .find(|line| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(sign)));
        let line = line.with_context(|| format!("{name} has no setting {key}"))?;
        let indent = line.len() - line.trim_start().len();
        *line = format!("{}{key}{sign}{value}", &line[..indent]);
    }
    Ok(lines.join("\n") + "\n")
}

/// The unpacked distribution.
fn distribution() -> Result<PathBuf> {
    let cache = cache_folder("pulsar")?;
    let home = cache.join(format!("apache-pulsar-{PULSAR_VERSION}"));
    let _lock = Lock::of(&cache)?;
    if !home.is_dir() {
        unpack(&archive(&cache)?, &home)?;
    }
    Ok(home)
}

/// The archive, downloaded if it is not there yet. It appears under its name when it is whole.
fn archive(cache: &Path) -> Result<PathBuf> {
    let name = format!("pulsar-server-distribution-{PULSAR_VERSION}-bin.tar.gz");
    let archive = cache.join(&name);
    if archive.is_file() {
        return Ok(archive);
    }
    let artifact = format!("org.apache.pulsar:pulsar-server-distribution:{PULSAR_VERSION}:tar.gz:bin");
    copied_by_maven(&artifact, &name, &archive)?;
    Ok(archive)
}

/// Has Maven bring an artifact, whose file it calls `name`. It appears under its path when it is whole.
pub(crate) fn copied_by_maven(artifact: &str, name: &str, path: &Path) -> Result<()> {
    let maven = tool::find(&["mvn"]).context("it is not in the cache, and Maven would bring it")?;
    appear(path, |arriving| {
        let mut copy = Command::new(maven);
        copy.args(["-q", "-B", "dependency:copy"]).arg(format!("-Dartifact={artifact}"));
        copy.arg(format!("-DoutputDirectory={}", arriving.display())).current_dir(arriving);
        tool::run(&mut copy)?;
        Ok(arriving.join(name))
    })
    .context("Maven brought no archive")
}

fn unpack(archive: &Path, home: &Path) -> Result<()> {
    let name = home.file_name().context("the distribution has a name")?;
    appear(home, |arriving| {
        tool::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(arriving))?;
        let unpacked = arriving.join(name);
        ensure!(unpacked.is_dir(), "{} holds no {}", archive.display(), name.display());
        Ok(unpacked)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_replaces_its_line_and_no_other() {
        let original = "# journalSyncData=no\njournalSyncData=false\njournalSyncDataX=1\n";
        let changed = configured(original, "a", "=", &[("journalSyncData", "true".to_owned())]).unwrap();
        assert_eq!(changed, "# journalSyncData=no\njournalSyncData=true\njournalSyncDataX=1\n");
    }

    #[test]
    fn a_setting_that_pulsar_does_not_know_is_refused() {
        let error = configured("a=1\n", "standalone.conf", "=", &[("b", "2".to_owned())]).unwrap_err();
        assert_eq!(error.to_string(), "standalone.conf has no setting b");
    }

    #[test]
    fn a_setting_stays_as_deep_as_it_was() {
        let changed = configured("a:\n    b: 1\n", "yml", ": ", &[("b", "2".to_owned())]).unwrap();
        assert_eq!(changed, "a:\n    b: 2\n");
    }
}
