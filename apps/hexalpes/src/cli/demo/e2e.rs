//! `hexalpes demo e2e`: named cases against the running product, each with its outcome.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use tokio::time::Instant;

use super::super::{apis::now, output::line};
use super::{
    cases::{CASES, World},
    progress::Progress,
    report,
};
use crate::settings::Settings;

/// `e2e_test_report.json`.
#[derive(Serialize)]
struct Report {
    version: u32,
    product_version: &'static str,
    started_at: String,
    duration_ms: u128,
    total: usize,
    passed: usize,
    failed: usize,
    cases: Vec<Outcome>,
}

#[derive(Serialize)]
struct Outcome {
    name: &'static str,
    about: &'static str,
    passed: bool,
    duration_ms: u128,
    /// Why it failed.
    error: Option<String>,
}

pub(super) async fn run(settings: &Settings, file: &Path) -> Result<()> {
    let (started_at, begun) = (now(), Instant::now());
    let mut world = World::open(settings).await?;
    let progress = Progress::begin("end to end", CASES.len() as u64)?;
    let mut cases = Vec::new();
    for (name, about, case) in CASES {
        let begun = Instant::now();
        let error = world.run(case).await.err().map(|error| format!("{error:#}"));
        let duration_ms = begun.elapsed().as_millis();
        progress.tell(&match &error {
            None => format!("ok      {name} ({duration_ms} ms)"),
            Some(why) => format!("FAILED  {name}: {why}"),
        })?;
        cases.push(Outcome { name, about, passed: error.is_none(), duration_ms, error });
    }
    progress.end();
    world.close().await;
    let passed = cases.iter().filter(|case| case.passed).count();
    let (total, failed) = (cases.len(), cases.len() - passed);
    let report = Report {
        version: report::VERSION,
        product_version: env!("CARGO_PKG_VERSION"),
        started_at,
        duration_ms: begun.elapsed().as_millis(),
        total,
        passed,
        failed,
        cases,
    };
    line(&format!("{passed} of {total} cases passed"))?;
    report::write(file, &report)?;
    if failed > 0 {
        bail!("{failed} of {total} cases failed; {} says why", file.display());
    }
    Ok(())
}
