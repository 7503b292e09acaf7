//! `cargo xtask prepare`: what takes long and needs a network, ahead of the tests.

use std::process::ExitCode;
use std::thread;

use anyhow::Result;
use hexalpes_engines::{Debezium, Go, MySql, Pulsar, Python};

use crate::{packages, workspace};

/// Fails when something could not be had; what could be had is there all the same.
pub(crate) fn run() -> Result<ExitCode> {
    packages::install_missing();
    let root = workspace::root()?;
    let (pulsar, debezium, mysql, python, go) = thread::scope(|scope| {
        let pulsar = scope.spawn(Pulsar::prepare);
        let debezium = scope.spawn(Debezium::prepare);
        let mysql = scope.spawn(MySql::prepare);
        let go = scope.spawn(|| Go::prepare(&root));
        let python = Python::prepare();
        let joined = "preparing does not panic";
        let (pulsar, debezium) = (pulsar.join().expect(joined), debezium.join().expect(joined));
        (pulsar, debezium, mysql.join().expect(joined), python, go.join().expect(joined))
    });
    let absent = [pulsar.err(), debezium.err(), mysql.err(), python.err(), go.err()];
    let absent: Vec<_> = absent.into_iter().flatten().collect();
    for absent in &absent {
        println!("{absent}");
    }
    Ok(if absent.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
