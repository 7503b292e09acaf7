//! Somebody comes back to a long backlog while others go on.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hexalpes_client::{Client, ClientOptions, ConsumerOptions, Outgoing};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

use super::latency::Pair;
use super::load::Sample;
use super::rates::{PAYLOAD, Sending};
use crate::stats::Latencies;

const TOPIC: &str = "persistent://public/default/bench-backlog";
const SUBSCRIPTION: &str = "bench-late";
/// With 512 B each 2 GB.
const MESSAGES: u32 = 4_000_000;
const MEGABYTES: f64 = 2_048.0;
/// So many messages are acked with one ack.
const ACKED_AT_ONCE: u32 = 1_000;
/// Another's messages a second, in turns of a second.
const PER_SECOND: u32 = 500;
const TURN: Duration = Duration::from_secs(1);

/// Megabytes a second that are read, and what another pair of clients sees meanwhile.
pub(super) async fn sample(client: &Client, service_url: &str) -> Result<Sample> {
    let late = ConsumerOptions::new(SUBSCRIPTION).from_earliest();
    client.consumer(TOPIC, late.clone()).await?.close().await;
    let producer = client.producer(TOPIC, Sending::Batches.options()).await?;
    for _ in 0..MESSAGES {
        producer.queue(Outgoing::new(Bytes::from_static(PAYLOAD))).await?;
    }
    producer.flush().await;
    producer.close().await;

    let done = CancellationToken::new();
    let others = thread::spawn({
        let (service_url, done) = (service_url.to_owned(), done.clone());
        move || meanwhile(service_url, &done)
    });
    let consumer = client.consumer(TOPIC, late).await?;
    let started = Instant::now();
    for number in 1..=MESSAGES {
        let message = consumer.next().await?;
        if number % ACKED_AT_ONCE == 0 || number == MESSAGES {
            consumer.ack_cumulative(&message.id).await?;
        }
    }
    let took = started.elapsed();
    done.cancel();
    let others = others.join().map_err(|_| anyhow::anyhow!("the others' thread ended in a panic"))?;
    consumer.unsubscribe().await?;
    Ok(Sample {
        rate: Some(MEGABYTES / took.as_secs_f64()),
        latencies: others.context("the others' messages")?,
    })
}

/// On a thread and a connection of its own, so that it waits for the broker alone.
fn meanwhile(service_url: String, done: &CancellationToken) -> Result<Latencies> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(ClientOptions::new(service_url)).await?;
        let pair = Pair::open(&client, "bench-meanwhile").await?;
        let mut latencies = Latencies::default();
        while !done.is_cancelled() {
            latencies.append(pair.measure(PER_SECOND, TURN).await?);
        }
        Ok(latencies)
    })
}
