//! What an outbox's rows take from the database to the topic: our relay, and beside it a real Debezium on a real Pulsar
//! that reads the same tables of the same server.
//!
//! Each relay has its broker beside it, so four processes share the cores with the database: ours are `hexalpes serve
//! commissions` and `hexalpes backbone`, the others a connector's JVM and Pulsar's. Ours publishes each row to three
//! topics, Debezium to one. Rows are what a command of the product writes, multiplied.

mod counter;
mod debezium;
mod drain;
mod latency;
mod ours;
mod rows;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hexalpes_engines::{DatabaseServer, Engine, Pulsar, TestDatabase, database_server};
use tokio::runtime::Runtime;

use crate::Options;
use crate::disk;
use crate::report::{Aim, Line, Report};
use crate::stats::{Latencies, median};
use debezium::Debezium;
use drain::Drained;
use ours::Ours;
use rows::Rows;

const ENGINES: [Engine; 4] = [Engine::Sqlite, Engine::Postgres, Engine::MariaDb, Engine::MySql];
/// Debezium's rows a second, and the time of a commit until its delivery.
const DRAIN_RATIO: f64 = 5.0;
const P50_MS: f64 = 5.0;
const P50_MS_ON_SQLITE: f64 = 2.0;
/// Whatever waits to be published.
const MEMORY_MB: f64 = 100.0;
const DISK_SPAN: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub(crate) struct Settings {
    /// Rows that wait when a relay starts
    #[arg(long, default_value_t = 1_000_000)]
    rows: u32,
}

/// `--only` takes those databases alone whose names contain it, in small letters.
pub(crate) fn measure(runtime: &Runtime, options: &Options, settings: &Settings) -> Result<Report> {
    let mut report = Report::new("from the outbox to the topic, beside Debezium 1.9.7");
    report.add(Line::new("bare write + fdatasync on this disk", "/s", disk::bare(DISK_SPAN)?.per_second));
    let only = options.only.as_deref();
    let wanted = ENGINES.into_iter().filter(|engine| {
        let name = engine.to_string().to_lowercase();
        only.is_none_or(|only| name.contains(only))
    });
    let wanted: Vec<Engine> = wanted.collect();
    ensure!(!wanted.is_empty(), "--only names none of: {ENGINES:?}");
    for engine in wanted {
        match database_server(engine) {
            Ok(server) => on(runtime, options, settings, engine, server.as_ref(), &mut report)?,
            Err(absent) => eprintln!("{absent}"),
        }
    }
    Ok(report)
}

fn on(
    runtime: &Runtime,
    options: &Options,
    settings: &Settings,
    engine: Engine,
    server: Option<&DatabaseServer>,
    report: &mut Report,
) -> Result<()> {
    let database = server.map(|server| TestDatabase::on_server(engine, &server.url()));
    let mut ours = Ours::start(database.as_ref())?;
    runtime.block_on(ours.write_the_first())?;
    let rows = Rows::like_the_first(runtime, database, ours.database_url())?;
    let pulsar = if options.alone || !Debezium::reads(engine) { None } else { Some(started()?) };
    let theirs = match (&pulsar, rows.database()) {
        (Some(pulsar), Some(database)) => Some(Debezium::start(pulsar, database)?),
        _ => None,
    };

    let (mut shown, mut beside) = (Vec::new(), Vec::new());
    let process = server.map(DatabaseServer::process_id);
    for _ in 0..options.rounds {
        // Neither runs meanwhile: both find all of them waiting, one after the other.
        eprintln!("writing {} rows on {engine}", settings.rows);
        rows.fill(runtime, settings.rows)?;
        rustix::fs::sync();
        process.map_or(Ok(()), drain::wait_until_it_rests)?;
        eprintln!("draining them");
        shown.push(ours.drain(settings.rows, process).inspect(|drained| drained.tell("ours"))?);
        if let Some(theirs) = &theirs {
            let drained = theirs.drain(settings.rows, process);
            beside.push(drained.inspect(|drained| drained.tell("Debezium"))?);
        }
    }
    report_drain(engine, &shown, &beside, report);

    for (per_second, span) in latency::RATES {
        eprintln!("{per_second} commits/s on {engine}");
        let real = theirs.as_ref().map(|theirs| runtime.block_on(theirs.latencies(&rows, per_second, span)));
        let real = real.transpose()?;
        let measured = runtime.block_on(ours.latencies(&rows, per_second, span))?;
        report_latencies(engine, per_second, &measured, real.as_ref(), report);
    }
    Ok(())
}

/// Debezium and its Pulsar, which a run that is not `--alone` wants.
fn started() -> Result<Pulsar> {
    Pulsar::start_with_debezium().context("use --alone to do without it")
}

fn report_drain(engine: Engine, shown: &[Drained], beside: &[Drained], report: &mut Report) {
    let of = |all: &[Drained], what: fn(&Drained) -> f64| {
        (!all.is_empty()).then(|| median(all.iter().map(what).collect()))
    };
    let mut line = |name: &str, unit, what: fn(&Drained) -> f64, aim| {
        let ours = of(shown, what).unwrap_or_default();
        report.add(Line::new(format!("{engine}: {name}"), unit, ours).beside(of(beside, what)).aim(aim));
    };
    line("rows to the topic", "/s", |one| one.rate, Some(Aim::RatioAtLeast(DRAIN_RATIO)));
    line("CPU of relay and broker for 100,000 rows", "s", |one| one.cpu_seconds, None);
    line("CPU of the database for 100,000 rows", "s", |one| one.database_cpu_seconds, None);
    line("the relay's memory at most", "MB", |one| one.relay_megabytes, Some(Aim::AtMost(MEMORY_MB)));
    line("the broker's memory at most", "MB", |one| one.broker_megabytes, None);
}

fn report_latencies(
    engine: Engine,
    per_second: u32,
    ours: &Latencies,
    real: Option<&Latencies>,
    report: &mut Report,
) {
    let aim = if engine == Engine::Sqlite { P50_MS_ON_SQLITE } else { P50_MS };
    for (percent, aim) in [(50, Some(Aim::AtMost(aim))), (99, None)] {
        let name = format!("{engine}: commit to delivery, {per_second}/s, p{percent}");
        let line = Line::new(name, "ms", ours.percentile_ms(percent));
        report.add(line.beside(real.map(|real| real.percentile_ms(percent))).aim(aim));
    }
}
