//! Policies that are not there yet: read, they are not set, as by a Pulsar where nobody set them; to set one is refused.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::refusal::Refusal;

/// How it is answered that a policy is not set.
enum Unset {
    Ok,
    NoContent,
    No,
    Negative,
}

/// Of namespaces and topics, with what they are about.
const POLICIES: [(&str, &str, Unset); 11] = [
    ("offloadThreshold", "policies of offloading", Unset::Negative),
    ("offloadThresholdInSeconds", "policies of offloading", Unset::Negative),
    ("offloadDeletionLagMs", "policies of offloading", Unset::Ok),
    ("offloadPolicies", "policies of offloading", Unset::Ok),
    ("resourcegroup", "resource groups", Unset::Ok),
    ("antiAffinity", "groups of namespaces that keep apart", Unset::NoContent),
    ("entryFilters", "filters of entries", Unset::Ok),
    ("dispatcherPauseOnAckStatePersistent", "pauses for what cannot be written down", Unset::No),
    ("schemaAutoUpdateCompatibilityStrategy", "strategies of before Pulsar 2.4", Unset::NoContent),
    ("replication", "topics that are replicated to other clusters", Unset::Ok),
    ("shadowTopics", "shadow topics", Unset::Ok),
];

/// The answer to who reads such a policy.
pub(crate) fn read(policy: &str) -> Option<Response> {
    let (_, _, unset) = POLICIES.iter().find(|(name, ..)| *name == policy)?;
    Some(match unset {
        Unset::Ok => StatusCode::OK.into_response(),
        Unset::NoContent => StatusCode::NO_CONTENT.into_response(),
        Unset::No => Json(false).into_response(),
        Unset::Negative => Json(-1).into_response(),
    })
}

/// Why a policy of this name cannot be set.
pub(crate) fn refused(policy: &str) -> Refusal {
    let found = POLICIES.iter().find(|(name, ..)| *name == policy);
    found.map_or(Refusal::NoPath, |(_, what, _)| Refusal::NotYet(what))
}

/// Nothing of a topic lies anywhere else.
pub(crate) async fn offloading() -> Json<Value> {
    let none =
        json!({ "ledgerId": -1, "entryId": -1, "partitionIndex": -1, "batchIndex": -1, "batchSize": 0 });
    Json(json!({ "status": "NOT_RUN", "lastError": "", "firstUnoffloadedMessage": none }))
}

pub(crate) async fn offload() -> Refusal {
    Refusal::NotYet("ledgers that are offloaded")
}

/// Which bookies a namespace keeps to: there are none.
pub(crate) async fn bookies() -> StatusCode {
    StatusCode::NO_CONTENT
}

pub(crate) async fn set_bookies() -> Refusal {
    Refusal::NotYet("groups of bookies")
}
