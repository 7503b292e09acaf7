//! The whole product: from a request to a consumer that is not part of it.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hexalpes_client::{Client, ClientOptions, Consumer, ConsumerOptions};
use hexalpes_engines::Python;
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Options;
use crate::clock::nanoseconds;
use crate::disk;
use crate::foreign::ForeignConsumer;
use crate::load::load;
use crate::post::{Connection, conversion_of};
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::stats::{Latencies, median};
use crate::trail::drained;

const EVENTS_TOPIC: &str = "persistent://public/default/outbox-events";
const SPAN: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);
/// With the rates that are aimed at.
const CONNECTIONS: [(usize, f64); 3] = [(1, 2_000.0), (64, 8_000.0), (256, 8_000.0)];
/// The connections whose p99 has an aim.
const P99_AT: usize = 64;
const P99_MS: f64 = 30.0;
const FIRST_EVENT_SECONDS: f64 = 1.0;
const MEMORY_MB: f64 = 60.0;
const TO_CONSUMER_MS: f64 = 3.0;
const TO_CONSUMER_PERIOD: Duration = Duration::from_millis(10);
const TO_CONSUMER_REQUESTS: u32 = 200;

pub(crate) fn measure(runtime: &Runtime, options: &Options) -> Result<Report> {
    let mut report = Report::new("product, every answer durable");
    report.add(Line::new("bare write + fdatasync on this disk", "/s", disk::bare(SPAN / 6)?.per_second));

    let (mut first_events, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let mut product = Process::start("up")?;
        first_events.push(runtime.block_on(first_event(&product))?);
        product.ready(product.api_port(), "/health")?;
        idle.push(product.idle_megabytes()?);
        product.stop()?;
    }
    let first = Line::new("cold start to the first event", "s", median(first_events));
    report.add(first.aim(Some(Aim::AtMost(FIRST_EVENT_SECONDS))));
    report.add(Line::new("idle memory", "MB", median(idle)).aim(Some(Aim::AtMost(MEMORY_MB))));

    let mut product = Process::start("up")?;
    product.ready(product.api_port(), "/health")?;
    let next = Cell::new(0);
    for (connections, aim) in CONNECTIONS {
        let (mut rates, mut latencies) = (Vec::new(), Latencies::default());
        for _ in 0..options.rounds {
            let load = runtime.block_on(load(product.api_port(), connections, SPAN, &next))?;
            rates.push(load.rate);
            latencies.append(load.latencies);
        }
        let rate = Line::new(format!("calculate, {connections} connections"), "/s", median(rates));
        report.add(rate.aim(Some(Aim::AtLeast(aim))));
        let p50 = format!("calculate, {connections} connections, p50");
        report.add(Line::new(p50, "ms", latencies.percentile_ms(50)));
        let p99 = format!("calculate, {connections} connections, p99");
        let p99 = Line::new(p99, "ms", latencies.percentile_ms(99));
        report.add(if connections == P99_AT { p99.aim(Some(Aim::AtMost(P99_MS))) } else { p99 });
    }
    let drain = drained(&product.events_file(), next.get()).with_context(|| product.log())?;
    report.add(Line::new("events, each once in events.jsonl", "", f64::from(next.get())));
    report.add(Line::new("behind at the end of the load", "s", drain.as_secs_f64()));

    let mut latencies = Latencies::default();
    for _ in 0..options.rounds {
        latencies.append(runtime.block_on(to_consumer(&product, &next))?);
    }
    let p50 = Line::new("answer to consumer at 100/s, p50", "ms", latencies.percentile_ms(50));
    report.add(p50.aim(Some(Aim::AtMost(TO_CONSUMER_MS))));
    report.add(Line::new("answer to consumer at 100/s, p99", "ms", latencies.percentile_ms(99)));
    match Python::prepare() {
        Ok(python) => {
            let mut latencies = Latencies::default();
            for _ in 0..options.rounds {
                latencies.append(runtime.block_on(to_foreign_consumer(&product, &python, &next))?);
            }
            let p50 =
                Line::new("answer to the Python client at 100/s, p50", "ms", latencies.percentile_ms(50));
            report.add(p50.aim(Some(Aim::AtMost(TO_CONSUMER_MS))));
            report.add(Line::new(
                "answer to the Python client at 100/s, p99",
                "ms",
                latencies.percentile_ms(99),
            ));
        }
        Err(absent) => eprintln!("{absent}"),
    }
    drained(&product.events_file(), next.get()).with_context(|| product.log())?;
    product.stop()?;
    Ok(report)
}

