//! What somebody noted beside a namespace.

use axum::{Json, extract::State};
use hexalpes_broker::{Broker, Policy, Properties};
use http::StatusCode;
use serde::Deserialize as _;

use crate::{
    blocking,
    extract::{Body, Path},
    names,
    refusal::Refusal,
};

/// Tenant, namespace.
type NamespacePath = Path<(String, String)>;
/// The same with a key.
type KeyPath = Path<(String, String, String)>;

fn noted(broker: &Broker, namespace: &str) -> Result<Properties, Refusal> {
    let set = broker.policy(namespace, Policy::Properties)?;
    // It was checked when it was set.
    Ok(set.and_then(|set| Properties::deserialize(set).ok()).unwrap_or_default())
}

/// Changes what is noted in one step, and says what came of it.
async fn change<T: Send + 'static>(
    broker: Broker,
    namespace: String,
    change: impl FnOnce(&mut Properties) -> T + Send + 'static,
) -> Result<T, Refusal> {
    blocking(broker, move |broker| {
        let mut came = None;
        broker.change_policy(&namespace, Policy::Properties, |set| {
            let mut noted = Properties::deserialize(&*set).unwrap_or_default();
            came = Some(change(&mut noted));
            *set = noted.into_iter().collect();
        })?;
        came.ok_or(Refusal::Panicked)
    })
    .await
}

pub(crate) async fn all(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
) -> Result<Json<Properties>, Refusal> {
    Ok(Json(noted(&broker, &names::namespace(&tenant, &namespace)?)?))
}

/// Notes these as well.
pub(crate) async fn add(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let more: Properties = serde_json::from_slice(&body)?;
    change(broker, names::namespace(&tenant, &namespace)?, |noted| noted.extend(more)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn clear(
    State(broker): State<Broker>,
    Path((tenant, namespace)): NamespacePath,
) -> Result<StatusCode, Refusal> {
    change(broker, names::namespace(&tenant, &namespace)?, Properties::clear).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The value as it is; nothing where there is none.
pub(crate) async fn one(
    State(broker): State<Broker>,
    Path((tenant, namespace, key)): KeyPath,
) -> Result<String, Refusal> {
    let mut noted = noted(&broker, &names::namespace(&tenant, &namespace)?)?;
    Ok(noted.remove(&key).unwrap_or_default())
}

pub(crate) async fn set(
    State(broker): State<Broker>,
    Path((tenant, namespace, key, value)): Path<(String, String, String, String)>,
) -> Result<StatusCode, Refusal> {
    change(broker, names::namespace(&tenant, &namespace)?, |noted| noted.insert(key, value)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The value that it had, as it was.
pub(crate) async fn remove(
    State(broker): State<Broker>,
    Path((tenant, namespace, key)): KeyPath,
) -> Result<String, Refusal> {
    let had = change(broker, names::namespace(&tenant, &namespace)?, move |noted| noted.remove(&key)).await?;
    Ok(had.unwrap_or_default())
}
