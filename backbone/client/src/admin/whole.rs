//! Calls that bring a broker to what a file says, and read what it has.

use std::collections::BTreeSet;

use hexalpes_wire::TopicName;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{AdminClient, AdminError, encoded, path, topic_path};

impl AdminClient {
    /// A tenant, with Pulsar's field names.
    pub async fn tenant(&self, tenant: &str) -> Result<Value, AdminError> {
        self.get(&format!("/tenants/{}", encoded(tenant))).await
    }

    /// Names who administers a tenant, in place of those who did.
    pub async fn set_admin_roles(&self, tenant: &str, roles: &BTreeSet<String>) -> Result<(), AdminError> {
        let clusters = self.tenant(tenant).await?["allowedClusters"].clone();
        let body = json!({ "adminRoles": roles, "allowedClusters": clusters });
        self.call(Method::POST, &format!("/tenants/{}", encoded(tenant)), Some(&body)).await.map(drop)
    }

    /// A policy of a namespace by the last part of its path; none where the namespace leaves it to the broker.
    pub async fn policy(&self, namespace: &str, name: &str) -> Result<Option<Value>, AdminError> {
        self.get_policy(namespace, name).await
    }

    /// [`set_policy`](Self::set_policy) for those that Pulsar sets by PUT.
    pub async fn replace_policy(&self, namespace: &str, name: &str, value: &Value) -> Result<(), AdminError> {
        let path = format!("/namespaces/{}/{name}", path(namespace));
        self.call(Method::PUT, &path, Some(value)).await.map(drop)
    }

    /// Lets a role do these in a namespace, and nothing else.
    pub async fn grant(
        &self,
        namespace: &str,
        role: &str,
        actions: &BTreeSet<String>,
    ) -> Result<(), AdminError> {
        let path = format!("/namespaces/{}/permissions/{}", path(namespace), encoded(role));
        self.call(Method::POST, &path, Some(actions)).await.map(drop)
    }

    pub async fn revoke(&self, namespace: &str, role: &str) -> Result<(), AdminError> {
        let path = format!("/namespaces/{}/permissions/{}", path(namespace), encoded(role));
        self.call(Method::DELETE, &path, None::<&()>).await.map(drop)
    }

    /// The topics of a namespace that have partitions, by their whole names.
    pub async fn partitioned_topics(&self, namespace: &str) -> Result<Vec<String>, AdminError> {
        self.get(&format!("/persistent/{}/partitioned", path(namespace))).await
    }

    /// How many partitions a topic has; 0 for none.
    pub async fn partitions(&self, topic: &TopicName) -> Result<u32, AdminError> {
        let known: Value = self.get(&format!("{}/partitions", topic_path(topic))).await?;
        Ok(known["partitions"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or_default())
    }

    /// [`stats`](Self::stats) for one with partitions: all of them together.
    pub async fn partitioned_stats(&self, topic: &TopicName) -> Result<Value, AdminError> {
        self.get(&format!("{}/partitioned-stats", topic_path(topic))).await
    }

    /// [`delete_topic`](Self::delete_topic) for one with partitions.
    pub async fn delete_partitioned_topic(&self, topic: &TopicName, force: bool) -> Result<(), AdminError> {
        self.delete(&format!("{}/partitions?force={force}", topic_path(topic))).await
    }

    pub async fn subscriptions(&self, topic: &TopicName) -> Result<Vec<String>, AdminError> {
        self.get(&format!("{}/subscriptions", topic_path(topic))).await
    }

    /// Creates a subscription at the topic's beginning, in all partitions; one that is there already stays where it
    /// is.
    pub async fn create_subscription(&self, topic: &TopicName, name: &str) -> Result<(), AdminError> {
        let earliest = json!({ "ledgerId": -1, "entryId": -1, "partitionIndex": -1 });
        self.create(&format!("{}/subscription/{}", topic_path(topic), encoded(name)), Some(&earliest)).await
    }

    /// Deletes a subscription that nobody is connected to; one that is not there is deleted already.
    pub async fn delete_subscription(&self, topic: &TopicName, name: &str) -> Result<(), AdminError> {
        self.delete(&format!("{}/subscription/{}", topic_path(topic), encoded(name))).await
    }

    /// The newest schema of a topic, with Pulsar's field names; none if it has none.
    pub async fn schema(&self, topic: &TopicName) -> Result<Option<Value>, AdminError> {
        match self.get(&schema_path(topic)).await {
            Err(AdminError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Adds a schema to a topic, as Pulsar's `type`, `schema` and `properties`; an equal one changes nothing.
    pub async fn upload_schema(&self, topic: &TopicName, schema: &Value) -> Result<(), AdminError> {
        self.call(Method::POST, &schema_path(topic), Some(schema)).await.map(drop)
    }

    async fn delete(&self, path: &str) -> Result<(), AdminError> {
        match self.call(Method::DELETE, path, None::<&()>).await {
            Err(AdminError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}

fn schema_path(topic: &TopicName) -> String {
    format!("/schemas/{}/{}/schema", path(&topic.full_namespace()), encoded(topic.local()))
}
