//! Many connections, each with one command at a time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use tokio::time::{MissedTickBehavior, interval};

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
    let calculate =
        async |connection: &mut Connection| connection.calculate(next.replace(next.get() + 1)).await;
    keep_busy(opened, None, span, calculate).await
}

/// Does `work` on each connection for `span`: one after the other, or each at its pace.
pub(crate) async fn keep_busy<C>(
    opened: Vec<C>,
    pace: Option<Duration>,
    span: Duration,
    work: impl AsyncFn(&mut C) -> Result<()>,
) -> Result<Load> {
    let started = Instant::now();
    let all = try_join_all(opened.into_iter().map(|one| busy(one, pace, started + span, &work))).await?;
    let took = started.elapsed();
    let mut latencies = Latencies::default();
    let mut answers = 0;
    for (count, some) in all {
        answers += count;
        latencies.append(some);
    }
    Ok(Load { rate: f64::from(answers) / took.as_secs_f64(), latencies })
}

async fn busy<C>(
    mut connection: C,
    pace: Option<Duration>,
    until: Instant,
    work: &impl AsyncFn(&mut C) -> Result<()>,
) -> Result<(u32, Latencies)> {
    let mut ticks = pace.map(interval);
    if let Some(ticks) = &mut ticks {
        // Who was late catches up: the rate is what is asked for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    }
    let (mut answers, mut latencies) = (0, Latencies::default());
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let asked = Instant::now();
        if asked >= until {
            return Ok((answers, latencies));
        }
        work(&mut connection).await?;
        latencies.add(asked.elapsed());
        answers += 1;
    }
}
