//! A split deployment: a backbone, and each service of HexaBuilders in a process of its own.

use std::ffi::OsString;

use hexalpes_engines::{eventually, free_port, status_of};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, Start};
use crate::product::engine;
use crate::{Backbone, Journey, PATIENCE};

/// The services by their names, and the flags of their ports.
const SERVICES: [(&str, &str); 4] = [
    ("partner-management", "--partners-port"),
    ("onboarding", "--onboarding-port"),
    ("recruitment", "--recruitment-port"),
    ("campaign-management", "--campaigns-port"),
];

/// All of them, gone with the value.
#[derive(Debug)]
pub struct Fleet {
    pub backbone: Backbone,
    services: Vec<(u16, Process)>,
    _folder: TempDir,
}

impl Fleet {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let backbone = Backbone::start();
        let urls = backbone.urls();
        let start = |(name, flag): (&'static str, &'static str)| {
            let port = free_port();
            let data = folder.path().join(name);
            let arguments: Vec<OsString> = vec![
                "serve".into(),
                name.into(),
                "--data".into(),
                data.into(),
                flag.into(),
                port.to_string().into(),
            ];
            let environment = engine(&urls);
            let log = folder.path().join(format!("{name}.log"));
            (port, Process::start(Start { by: Vec::new(), arguments, environment, log }))
        };
        let services = SERVICES.map(start).into();
        let fleet = Self { backbone, services, _folder: folder };
        for at in 0..SERVICES.len() {
            fleet.await_ready(at);
        }
        fleet
    }

    /// How many services there are.
    pub fn size(&self) -> usize {
        self.services.len()
    }

    fn await_ready(&self, at: usize) {
        let (port, process) = &self.services[at];
        let ready = || status_of(*port, "/health").filter(|status| *status == 200);
        assert!(eventually(PATIENCE, ready).is_some(), "{} is not ready: {}", SERVICES[at].0, process.log());
    }

    /// kill −9 for one of them, and the same again.
    pub fn kill_and_restart(&mut self, at: usize) {
        let (_, process) = &mut self.services[at];
        process.end(Signal::KILL);
        process.restart();
        self.await_ready(at);
    }

    pub fn journey(&self, correlation: &str) -> Journey {
        let ports: Vec<u16> = self.services.iter().map(|(port, _)| *port).collect();
        Journey::on_ports(ports.try_into().expect("there are four"), correlation)
    }

    /// All that they ever printed.
    pub fn log(&self) -> String {
        self.services.iter().map(|(_, process)| process.log()).collect()
    }
}
