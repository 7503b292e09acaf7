//! How much may wait in a topic, by kind: in bytes (`destination_storage`), or by age (`message_age`).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use hexalpes_broker::{Broker, Policy};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    blocking,
    extract::{Body, Path, Query, Topic},
    names,
    refusal::Refusal,
};

const BYTES_PER_MB: i64 = 1 << 20;
const SECONDS_PER_MINUTE: i64 = 60;

/// All quotas of a namespace or a topic.
pub(crate) type Quotas = BTreeMap<Kind, Quota>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    DestinationStorage,
    MessageAge,
}

/// A quota as it is kept and answered; it may be given with `limit`, as older clients do.
#[derive(Serialize, Deserialize)]
#[serde(from = "Given", rename_all = "camelCase")]
pub(crate) struct Quota {
    limit: i64,
    limit_size: i64,
    limit_time: i64,
    policy: Over,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    limit: Option<i64>,
    limit_size: Option<i64>,
    #[serde(default)]
    limit_time: i64,
    policy: Over,
}

/// What becomes of a topic that is over its quota.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Over {
    ProducerRequestHold,
    ProducerException,
    ConsumerBacklogEviction,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Which {
    #[serde(default)]
    backlog_quota_type: Kind,
}

impl From<Given> for Quota {
    fn from(given: Given) -> Self {
        let limit_size = given.limit_size.or(given.limit).unwrap_or(0);
        Self { limit: limit_size, limit_size, limit_time: given.limit_time, policy: given.policy }
    }
}

impl Quota {
    /// As by Pulsar: what may wait must be less than what retention keeps, where it keeps some and not all.
    fn check(&self, retention: Option<&Value>) -> Result<(), Refusal> {
        let kept = |name: &str| retention.and_then(|set| set[name].as_i64()).filter(|kept| *kept > 0);
        let (Some(minutes), Some(megabytes)) = (kept("retentionTimeInMinutes"), kept("retentionSizeInMB"))
        else {
            return Ok(());
        };
        let is_beyond = self.limit_size >= megabytes.saturating_mul(BYTES_PER_MB)
            || self.limit_time >= minutes.saturating_mul(SECONDS_PER_MINUTE);
        if is_beyond { Err(Refusal::QuotaBeyondRetention) } else { Ok(()) }
    }
}

/// Sets a quota beside the others of a policy, or removes it.
fn put(set: &mut Value, kind: Kind, quota: Option<Value>) {
    let name = serde_json::to_value(kind).ok();
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let mut all = match set.take() {
        Value::Object(all) => all,
        _ => Map::new(),
    };
    all.remove(name);
    all.extend(quota.map(|quota| (name.to_owned(), quota)));
    *set = Value::Object(all);
}

fn all(set: Option<Value>) -> Json<Value> {
    Json(set.filter(|set| !set.is_null()).unwrap_or_else(|| Value::Object(Map::new())))
}

pub(crate) async fn of_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    Ok(all(broker.policy(&names::namespace(&tenant, &namespace)?, Policy::BacklogQuota)?))
}

pub(crate) async fn set_for_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
    Query(Which { backlog_quota_type: kind }): Query<Which>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    let quota: Quota = serde_json::from_slice(&body)?;
    quota.check(broker.policy(&namespace, Policy::Retention)?.as_ref())?;
    let quota = serde_json::to_value(quota)?;
    blocking(broker, move |broker| {
        Ok(broker.change_policy(&namespace, Policy::BacklogQuota, |set| put(set, kind, Some(quota)))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn unset_for_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
    Query(Which { backlog_quota_type: kind }): Query<Which>,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    blocking(broker, move |broker| {
        Ok(broker.change_policy(&namespace, Policy::BacklogQuota, |set| put(set, kind, None))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// With `?applied=true`, those of the namespace where the topic has none.
pub(crate) async fn of_topic(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(applied): Query<crate::topic_policies::Applied>,
) -> Result<Json<Value>, Refusal> {
    let own = broker.topic_policy(&topic, Policy::BacklogQuota)?;
    if !applied.applied {
        return Ok(all(own));
    }
    let Json(mut both) = all(broker.policy(&topic.full_namespace(), Policy::BacklogQuota)?);
    if let (Value::Object(both), Some(Value::Object(own))) = (&mut both, own) {
        both.extend(own);
    }
    Ok(Json(both))
}

pub(crate) async fn set_for_topic(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(Which { backlog_quota_type: kind }): Query<Which>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let quota: Quota = serde_json::from_slice(&body)?;
    let own = broker.topic_policy(&topic, Policy::Retention)?;
    let of_namespace = broker.policy(&topic.full_namespace(), Policy::Retention)?;
    quota.check(own.or(of_namespace).as_ref())?;
    let quota = serde_json::to_value(quota)?;
    blocking(broker, move |broker| {
        Ok(broker.change_topic_policy(&topic, Policy::BacklogQuota, |set| put(set, kind, Some(quota)))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn unset_for_topic(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Query(Which { backlog_quota_type: kind }): Query<Which>,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| {
        Ok(broker.change_topic_policy(&topic, Policy::BacklogQuota, |set| put(set, kind, None))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
