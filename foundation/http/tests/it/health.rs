//! What `/health` and `/metrics` tell.

use axum::Router;
use hexalpes_http::{Check, Checks, Health, layers};
use hexalpes_telemetry::Metrics;
use serde_json::json;

use crate::support::{edge, get_from};

fn face(checks: &[(&'static str, Check)]) -> Router {
    let checks: Checks = checks.iter().cloned().collect();
    let health = Health::new("commissions", "0.1.0", move || {
        let checks = checks.clone();
        Box::pin(async move { checks })
    });
    layers(health.routes(Metrics::detached()), edge())
}

#[tokio::test]
async fn a_service_without_complaints_is_ok() {
    let answer = get_from(&face(&[("database", Check::ok())]), "/health", &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"status": "ok", "service": "commissions", "version": "0.1.0", "checks": {"database": {"status": "ok"}}})
    );
}

#[tokio::test]
async fn the_worst_check_is_the_status() {
    let degraded = ("relay", Check::degraded("lags by 9 events"));
    let answer = get_from(&face(&[degraded.clone(), ("database", Check::ok())]), "/health", &[]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &json!("degraded")));
    assert_eq!(answer.json()["checks"]["relay"]["detail"], "lags by 9 events");

    let down = ("database", Check::down("closed"));
    let answer = get_from(&face(&[degraded, down]), "/health", &[]).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (503, &json!("down")));
}

#[tokio::test]
async fn metrics_are_text() {
    let answer = get_from(&face(&[]), "/metrics", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
}
