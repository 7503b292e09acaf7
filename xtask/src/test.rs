//! `cargo xtask test`: every test against every engine.
//!
//! The engines start while the workspace compiles, once, and reach the test binaries by environment
//! variables. An engine that this machine cannot have is named at the end; in CI (`CI=true`) that is a
//! failure.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use hexalpes_engines::{Absent, DatabaseServer, Go, MariaDb, MySql, Postgres, Pulsar, Python, variable};

use crate::{packages, workspace};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the tests whose names contain this
    filter: Option<String>,
    /// Run only the tests of these packages
    #[arg(short, long)]
    package: Vec<String>,
}

/// What could be started, and why the rest could not.
#[derive(Default)]
struct Engines {
    postgres: Option<DatabaseServer>,
    mariadb: Option<DatabaseServer>,
    mysql: Option<DatabaseServer>,
    pulsar: Option<Pulsar>,
    python: Option<Python>,
    go: Option<Go>,
    absent: Vec<Absent>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    packages::install_missing();
    let starting = thread::spawn(Engines::start);
    let built = build(options)?;
    let engines = starting.join().expect("starting an engine does not panic");
    if !built {
        return Ok(ExitCode::FAILURE);
    }
    // While a disk still takes what the compiler wrote, a sync of a test's takes seconds.
    rustix::fs::sync();
    let (succeeded, totals) = tests(options, &engines)?;
    for absent in &engines.absent {
        println!("{absent}");
    }
    if !engines.absent.is_empty() {
        println!("a test that wants one of these alone passed without showing anything");
    }
    let complete = engines.absent.is_empty() || !in_ci();
    if !complete {
        println!("in CI every engine must be there");
    }
    println!("{} passed, {} failed", totals.passed, totals.failed);
    Ok(if succeeded && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// The binaries too: end-to-end tests run them. With the tests' own flags, so that nothing is compiled twice.
fn build(options: &Options) -> Result<bool> {
    let mut command = cargo("build", options)?;
    command.args(["--bins", "--tests"]);
    Ok(command.status().context("cargo cannot be run")?.success())
}

fn tests(options: &Options, engines: &Engines) -> Result<(bool, Totals)> {
    let mut command = cargo("test", options)?;
    command.arg("--no-fail-fast").args(&options.filter).stdout(Stdio::piped());
    for (name, value) in engines.variables() {
        command.env(name, value);
    }
    let mut running = command.spawn().context("cargo cannot be run")?;
    let output = running.stdout.take().context("its output is ours")?;
    let mut totals = Totals::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        totals.add(&line);
    }
    Ok((running.wait()?.success(), totals))
}

fn cargo(subcommand: &str, options: &Options) -> Result<Command> {
    let mut command = workspace::cargo(subcommand)?;
    if options.package.is_empty() {
        command.arg("--workspace");
    }
    for package in &options.package {
        command.args(["--package", package]);
    }
    Ok(command)
}

impl Engines {
    fn start() -> Self {
        let mut engines = Self::default();
        thread::scope(|scope| {
            let pulsar = scope.spawn(Pulsar::start);
            let python = scope.spawn(Python::prepare);
            let go = scope.spawn(Go::prepare);
            // No test cuts the power, and a disk that others keep busy makes a synced commit take seconds.
            let mysql = scope.spawn(MySql::start_unsynced);
            engines.postgres = engines.keep(Postgres::start());
            engines.mariadb = engines.keep(MariaDb::start_unsynced());
            engines.mysql = engines.keep(mysql.join().expect("starting does not panic"));
            engines.python = engines.keep(python.join().expect("preparing does not panic"));
            engines.go = engines.keep(go.join().expect("preparing does not panic"));
            engines.pulsar = engines.keep(pulsar.join().expect("starting does not panic"));
        });
        engines
    }

    fn keep<T>(&mut self, started: Result<T, Absent>) -> Option<T> {
        started.map_err(|absent| self.absent.push(absent)).ok()
    }

    /// What the test binaries read. An absent engine's variable is empty, whatever our own environment says.
    fn variables(&self) -> [(&'static str, String); 8] {
        let python = self.python.as_ref().map(|python| python.interpreter().display().to_string());
        let go = self.go.as_ref().map(|go| go.program().display().to_string());
        let servers = [&self.postgres, &self.mariadb, &self.mysql];
        let killable: Vec<String> = servers.into_iter().flatten().map(|it| it.engine().to_string()).collect();
        [
            (variable::POSTGRES_URL, self.postgres.as_ref().map(DatabaseServer::url)),
            (variable::MARIADB_URL, self.mariadb.as_ref().map(DatabaseServer::url)),
            (variable::MYSQL_URL, self.mysql.as_ref().map(DatabaseServer::url)),
            (variable::KILLABLE, Some(killable.join(","))),
            (variable::PULSAR_URL, self.pulsar.as_ref().map(Pulsar::service_url)),
            (variable::PULSAR_ADMIN_URL, self.pulsar.as_ref().map(Pulsar::admin_url)),
            (variable::PYTHON, python),
            (variable::GO, go),
        ]
        .map(|(name, value)| (name, value.unwrap_or_default()))
    }
}

/// The sum over all test binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
}

impl Totals {
    /// Each binary ends with `test result: ok. 14 passed; 0 failed; 0 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, what)| (number.parse::<u64>(), what)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_binaries_are_summed() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test result: FAILED. 7 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2s",
            "a test may print: test result: ok. 100 passed; 0 failed",
        ] {
            totals.add(line);
        }
        assert_eq!(totals, Totals { passed: 9, failed: 3 });
    }
}
