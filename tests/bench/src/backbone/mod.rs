//! Our broker and a real Pulsar with a synced journal, side by side, under the same loads.

mod catch_up;
mod fan_out;
mod latency;
mod load;
mod perf;
mod rates;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hexalpes_client::{Client, ClientOptions};
use hexalpes_engines::Pulsar;
use tokio::runtime::Runtime;

use crate::Options;
use crate::disk;
use crate::process::{Process, resident_megabytes, settled_megabytes};
use crate::report::{Aim, Line, Report};
use crate::stats::{Latencies, median};
use load::Load;

const DISK_SPAN: Duration = Duration::from_millis(500);
/// Of the real one's.
const MEMORY_RATIO: f64 = 1.0 / 20.0;
const START_RATIO: f64 = 1.0 / 30.0;
/// One message in flight may also come this near to what the disk does alone.
const BARE_SHARE: f64 = 0.6;

/// What is measured, and is there as long as it is measured.
struct Subject {
    service_url: String,
    process_id: u32,
    start_seconds: f64,
    idle_megabytes: f64,
    client: Client,
    /// Of each load, what its rounds have shown.
    shown: Vec<Shown>,
}

#[derive(Default)]
struct Shown {
    rates: Vec<f64>,
    latencies: Latencies,
}

pub(crate) fn measure(runtime: &Runtime, options: &Options) -> Result<Report> {
    let loads = Load::all(options.only.as_deref());
    ensure!(!loads.is_empty(), "--only names none of: {}", Load::names());
    let mut backbone = Process::start("backbone")?;
    let took = backbone.ready(backbone.admin_port(), "/admin/v2/brokers/health")?;
    let opening = Subject::open(backbone.service_url(), backbone.id(), took, loads.len());
    let mut ours = runtime.block_on(opening)?;

    let started = Instant::now();
    let pulsar = if options.alone { None } else { Some(Pulsar::start()?) };
    let mut real = match &pulsar {
        None => None,
        Some(pulsar) => {
            let took = started.elapsed();
            let opening = Subject::open(pulsar.service_url(), pulsar.process_id(), took, loads.len());
            Some(runtime.block_on(opening)?)
        }
    };

    let (mut bare, mut syncs) = (Vec::new(), Latencies::default());
    for (number, load) in loads.iter().enumerate() {
        for subject in [Some(&mut ours), real.as_mut()].into_iter().flatten() {
            runtime.block_on(load.warm_up(subject))?;
        }
        for _ in 0..options.rounds {
            let disk = disk::bare(DISK_SPAN)?;
            bare.push(disk.per_second);
            syncs.append(disk.latencies);
            for subject in [Some(&mut ours), real.as_mut()].into_iter().flatten() {
                eprintln!("{load} on {}", subject.service_url);
                // What the other side, or the warm-up, has left to be written is not to disturb.
                rustix::fs::sync();
                let sample = runtime.block_on(load.run(subject))?;
                let shown = &mut subject.shown[number];
                shown.rates.extend(sample.rate);
                shown.latencies.append(sample.latencies);
            }
        }
    }
    report(&loads, median(bare), &syncs, &ours, real.as_ref())
}

impl Subject {
    async fn open(service_url: String, process_id: u32, took: Duration, loads: usize) -> Result<Self> {
        let idle_megabytes = settled_megabytes(process_id)?;
        let client = Client::connect(ClientOptions::new(&service_url)).await?;
        let shown = (0..loads).map(|_| Shown::default()).collect();
        Ok(Self { service_url, process_id, start_seconds: took.as_secs_f64(), idle_megabytes, client, shown })
    }
}

fn report(
    loads: &[Load],
    bare: f64,
    syncs: &Latencies,
    ours: &Subject,
    real: Option<&Subject>,
) -> Result<Report> {
    let mut report = Report::new("backbone, 512 B, journals synced");
    let line =
        |what: &str, unit, of: &dyn Fn(&Subject) -> f64| Line::new(what, unit, of(ours)).beside(real.map(of));
    report.add(Line::new("bare write + fdatasync on this disk", "/s", bare));
    report.add(Line::new("bare write + fdatasync, p99", "ms", syncs.percentile_ms(99)));
    for (number, load) in loads.iter().enumerate() {
        if let Some((unit, aim)) = load.rate() {
            let rate = line(&load.to_string(), unit, &|s| median(s.shown[number].rates.clone()));
            report.add(rate.aim(match aim {
                Some(Aim::RatioAtLeast(ratio)) if load.is_bounded_by_the_disk() => {
                    Some(Aim::EitherAtLeast { ratio, ours: bare * BARE_SHARE })
                }
                aim => aim,
            }));
        }
        if let Some(aims) = load.latency() {
            for (percent, aim) in [50, 99].into_iter().zip(aims) {
                let name = format!("{}, p{percent}", load.latency_name());
                let at = line(&name, "ms", &|s| s.shown[number].latencies.percentile_ms(percent));
                report.add(at.aim(aim));
            }
        }
    }
    report.add(line("start to healthy", "s", &|s| s.start_seconds).aim(Some(Aim::RatioAtMost(START_RATIO))));
    report.add(line("idle memory", "MB", &|s| s.idle_megabytes).aim(Some(Aim::RatioAtMost(MEMORY_RATIO))));
    let after = resident_megabytes(ours.process_id)?;
    let beside = real.map(|real| resident_megabytes(real.process_id)).transpose()?;
    report.add(Line::new("memory after all this", "MB", after).beside(beside));
    Ok(report)
}
