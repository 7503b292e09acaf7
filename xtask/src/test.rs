//! `cargo xtask test`: every test against every engine.
//!
//! The engines start while the workspace compiles, once, and reach the test binaries by environment
//! variables. An engine that this machine cannot have is named at the end; in CI (`CI=true`) that is a
//! failure.

use std::env;
use std::io::{BufRead, BufReader};
use std::mem;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use hexalpes_engines::{
    Absent, DatabaseServer, Debezium, Go, MariaDb, MySql, Postgres, Pulsar, Python, child_processes, variable,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{memory, packages, workspace};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the tests whose names contain this
    filter: Option<String>,
    /// Run only the tests of these packages
    #[arg(short, long)]
    package: Vec<String>,
}

/// A test binary that says nothing for so long hangs, and the others are still to come.
const SILENCE_MAX: Duration = Duration::from_mins(10);

/// How many tests of a binary run at once.
const THREADS: &str = "RUST_TEST_THREADS";

/// What could be started, and why the rest could not.
#[derive(Default)]
struct Engines {
    postgres: Option<DatabaseServer>,
    mariadb: Option<DatabaseServer>,
    mysql: Option<DatabaseServer>,
    pulsar: Option<Pulsar>,
    debezium: Option<Debezium>,
    python: Option<Python>,
    go: Option<Go>,
    absent: Vec<Absent>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    packages::install_missing();
    let root = workspace::root()?;
    let memory = memory::folder()?;
    let starting = thread::spawn(move || Engines::start(&root));
    let began = Instant::now();
    let built = build(options)?;
    let building = began.elapsed();
    let engines = starting.join().expect("starting an engine does not panic");
    if !built {
        return Ok(ExitCode::FAILURE);
    }
    // While a disk still takes what the compiler wrote, a sync of a test's takes seconds.
    rustix::fs::sync();
    let began = Instant::now();
    let mut totals = Totals::default();
    let mut succeeded = true;
    for &kind in kinds(options) {
        succeeded &= tests(options, kind, &engines, memory.as_ref().map(TempDir::path), &mut totals)?;
    }
    let testing = began.elapsed();
    print!("{}", totals.failures);
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
    if !succeeded && totals.failed == 0 {
        println!("a test binary ended without a result; what it said is behind the last `Running` above");
    }
    println!("built in {} s, tested in {} s", building.as_secs(), testing.as_secs());
    println!("{} passed, {} failed", totals.passed, totals.failed);
    Ok(if succeeded && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Half as many again as there are processors, for a test often waits for a server: of two processors a fifth was idle.
fn threads() -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors + processors.div_ceil(2)
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

/// What `cargo test` is asked for in turn. Asked for everything at once it would build the examples too, which nobody runs here.
/// A single package may have no library, whose documentation it could be asked for.
fn kinds(options: &Options) -> &'static [Option<&'static str>] {
    if options.package.is_empty() { &[Some("--tests"), Some("--doc")] } else { &[None] }
}

fn tests(
    options: &Options,
    kind: Option<&str>,
    engines: &Engines,
    temporary: Option<&Path>,
    totals: &mut Totals,
) -> Result<bool> {
    let mut command = cargo("test", options)?;
    command.arg("--no-fail-fast").args(kind).args(&options.filter).stdout(Stdio::piped());
    if env::var_os(THREADS).is_none() {
        command.env(THREADS, threads().to_string());
    }
    for (name, value) in engines.variables() {
        command.env(name, value);
    }
    if let Some(temporary) = temporary {
        command.env("TMPDIR", temporary);
    }
    let mut running = command.spawn().context("cargo cannot be run")?;
    let output = running.stdout.take().context("its output is ours")?;
    let (say, said) = mpsc::channel();
    thread::spawn(move || BufReader::new(output).split(b'\n').try_for_each(|line| say.send(line)));
    loop {
        match said.recv_timeout(SILENCE_MAX) {
            Ok(line) => {
                let line = line?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                totals.add(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            // What a test left behind has the output still.
            Err(RecvTimeoutError::Timeout) if running.try_wait()?.is_some() => break,
            Err(RecvTimeoutError::Timeout) => {
                totals.hang();
                for binary in child_processes(running.id())? {
                    let binary = i32::try_from(binary).ok().and_then(Pid::from_raw).context("a process")?;
                    // It may have ended meanwhile.
                    let _ = kill_process(binary, Signal::KILL);
                }
            }
        }
    }
    Ok(running.wait()?.success())
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
    fn start(checkout: &Path) -> Self {
        let mut engines = Self::default();
        thread::scope(|scope| {
            let pulsar = scope.spawn(Pulsar::start_brief);
            let python = scope.spawn(Python::prepare);
            let go = scope.spawn(|| Go::prepare(checkout));
            let debezium = scope.spawn(Debezium::prepare);
            // No test cuts the power, and a disk that others keep busy makes a synced commit take seconds.
            let mysql = scope.spawn(MySql::start_unsynced);
            engines.postgres = engines.keep(Postgres::start_unsynced());
            engines.mariadb = engines.keep(MariaDb::start_unsynced());
            engines.mysql = engines.keep(mysql.join().expect("starting does not panic"));
            engines.python = engines.keep(python.join().expect("preparing does not panic"));
            engines.go = engines.keep(go.join().expect("preparing does not panic"));
            engines.debezium = engines.keep(debezium.join().expect("preparing does not panic"));
            engines.pulsar = engines.keep(pulsar.join().expect("starting does not panic"));
        });
        engines
    }

    fn keep<T>(&mut self, started: Result<T, Absent>) -> Option<T> {
        started.map_err(|absent| self.absent.push(absent)).ok()
    }

    /// What the test binaries read. An absent engine's variable is empty, whatever our own environment says.
    fn variables(&self) -> [(&'static str, String); 9] {
        let python = self.python.as_ref().map(|python| python.interpreter().display().to_string());
        let debezium = self.debezium.as_ref().map(|debezium| debezium.connectors().display().to_string());
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
            (variable::DEBEZIUM, debezium),
            (variable::PYTHON, python),
            (variable::GO, go),
        ]
        .map(|(name, value)| (name, value.unwrap_or_default()))
    }
}

/// The sum over all test binaries.
#[derive(Default)]
struct Totals {
    passed: u64,
    failed: u64,
    /// What each test that failed printed, to be said once more where all others are past: who reads only the end of it
    /// knows why.
    failures: String,
    /// Between the line that begins a failed test's output and the list of their names.
    lines_left: usize,
    /// Tests of the binary that runs, of which nothing was heard but that they take long.
    slow: Vec<String>,
}

/// What a test binary says of a test that it still waits for.
const SLOW: &str = " has been running for over 60 seconds";

/// The reason is among the first lines of a failed test's output.
const LINES_A_FAILURE: usize = 40;

impl Totals {
    /// Each binary ends with `test result: ok. 14 passed; 0 failed; 0 ignored; …`; before it comes the output of those that
    /// failed, each after `---- its::name stdout ----`, and then their names after `failures:`.
    fn add(&mut self, line: &str) {
        if line.starts_with("---- ") && line.ends_with(" stdout ----") {
            self.lines_left = LINES_A_FAILURE;
        } else if line == "failures:" {
            self.lines_left = 0;
        }
        if self.lines_left > 0 {
            self.lines_left -= 1;
            self.failures.push_str(line);
            self.failures.push('\n');
        }
        if let Some(test) = line.strip_prefix("test ") {
            if let Some(test) = test.strip_suffix(SLOW) {
                self.slow.push(test.to_owned());
            } else if let Some((test, _)) = test.split_once(" ... ") {
                self.slow.retain(|slow| slow != test);
            }
        }
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

    /// The binary that runs is ended, and with it the tests that it waits for.
    fn hang(&mut self) {
        let hung = mem::take(&mut self.slow);
        self.failed += hung.len().max(1) as u64;
        let minutes = SILENCE_MAX.as_secs() / 60;
        let told =
            format!("nothing was heard of a test binary for {minutes} minutes, and it was ended amid: ");
        self.failures.extend([&*told, &*hung.join(", "), "\n"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals<'a>(lines: impl IntoIterator<Item = &'a str>) -> Totals {
        let mut totals = Totals::default();
        lines.into_iter().for_each(|line| totals.add(line));
        totals
    }

    #[test]
    fn the_results_of_all_binaries_are_summed() {
        let totals = totals([
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "test result: FAILED. 7 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2s",
            "a test may print: test result: ok. 100 passed; 0 failed",
        ]);
        assert_eq!((totals.passed, totals.failed), (9, 3));
        assert_eq!(totals.failures, "");
    }

    #[test]
    fn what_failed_tests_printed_is_kept_for_the_end() {
        let long = vec!["a line of a log"; 2 * LINES_A_FAILURE];
        let first =
            ["test a::b ... FAILED", "failures:", "", "---- a::b stdout ----", "panicked at here", ""];
        let last = ["failures:", "    a::b", "    c", "test result: FAILED. 0 passed; 2 failed; 0 ignored"];
        let lines = first.into_iter().chain(["---- c stdout ----"]).chain(long).chain(last);
        let totals = totals(lines);
        assert_eq!(totals.failed, 2);
        let kept: Vec<&str> = totals.failures.lines().collect();
        assert_eq!(kept[..3], ["---- a::b stdout ----", "panicked at here", ""]);
        assert_eq!(kept.len(), 3 + LINES_A_FAILURE);
        assert!(!totals.failures.contains("    a::b"));
    }

    #[test]
    fn a_binary_that_hangs_is_told_with_the_tests_that_it_waited_for() {
        let mut totals = totals([
            "test a::b has been running for over 60 seconds",
            "test c has been running for over 60 seconds",
            "test c ... ok",
        ]);
        totals.hang();
        assert_eq!(totals.failed, 1);
        assert!(totals.failures.ends_with("ended amid: a::b\n"), "{}", totals.failures);
        totals.hang();
        assert_eq!(totals.failed, 2);
    }
}
