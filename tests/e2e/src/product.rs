//! Everything in one process, or the services alone.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use hexalpes_engines::{PulsarUrls, eventually, free_port, status_of};
use hexalpes_kernel::CloudEvent;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, Start};
use crate::{Api, PATIENCE, SmallDisk};

/// `hexalpes up`, or `hexalpes serve`, in a folder of its own, on free ports; gone with its value.
#[derive(Debug)]
pub struct Product {
    process: Process,
    urls: PulsarUrls,
    port: u16,
    /// What it listens on, by the flag that says so.
    ports: Vec<(&'static str, u16)>,
    api: Api,
    /// Where its data is, for us.
    data: PathBuf,
    is_on_server: bool,
    _folder: TempDir,
}

/// The ports of APIs, besides the first, and of the console.
const API_FLAGS: [&str; 9] = [
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

/// What is started, and where its data lies.
struct Choice<'a> {
    words: &'a [&'a str],
    urls: PulsarUrls,
    ports: Vec<(&'static str, u16)>,
    disk: Option<&'a SmallDisk>,
}

impl Product {
    /// On the embedded backbone.
    pub fn start() -> Self {
        Self::start_whole(None, Vec::new())
    }

    /// On the embedded backbone, with all of its data on this disk.
    pub fn start_in(disk: &SmallDisk) -> Self {
        Self::start_whole(Some(disk), Vec::new())
    }

