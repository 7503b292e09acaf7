//! How many messages a second a broker stores, with so many waiting for their receipts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::try_join_all;
use hexalpes_client::{Batching, Client, Outgoing, Producer, ProducerOptions, Receipt};

pub(super) const PAYLOAD: &[u8] = &[b'x'; 512];
/// Enough that batches fill while others are on their way.
const BATCHED_IN_FLIGHT: usize = 10_000;

/// How a producer sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sending {
    Single { in_flight: usize },
    Batches,
}

impl Sending {
    fn in_flight(self) -> usize {
        match self {
            Self::Single { in_flight } => in_flight,
            Self::Batches => BATCHED_IN_FLIGHT,
        }
    }

    pub(super) fn options(self) -> ProducerOptions {
        let batching = match self {
            Self::Single { .. } => None,
            Self::Batches => Some(Batching { max_delay: Duration::from_millis(1), ..Batching::default() }),
        };
        ProducerOptions { max_pending: self.in_flight(), batching, ..ProducerOptions::default() }
    }
}

/// Receipts a second over so many topics with a producer each, kept up for `span`.
pub(super) async fn rate(
    client: &Client,
    name: &str,
    topics: usize,
    sending: Sending,
    span: Duration,
) -> Result<f64> {
    let names: Vec<String> =
        (0..topics).map(|topic| format!("persistent://public/default/{name}-{topic}")).collect();
    // Opened one after another, as most programs do; it is not what is measured.
    let mut producers = Vec::with_capacity(topics);
    for topic in &names {
        producers.push(client.producer(topic, sending.options()).await?);
    }
    let started = Instant::now();
    let streams = producers.iter().map(|producer| keep_up(producer, sending.in_flight(), started + span));
    let all = try_join_all(streams).await?;
    let stored: u32 = all.iter().map(|(stored, _)| stored).sum();
    let rate = f64::from(stored) / started.elapsed().as_secs_f64();
    for receipt in all.into_iter().flat_map(|(_, waiting)| waiting) {
        receipt.await?;
    }
    for producer in producers {
        producer.close().await;
    }
    Ok(rate)
}

/// How many were stored, and who waits still.
async fn keep_up(producer: &Producer, in_flight: usize, until: Instant) -> Result<(u32, VecDeque<Receipt>)> {
    let payload = Bytes::from_static(PAYLOAD);
    let mut waiting: VecDeque<Receipt> = VecDeque::with_capacity(in_flight);
    let mut stored = 0_u32;
    while Instant::now() < until {
        while waiting.len() < in_flight {
            waiting.push_back(producer.queue(Outgoing::new(payload.clone())).await?);
        }
        // Receipts come in order, and often several at once.
        let mut next = Some(waiting.pop_front().context("something is in flight")?.await);
        while let Some(receipt) = next {
            receipt?;
            stored += 1;
            next = waiting.front_mut().and_then(FutureExt::now_or_never);
            if next.is_some() {
                waiting.pop_front();
            }
        }
    }
    Ok((stored, waiting))
}
