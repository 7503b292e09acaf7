//! `hexalpes demo performance`: a short look at how fast it is here, with nothing left out.
//!
//! First conversions are recorded as fast as so many connections can, then it waits until each has its commission. Then
//! conversions are recorded one by one, and each commission is asked for until it can be read.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use super::super::{
    apis::{Api, Apis, LOOK_EVERY, now, stamp, text},
    output::line,
};
use super::{
    flow::{commission_of, recorded},
    progress::Progress,
    report,
};
use crate::settings::Settings;

/// `performance_report.json`. Times are in microseconds.
#[derive(Serialize)]
struct Report {
    version: u32,
    product_version: &'static str,
    /// Whether it was built to be fast.
    optimised: bool,
    measured_at: String,
    cpus: usize,
    recording: Recording,
    commission: Commission,
}

/// As fast as it goes.
#[derive(Serialize)]
struct Recording {
    conversions: u32,
    connections: u32,
    duration_us: u128,
    per_second: u128,
    /// From a request to its answer.
    answer_us: Percentiles,
    /// From the last answer until each conversion had its commission.
    drained_after_us: u128,
}

/// One by one.
#[derive(Serialize)]
struct Commission {
    conversions: u32,
    /// It is looked so often: no time is known better.
    looked_every_us: u128,
    /// From the answer until the commission could be read.
    readable_us: Percentiles,
}

#[derive(Serialize)]
struct Percentiles {
    p50: u128,
    p95: u128,
    p99: u128,
    max: u128,
}

impl Percentiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        let at = |percent: usize| {
            times.get((times.len() * percent / 100).min(last)).map_or(0, Duration::as_micros)
        };
        Self { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
    }
}

pub(super) async fn run(settings: &Settings, conversions: u32, connections: u32, file: &Path) -> Result<()> {
    let (apis, stamp) = (Apis::of(settings)?, stamp());
    let body = json!({
        "nombre": "Medición", "email": format!("medicion+{stamp}@demo.example"), "tipo_afiliado": "estandar",
        "configuracion_comisiones": { "comision_base": 15 },
    });
    let made = apis.post(Api::Affiliates, "/api/v1/afiliados", &body).await?.expect(&[201])?;
    let load = Load { apis, affiliate: text(&made, "id")?.into(), stamp: stamp.into() };
    // The first conversion waits until its affiliate is known there; that is no measure of anything.
    let first = recorded(&load.apis, &load.body("first", 0)).await?;
    commission_of(&load.apis, &text(&first, "id")?).await?;

    let recording = load.recorded(conversions, connections).await?;
    let commission = load.readable((conversions / 5).max(1)).await?;
    let Recording { per_second, answer_us, drained_after_us, .. } = &recording;
    line(&format!("recorded {per_second} conversions/s; an answer takes {}", shown(answer_us)))?;
    line(&format!("commissions were complete {} after the last answer", milliseconds(*drained_after_us)))?;
    line(&format!("a commission can be read {} after the answer", shown(&commission.readable_us)))?;
    let report = Report {
        version: report::VERSION,
        product_version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        measured_at: now(),
        cpus: thread::available_parallelism().map_or(1, usize::from),
        recording,
        commission,
    };
    report::write(file, &report)
}

fn shown(Percentiles { p50, p99, .. }: &Percentiles) -> String {
    format!("p50 {}, p99 {}", milliseconds(*p50), milliseconds(*p99))
}

fn milliseconds(us: u128) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

#[derive(Clone)]
struct Load {
    apis: Apis,
    affiliate: Arc<str>,
    stamp: Arc<str>,
}

impl Load {
    fn body(&self, phase: &str, number: u32) -> Value {
        json!({
            "afiliado_id": &*self.affiliate, "valor_conversion": 100, "tipo_conversion": "venta",
            "referencia_externa": format!("{phase}-{number}-{}", self.stamp),
        })
    }

    /// The conversion's id, and how long its answer took.
    async fn record(&self, phase: &str, number: u32) -> Result<(String, Duration)> {
        let body = self.body(phase, number);
        let begun = Instant::now();
        let answered = self.apis.post(Api::Conversions, "/api/v1/conversiones", &body).await?;
        let took = begun.elapsed();
        Ok((text(&answered.expect(&[201])?, "id")?, took))
    }

    async fn recorded(&self, conversions: u32, connections: u32) -> Result<Recording> {
        let progress = Arc::new(Progress::begin("recorded", conversions.into())?);
        let next = Arc::new(AtomicU32::new(0));
        let begun = Instant::now();
        let mut working = JoinSet::new();
        for _ in 0..connections {
            let (load, next, progress) = (self.clone(), Arc::clone(&next), Arc::clone(&progress));
            working.spawn(async move {
                let mut recorded = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= conversions {
                        return Ok::<_, anyhow::Error>(recorded);
                    }
                    recorded.push(load.record("load", number).await?);
                    progress.step();
                }
            });
        }
        let mut recorded = Vec::new();
        while let Some(done) = working.join_next().await {
            recorded.extend(done.context("a connection panicked")??);
        }
        let took = begun.elapsed();
        progress.end();
        let (ids, times): (Vec<_>, Vec<_>) = recorded.into_iter().unzip();
        let answered = Instant::now();
        for id in &ids {
            commission_of(&self.apis, id).await?;
        }
        Ok(Recording {
            conversions,
            connections,
            duration_us: took.as_micros(),
            per_second: u128::from(conversions) * 1_000_000 / took.as_micros().max(1),
            answer_us: Percentiles::of(times),
            drained_after_us: answered.elapsed().as_micros(),
        })
    }

    async fn readable(&self, conversions: u32) -> Result<Commission> {
        let progress = Progress::begin("one by one", conversions.into())?;
        let mut times = Vec::new();
        for number in 0..conversions {
            let (id, _) = self.record("single", number).await?;
            let answered = Instant::now();
            commission_of(&self.apis, &id).await?;
            times.push(answered.elapsed());
            progress.step();
        }
        progress.end();
        let readable_us = Percentiles::of(times);
        Ok(Commission { conversions, looked_every_us: LOOK_EVERY.as_micros(), readable_us })
    }
}
