//! What a broker has, as far as the file speaks of it.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_client::{AdminClient, TopicName};
use serde_json::Value;

use crate::{
    file::SchemaSpec,
    names::{Namespace, Tenant, Topic},
    policies::Setting,
    refusal::TopologyError,
};

/// Topics of the broker's own begin so.
const INTERNAL: &str = "__";

/// The topics of a namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    pub(crate) partitioned: BTreeSet<Topic>,
    /// Those without partitions.
    pub(crate) alone: BTreeSet<Topic>,
}

impl Topics {
    pub(crate) fn all(&self) -> impl Iterator<Item = Topic> {
        self.partitioned.union(&self.alone).cloned()
    }
}

pub(crate) async fn topics(admin: &AdminClient, namespace: &Namespace) -> Result<Topics, TopologyError> {
    let what = || format!("the list of topics of {namespace}");
    let ours = |names: Vec<String>| {
        let topics = names.into_iter().filter_map(|name| TopicName::parse(&name).ok());
        topics.filter(|topic| !topic.local().starts_with(INTERNAL)).collect::<Vec<_>>()
    };
    let partitioned = admin.partitioned_topics(namespace.as_str()).await;
    let partitioned: BTreeSet<Topic> =
        ours(partitioned.map_err(TopologyError::reading(what()))?).into_iter().map(Topic).collect();
    let all = ours(admin.topics(namespace.as_str()).await.map_err(TopologyError::reading(what()))?);
    let alone = all.into_iter().filter(|topic| !partitioned.contains(&Topic(topic.without_partition())));
    Ok(Topics { alone: alone.map(Topic).collect(), partitioned })
}

pub(crate) async fn partitions(admin: &AdminClient, topic: &Topic) -> Result<u32, TopologyError> {
    admin.partitions(&topic.0).await.map_err(TopologyError::reading(format!("topic {topic}")))
}

pub(crate) async fn subscriptions(
    admin: &AdminClient,
    topic: &Topic,
) -> Result<BTreeSet<String>, TopologyError> {
    let all = admin.subscriptions(&topic.0).await;
    let all = all.map_err(TopologyError::reading(format!("the list of subscriptions of {topic}")))?;
    Ok(all.into_iter().filter(|name| !name.starts_with(INTERNAL)).collect())
}

pub(crate) async fn policy(
    admin: &AdminClient,
    namespace: &Namespace,
    setting: &Setting,
) -> Result<Option<Value>, TopologyError> {
    let known = admin.policy(namespace.as_str(), setting.read).await;
    let known =
        known.map_err(TopologyError::reading(format!("{} of namespace {namespace}", setting.field)))?;
    Ok(match setting.member {
        None => known,
        Some(member) => known.and_then(|known| known.get(member).cloned()),
    })
}

/// What would be lost with a topic or, if one is named, with a subscription; in words, none if that is nothing.
pub(crate) async fn unread(
    admin: &AdminClient,
    topic: &Topic,
    is_partitioned: bool,
    subscription: Option<&str>,
) -> Result<String, TopologyError> {
    let stats =
        if is_partitioned { admin.partitioned_stats(&topic.0).await } else { admin.stats(&topic.0).await };
    let stats = match stats {
        // Partitions that nobody has used are nowhere yet.
        Err(error) if error.status().is_some_and(|status| status == 404) => Value::Null,
        stats => stats.map_err(TopologyError::reading(format!("the stats of topic {topic}")))?,
    };
    let backlog = |of: &Value| of["msgBacklog"].as_u64().unwrap_or_default();
    let subscriptions = stats["subscriptions"].as_object().into_iter().flatten();
    let backlogs: Vec<u64> = subscriptions
        .filter(|(name, _)| !name.starts_with(INTERNAL) && subscription.is_none_or(|only| only == *name))
        .map(|(_, of)| backlog(of))
        .collect();
    let bytes = stats["storageSize"].as_u64().unwrap_or_default();
    Ok(match backlogs.iter().max() {
        Some(0) => String::new(),
        Some(1) => "1 unread message".to_owned(),
        Some(messages) => format!("{messages} unread messages"),
        None if bytes > 0 && subscription.is_none() => format!("{bytes} bytes without a reader"),
        None => String::new(),
    })
}

/// The roles and what each may do.
pub(crate) async fn permissions(
    admin: &AdminClient,
    namespace: &Namespace,
) -> Result<Vec<(String, BTreeSet<String>)>, TopologyError> {
    let known = admin.policy(namespace.as_str(), "permissions").await;
    let known = known.map_err(TopologyError::reading(format!("permissions of namespace {namespace}")))?;
    let Some(Value::Object(known)) = known else { return Ok(Vec::new()) };
    Ok(known.into_iter().map(|(role, actions)| (role, texts(&actions))).collect())
}

pub(crate) async fn admin_roles(
    admin: &AdminClient,
    tenant: &Tenant,
) -> Result<BTreeSet<String>, TopologyError> {
    let known =
        admin.tenant(tenant.as_str()).await.map_err(TopologyError::reading(format!("tenant {tenant}")))?;
    Ok(texts(&known["adminRoles"]))
}

pub(crate) async fn schema(admin: &AdminClient, topic: &Topic) -> Result<Option<SchemaSpec>, TopologyError> {
    let known = admin.schema(&topic.0).await;
    let known = known.map_err(TopologyError::reading(format!("the schema of topic {topic}")))?;
    Ok(known.map(|known| SchemaSpec {
        kind: text(&known["type"]),
        definition: text(&known["data"]),
        properties: known["properties"].as_object().map_or_else(BTreeMap::new, |properties| {
            properties.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }),
        earlier: Vec::new(),
    }))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}
