//! Many connections, each with one command at a time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;

use crate::post::Connection;
use crate::stats::Latencies;

/// What a while of load has shown.
pub(crate) struct Load {
    pub(crate) rate: f64,
    pub(crate) latencies: Latencies,
}

/// Keeps so many connections busy for `span`. Conversions are numbered from `next` on; every answer is a 201.
pub(crate) async fn load(port: u16, connections: usize, span: Duration, next: &Cell<u32>) -> Result<Load> {
    let opened = try_join_all((0..connections).map(|_| Connection::open(port))).await?;
    let started = Instant::now();
    let work = opened.into_iter().map(|connection| busy(connection, started + span, next));
    let all = try_join_all(work).await?;
    let took = started.elapsed();
    let mut latencies = Latencies::default();
    let mut answers = 0;
    for (count, some) in all {
        answers += count;
        latencies.append(some);
    }
    Ok(Load { rate: f64::from(answers) / took.as_secs_f64(), latencies })
}

async fn busy(mut connection: Connection, until: Instant, next: &Cell<u32>) -> Result<(u32, Latencies)> {
    let (mut answers, mut latencies) = (0, Latencies::default());
    while Instant::now() < until {
        let asked = Instant::now();
        connection.calculate(next.replace(next.get() + 1)).await?;
        latencies.add(asked.elapsed());
        answers += 1;
    }
    Ok((answers, latencies))
}
