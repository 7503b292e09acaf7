//! One topic, many who read all of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use hexalpes_client::{Client, Consumer, ConsumerOptions, Outgoing, Producer};
use tokio::time::timeout;

use super::rates::{PAYLOAD, Sending};

const TOPIC: &str = "persistent://public/default/bench-fan-out";
const DELIVERIES: u32 = 50_000;
const IN_FLIGHT: usize = 256;
const PATIENCE: Duration = Duration::from_mins(2);

/// Deliveries a second, until everybody has received and acked everything.
pub(super) async fn rate(client: &Client, subscriptions: u32) -> Result<f64> {
    let mut consumers = Vec::new();
    for number in 0..subscriptions {
        consumers.push(client.consumer(TOPIC, ConsumerOptions::new(format!("bench-{number}"))).await?);
    }
    let producer = client.producer(TOPIC, Sending::Single { in_flight: IN_FLIGHT }.options()).await?;
    let messages = DELIVERIES / subscriptions;
    let started = Instant::now();
    let receiving = try_join_all(consumers.iter().map(|consumer| receive(consumer, messages)));
    let all = async { tokio::try_join!(send(&producer, messages), receiving) };
    timeout(PATIENCE, all).await.context("not every message came")??;
    let took = started.elapsed();
    for consumer in consumers {
        consumer.unsubscribe().await?;
    }
    Ok(f64::from(messages * subscriptions) / took.as_secs_f64())
}

async fn send(producer: &Producer, messages: u32) -> Result<()> {
    for _ in 0..messages {
        producer.queue(Outgoing::new(Bytes::from_static(PAYLOAD))).await?;
    }
    Ok(())
}

async fn receive(consumer: &Consumer, messages: u32) -> Result<()> {
    for _ in 0..messages {
        let message = consumer.next().await?;
        consumer.ack(&message.id).await?;
    }
    Ok(())
}
