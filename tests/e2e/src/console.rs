//! The admin UI in a process of its own, as a container has it.

use std::ffi::OsString;

use hexalpes_engines::{PulsarUrls, eventually, free_port, status_of};
use tempfile::TempDir;

use crate::PATIENCE;
use crate::process::{Process, Start};
use crate::product::engine;

/// `SERVICE_NAME=pulsar-manager hexalpes` on a free port; gone with its value.
#[derive(Debug)]
pub struct Console {
    _process: Process,
    port: u16,
    _folder: TempDir,
}

impl Console {
    /// Of a broker that somebody else runs, and of the services that are named: `onboarding=http://127.0.0.1:1234,…`.
    pub fn start(urls: &PulsarUrls, services: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let mut environment = engine(urls);
        environment.extend([
            ("SERVICE_NAME", "pulsar-manager".to_owned()),
            ("SERVICE_PORT", port.to_string()),
            ("HEXALPES_CONSOLE_SERVICES", services.to_owned()),
        ]);
        let data: OsString = folder.path().join("data").into();
        let log = folder.path().join("console.log");
        let start = Start { by: Vec::new(), arguments: vec!["--data".into(), data], environment, log };
        let process = Process::start(start);
        let ready = || status_of(port, "/health/live").filter(|status| *status == 200);
        assert!(eventually(PATIENCE, ready).is_some(), "the console is not ready: {}", process.log());
        Self { _process: process, port, _folder: folder }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}
