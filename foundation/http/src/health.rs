//! `/health`, `/health/live`, `/health/ready` and `/metrics`: how a service is, for people and for those who restart it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::BoxFuture;
use hexalpes_telemetry::Metrics;
use serde::Serialize;

/// How something is. The worst of several is the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Ok,
    /// It works, but not all of it: a relay that lags.
    Degraded,
    /// It cannot do its work.
    Down,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub status: Status,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What was counted, by names that say of what: also while all is well.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<&'static str, u64>,
}

impl Check {
    pub fn ok() -> Self {
        Self::of(Status::Ok, String::new())
    }

    pub fn degraded(detail: impl Into<String>) -> Self {
        Self::of(Status::Degraded, detail.into())
    }

    pub fn down(detail: impl Into<String>) -> Self {
        Self::of(Status::Down, detail.into())
    }

    fn of(status: Status, detail: String) -> Self {
        Self { status, detail, figures: BTreeMap::new() }
    }

    /// The same with what was counted.
    #[must_use]
    pub fn with(mut self, figures: impl IntoIterator<Item = (&'static str, u64)>) -> Self {
        self.figures.extend(figures);
        self
    }
}

/// By the name of the part that works in the background, such as `relay` or `broker`.
pub type Checks = BTreeMap<&'static str, Check>;

type Look = dyn Fn() -> BoxFuture<'static, Checks> + Send + Sync;

/// Who is asked, and how it looks.
#[derive(Clone)]
pub struct Health {
    service: &'static str,
    version: &'static str,
    look: Arc<Look>,
}

#[derive(Clone, Serialize)]
struct Report {
    status: Status,
    service: &'static str,
    version: &'static str,
    checks: Checks,
}

impl Health {
    /// `look` is called at each request and should answer within a second.
    pub fn new(
        service: &'static str,
        version: &'static str,
        look: impl Fn() -> BoxFuture<'static, Checks> + Send + Sync + 'static,
    ) -> Self {
        Self { service, version, look: Arc::new(look) }
    }

    /// The routes `/health`, `/health/live`, `/health/ready` and `/metrics`.
    ///
    /// `/health` and `/health/ready` answer 200, or 503 when the service is down; the report is the same (no
    /// problem+json). `/health/live` answers 200 for as long as there is a process that answers: whoever restarts
    /// what is not alive is not to restart what waits for others.
    pub fn routes(self, metrics: Metrics) -> Router {
        let Self { service, version, .. } = self;
        let health = move || {
            let health = self.clone();
            async move { health.report().await }
        };
        let live = Report { status: Status::Ok, service, version, checks: Checks::new() };
        let live = move || std::future::ready(Json(live.clone()));
        let shown = move || std::future::ready(show(&metrics));
        Router::new()
            .route("/health", get(health.clone()))
            .route("/health/ready", get(health))
            .route("/health/live", get(live))
            .route("/metrics", get(shown))
    }

    async fn report(&self) -> Response {
        let checks = (self.look)().await;
        let status = checks.values().map(|check| check.status).max().unwrap_or_default();
        let code = if status == Status::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        let Self { service, version, .. } = *self;
        (code, Json(Report { status, service, version, checks })).into_response()
    }
}

fn show(metrics: &Metrics) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("service", &self.service).finish_non_exhaustive()
    }
}