/// Seconds from the start of the process until a consumer has the event of the first command. Both knock
/// from the first moment on.
async fn first_event(product: &Process) -> Result<f64> {
    let command = async {
        let mut pace = interval(Duration::from_millis(1));
        while product.started.elapsed() < PATIENCE {
            pace.tick().await;
            if let Ok(mut connection) = Connection::open(product.api_port()).await {
                return connection.calculate(0).await;
            }
        }
        anyhow::bail!("nobody listens: {}", product.log())
    };
    timeout(PATIENCE, command).await.context("the first command was not answered")??;
    let consumer = subscribe(product, ConsumerOptions::new("bench-first").from_earliest()).await?;
    timeout(PATIENCE, consumer.next()).await.context("the first event did not come")??;
    Ok(product.started.elapsed().as_secs_f64())
}

async fn subscribe(product: &Process, options: ConsumerOptions) -> Result<Consumer> {
    let client = Client::connect(ClientOptions::new(product.service_url())).await?;
    Ok(client.consumer(EVENTS_TOPIC, options).await?)
}

/// From each answer to its event at a consumer. An event that comes before the answer counts as 0.
async fn to_consumer(product: &Process, next: &Cell<u32>) -> Result<Latencies> {
    let consumer = subscribe(product, ConsumerOptions::new("bench-latency")).await?;
    let hear = async {
        let mut heard = HashMap::new();
        while heard.len() < TO_CONSUMER_REQUESTS as usize {
            let message = timeout(PATIENCE, consumer.next()).await.context("an event did not come")??;
            let at = Instant::now();
            heard.insert(conversion_of(&message.payload).context("an event names its conversion")?, at);
            consumer.ack(&message.id).await?;
        }
        anyhow::Ok(heard)
    };
    let (answered, heard) = tokio::try_join!(ask(product, next, Instant::now), hear)?;
    consumer.unsubscribe().await?;
    let mut latencies = Latencies::default();
    for (conversion, at) in heard {
        let answer = answered.get(&conversion).context("an event is of a command that was answered")?;
        latencies.add(at.saturating_duration_since(*answer));
    }
    Ok(latencies)
}

/// The same to the official Python client; both sides read the machine's clock.
async fn to_foreign_consumer(product: &Process, python: &Python, next: &Cell<u32>) -> Result<Latencies> {
    let url = product.service_url();
    let consumer = ForeignConsumer::start(python, &url, EVENTS_TOPIC, TO_CONSUMER_REQUESTS).await?;
    let answered = ask(product, next, nanoseconds).await?;
    let mut latencies = Latencies::default();
    for (conversion, at) in consumer.heard().await? {
        let answer = answered.get(&conversion).context("an event is of a command that was answered")?;
        let nanoseconds = at.saturating_sub(*answer);
        latencies.add(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)));
    }
    Ok(latencies)
}

/// Sends commands at their pace, and notes when each was answered.
async fn ask<T>(product: &Process, next: &Cell<u32>, now: impl Fn() -> T) -> Result<HashMap<u32, T>> {
    let mut connection = Connection::open(product.api_port()).await?;
    let mut answered = HashMap::new();
    let mut pace = interval(TO_CONSUMER_PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..TO_CONSUMER_REQUESTS {
        pace.tick().await;
        let conversion = next.replace(next.get() + 1);
        connection.calculate(conversion).await?;
        answered.insert(conversion, now());
    }
    Ok(answered)
}
