//! Other clusters, as far as somebody noted them: tenants may be allowed on them. Nothing is replicated to them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::broker::{AdminError, Broker};

/// Clusters by name, each with what Pulsar calls its data.
pub(crate) type Clusters = BTreeMap<String, Value>;

impl Broker {
    /// What was noted of clusters, by name. Of this one there may be something too, but where it is.
    pub fn clusters(&self) -> BTreeMap<String, Value> {
        self.shared.clusters.read().clone()
    }

    /// Notes something of a cluster, in one step: `change` gets what is noted, null if there is nothing. Its refusal
    /// leaves everything as it was.
    pub fn change_cluster<E: From<AdminError>>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), E>,
    ) -> Result<(), E> {
        let _changing = self.shared.changing.lock();
        let mut noted = self.shared.clusters.read().get(name).cloned().unwrap_or_default();
        change(&mut noted)?;
        self.shared.metadata.put_cluster(name, &noted.to_string()).map_err(AdminError::from)?;
        self.shared.clusters.write().insert(name.to_owned(), noted);
        Ok(())
    }

    /// Forgets a cluster; false if there is none.
    pub fn delete_cluster(&self, name: &str) -> Result<bool, AdminError> {
        let _changing = self.shared.changing.lock();
        if !self.shared.clusters.read().contains_key(name) {
            return Ok(false);
        }
        self.shared.metadata.delete_cluster(name)?;
        self.shared.clusters.write().remove(name);
        Ok(true)
    }
}
