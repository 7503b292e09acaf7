//! Namespaces, with what is set for them.

use axum::{Json, extract::State};
use hexalpes_broker::{Broker, Policy};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    CLUSTER, blocking, bundles,
    extract::{Body, Path},
    names, policies,
    refusal::Refusal,
};

const POLICIES: [Policy; 33] = [
    Policy::Deduplication,
    Policy::Retention,
    Policy::InactiveTopics,
    Policy::CompactionThreshold,
    Policy::AutoTopicCreation,
    Policy::SchemaCompatibility,
    Policy::AllowAutoUpdateSchema,
    Policy::SchemaValidationEnforced,
    Policy::MessageTtl,
    Policy::BacklogQuota,
    Policy::MaxProducers,
    Policy::MaxConsumers,
    Policy::MaxConsumersPerSubscription,
    Policy::MaxSubscriptions,
    Policy::MaxTopics,
    Policy::SubscriptionExpiration,
    Policy::AutoSubscriptionCreation,
    Policy::SubscriptionTypes,
    Policy::DelayedDelivery,
    Policy::Persistence,
    Policy::Grants,
    Policy::PublishRate,
    Policy::DispatchRate,
    Policy::SubscriptionDispatchRate,
    Policy::ReplicatorDispatchRate,
    Policy::SubscribeRate,
    Policy::MaxUnackedPerConsumer,
    Policy::MaxUnackedPerSubscription,
    Policy::EncryptionRequired,
    Policy::SubscriptionAuthMode,
    Policy::DeduplicationSnapshotInterval,
    Policy::AllowedClusters,
    Policy::Properties,
];

pub(crate) async fn list(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
) -> Result<Json<Vec<String>>, Refusal> {
    blocking(broker, move |broker| {
        names::known_tenant(broker, &tenant)?;
        let is_of_tenant = |name: &String| name.split_once('/').is_some_and(|(of, _)| of == tenant);
        Ok(Json(broker.namespaces().into_iter().filter(is_of_tenant).collect()))
    })
    .await
}

/// All policies under Pulsar's names, those that are set and how it is where they are not.
pub(crate) async fn read(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    let mut all = unset();
    for policy in POLICIES {
        if let Some(value) = broker.policy(&namespace, policy)?.filter(|value| !value.is_null()) {
            let value = if is_by_cluster(policy) { json!({ CLUSTER: value }) } else { value };
            if policy == Policy::DispatchRate {
                all.insert("clusterDispatchRate".to_owned(), value.clone());
            }
            all.insert(policy.name().to_owned(), value);
        }
    }
    Ok(Json(Value::Object(all)))
}

/// Rates are told for each cluster, of which there is one.
const fn is_by_cluster(policy: Policy) -> bool {
    use Policy::{
        DispatchRate, PublishRate, ReplicatorDispatchRate, SubscribeRate, SubscriptionDispatchRate,
    };
    matches!(
        policy,
        PublishRate | DispatchRate | SubscriptionDispatchRate | ReplicatorDispatchRate | SubscribeRate
    )
}

/// What Pulsar answers where nobody said anything.
fn unset() -> Map<String, Value> {
    let unset = json!({
        "auth_policies": { "namespace_auth": {}, "destination_auth": {}, "subscription_auth_roles": {} },
        "replication_clusters": [CLUSTER],
        "allowed_clusters": [],
        "bundles": bundles::all(),
        "backlog_quota_map": {},
        "clusterDispatchRate": {},
        "topicDispatchRate": {},
        "subscriptionDispatchRate": {},
        "replicatorDispatchRate": {},
        "clusterSubscribeRate": {},
        "publishMaxMessageRate": {},
        "latency_stats_sample_rate": {},
        "deleted": false,
        "encryption_required": false,
        "subscription_auth_mode": "None",
        "offload_threshold": -1,
        "offload_threshold_in_seconds": -1,
        "schema_compatibility_strategy": "UNDEFINED",
        "is_allow_auto_update_schema": true,
        "schema_validation_enforced": false,
        "subscription_types_enabled": [],
        "properties": {},
        "migrated": false,
    });
    match unset {
        Value::Object(unset) => unset,
        _ => Map::new(),
    }
}

/// The body may hold policies, as [`read`] answers them; those that are not known here are passed over.
pub(crate) async fn create(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    let body: Option<Map<String, Value>> =
        if body.is_empty() { None } else { serde_json::from_slice(&body)? };
    let mut body = body.unwrap_or_default();
    let mut set = Vec::new();
    for policy in POLICIES {
        let value = body.remove(policy.name());
        let value = if is_by_cluster(policy) {
            value.and_then(|mut by| Some(by.get_mut(CLUSTER)?.take()))
        } else {
            value
        };
        if let Some(value) = value.filter(|value| !value.is_null()) {
            set.push((policy, policies::checked(policy, value)?));
        }
    }
    blocking(broker, move |broker| {
        if names::has_namespace(broker, &namespace) {
            return Err(Refusal::Exists(format!("namespace {namespace}")));
        }
        let tenant = namespace.split_once('/').map_or("", |(tenant, _)| tenant);
        if broker.tenant(tenant).is_some_and(|info| !info.allowed_clusters.contains(CLUSTER)) {
            return Err(Refusal::TenantElsewhere(tenant.to_owned()));
        }
        broker.create_namespace(&namespace)?;
        for (policy, value) in set {
            broker.set_policy(&namespace, policy, value)?;
        }
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    blocking(broker, move |broker| {
        if broker.delete_namespace(&namespace)? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Refusal::NotEmpty(format!("namespace {namespace}")))
        }
    })
    .await
}
