//! `GET /health/pulsar` and `GET /health/events`: whether the broker is there, and whether events are handled, as the
//! seeds name it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::future::try_join_all;
use hexalpes_client::{AdminClient, Client, ProducerOptions, TopicName, admin::AdminError};
use hexalpes_desk::letters::waiting;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{join, time::timeout};

use crate::{
    reach::answers,
    settings::{Key, Settings},
};

/// Nothing is published there: that a producer can be opened is what it is for.
const HEALTH_TOPIC: &str = "persistent://hexabuilders/system/health-check";
/// The tenant whose namespaces are counted.
const TENANT: &str = "hexabuilders";
/// For so long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The error rate is that of the time since the last look that was at least so long ago.
const WINDOW: Duration = Duration::from_mins(5);

/// What may be, and be well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    lag: u64,
    error_percent: u64,
    dead_letters: u64,
}

impl Limits {
    pub(crate) fn of(settings: &Settings) -> Result<Self> {
        Ok(Self {
            lag: settings.number(Key::HealthLagMax)?,
            error_percent: settings.number(Key::HealthErrorPercentMax)?,
            dead_letters: settings.number(Key::HealthDeadLettersMax)?,
        })
    }
}

/// Runs of handlers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    pub(crate) all: u64,
    pub(crate) failed: u64,
}

/// Counts the runs of one consumer.
pub(crate) type Count = Box<dyn Fn() -> Runs + Send + Sync>;

/// What a service hears, and where its dead letters go.
#[derive(Default)]
pub(crate) struct Hears {
    /// Topics with the subscriptions on them.
    pub(crate) subscriptions: Vec<(TopicName, String)>,
    pub(crate) dead_letters: BTreeSet<TopicName>,
    pub(crate) counts: Vec<Count>,
    /// What waits behind a handler: it was heard, and is not done.
    pub(crate) waits: Vec<Box<dyn Fn() -> u64 + Send + Sync>>,
}

impl Hears {
    /// Takes what another service hears to it.
    pub(crate) fn and(&mut self, other: Self) {
        self.subscriptions.extend(other.subscriptions);
        self.dead_letters.extend(other.dead_letters);
        self.counts.extend(other.counts);
        self.waits.extend(other.waits);
    }
}

/// A broker, and what one service does with its events.
struct EventHealth {
    client: Client,
    admin: AdminClient,
    hears: Hears,
    limits: Limits,
    looks: Mutex<VecDeque<(Instant, Runs)>>,
}

pub(crate) fn routes(client: Client, admin: AdminClient, hears: Hears, limits: Limits) -> Router {
    let looks = Mutex::new(VecDeque::from([(Instant::now(), Runs::default())]));
    let health = EventHealth { client, admin, hears, limits, looks };
    Router::new()
        .route("/health/pulsar", get(pulsar))
        .route("/health/events", get(events))
        .with_state(Arc::new(health))
}

async fn pulsar(State(health): State<Arc<EventHealth>>) -> Response {
    let looked = timeout(PATIENCE, health.namespaces()).await;
    let looked = looked.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {PATIENCE:?}")));
    match looked {
        Ok(namespaces) => {
            let body = json!({
                "pulsar_broker": "healthy", "admin_api": "healthy", "namespaces_count": namespaces,
            });
            (StatusCode::OK, Json(body)).into_response()
        }
        Err(error) => {
            let body = json!({ "pulsar_broker": "unhealthy", "error": format!("{error:#}") });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// All four are told whatever they are; what is not known is null.
async fn events(State(health): State<Arc<EventHealth>>) -> Response {
    // At once: whoever asks waits for the slowest alone.
    let (lag, letters, is_connected) = join!(
        timeout(PATIENCE, health.lag()),
        timeout(PATIENCE, health.dead_letters()),
        timeout(PATIENCE, health.is_connected()),
    );
    let (lag, letters) = (lag.ok().and_then(Result::ok), letters.ok().and_then(Result::ok));
    let is_connected = is_connected.unwrap_or(false);
    let runs = health.recent();
    let Limits { lag: lag_max, error_percent, dead_letters } = health.limits;
    let is_well = is_connected
        && lag.is_some_and(|lag| lag <= lag_max)
        && letters.is_some_and(|letters| letters <= dead_letters)
        && runs.failed.saturating_mul(100) <= runs.all.saturating_mul(error_percent);
    let body = json!({
        "pulsar_connection": is_connected,
        "consumer_lag": lag,
        "error_rate": rate(runs),
        "dead_letter_queue_size": letters,
    });
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// A share, with four decimals.
fn rate(runs: Runs) -> Value {
    let of_ten_thousand = runs.failed.saturating_mul(10_000).checked_div(runs.all).unwrap_or(0);
    let text = format!("{}.{:04}", of_ten_thousand / 10_000, of_ten_thousand % 10_000);
    text.parse::<f64>().unwrap_or_default().into()
}

impl EventHealth {
    async fn namespaces(&self) -> Result<usize> {
        let opened = self.client.producer(HEALTH_TOPIC, ProducerOptions::default()).await;
        opened.with_context(|| format!("no producer on {HEALTH_TOPIC}"))?.close().await;
        Ok(self.admin.namespaces(TENANT).await.context("the admin API does not list the namespaces")?.len())
    }

    async fn is_connected(&self) -> bool {
        self.admin.health().await.as_ref().err().is_none_or(answers)
    }

    /// What waits for all handlers together.
    async fn lag(&self) -> Result<u64, AdminError> {
        let lags = self.hears.subscriptions.iter().map(async |(topic, subscription)| {
            let stats = match self.admin.partitioned_stats(topic).await {
                Err(error) if error.status().is_some() => self.admin.stats(topic).await?,
                stats => stats?,
            };
            Ok(stats["subscriptions"][subscription]["msgBacklog"].as_u64().unwrap_or_default())
        });
        let behind: u64 = self.hears.waits.iter().map(|waits| waits()).sum();
        Ok(try_join_all(lags).await?.into_iter().sum::<u64>() + behind)
    }

    async fn dead_letters(&self) -> Result<u64, AdminError> {
        let waiting = self.hears.dead_letters.iter().map(|topic| waiting(&self.admin, topic));
        Ok(try_join_all(waiting).await?.into_iter().sum())
    }

    /// The runs since the last look that is long enough ago.
    fn recent(&self) -> Runs {
        let (now, mut runs) = (Instant::now(), Runs::default());
        for count in &self.hears.counts {
            let counted = count();
            runs.all += counted.all;
            runs.failed += counted.failed;
        }
        let mut looks = self.looks.lock();
        while looks.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            looks.pop_front();
        }
        let (last, before) =
            (looks.back().copied(), looks.front().copied().unwrap_or((now, Runs::default())).1);
        if last.is_none_or(|(at, _)| now.duration_since(at) >= WINDOW / 60) {
            looks.push_back((now, runs));
        }
        Runs {
            all: runs.all - before.all.min(runs.all),
            failed: runs.failed - before.failed.min(runs.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_share_of_all_runs_and_none_of_none() {
        for (failed, all, expected) in [(0, 0, 0.0), (1, 3, 0.3333), (5, 5, 1.0)] {
            assert_eq!(rate(Runs { all, failed }), json!(expected));
        }
    }
}
