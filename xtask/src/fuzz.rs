//! `cargo xtask fuzz`: builds the targets in `fuzz/` for libFuzzer, and lets each try what it can think of for a while.
//!
//! cargo-fuzz would do the same and more slowly: it wants a sanitizer for memory, and there is no unsafe code here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Only this target; they are the folders of `fuzz/corpus`
    target: Option<String>,
    /// How long each is fuzzed
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// How many at the same time; as many as there are processors if nothing is said
    #[arg(long)]
    jobs: Option<usize>,
}

/// Of what was compiled, which branches were taken and what was compared: by that libFuzzer finds its way.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";
/// An input that takes longer hangs.
const SECONDS_AN_INPUT: u64 = 20;
const MEGABYTES_MAX: u64 = 2048;

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let root = workspace::root()?;
    let corpus = root.join("fuzz/corpus");
    let mut targets: Vec<String> = fs::read_dir(&corpus)
        .with_context(|| format!("{} cannot be read", corpus.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    targets.sort();
    if let Some(wanted) = &options.target {
        ensure!(targets.contains(wanted), "there is no target {wanted}; they are {}", targets.join(", "));
        targets.retain(|target| target == wanted);
    }
    let scratch = workspace::target()?.join("fuzz");
    let host = host()?;
    build(&scratch, &host, options.target.as_deref())?;
    let programs = scratch.join(host).join("release");
    let jobs = options.jobs.or_else(|| thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let (next, failed) = (Mutex::new(targets.into_iter()), Mutex::new(false));
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(target) = next_of(&next) {
                    let fuzzed = fuzz(&programs, &scratch, &corpus.join(&target), &target, options.seconds);
                    match fuzzed {
                        Ok(line) => println!("{target:<12} {line}"),
                        Err(error) => {
                            println!("{target:<12} FAILED\n{error:#}");
                            *failed.lock().expect("nobody panics over it") = true;
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics over it");
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn next_of(targets: &Mutex<impl Iterator<Item = String>>) -> Option<String> {
    targets.lock().expect("nobody panics over it").next()
}

fn host() -> Result<String> {
    let asked = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output()?;
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc says its host")?;
    Ok(host.to_owned())
}

fn build(scratch: &Path, host: &str, target: Option<&str>) -> Result<()> {
    let mut build = workspace::cargo("build")?;
    // With a target named, build scripts are not compiled for coverage.
    build.args(["--manifest-path", "fuzz/Cargo.toml", "--release", "--target", host, "--target-dir"]);
    build.arg(scratch).env("RUSTFLAGS", COVERAGE);
    match target {
        Some(target) => build.args(["--bin", target]),
        None => build.arg("--bins"),
    };
    ensure!(build.status().context("cargo cannot be run")?.success(), "the targets cannot be built");
    Ok(())
}

/// Says what was done in one line, or what failed and how to see it again.
fn fuzz(programs: &Path, scratch: &Path, corpus: &Path, target: &str, seconds: u64) -> Result<String> {
    let found = scratch.join("corpus").join(target);
    let artifacts = scratch.join("artifacts");
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let program: PathBuf = programs.join(target);
    let output = Command::new(&program)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SECONDS_AN_INPUT}"))
        .arg(format!("-rss_limit_mb={MEGABYTES_MAX}"))
        .arg(format!("-artifact_prefix={}/{target}-", artifacts.display()))
        .args([&found, corpus])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be run", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let lines: Vec<&str> = said.lines().collect();
        let end = lines[lines.len().saturating_sub(60)..].join("\n");
        bail!("{end}\nagain: {} FILE", program.display());
    }
    let done = said.lines().rfind(|line| line.contains("DONE")).unwrap_or("DONE");
    Ok(done.split_whitespace().collect::<Vec<_>>().join(" "))
}
