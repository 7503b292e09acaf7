//! The whole product as a user starts it: the binary, its ports, its files.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hexalpes_engines::{PulsarUrls, eventually, free_port, program, status_of};
use hexalpes_kernel::CloudEvent;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// `hexalpes up` in a folder of its own, on free ports; gone with its value.
#[derive(Debug)]
pub struct Product {
    folder: TempDir,
    ports: [u16; 3],
    pulsar: Option<(String, String)>,
    process: Child,
    http: reqwest::Client,
}

impl Product {
    /// On the embedded backbone.
    pub fn start() -> Self {
        Self::start_on(None)
    }

    /// On a real Pulsar, if one is given.
    pub fn start_on(pulsar: Option<PulsarUrls>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let ports = [free_port(), free_port(), free_port()];
        let pulsar = pulsar.map(|urls| (urls.service, urls.admin));
        let process = spawn(&folder, ports, pulsar.as_ref());
        // One TLS provider for the process; that another test has set it is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let product = Self { folder, ports, pulsar, process, http: one_connection_each() };
        product.await_ready();
        product
    }

    fn await_ready(&self) {
        let ready =
            eventually(PATIENCE, || status_of(self.ports[2], "/health").filter(|status| *status == 200));
        assert!(ready.is_some(), "the product is not ready: {}", self.log());
    }

    /// kill −9, and the same folder and ports again.
    pub fn crash_and_restart(&mut self) {
        self.kill(Signal::KILL);
        self.process = spawn(&self.folder, self.ports, self.pulsar.as_ref());
        self.await_ready();
    }

    /// Ctrl-C; the exit code.
    pub fn interrupt(&mut self) -> Option<i32> {
        self.kill(Signal::INT)
    }

    fn kill(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.process), signal).expect("the product runs");
        self.process.wait().expect("the product can be waited for").code()
    }

    pub fn service_url(&self) -> String {
        match &self.pulsar {
            Some((service, _)) => service.clone(),
            None => format!("pulsar://127.0.0.1:{}", self.ports[0]),
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(self.url(path)).json(body);
        answer(request.send().await.expect("the product answers")).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.http.get(self.url(path)).send().await.expect("the product answers")).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[2])
    }

    /// The lines of `events.jsonl`, as soon as there are so many.
    pub fn event_lines(&self, count: usize) -> Vec<CloudEvent> {
        let file = self.folder.path().join("data/events.jsonl");
        let lines = eventually(PATIENCE, || {
            let text = fs::read_to_string(&file).ok()?;
            (text.ends_with('\n') && text.lines().count() >= count).then_some(text)
        });
        let lines = lines.unwrap_or_else(|| panic!("no {count} lines in events.jsonl: {}", self.log()));
        lines.lines().map(|line| CloudEvent::parse(line.as_bytes()).expect("a line is an event")).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(log_of(&self.folder)).unwrap_or_default()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn log_of(folder: &TempDir) -> PathBuf {
    folder.path().join("product.log")
}

fn spawn(folder: &TempDir, ports: [u16; 3], pulsar: Option<&(String, String)>) -> Child {
    let log =
        fs::File::options().create(true).append(true).open(log_of(folder)).expect("the log can be written");
    let errors = log.try_clone().expect("the log can be written");
    let mut command = Command::new(program("hexalpes"));
    command.arg("up").arg("--data").arg(folder.path().join("data"));
    for (flag, port) in ["--backbone-port", "--admin-port", "--commissions-port"].into_iter().zip(ports) {
        command.arg(flag).arg(port.to_string());
    }
    command.env_remove("PULSAR_BROKER_URL").env_remove("PULSAR_ADMIN_URL");
    if let Some((service, admin)) = pulsar {
        command.env("PULSAR_BROKER_URL", service).env("PULSAR_ADMIN_URL", admin);
    }
    command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("the product starts")
}

async fn answer(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.expect("every answer is JSON"))
}

/// A connection a request: one that was kept open would be found dead after a crash.
fn one_connection_each() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("the client has nothing unusual")
}

/// Sends many commands at once from one product; see the tests.
pub async fn calculate_all(product: &Arc<Product>, conversions: Vec<String>) {
    let posts: Vec<_> = conversions
        .into_iter()
        .map(|conversion| {
            let product = Arc::clone(product);
            tokio::spawn(
                async move { product.post("/commissions/calculate", &calculation(&conversion)).await },
            )
        })
        .collect();
    for post in posts {
        let (status, body) = post.await.expect("a post does not panic");
        assert_eq!(status, 201, "{body}");
    }
}

/// The seed's body, for a conversion of its own.
pub fn calculation(conversion: &str) -> Value {
    serde_json::json!({
        "conversionId": conversion, "affiliateId": "aff-1", "campaignId": "cmp-1",
        "grossAmount": 120.5, "currency": "USD",
    })
}
