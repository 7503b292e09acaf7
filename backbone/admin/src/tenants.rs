//! Tenants: a name each, without roles, on the one cluster.

use axum::{Json, extract::State};
use hexalpes_broker::Broker;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{CLUSTER, blocking, extract::Path, names, refusal::Refusal};

pub(crate) async fn list(State(broker): State<Broker>) -> Result<Json<Vec<String>>, Refusal> {
    blocking(broker, |broker| Ok(Json(broker.tenants()?))).await
}

pub(crate) async fn read(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Refusal> {
    blocking(broker, move |broker| names::known_tenant(broker, &tenant)).await?;
    Ok(Json(json!({ "adminRoles": [], "allowedClusters": [CLUSTER] })))
}

/// Takes no account of the body: nobody has roles, and there is no other cluster.
pub(crate) async fn create(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
) -> Result<StatusCode, Refusal> {
    let tenant = names::tenant(&tenant)?;
    blocking(broker, move |broker| {
        if names::has_tenant(broker, &tenant)? {
            return Err(Refusal::Exists(format!("tenant {tenant}")));
        }
        Ok(broker.create_tenant(&tenant)?)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn delete(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
) -> Result<StatusCode, Refusal> {
    blocking(broker, move |broker| {
        names::known_tenant(broker, &tenant)?;
        if broker.delete_tenant(&tenant)? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Refusal::NotEmpty(format!("tenant {tenant}")))
        }
    })
    .await
}
