//! From a producer's call to a consumer's message, at a rate that loads nobody.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hexalpes_client::{Client, Consumer, ConsumerOptions, Outgoing, Producer, ProducerOptions};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::stats::Latencies;

const TOPIC: &str = "persistent://public/default/bench-latency";
const PERIOD: Duration = Duration::from_millis(2);
const PAYLOAD_BYTES: usize = 512;
const PATIENCE: Duration = Duration::from_secs(30);

/// A producer and a consumer of one topic, on this thread both.
pub(crate) struct Pair {
    producer: Producer,
    consumer: Consumer,
    /// Stamps count nanoseconds from here.
    zero: Instant,
}

impl Pair {
    pub(crate) async fn open(client: &Client) -> Result<Self> {
        let consumer = client.consumer(TOPIC, ConsumerOptions::new("bench")).await?;
        let producer = client.producer(TOPIC, ProducerOptions::default()).await?;
        Ok(Self { producer, consumer, zero: Instant::now() })
    }

    /// Sends one message every two milliseconds, 500 a second.
    pub(crate) async fn measure(&self, messages: usize) -> Result<Latencies> {
        let (sent, received) = tokio::join!(self.send(messages), timeout(PATIENCE, self.receive(messages)));
        sent?;
        received.context("not every message came")?
    }

    async fn send(&self, messages: usize) -> Result<()> {
        let mut pace = interval(PERIOD);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..messages {
            pace.tick().await;
            let mut payload = vec![b'x'; PAYLOAD_BYTES];
            let stamp = u64::try_from(self.zero.elapsed().as_nanos())?;
            payload[..8].copy_from_slice(&stamp.to_be_bytes());
            self.producer.queue(Outgoing::new(payload)).await?;
        }
        Ok(())
    }

    async fn receive(&self, messages: usize) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        for _ in 0..messages {
            let message = self.consumer.next().await?;
            let arrived = self.zero.elapsed();
            ensure!(message.payload.len() == PAYLOAD_BYTES, "a message came that is not ours");
            let stamp = message.payload.first_chunk::<8>().context("a message has a stamp")?;
            latencies.add(arrived.saturating_sub(Duration::from_nanos(u64::from_be_bytes(*stamp))));
            self.consumer.ack(&message.id).await?;
        }
        Ok(latencies)
    }
}
