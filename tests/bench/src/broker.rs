//! Our broker and a real Pulsar with a synced journal, side by side, through the same client.

use std::time::{Duration, Instant};

use anyhow::Result;
use hexalpes_client::{Client, ClientOptions};
use hexalpes_engines::Pulsar;
use tokio::runtime::Runtime;

use crate::Options;
use crate::disk::syncs_per_second;
use crate::latency::Pair;
use crate::process::{Process, idle_megabytes};
use crate::rates::Stream;
use crate::report::{Aim, Line, Report};
use crate::stats::{Latencies, median};

const SPAN: Duration = Duration::from_secs(1);
/// A JVM compiles what is called often; until then its numbers would be unfair.
const WARM_UP: Duration = Duration::from_secs(4);
const LATENCY_MESSAGES: usize = 500;
/// With the aims' ratios.
const IN_FLIGHT: [(usize, f64); 3] = [(1, 8.0), (64, 2.0), (256, 1.3)];
const MEMORY_MB: f64 = 60.0;
const START_SECONDS: f64 = 0.5;
const LATENCY_RATIO: f64 = 0.1;

/// What is known of one broker.
struct Subject {
    start_seconds: f64,
    idle_megabytes: f64,
    streams: Vec<Stream>,
    pair: Pair,
    /// Of each stream, a rate a round.
    rates: Vec<Vec<f64>>,
    latencies: Latencies,
}

pub(crate) fn measure(runtime: &Runtime, options: Options) -> Result<Report> {
    let mut backbone = Process::start("backbone")?;
    let took = backbone.ready(backbone.admin_port(), "/admin/v2/brokers/health")?;
    let ours = Subject::open(backbone.service_url(), took, backbone.idle_megabytes()?);
    let mut ours = runtime.block_on(ours)?;

    let started = Instant::now();
    let pulsar = if options.alone { None } else { Some(Pulsar::start()?) };
    let mut real = match &pulsar {
        None => None,
        Some(pulsar) => {
            let took = started.elapsed();
            let opening = Subject::open(pulsar.service_url(), took, idle_megabytes(pulsar.process_id())?);
            Some(runtime.block_on(opening)?)
        }
    };

    let mut bare = Vec::new();
    for subject in [Some(&mut ours), real.as_mut()].into_iter().flatten() {
        runtime.block_on(subject.warm_up())?;
    }
    for _ in 0..options.rounds {
        bare.push(syncs_per_second(SPAN / 2)?);
        for stream in 0..=IN_FLIGHT.len() {
            for subject in [Some(&mut ours), real.as_mut()].into_iter().flatten() {
                runtime.block_on(subject.add_rate(stream))?;
            }
        }
        for subject in [Some(&mut ours), real.as_mut()].into_iter().flatten() {
            runtime.block_on(subject.add_latencies())?;
        }
    }
    Ok(report(median(bare), &ours, real.as_ref()))
}

impl Subject {
    async fn open(service_url: String, took: Duration, idle_megabytes: f64) -> Result<Self> {
        let client = Client::connect(ClientOptions::new(service_url)).await?;
        let mut streams = Vec::new();
        for (in_flight, _) in IN_FLIGHT {
            streams.push(Stream::unbatched(&client, in_flight).await?);
        }
        streams.push(Stream::batched(&client).await?);
        let rates = vec![Vec::new(); streams.len()];
        let pair = Pair::open(&client).await?;
        let latencies = Latencies::default();
        Ok(Self { start_seconds: took.as_secs_f64(), idle_megabytes, streams, pair, rates, latencies })
    }

    async fn warm_up(&self) -> Result<()> {
        for stream in &self.streams {
            stream.rate(WARM_UP).await?;
        }
        self.pair.measure(LATENCY_MESSAGES).await.map(drop)
    }

    async fn add_rate(&mut self, stream: usize) -> Result<()> {
        let rate = self.streams[stream].rate(SPAN).await?;
        self.rates[stream].push(rate);
        Ok(())
    }

    async fn add_latencies(&mut self) -> Result<()> {
        self.latencies.append(self.pair.measure(LATENCY_MESSAGES).await?);
        Ok(())
    }

    fn rate(&self, stream: usize) -> f64 {
        median(self.rates[stream].clone())
    }
}

fn report(bare: f64, ours: &Subject, real: Option<&Subject>) -> Report {
    let mut report = Report::new("broker, 512 B, journal synced");
    let line =
        |what: &str, unit, of: &dyn Fn(&Subject) -> f64| Line::new(what, unit, of(ours)).beside(real.map(of));
    report.add(Line::new("bare write + fdatasync on this disk", "/s", bare));
    for (stream, (in_flight, ratio)) in IN_FLIGHT.into_iter().enumerate() {
        let rate = line(&format!("published, {in_flight} in flight"), "/s", &|s| s.rate(stream));
        report.add(rate.aim(Aim::RatioAtLeast(ratio)));
    }
    report.add(line("published in batches", "/s", &|s| s.rate(IN_FLIGHT.len())));
    let p50 = line("end to end at 500/s, p50", "ms", &|s| s.latencies.percentile_ms(50));
    report.add(p50.aim(Aim::RatioAtMost(LATENCY_RATIO)));
    report.add(line("end to end at 500/s, p99", "ms", &|s| s.latencies.percentile_ms(99)));
    report.add(line("start to healthy", "s", &|s| s.start_seconds).aim(Aim::AtMost(START_SECONDS)));
    report.add(line("idle memory", "MB", &|s| s.idle_megabytes).aim(Aim::AtMost(MEMORY_MB)));
    report
}
