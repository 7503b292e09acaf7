//! Many connections, each with one command at a time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::post::Connection;
use crate::stats::Latencies;

/// What a while of load has shown.
pub(crate) struct Load {
    pub(crate) rate: f64,
    pub(crate) latencies: Latencies,
}

/// When each of some connections begins with its next piece of work; who was late catches up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    every: Duration,
    takes_turns: bool,
}

impl Pace {
    /// All at the same moment, once in so long.
    pub(crate) fn together(every: Duration) -> Self {
        Self { every, takes_turns: false }
    }

    /// One after the other, all of them once in so long.
    pub(crate) fn in_turn(every: Duration) -> Self {
        Self { every, takes_turns: true }
    }

    /// When the one at this place of so many begins.
    fn offset(self, at: usize, of: usize) -> Duration {
        match (u32::try_from(at), u32::try_from(of)) {
            (Ok(at), Ok(of @ 1..)) if self.takes_turns => self.every * at / of,
            _ => Duration::ZERO,
        }
    }
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
    pace: Option<Pace>,
    span: Duration,
    work: impl AsyncFn(&mut C) -> Result<()>,
) -> Result<Load> {
    let (now, count) = (Instant::now(), opened.len());
    let each = opened.into_iter().enumerate().map(|(at, one)| {
        let started = now + pace.map_or(Duration::ZERO, |pace| pace.offset(at, count));
        busy(one, pace, started, span, &work)
    });
    let mut load = Load { rate: 0.0, latencies: Latencies::default() };
    for (rate, some) in try_join_all(each).await? {
        load.rate += rate;
        load.latencies.append(some);
    }
    Ok(load)
}

async fn busy<C>(
    mut connection: C,
    pace: Option<Pace>,
    started: Instant,
    span: Duration,
    work: &impl AsyncFn(&mut C) -> Result<()>,
) -> Result<(f64, Latencies)> {
    let mut ticks = pace.map(|pace| interval_at(started.into(), pace.every));
    if let Some(ticks) = &mut ticks {
        // Who was late catches up: the rate is what is asked for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    }
    let (mut answers, mut latencies) = (0_u32, Latencies::default());
    loop {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let asked = Instant::now();
        if asked >= started + span {
            return Ok((f64::from(answers) / started.elapsed().as_secs_f64(), latencies));
        }
        work(&mut connection).await?;
        latencies.add(asked.elapsed());
        answers += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_turns_begins_evenly_over_the_period() {
        let period = Duration::from_millis(640);
        let begins = |pace: Pace| [0, 1, 63].map(|at| pace.offset(at, 64).as_millis());
        assert_eq!(begins(Pace::in_turn(period)), [0, 10, 630]);
        assert_eq!(begins(Pace::together(period)), [0, 0, 0]);
    }
}
