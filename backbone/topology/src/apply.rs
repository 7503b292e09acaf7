//! Makes good what a plan says.

use std::collections::BTreeSet;

use hexalpes_client::{AdminClient, TopicName, admin::AdminError};
use serde_json::json;

use crate::{
    file::SchemaSpec,
    plan::{Change, Plan, Step},
    policies::Setting,
    refusal::TopologyError,
};

/// What a step takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Deed {
    CreateTenant {
        name: String,
    },
    SetAdminRoles {
        name: String,
        roles: BTreeSet<String>,
    },
    CreateNamespace {
        name: String,
    },
    SetPolicy {
        namespace: String,
        setting: Setting,
    },
    Grant {
        namespace: String,
        role: String,
        actions: BTreeSet<String>,
    },
    Revoke {
        namespace: String,
        role: String,
    },
    /// 0 is without partitions.
    CreateTopic {
        topic: TopicName,
        partitions: u32,
    },
    Grow {
        topic: TopicName,
        partitions: u32,
    },
    DeleteTopic {
        topic: TopicName,
        is_partitioned: bool,
    },
    UploadSchema {
        topic: TopicName,
        schema: SchemaSpec,
        /// The kind that the topic's has now.
        has: Option<String>,
    },
    CreateSubscription {
        topic: TopicName,
        name: String,
    },
    DeleteSubscription {
        topic: TopicName,
        name: String,
    },
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub created: usize,
    pub changed: usize,
    pub deleted: usize,
}

impl Plan {
    /// Creates and changes. Each step may be repeated: after a failure a new plan has what is left. `done` hears of each
    /// step.
    pub async fn apply(
        &self,
        admin: &AdminClient,
        mut done: impl FnMut(&Step),
    ) -> Result<Applied, TopologyError> {
        let mut applied = Applied::default();
        for step in &self.steps {
            let (count, deed) = match step.change {
                Change::Create => (&mut applied.created, "created"),
                Change::Change => (&mut applied.changed, "changed"),
                Change::OnlyThere => continue,
            };
            step.make_good(admin, deed).await?;
            *count += 1;
            done(step);
        }
        Ok(applied)
    }

    /// Deletes what is only there and [may be](Step::is_prunable): topics with all they hold, subscriptions with their
    /// place, permissions. What somebody is connected to is not deleted, which is an error.
    pub async fn prune(
        &self,
        admin: &AdminClient,
        mut done: impl FnMut(&Step),
    ) -> Result<Applied, TopologyError> {
        let mut applied = Applied::default();
        for step in self.prunable() {
            step.make_good(admin, "deleted").await?;
            applied.deleted += 1;
            done(step);
        }
        Ok(applied)
    }
}

impl Step {
    async fn make_good(&self, admin: &AdminClient, deed: &'static str) -> Result<(), TopologyError> {
        match &self.deed {
            Some(work) => work.run(admin).await.map_err(TopologyError::of(&self.what, deed)),
            None => Ok(()),
        }
    }
}

impl Deed {
    async fn run(&self, admin: &AdminClient) -> Result<(), AdminError> {
        match self {
            Self::CreateTenant { name } => admin.create_tenant(name).await,
            Self::SetAdminRoles { name, roles } => admin.set_admin_roles(name, roles).await,
            Self::CreateNamespace { name } => admin.create_namespace(name).await,
            Self::SetPolicy { namespace, setting } if setting.is_put => {
                admin.replace_policy(namespace, setting.write, &setting.value).await
            }
            Self::SetPolicy { namespace, setting } => {
                admin.set_policy(namespace, setting.write, &setting.value).await
            }
            Self::Grant { namespace, role, actions } => admin.grant(namespace, role, actions).await,
            Self::Revoke { namespace, role } => admin.revoke(namespace, role).await,
            Self::CreateTopic { topic, partitions: 0 } => admin.create_topic(topic).await,
            Self::CreateTopic { topic, partitions } => {
                admin.create_partitioned_topic(topic, *partitions).await
            }
            Self::Grow { topic, partitions } => admin.grow_partitioned_topic(topic, *partitions).await,
            Self::DeleteTopic { topic, is_partitioned: true } => {
                admin.delete_partitioned_topic(topic, false).await
            }
            Self::DeleteTopic { topic, is_partitioned: false } => admin.delete_topic(topic, false).await,
            Self::UploadSchema { topic, schema, has: _ } => {
                // One that is there already changes nothing, so that all may be given.
                for definition in schema.earlier.iter().chain([&schema.definition]) {
                    let body = json!({
                        "type": schema.kind,
                        "schema": definition,
                        "properties": schema.properties,
                    });
                    admin.upload_schema(topic, &body).await?;
                }
                Ok(())
            }
            Self::CreateSubscription { topic, name } => admin.create_subscription(topic, name).await,
            Self::DeleteSubscription { topic, name } => admin.delete_subscription(topic, name).await,
        }
    }
}

impl SchemaSpec {
    /// For people: a definition is long.
    pub(crate) fn in_words(&self) -> String {
        match self.definition.len() {
            0 => self.kind.clone(),
            bytes => format!("{} of {bytes} bytes", self.kind),
        }
    }
}
