//! `cargo xtask prepare`: what takes long and needs a network, ahead of the tests.

use std::process::ExitCode;
use std::thread;

use anyhow::Result;
use hexalpes_engines::{Go, MySql, Pulsar, Python};

use crate::{packages, workspace};

/// Fails when something could not be had; what could be had is there all the same.
pub(crate) fn run() -> Result<ExitCode> {
    packages::install_missing();
    let root = workspace::root()?;
    let (pulsar, mysql, python, go) = thread::scope(|scope| {
        let pulsar = scope.spawn(Pulsar::prepare);
        let mysql = scope.spawn(MySql::prepare);
        let go = scope.spawn(|| Go::prepare(&root));
        let python = Python::prepare();
        let joined = "preparing does not panic";
        let (pulsar, mysql) = (pulsar.join().expect(joined), mysql.join().expect(joined));
        (pulsar, mysql, python, go.join().expect(joined))
    });
    let absent: Vec<_> = [pulsar.err(), mysql.err(), python.err(), go.err()].into_iter().flatten().collect();
    for absent in &absent {
        println!("{absent}");
    }
    Ok(if absent.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
