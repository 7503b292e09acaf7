//! Tenants: their names, who administers them, and on which clusters they may be.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    broker::{AdminError, Broker},
    rights::tenant_of,
};

/// What is known of a tenant, as Pulsar has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantInfo {
    /// Roles that may do everything with what is the tenant's.
    pub admin_roles: BTreeSet<String>,
    pub allowed_clusters: BTreeSet<String>,
}

impl Default for TenantInfo {
    /// Administered by superusers alone, on the one cluster there is.
    fn default() -> Self {
        Self { admin_roles: BTreeSet::new(), allowed_clusters: BTreeSet::from(["standalone".to_owned()]) }
    }
}

impl Broker {
    pub fn tenants(&self) -> Result<Vec<String>, AdminError> {
        Ok(self.shared.metadata.tenants()?.into_iter().map(|(tenant, _)| tenant).collect())
    }

    /// What is known of a tenant; none if it is not there.
    pub fn tenant(&self, tenant: &str) -> Option<TenantInfo> {
        self.shared.tenants.read().get(tenant).cloned()
    }

    /// Makes a tenant; false if it is there already, and stays as it is.
    pub fn create_tenant(&self, tenant: &str, info: TenantInfo) -> Result<bool, AdminError> {
        let _changing = self.shared.changing.lock();
        if self.shared.tenants.read().contains_key(tenant) {
            return Ok(false);
        }
        self.put_tenant(tenant, info)?;
        Ok(true)
    }

    /// Changes what is known of a tenant, and sends away who is connected and administers it no more.
    pub fn update_tenant(&self, tenant: &str, info: TenantInfo) -> Result<(), AdminError> {
        {
            let _changing = self.shared.changing.lock();
            if !self.shared.tenants.read().contains_key(tenant) {
                return Err(AdminError::NoTenant(tenant.to_owned()));
            }
            self.put_tenant(tenant, info)?;
        }
        self.shared.send_away_without_rights(|namespace| tenant_of(namespace) == tenant);
        Ok(())
    }

    fn put_tenant(&self, tenant: &str, info: TenantInfo) -> Result<(), AdminError> {
        let spelled = serde_json::to_string(&info).expect("texts and lists of them become JSON");
        self.shared.metadata.put_tenant(tenant, &spelled)?;
        self.shared.tenants.write().insert(tenant.to_owned(), info);
        Ok(())
    }

    /// Forgets a tenant; false if it has namespaces and stays.
    pub fn delete_tenant(&self, tenant: &str) -> Result<bool, AdminError> {
        let _changing = self.shared.changing.lock();
        let is_of_it = |name: &String| name.split_once('/').is_some_and(|(of, _)| of == tenant);
        if self.shared.namespaces.read().keys().any(is_of_it) {
            return Ok(false);
        }
        self.shared.metadata.delete_tenant(tenant)?;
        self.shared.tenants.write().remove(tenant);
        Ok(true)
    }
}
