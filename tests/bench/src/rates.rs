//! How many messages a second a broker stores, with so many waiting for their receipts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::FutureExt;
use hexalpes_client::{Batching, Client, Outgoing, Producer, ProducerOptions, Receipt};

const PAYLOAD: &[u8] = &[b'x'; 512];
/// Enough that batches fill while others are on their way.
const BATCHED_IN_FLIGHT: usize = 10_000;

/// A producer on a topic of its own.
pub(crate) struct Stream {
    producer: Producer,
    in_flight: usize,
}

impl Stream {
    pub(crate) async fn unbatched(client: &Client, in_flight: usize) -> Result<Self> {
        let topic = format!("persistent://public/default/bench-rate-{in_flight}");
        let options = ProducerOptions { max_pending: in_flight, ..ProducerOptions::default() };
        Ok(Self { producer: client.producer(&topic, options).await?, in_flight })
    }

    pub(crate) async fn batched(client: &Client) -> Result<Self> {
        let batching = Batching { max_delay: Duration::from_millis(1), ..Batching::default() };
        let options = ProducerOptions {
            max_pending: BATCHED_IN_FLIGHT,
            batching: Some(batching),
            ..ProducerOptions::default()
        };
        let producer = client.producer("persistent://public/default/bench-batched", options).await?;
        Ok(Self { producer, in_flight: BATCHED_IN_FLIGHT })
    }

    /// Receipts a second, kept up for `span`.
    pub(crate) async fn rate(&self, span: Duration) -> Result<f64> {
        let payload = Bytes::from_static(PAYLOAD);
        let mut waiting: VecDeque<Receipt> = VecDeque::with_capacity(self.in_flight);
        let (mut stored, started) = (0_u32, Instant::now());
        while started.elapsed() < span {
            while waiting.len() < self.in_flight {
                let receipt = self.producer.queue(Outgoing::new(payload.clone())).await?;
                waiting.push_back(receipt);
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
        let rate = f64::from(stored) / started.elapsed().as_secs_f64();
        for receipt in waiting {
            receipt.await?;
        }
        Ok(rate)
    }
}
