//! The loads: what each is called, what it aims at, and how it runs once on one side.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use super::Subject;
use super::catch_up;
use super::fan_out;
use super::latency::Pair;
use super::perf;
use super::rates::{self, Sending};
use crate::report::Aim;
use crate::stats::Latencies;

const SPAN: Duration = Duration::from_secs(1);
/// A JVM compiles what is called often; until then its numbers would be unfair.
const WARM_UP: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// One topic, so many messages without a receipt.
    Publish {
        in_flight: usize,
    },
    Batched,
    /// A producer a topic, a thousand messages in flight over all of them.
    Topics(usize),
    EndToEnd {
        per_second: u32,
    },
    FanOut {
        subscriptions: u32,
    },
    CatchUp,
    /// Pulsar's own load generator; `None` is batched.
    Perf {
        in_flight: Option<usize>,
    },
}

/// What one run has shown.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) rate: Option<f64>,
    pub(super) latencies: Latencies,
}

impl From<f64> for Sample {
    fn from(rate: f64) -> Self {
        Self { rate: Some(rate), latencies: Latencies::default() }
    }
}

const ALL: [Load; 17] = [
    Load::Publish { in_flight: 1 },
    Load::Publish { in_flight: 64 },
    Load::Publish { in_flight: 256 },
    Load::Batched,
    Load::Perf { in_flight: Some(1) },
    Load::Perf { in_flight: Some(64) },
    Load::Perf { in_flight: Some(256) },
    Load::Perf { in_flight: None },
    Load::EndToEnd { per_second: 500 },
    Load::EndToEnd { per_second: 5_000 },
    Load::Topics(1),
    Load::Topics(100),
    Load::Topics(1_000),
    Load::FanOut { subscriptions: 1 },
    Load::FanOut { subscriptions: 10 },
    Load::FanOut { subscriptions: 100 },
    Load::CatchUp,
];

impl Load {
    /// Those whose names contain `only`.
    pub(super) fn all(only: Option<&str>) -> Vec<Self> {
        let asked = |load: &Self| only.is_none_or(|only| load.to_string().contains(only));
        ALL.into_iter().filter(asked).collect()
    }

    pub(super) fn names() -> String {
        ALL.map(|load| load.to_string()).join("; ")
    }

    /// With its unit and aim, if a rate is what it shows.
    pub(super) fn rate(self) -> Option<(&'static str, Option<Aim>)> {
        let at_least = |ratio| Some(("/s", Some(Aim::RatioAtLeast(ratio))));
        match self {
            Self::Publish { in_flight: 1 } | Self::Perf { in_flight: Some(1) } => at_least(8.0),
            Self::Publish { in_flight: 64 } | Self::Perf { in_flight: Some(64) } => at_least(2.0),
            Self::Publish { .. } | Self::Batched | Self::Perf { .. } => at_least(1.5),
            Self::Topics(_) | Self::FanOut { .. } => Some(("/s", None)),
            Self::CatchUp => Some(("MB/s", None)),
            Self::EndToEnd { .. } => None,
        }
    }

    /// One message waits for one sync.
    pub(super) fn is_bounded_by_the_disk(self) -> bool {
        matches!(self, Self::Publish { in_flight: 1 } | Self::Perf { in_flight: Some(1) })
    }

    /// The aims of p50 and p99, if latencies are what it shows.
    pub(super) fn latency(self) -> Option<[Option<Aim>; 2]> {
        match self {
            Self::EndToEnd { .. } => Some([Some(Aim::RatioAtMost(0.1)), Some(Aim::RatioAtMost(0.2))]),
            Self::CatchUp => Some([None, None]),
            _ => None,
        }
    }

    pub(super) fn latency_name(self) -> String {
        match self {
            Self::CatchUp => "meanwhile another's end to end at 500/s".to_owned(),
            load => load.to_string(),
        }
    }

    /// Thrown away.
    pub(super) async fn warm_up(self, on: &Subject) -> Result<()> {
        match self {
            // The one warms up by itself, the other comes last.
            Self::Perf { .. } | Self::CatchUp => Ok(()),
            load => load.run_for(on, WARM_UP).await.map(drop),
        }
    }

    pub(super) async fn run(self, on: &Subject) -> Result<Sample> {
        self.run_for(on, SPAN).await
    }

    async fn run_for(self, on: &Subject, span: Duration) -> Result<Sample> {
        let client = &on.client;
        Ok(match self {
            Self::Publish { in_flight } => {
                rates::rate(client, "bench-rate", 1, Sending::Single { in_flight }, span).await?.into()
            }
            Self::Batched => rates::rate(client, "bench-batched", 1, Sending::Batches, span).await?.into(),
            Self::Topics(topics) => {
                let sending = Sending::Single { in_flight: 1_000 / topics };
                rates::rate(client, &format!("bench-of-{topics}"), topics, sending, span).await?.into()
            }
            Self::EndToEnd { per_second } => {
                let latencies = Pair::open(client, "bench-latency").await?.measure(per_second, span).await?;
                Sample { rate: None, latencies }
            }
            Self::FanOut { subscriptions } => fan_out::rate(client, subscriptions).await?.into(),
            Self::CatchUp => catch_up::sample(client, &on.service_url).await?,
            Self::Perf { in_flight } => perf::rate(&on.service_url, in_flight).await?.into(),
        })
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publish { in_flight } => write!(f, "published, {in_flight} in flight"),
            Self::Batched => f.write_str("published in batches"),
            Self::Topics(topics) => write!(f, "published over {topics} topics, 1000 in flight"),
            Self::EndToEnd { per_second } => write!(f, "end to end at {per_second}/s"),
            Self::FanOut { subscriptions } => write!(f, "delivered and acked, {subscriptions} subscriptions"),
            Self::CatchUp => f.write_str("catch-up read of 2 GB"),
            Self::Perf { in_flight: Some(messages) } => write!(f, "pulsar-perf, {messages} in flight"),
            Self::Perf { in_flight: None } => f.write_str("pulsar-perf in batches"),
        }
    }
}
