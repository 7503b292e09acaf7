//! The backbone alone, as a split deployment has it.

use std::ffi::OsString;
use std::path::Path;

use hexalpes_engines::{PulsarUrls, eventually, free_port, status_of};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, Start};
use crate::{PATIENCE, SmallDisk};

/// `hexalpes backbone` in a folder of its own, on free ports; gone with its value.
#[derive(Debug)]
pub struct Backbone {
    process: Process,
    protocol_port: u16,
    admin_port: u16,
    /// What its health answers once it is ready.
    health: u16,
    _folder: TempDir,
}

impl Backbone {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        Self::start_with(Vec::new(), &data, folder, &[])
    }

    /// With settings besides.
    pub fn start_with_flags(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        Self::start_with(Vec::new(), &data, folder, flags)
    }

    /// With settings by which its health is told to nobody without a token.
    pub fn start_guarded(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        Self::spawn(Vec::new(), &data, folder, flags).once_it_answers(401)
    }

    /// Its data on this disk.
    pub fn start_on(disk: &SmallDisk) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self::start_with(disk.by(), &disk.folder().join("data"), folder, &[])
    }

    fn start_with(by: Vec<OsString>, data: &Path, folder: TempDir, flags: &[&str]) -> Self {
        Self::spawn(by, data, folder, flags).once_it_answers(200)
    }

    fn spawn(by: Vec<OsString>, data: &Path, folder: TempDir, flags: &[&str]) -> Self {
        let (protocol_port, admin_port) = (free_port(), free_port());
        let mut arguments: Vec<OsString> = vec![
            "backbone".into(),
            "--data".into(),
            data.into(),
            "--backbone-port".into(),
            protocol_port.to_string().into(),
            "--admin-port".into(),
            admin_port.to_string().into(),
        ];
        arguments.extend(flags.iter().map(OsString::from));
        let log = folder.path().join("backbone.log");
        let process = Process::start(Start { by, arguments, environment: Vec::new(), log });
        Self { process, protocol_port, admin_port, health: 200, _folder: folder }
    }

    /// Where services find it: what `PULSAR_BROKER_URL` and `PULSAR_ADMIN_URL` say.
    pub fn urls(&self) -> PulsarUrls {
        PulsarUrls {
            service: format!("pulsar://127.0.0.1:{}", self.protocol_port),
            admin: format!("http://127.0.0.1:{}", self.admin_port),
        }
    }

    /// All that it ever printed.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// kill −9; it stays away until [`restart`](Self::restart).
    pub fn kill(&mut self) {
        self.process.end(Signal::KILL);
    }

    /// Ctrl-C; the exit code. It stays away until [`restart`](Self::restart).
    pub fn interrupt(&mut self) -> Option<i32> {
        self.process.end(Signal::INT)
    }

    /// A polite kill; the exit code. It stays away until [`restart`](Self::restart).
    pub fn terminate(&mut self) -> Option<i32> {
        self.process.end(Signal::TERM)
    }

    /// The same folder and ports again.
    pub fn restart(&mut self) {
        self.process.restart();
        self.await_ready();
    }

    fn once_it_answers(mut self, health: u16) -> Self {
        self.health = health;
        self.await_ready();
        self
    }

    fn await_ready(&self) {
        let health =
            || status_of(self.admin_port, "/admin/v2/brokers/health").filter(|status| *status == self.health);
        assert!(eventually(PATIENCE, health).is_some(), "the backbone is not ready: {}", self.process.log());
    }
}
