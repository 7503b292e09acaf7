//! From a producer's call to a consumer's message, at a rate that loads nobody.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hexalpes_client::{Client, Consumer, ConsumerOptions, Outgoing, Producer, ProducerOptions};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::rates::PAYLOAD;
use crate::stats::Latencies;

/// Timers know nothing shorter; what is asked for more often leaves several at a time.
const TICK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// A producer and a consumer of one topic, on this thread both.
pub(super) struct Pair {
    producer: Producer,
    consumer: Consumer,
    /// Stamps count nanoseconds from here.
    zero: Instant,
}

impl Pair {
    pub(super) async fn open(client: &Client, topic: &str) -> Result<Self> {
        let topic = format!("persistent://public/default/{topic}");
        let consumer = client.consumer(&topic, ConsumerOptions::new("bench")).await?;
        let producer = client.producer(&topic, ProducerOptions::default()).await?;
        Ok(Self { producer, consumer, zero: Instant::now() })
    }

    /// Sends evenly for `span`, and waits until everything has arrived.
    pub(super) async fn measure(&self, per_second: u32, span: Duration) -> Result<Latencies> {
        let at_once = (per_second / 1_000).max(1);
        let period = (Duration::from_secs(1) * at_once / per_second).max(TICK);
        let ticks = u32::try_from(span.as_nanos() / period.as_nanos())?;
        let messages = ticks * at_once;
        let receiving = timeout(span + PATIENCE, self.receive(messages));
        let (sent, received) = tokio::join!(self.send(ticks, at_once, period), receiving);
        sent?;
        received.context("not every message came")?
    }

    async fn send(&self, ticks: u32, at_once: u32, period: Duration) -> Result<()> {
        let mut pace = interval(period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..ticks {
            pace.tick().await;
            for _ in 0..at_once {
                let mut payload = PAYLOAD.to_vec();
                let stamp = u64::try_from(self.zero.elapsed().as_nanos())?;
                payload[..8].copy_from_slice(&stamp.to_be_bytes());
                self.producer.queue(Outgoing::new(payload)).await?;
            }
        }
        Ok(())
    }

    async fn receive(&self, messages: u32) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        for _ in 0..messages {
            let message = self.consumer.next().await?;
            let arrived = self.zero.elapsed();
            ensure!(message.payload.len() == PAYLOAD.len(), "a message came that is not ours");
            let stamp = message.payload.first_chunk::<8>().context("a message has a stamp")?;
            latencies.add(arrived.saturating_sub(Duration::from_nanos(u64::from_be_bytes(*stamp))));
            self.consumer.ack(&message.id).await?;
        }
        Ok(latencies)
    }
}
