//! What is set for a topic by itself, beside its namespace's policies.

use std::{collections::BTreeMap, sync::Arc};

use hexalpes_log::Position;
use hexalpes_wire::TopicName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    broker::{AdminError, Broker, Shared},
    cursor_store::Properties,
    open::OpenError,
    options::BrokerOptions,
    policy::Policy,
    rules::{Rules, TopicPolicies},
    topic::Topic,
};

/// Written down as JSON; what an older version did not know is as it was without.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TopicSettings {
    /// What somebody noted beside it. Of a topic that has partitions, it is noted of the whole.
    #[serde(skip_serializing_if = "Properties::is_empty")]
    pub(crate) properties: Properties,
    /// It takes no more messages.
    pub(crate) terminated: bool,
    /// Ledger and entry: everything up to here was truncated away.
    pub(crate) floor: Option<(u64, u64)>,
    /// Of a topic that has partitions, they are set for the whole.
    #[serde(skip_serializing_if = "TopicPolicies::is_empty")]
    pub(crate) policies: TopicPolicies,
}

pub(crate) type AllSettings = BTreeMap<TopicName, TopicSettings>;

impl TopicSettings {
    /// Has a topic that was just opened be as it was.
    pub(crate) fn restore(&self, topic: &Topic) {
        if let Some((ledger, entry)) = self.floor {
            topic.raise_floor(Position::new(ledger, entry));
        }
        if self.terminated {
            topic.terminate();
        }
    }
}

pub(crate) fn restore(written: Vec<(String, String)>) -> Result<AllSettings, OpenError> {
    let mut all = AllSettings::new();
    for (topic, written) in written {
        let name = TopicName::parse(&topic)?;
        let settings =
            serde_json::from_str(&written).map_err(|source| OpenError::Settings { topic, source })?;
        all.insert(name, settings);
    }
    Ok(all)
}

/// What a topic goes by, or a partition of it.
pub(crate) fn rules_of(
    options: &BrokerOptions,
    namespaces: &BTreeMap<String, Value>,
    settings: &AllSettings,
    name: &TopicName,
) -> Arc<Rules> {
    let topic = settings.get(&name.without_partition()).map(|settings| &settings.policies);
    let in_force = options.in_force(namespaces.get(&name.full_namespace()));
    let mut rules = Rules::of(Some(&in_force), topic);
    if !options.checks_quotas {
        (rules.size_quota, rules.age_quota) = (None, None);
    }
    Arc::new(rules)
}

impl Shared {
    pub(crate) fn rules_of(&self, name: &TopicName) -> Arc<Rules> {
        rules_of(&self.options, &self.namespaces.read(), &self.settings.read(), name)
    }

    /// Has these topics go by what is set now.
    pub(crate) fn apply_rules(&self, is_concerned: impl Fn(&TopicName) -> bool) {
        for (name, topic) in self.topics.read().iter().filter(|(name, _)| is_concerned(name)) {
            topic.set_rules(self.rules_of(name));
        }
    }

    /// Refuses so many new topics in a namespace that is not there, or may not have so many.
    pub(crate) fn has_room(&self, namespace: &str, new: usize) -> Result<(), AdminError> {
        let namespaces = self.namespaces.read();
        let Some(policies) = namespaces.get(namespace) else {
            return Err(AdminError::NoNamespace(namespace.to_owned()));
        };
        let max = policies[Policy::MaxTopics.name()].as_u64().filter(|max| *max > 0);
        let Some(topics) = max.and_then(|max| usize::try_from(max).ok()) else { return Ok(()) };
        let there = self.topics.read().keys().filter(|name| name.full_namespace() == namespace).count();
        if there + new > topics {
            return Err(AdminError::TooManyTopics { namespace: namespace.to_owned(), topics });
        }
        Ok(())
    }

    pub(crate) fn settings_of(&self, name: &TopicName) -> TopicSettings {
        self.settings.read().get(name).cloned().unwrap_or_default()
    }

    /// Changes what is set for a topic, on the disk first; `changing` is held.
    pub(crate) fn change_settings(
        &self,
        name: &TopicName,
        change: impl FnOnce(&mut TopicSettings),
    ) -> Result<(), AdminError> {
        let mut settings = self.settings_of(name);
        change(&mut settings);
        let written = serde_json::to_string(&settings).expect("texts and numbers can be written as JSON");
        self.metadata.put_topic_settings(&name.to_string(), &written)?;
        self.settings.write().insert(name.clone(), settings);
        Ok(())
    }
}

impl Broker {
    /// What somebody noted beside a topic.
    pub fn topic_properties(&self, name: &TopicName) -> Result<Properties, AdminError> {
        self.shared.known(name)?;
        Ok(self.shared.settings_of(name).properties)
    }

    /// A policy as it is set for a topic; none if it is not.
    pub fn topic_policy(&self, name: &TopicName, policy: Policy) -> Result<Option<Value>, AdminError> {
        self.shared.with_policies(name)?;
        let set = self.shared.settings_of(name).policies.remove(policy.name());
        Ok(set.filter(|set| !set.is_null()))
    }

    /// Changes a topic's policy in one step; it is null where it is not set.
    pub fn change_topic_policy(
        &self,
        name: &TopicName,
        policy: Policy,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        self.shared.with_policies(name)?;
        self.shared.change_settings(name, |settings| {
            let set = settings.policies.entry(policy.name()).or_insert(Value::Null);
            change(set);
            if set.is_null() {
                settings.policies.remove(policy.name());
            }
        })?;
        self.shared.apply_rules(|topic| topic.without_partition() == *name);
        Ok(())
    }

    /// Has a topic go by what its namespace says alone.
    pub fn clear_topic_policies(&self, name: &TopicName) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        self.shared.with_policies(name)?;
        self.shared.change_settings(name, |settings| settings.policies.clear())?;
        self.shared.apply_rules(|topic| topic.without_partition() == *name);
        Ok(())
    }

    /// Notes these as well.
    pub fn set_topic_properties(&self, name: &TopicName, more: Properties) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        self.shared.known(name)?;
        self.shared.change_settings(name, |settings| settings.properties.extend(more))
    }

    /// Forgets one, which need not be there.
    pub fn remove_topic_property(&self, name: &TopicName, key: &str) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        self.shared.known(name)?;
        self.shared.change_settings(name, |settings| drop(settings.properties.remove(key)))
    }
}

impl Shared {
    /// Refuses a name that is no topic, or that of a partition.
    fn with_policies(&self, name: &TopicName) -> Result<(), AdminError> {
        match name.partition() {
            Some(_) => Err(AdminError::PolicyOfPartition(name.clone())),
            None => self.known(name),
        }
    }

    /// Refuses a name that is neither a topic nor one that has partitions.
    fn known(&self, name: &TopicName) -> Result<(), AdminError> {
        if self.partitioned.read().contains_key(name) { Ok(()) } else { self.existing(name).map(drop) }
    }
}
