//! The whole way of a partner, from the registration until they are validated: how many a second, and how soon what
//! happens in one service has its last effect in the others.

mod clients;
mod effects;
mod hops;

use std::cell::{Cell, RefCell};
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use hexalpes_engines::Pulsar;
use tokio::runtime::Runtime;

use crate::Options;
use crate::disk;
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::servers;
use crate::stats::Latencies;
use clients::Clients;

const SPAN: Duration = Duration::from_secs(1);
/// Partners of the whole run, and how many are under way at once.
const JOURNEYS: u32 = 10_000;
const AT_ONCE: u32 = 64;
/// With a real Pulsar beside the product on the same cores.
const JOURNEYS_ON_PULSAR: u32 = 2_000;
/// On a server's databases, whose every commit is a way to another process and back.
const JOURNEYS_ON_SERVERS: u32 = 2_000;
const SUSTAINED: f64 = 400.0;
/// How often somebody in a hurry looks: looking is work too.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// `--only` takes those parts alone whose names contain it.
pub(crate) fn measure(runtime: &Runtime, options: &Options) -> Result<Report> {
    let mut report = Report::new("partners from registration to validation, every answer durable");
    report.add(Line::new("bare write + fdatasync on this disk", "/s", disk::bare(SPAN / 2)?.per_second));
    let is_wanted = |part: &str| options.only.as_deref().is_none_or(|only| part.contains(only));
    if is_wanted("sustained") {
        let mut product = Process::start("up")?;
        product.ready(product.api_port(), "/health")?;
        sustained(runtime, &product, JOURNEYS, "", Some(SUSTAINED), &mut report)?;
        product.stop()?;
    }
    effects::measure(runtime, is_wanted, &mut report)?;
    if is_wanted("servers") {
        servers::on_each(|engine, product| {
            let how = format!(", on {engine}");
            sustained(runtime, product, JOURNEYS_ON_SERVERS, &how, None, &mut report)
        })?;
    }
    if is_wanted("pulsar") && !options.alone {
        match Pulsar::start() {
            Ok(pulsar) => {
                let (service, admin) = (pulsar.service_url(), pulsar.admin_url());
                let engine = [("PULSAR_BROKER_URL", service.as_str()), ("PULSAR_ADMIN_URL", admin.as_str())];
                let mut product = Process::start_set(&["up"], &engine)?;
                product.ready(product.api_port(), "/health")?;
                sustained(runtime, &product, JOURNEYS_ON_PULSAR, ", with a real Pulsar", None, &mut report)?;
                product.stop()?;
            }
            Err(absent) => eprintln!("{absent}"),
        }
    }
    Ok(report)
}

/// As many as there can be, one after the other on each of some connections.
fn sustained(
    runtime: &Runtime,
    product: &Process,
    journeys: u32,
    how: &str,
    aim: Option<f64>,
    report: &mut Report,
) -> Result<()> {
    let next = Cell::new(0);
    let latencies = RefCell::new(Latencies::default());
    // The first journeys find templates and topics that nobody has used.
    runtime.block_on(async { Clients::open(product).await?.journey(u32::MAX, LOOK_EVERY).await })?;
    let events_before = lines(product)?;
    let since = Instant::now();
    runtime.block_on(async {
        let workers = (0..AT_ONCE).map(async |_| {
            let mut clients = Clients::open(product).await?;
            loop {
                let number = next.replace(next.get() + 1);
                if number >= journeys {
                    return anyhow::Ok(());
                }
                let begun = Instant::now();
                clients.journey(number, LOOK_EVERY).await?;
                latencies.borrow_mut().add(begun.elapsed());
            }
        });
        try_join_all(workers).await
    })?;
    let took = since.elapsed().as_secs_f64();
    let events = lines(product)? - events_before;
    let what = format!("{journeys} journeys, {AT_ONCE} at once{how}");
    report.add(Line::new(what.clone(), "/s", f64::from(journeys) / took).aim(aim.map(Aim::AtLeast)));
    report.add(Line::new(format!("{what}: events"), "/s", f64::from(events) / took));
    let latencies = latencies.into_inner();
    report.add(Line::new(format!("{what}: one takes, p50"), "ms", latencies.percentile_ms(50)));
    report.add(Line::new(format!("{what}: one takes, p99"), "ms", latencies.percentile_ms(99)));
    Ok(())
}

/// Events in the audit trail, which has all of them.
fn lines(product: &Process) -> Result<u32> {
    let text = fs::read_to_string(product.events_file())?;
    Ok(u32::try_from(text.lines().count())?)
}
