//! Everything in one process.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use hexalpes_engines::{PulsarUrls, eventually, free_port, status_of};
use hexalpes_kernel::CloudEvent;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::Process;
use crate::{Api, PATIENCE};

/// `hexalpes up` in a folder of its own, on free ports; gone with its value.
#[derive(Debug)]
pub struct Product {
    process: Process,
    urls: PulsarUrls,
    port: u16,
    /// What it listens on, by the flag that says so.
    ports: Vec<(&'static str, u16)>,
    api: Api,
    folder: TempDir,
}

impl Product {
    /// On the embedded backbone.
    pub fn start() -> Self {
        let (protocol, admin) = (free_port(), free_port());
        let urls = PulsarUrls {
            service: format!("pulsar://127.0.0.1:{protocol}"),
            admin: format!("http://127.0.0.1:{admin}"),
        };
        let ports = vec![("--backbone-port", protocol), ("--admin-port", admin)];
        Self::start_with(urls, ports, Vec::new())
    }

    /// The services, on a broker that somebody else runs; without one, as [`start`](Self::start).
    pub fn start_on(pulsar: Option<PulsarUrls>) -> Self {
        let Some(urls) = pulsar else { return Self::start() };
        let environment =
            vec![("PULSAR_BROKER_URL", urls.service.clone()), ("PULSAR_ADMIN_URL", urls.admin.clone())];
        Self::start_with(urls, Vec::new(), environment)
    }

    fn start_with(
        urls: PulsarUrls,
        mut ports: Vec<(&'static str, u16)>,
        environment: Vec<(&'static str, String)>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        ports.push(("--commissions-port", port));
        let mut arguments: Vec<OsString> =
            vec!["up".into(), "--data".into(), folder.path().join("data").into()];
        for (flag, port) in &ports {
            arguments.extend([flag.into(), port.to_string().into()]);
        }
        let process = Process::start(arguments, environment, folder.path().join("product.log"));
        let product = Self { process, urls, port, ports, api: Api::on_port(port), folder };
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

    /// What tells a command where this product listens.
    pub fn port_flags(&self) -> Vec<String> {
        self.ports.iter().flat_map(|(flag, port)| [(*flag).to_owned(), port.to_string()]).collect()
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
        self.folder.path().join("data")
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
}
