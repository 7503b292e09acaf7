//! Compaction of a topic: begun, and how it goes.

use axum::{Json, extract::State};
use hexalpes_broker::{Broker, CompactionStatus};
use http::StatusCode;

use crate::{extract::Path, names, refusal::Refusal, topics::TopicPath};

pub(crate) async fn compact(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<StatusCode, Refusal> {
    broker.compact(&names::topic(&tenant, &namespace, &topic)?)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn status(
    State(broker): State<Broker>,
    Path((tenant, namespace, topic)): TopicPath,
) -> Result<Json<CompactionStatus>, Refusal> {
    Ok(Json(broker.compaction(&names::topic(&tenant, &namespace, &topic)?)?))
}
