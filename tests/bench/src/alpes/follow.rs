//! What follows from a conversion while everything runs: its commission, soon and always.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::time::interval;

use super::{CONVERSIONS, PATH, PATIENCE, affiliate, conversion, id};
use crate::load::{Pace, keep_busy};
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::request::Connection;
use crate::stats::Latencies;

const CONNECTIONS: u32 = 64;
/// Conversions a second, and whether they are what is aimed at.
const SUSTAINED: [(u32, bool); 3] = [(1_500, true), (2_500, false), (4_000, false)];
const SUSTAINED_FOR: Duration = Duration::from_secs(20);
/// Offered rates are met to the last tick or so.
const RATE_MISSED: f64 = 0.99;
/// Whoever keeps up has little left to do at the end.
const BEHIND_SECONDS: f64 = 1.0;
const READABLE_AT: [u32; 2] = [100, 500];
const READABLE_MS: f64 = 20.0;
/// At which rate it has the aim.
const READABLE_AIM_AT: u32 = 500;
/// So many commissions a second are looked for: looking is work too.
const LOOKED_FOR: u32 = 50;
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// Rounds of this are of so long.
const READABLE_FOR: Duration = Duration::from_secs(6);

/// At each rate for a while, then how far behind the commissions are, and whether all agrees.
pub(super) fn sustained(runtime: &Runtime, report: &mut Report) -> Result<()> {
    for (rate, is_aim) in SUSTAINED {
        let mut product = Process::start("up")?;
        product.ready(product.api_port(), "/health")?;
        let (load, behind) = runtime.block_on(async {
            let affiliate = affiliate(&product).await?;
            let opened = connections(&product, CONNECTIONS).await?;
            let last = RefCell::new(String::new());
            let body = conversion(&affiliate).to_string();
            let record = async |connection: &mut Connection| {
                let request = connection.request("POST", PATH, &body);
                connection.create(&request).await?;
                *last.borrow_mut() = recorded(connection)?;
                Ok(())
            };
            let pace = Pace::together(Duration::from_secs(1) * CONNECTIONS / rate);
            let load = keep_busy(opened, Some(pace), SUSTAINED_FOR, record).await?;
            let since = Instant::now();
            awaited(&product, &[last.into_inner()]).await?;
            anyhow::Ok((load, since.elapsed()))
        })?;
        let what = format!("{rate}/s for {} s", SUSTAINED_FOR.as_secs());
        let aim = |aim| is_aim.then_some(aim);
        let offered = f64::from(rate) * RATE_MISSED;
        report.add(Line::new(format!("{what}: recorded"), "/s", load.rate).aim(aim(Aim::AtLeast(offered))));
        report.add(Line::new(format!("{what}: answered, p99"), "ms", load.latencies.percentile_ms(99)));
        report.add(
            Line::new(format!("{what}: commissions behind at the end"), "s", behind.as_secs_f64())
                .aim(aim(Aim::AtMost(BEHIND_SECONDS))),
        );
        let since = Instant::now();
        // It ends badly if anything differs.
        let rows: Value =
            serde_json::from_str(&product.ask(&["reconcile", "-o", "json", "--patience", "60"])?)?;
        let counted = rows[0]["counted"].as_f64().context("a reconciliation counts")?;
        report.add(Line::new(format!("{what}: reconciled"), "", counted));
        report.add(Line::new(format!("{what}: the reconciliation took"), "s", since.elapsed().as_secs_f64()));
        product.stop()?;
    }
    Ok(())
}

/// From the answer until the commission can be read.
pub(super) fn readable(runtime: &Runtime, rounds: u32, report: &mut Report) -> Result<()> {
    let mut product = Process::start("up")?;
    product.ready(product.api_port(), "/health")?;
    readable_on(runtime, rounds, &product, "", Some(READABLE_AIM_AT), report)?;
    product.stop()
}

/// The same of a product that runs already; `place` says where.
pub(super) fn readable_on(
    runtime: &Runtime,
    rounds: u32,
    product: &Process,
    place: &str,
    aim_at: Option<u32>,
    report: &mut Report,
) -> Result<()> {
    let affiliate = runtime.block_on(affiliate(product))?;
    for rate in READABLE_AT {
        let mut latencies = Latencies::default();
        for _ in 0..rounds {
            latencies.append(runtime.block_on(read_at(product, &affiliate, rate))?);
        }
        let what = format!("answer to readable commission at {rate}/s{place}");
        report.add(Line::new(format!("{what}, p50"), "ms", latencies.percentile_ms(50)));
        let p99 = Line::new(format!("{what}, p99"), "ms", latencies.percentile_ms(99));
        report.add(p99.aim((Some(rate) == aim_at).then_some(Aim::AtMost(READABLE_MS))));
    }
    Ok(())
}

/// Some of the conversions are looked for, on connections of their own; the others are load.
async fn read_at(product: &Process, affiliate: &str, rate: u32) -> Result<Latencies> {
    const LOAD: u32 = 8;
    let body = conversion(affiliate).to_string();
    let latencies = RefCell::new(Latencies::default());
    let record = async |connection: &mut Connection| {
        let request = connection.request("POST", PATH, &body);
        connection.create(&request).await
    };
    let follow = async |(conversions, commissions): &mut (Connection, Connection)| {
        record(conversions).await?;
        let answered = Instant::now();
        read(commissions, &recorded(conversions)?).await?;
        latencies.borrow_mut().add(answered.elapsed());
        Ok(())
    };
    let pairs: Vec<_> = connections(product, LOAD)
        .await?
        .into_iter()
        .zip(try_join_all((0..LOAD).map(|_| Connection::open(product.api_port()))).await?)
        .collect();
    let pace = |rate: u32| Some(Pace::together(Duration::from_secs(1) * LOAD / rate));
    let others = connections(product, LOAD).await?;
    tokio::try_join!(
        keep_busy(pairs, pace(LOOKED_FOR), READABLE_FOR, follow),
        keep_busy(others, pace(rate - LOOKED_FOR), READABLE_FOR, record),
    )?;
    Ok(latencies.into_inner())
}

async fn connections(product: &Process, count: u32) -> Result<Vec<Connection>> {
    try_join_all((0..count).map(|_| Connection::open(product.port(CONVERSIONS)))).await
}

/// The id in the answer that came last.
fn recorded(connection: &Connection) -> Result<String> {
    id(&serde_json::from_slice(connection.body())?)
}

/// Waits until each conversion has its commission.
pub(super) async fn awaited(product: &Process, conversions: &[String]) -> Result<()> {
    let mut connection = Connection::open(product.api_port()).await?;
    for conversion in conversions {
        read(&mut connection, conversion).await?;
    }
    Ok(())
}

async fn read(connection: &mut Connection, conversion: &str) -> Result<()> {
    let request = connection.request("GET", &format!("/commissions/by-conversion/{conversion}"), "");
    let since = Instant::now();
    let mut looks = interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        match connection.send(&request).await? {
            200 => return Ok(()),
            404 => ensure!(since.elapsed() < PATIENCE, "{conversion} has got no commission"),
            status => bail!("{conversion}: {status} {}", String::from_utf8_lossy(connection.body())),
        }
    }
}
