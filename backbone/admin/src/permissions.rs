//! Which roles may do what, in a namespace and on a topic.

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};
use hexalpes_broker::{Action, AdminError, Broker, Roles};
use hexalpes_wire::TopicName;
use http::StatusCode;

use crate::{
    blocking,
    extract::{Body, Path, Topic},
    names,
    refusal::Refusal,
};

/// Tenant, namespace, local name, role.
type TopicRolePath = Path<(String, String, String, String)>;

pub(crate) async fn of_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<Roles>, Refusal> {
    Ok(Json(broker.grants(&names::namespace(&tenant, &namespace)?)?.namespace))
}

/// A role has what it was granted last, and nothing of before.
pub(crate) async fn grant_in_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace, role)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (namespace, actions) = (names::namespace(&tenant, &namespace)?, actions(&body)?);
    blocking(broker, move |broker| {
        Ok(broker.change_grants(&namespace, |grants| {
            grants.namespace.insert(role, actions);
        })?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn revoke_in_namespace(
    State(broker): State<Broker>,
    Path((tenant, namespace, role)): Path<(String, String, String)>,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    blocking(broker, move |broker| {
        Ok(broker.change_grants(&namespace, |grants| {
            grants.namespace.remove(&role);
        })?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The roles that each subscription is for, where it is not for all.
pub(crate) async fn of_subscriptions(
    State(broker): State<Broker>,
    Path((tenant, namespace)): Path<(String, String)>,
) -> Result<Json<BTreeMap<String, BTreeSet<String>>>, Refusal> {
    Ok(Json(broker.grants(&names::namespace(&tenant, &namespace)?)?.subscriptions))
}

/// The subscription is for these roles, and for none of before.
pub(crate) async fn grant_subscription(
    State(broker): State<Broker>,
    Path((tenant, namespace, subscription)): Path<(String, String, String)>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    let roles: BTreeSet<String> = serde_json::from_slice(&body)?;
    blocking(broker, move |broker| {
        Ok(broker
            .change_grants(&namespace, |grants| drop(grants.subscriptions.insert(subscription, roles)))?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn revoke_subscription(
    State(broker): State<Broker>,
    Path((tenant, namespace, subscription, role)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Refusal> {
    let namespace = names::namespace(&tenant, &namespace)?;
    blocking(broker, move |broker| {
        let mut found = false;
        broker.change_grants(&namespace, |grants| {
            if let Some(roles) = grants.subscriptions.get_mut(&subscription) {
                found = true;
                roles.remove(&role);
                if roles.is_empty() {
                    grants.subscriptions.remove(&subscription);
                }
            }
        })?;
        if found { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::NoGrantOfSubscription(subscription)) }
    })
    .await
}

/// What holds for the topic: also what was granted in its namespace.
pub(crate) async fn of_topic(
    State(broker): State<Broker>,
    Topic(topic): Topic,
) -> Result<Json<Roles>, Refusal> {
    known(&broker, &topic)?;
    let mut grants = broker.grants(&topic.full_namespace())?;
    let mut roles = grants.namespace;
    for (role, actions) in grants.topics.remove(&topic.to_string()).unwrap_or_default() {
        roles.entry(role).or_default().extend(actions);
    }
    Ok(Json(roles))
}

pub(crate) async fn grant_on_topic(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, role)): TopicRolePath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    known(&broker, &topic)?;
    let actions = actions(&body)?;
    blocking(broker, move |broker| {
        Ok(broker.change_grants(&topic.full_namespace(), |grants| {
            grants.topics.entry(topic.to_string()).or_default().insert(role, actions);
        })?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn revoke_on_topic(
    State(broker): State<Broker>,
    Topic(topic): Topic,
    Path((_, _, _, role)): TopicRolePath,
) -> Result<StatusCode, Refusal> {
    known(&broker, &topic)?;
    blocking(broker, move |broker| {
        Ok(broker.change_grants(&topic.full_namespace(), |grants| {
            let name = topic.to_string();
            if let Some(roles) = grants.topics.get_mut(&name) {
                roles.remove(&role);
                if roles.is_empty() {
                    grants.topics.remove(&name);
                }
            }
        })?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A topic that is there, with partitions or without.
fn known(broker: &Broker, topic: &TopicName) -> Result<(), Refusal> {
    names::known_namespace(broker, &topic.full_namespace())?;
    if broker.has_topic(topic) { Ok(()) } else { Err(AdminError::NoTopic(topic.clone()).into()) }
}

fn actions(body: &[u8]) -> Result<BTreeSet<Action>, Refusal> {
    Ok(serde_json::from_slice(body)?)
}