    /// On the embedded backbone, with settings from the environment.
    pub fn start_set(environment: Vec<(&'static str, String)>) -> Self {
        Self::start_whole(None, environment)
    }

    /// On the embedded backbone, with nobody who publishes what happens, in files or on a server's databases.
    pub fn start_without_relay(database: Option<&str>) -> Self {
        let environment = database.map(|url| ("DATABASE_URL", url.to_owned()));
        Self::start_up(&["up", "--no-relay"], None, environment.into_iter().collect())
    }

    fn start_whole(disk: Option<&SmallDisk>, environment: Vec<(&'static str, String)>) -> Self {
        Self::start_up(&["up"], disk, environment)
    }

    fn start_up(words: &[&str], disk: Option<&SmallDisk>, environment: Vec<(&'static str, String)>) -> Self {
        let (protocol, admin) = (free_port(), free_port());
        let urls = PulsarUrls {
            service: format!("pulsar://127.0.0.1:{protocol}"),
            admin: format!("http://127.0.0.1:{admin}"),
        };
        let ports = vec![("--backbone-port", protocol), ("--admin-port", admin)];
        Self::start_with(Choice { words, urls, ports, disk }, environment)
    }

    /// `hexalpes serve` with every service, on a broker that somebody else runs: a split deployment.
    pub fn serve_on(urls: PulsarUrls) -> Self {
        let words = &["serve", "commissions", "notifications"];
        let environment = engine(&urls);
        Self::start_with(Choice { words, urls, ports: Vec::new(), disk: None }, environment)
    }

    /// The same with its sources in a server's database, where another process has them too: with its key.
    pub fn serve_sharing(urls: PulsarUrls, database: &str, other: Option<&Self>) -> Self {
        let words = &["serve", "commissions"];
        let mut environment = engine(&urls);
        environment.push(("SOURCES_DATABASE_URL", database.to_owned()));
        if let Some(other) = other {
            let key = other.data.join("secret.key").display().to_string();
            environment.push(("HEXALPES_SECRET_KEY_FILE", key));
        }
        Self::start_with(Choice { words, urls, ports: Vec::new(), disk: None }, environment)
    }

    /// One service, by its name in the environment, as containers have it, on a broker that somebody else runs.
    pub fn start_named(urls: PulsarUrls, service: &str) -> Self {
        let mut environment = engine(&urls);
        environment.push(("SERVICE_NAME", service.to_owned()));
        Self::start_with(Choice { words: &[], urls, ports: Vec::new(), disk: None }, environment)
    }

    /// The commissions alone, on a server's database, whose events stay in its outbox.
    pub fn serve_without_relay(urls: PulsarUrls, database: &str) -> Self {
        let words = &["serve", "commissions", "--no-relay"];
        let mut environment = engine(&urls);
        environment.push(("DATABASE_URL", database.to_owned()));
        Self::start_with(Choice { words, urls, ports: Vec::new(), disk: None }, environment)
    }

    /// The whole product on a server's databases, and on a broker that somebody else runs, or on its own.
    pub fn start_on_server(database: &str, pulsar: Option<PulsarUrls>) -> Self {
        let mut environment = vec![("DATABASE_URL", database.to_owned())];
        let Some(urls) = pulsar else { return Self::start_set(environment) };
        environment.extend(engine(&urls));
        Self::start_with(Choice { words: &["up"], urls, ports: Vec::new(), disk: None }, environment)
    }

    /// The commissions alone, on a server's database and a broker that somebody else runs: their relay reads its log.
    pub fn serve_from(urls: PulsarUrls, database: &str) -> Self {
        let mut environment = engine(&urls);
        environment.push(("COMMISSIONS_DATABASE_URL", database.to_owned()));
        Self::start_with(
            Choice { words: &["serve", "commissions"], urls, ports: Vec::new(), disk: None },
            environment,
        )
    }

    /// The services, on a broker that somebody else runs; without one, as [`start`](Self::start).
    pub fn start_on(pulsar: Option<PulsarUrls>) -> Self {
        let Some(urls) = pulsar else { return Self::start() };
        let environment = engine(&urls);
        Self::start_with(Choice { words: &["up"], urls, ports: Vec::new(), disk: None }, environment)
    }

    fn start_with(choice: Choice<'_>, environment: Vec<(&'static str, String)>) -> Self {
        let Choice { words, urls, mut ports, disk } = choice;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        ports.push(("--commissions-port", port));
        ports.extend(API_FLAGS.map(|flag| (flag, free_port())));
        let own = folder.path().join("data");
        let data = disk.map_or_else(|| own.clone(), |disk| disk.folder().join("data"));
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        arguments.extend(["--data".into(), data.into()]);
        for (flag, port) in &ports {
            arguments.extend([flag.into(), port.to_string().into()]);
        }
        let by = disk.map(SmallDisk::by).unwrap_or_default();
        let log = folder.path().join("product.log");
        let is_on_server = environment.iter().any(|(name, _)| *name == "DATABASE_URL");
        let process = Process::start(Start { by, arguments, environment, log });
        let data = disk.map_or(own, |disk| disk.seen().join("data"));
        let product =
            Self { process, urls, port, ports, api: Api::on_port(port), data, is_on_server, _folder: folder };
        product.await_ready();
        product
    }

    fn await_ready(&self) {
        let ready = || status_of(self.port, "/health").filter(|status| *status == 200);
        assert!(eventually(PATIENCE, ready).is_some(), "the product is not ready: {}", self.log());
    }

    /// kill −9; it stays away until [`restart`](Self::restart).
    pub fn kill(&mut self) {
        self.process.end(Signal::KILL);
    }

    /// The same folder and ports again.
    pub fn restart(&mut self) {
        self.process.restart();
        self.await_ready();
    }

    /// In its environment, from its next start on.
    pub fn set(&mut self, variable: &'static str, value: String) {
        self.process.set(variable, value);
    }

    /// Starts it and kills it while it is still at it, or just done: `looks` says how often one looks whether
    /// it is ready before it is too late.
    pub fn start_and_kill_at_once(&mut self, looks: usize) {
        self.process.restart();
        let mut looked = 0;
        let _ready = eventually(PATIENCE, || {
            looked += 1;
            (looked > looks).then_some(()).or_else(|| status_of(self.port, "/health").map(drop))
        });
        self.kill();
    }

    /// Ctrl-C; the exit code.
    pub fn interrupt(&mut self) -> Option<i32> {
        self.process.end(Signal::INT)
    }

    /// A polite kill; the exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.process.end(Signal::TERM)
    }

    /// Only asks it to end; [`ended`](Self::ended) waits for that.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for its end; the exit code.
    pub fn ended(&mut self) -> Option<i32> {
        self.process.ended()
    }

    /// Of the commission API.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port that was given by a flag such as `--affiliates-port`.
    pub fn port_of(&self, flag: &str) -> u16 {
        let found = self.ports.iter().find(|(known, _)| *known == flag);
        found.unwrap_or_else(|| panic!("{flag} was not given")).1
    }

    /// A client of another API of this product.
    pub fn api_at(&self, flag: &str) -> Api {
        Api::on_port(self.port_of(flag))
    }

    /// What tells a command where this product listens.
    pub fn port_flags(&self) -> Vec<String> {
        self.ports.iter().flat_map(|(flag, port)| [(*flag).to_owned(), port.to_string()]).collect()
    }

    /// Whether its databases are a server's.
    pub fn is_on_server(&self) -> bool {
        self.is_on_server
    }

    /// Where the broker is, whoever runs it.
    pub fn urls(&self) -> &PulsarUrls {
        &self.urls
    }

    /// A client of the commission API.
    pub fn api(&self) -> &Api {
        &self.api
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.api.post(path, body).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.api.get(path).await
    }

    /// The folder of everything that survives.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The lines of `events.jsonl`, as soon as there are so many.
    pub fn event_lines(&self, count: usize) -> Vec<CloudEvent> {
        let lines = eventually(PATIENCE, || {
            let text = fs::read_to_string(self.data().join("events.jsonl")).ok()?;
            (text.ends_with('\n') && text.lines().count() >= count).then_some(text)
        });
        let lines = lines.unwrap_or_else(|| panic!("no {count} lines in events.jsonl: {}", self.log()));
        lines.lines().map(|line| CloudEvent::parse(line.as_bytes()).expect("a line is an event")).collect()
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its resident memory in bytes; 0 while it does not run.
    pub fn memory(&self) -> u64 {
        self.process.memory()
    }

    /// The most that it was since it was started.
    pub fn memory_peak(&self) -> u64 {
        self.process.memory_peak()
    }
}

/// Where the engine is, as the product is told.
pub(crate) fn engine(urls: &PulsarUrls) -> Vec<(&'static str, String)> {
    vec![("PULSAR_BROKER_URL", urls.service.clone()), ("PULSAR_ADMIN_URL", urls.admin.clone())]
}
