//! Tenants: a name each, who administers it, and the clusters that it may be on.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use hexalpes_broker::{AdminError, Broker, TenantInfo};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    blocking, clusters,
    extract::{Body, Path},
    names,
    refusal::Refusal,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(default)]
    admin_roles: Option<BTreeSet<String>>,
    #[serde(default)]
    allowed_clusters: Option<BTreeSet<String>>,
}

/// What the body says of a tenant, checked as Pulsar does; without a body it is what most say.
fn info(broker: &Broker, body: &[u8]) -> Result<TenantInfo, Refusal> {
    if body.is_empty() {
        return Ok(TenantInfo::default());
    }
    let Info { admin_roles, allowed_clusters } = serde_json::from_slice(body)?;
    let allowed_clusters = allowed_clusters.ok_or(Refusal::Tenant("allowedClusters is missing"))?;
    if allowed_clusters.is_empty() {
        return Err(Refusal::Tenant("allowedClusters is empty"));
    }
    if allowed_clusters.iter().any(|cluster| !clusters::is_known(broker, cluster)) {
        return Err(Refusal::Tenant("allowedClusters has one that is not there"));
    }
    let admin_roles = admin_roles.unwrap_or_default();
    if admin_roles.iter().any(|role| role.is_empty() || role.trim() != role) {
        return Err(Refusal::Tenant("adminRoles has one that is empty, or begins or ends with a blank"));
    }
    Ok(TenantInfo { admin_roles, allowed_clusters })
}

pub(crate) async fn list(State(broker): State<Broker>) -> Result<Json<Vec<String>>, Refusal> {
    blocking(broker, |broker| Ok(Json(broker.tenants()?))).await
}

pub(crate) async fn read(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
) -> Result<Json<TenantInfo>, Refusal> {
    Ok(Json(broker.tenant(&tenant).ok_or(AdminError::NoTenant(tenant))?))
}

pub(crate) async fn create(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let (tenant, info) = (names::tenant(&tenant)?, info(&broker, &body)?);
    blocking(broker, move |broker| {
        if broker.create_tenant(&tenant, info)? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(Refusal::Exists(format!("tenant {tenant}")))
        }
    })
    .await
}

pub(crate) async fn update(
    State(broker): State<Broker>,
    Path(tenant): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, Refusal> {
    let info = info(&broker, &body)?;
    blocking(broker, move |broker| Ok(broker.update_tenant(&tenant, info)?)).await?;
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
