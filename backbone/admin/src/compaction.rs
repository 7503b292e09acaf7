//! Compaction of a topic: begun, and how it goes.

use axum::{Json, extract::State};
use hexalpes_broker::{Broker, CompactionStatus};
use http::StatusCode;

use crate::{extract::Topic, refusal::Refusal};

pub(crate) async fn compact(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<StatusCode, Refusal> {
    broker.compact(&topic)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn status(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<CompactionStatus>, Refusal> {
    Ok(Json(broker.compaction(&topic)?))
}
