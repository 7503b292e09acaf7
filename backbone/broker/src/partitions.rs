//! Topics that have partitions: how many each has, and the topics that these are.
//!
//! A partition is a topic like any other, called `{topic}-partition-{n}`; which message goes to which is the client's
//! business. The topic they are partitions of holds nothing itself.

use std::sync::Arc;

use hexalpes_wire::TopicName;
use serde::Deserialize;

use crate::{
    broker::{AdminError, Broker, Shared},
    cursor_store::{self, Properties},
    policy::Policy,
    subscription::Cursor,
    topic::{Topic, TopicStats},
};

/// More partitions than these are a slip of the pen: each is a topic, which takes memory and a place in every
/// client.
pub const PARTITIONS_MAX: u32 = 4_096;

/// What a namespace says of topics that somebody uses and nobody made, under Pulsar's names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AutoCreation {
    allow_auto_topic_creation: bool,
    #[serde(default)]
    topic_type: Option<String>,
    #[serde(default)]
    default_num_partitions: Option<u32>,
}

impl Default for AutoCreation {
    /// As a Pulsar that nobody configured.
    fn default() -> Self {
        Self { allow_auto_topic_creation: true, topic_type: None, default_num_partitions: None }
    }
}

impl Broker {
    /// The topics that have partitions, with how many.
    pub fn partitioned_topics(&self) -> Vec<(TopicName, u32)> {
        self.shared.partitioned.read().iter().map(|(name, partitions)| (name.clone(), *partitions)).collect()
    }

    /// How many partitions a topic has; 0 if it is a topic without any. With `may_create`, one that is not there is
    /// made as its namespace says.
    pub fn partitions(&self, name: &TopicName, may_create: bool) -> Result<u32, AdminError> {
        self.shared.partitions(name, may_create)
    }

    pub fn create_partitioned(&self, name: &TopicName, partitions: u32) -> Result<(), AdminError> {
        self.shared.create_partitioned(name, partitions)
    }

    /// Adds partitions, up to so many. They begin with the subscriptions that the others have, so that what comes to
    /// them before a consumer does is not missed.
    pub fn grow_partitioned(&self, name: &TopicName, partitions: u32) -> Result<(), AdminError> {
        let shared = &self.shared;
        let _changing = shared.changing.lock();
        let there = shared.partitioned.read().get(name).copied();
        let there = there.ok_or_else(|| AdminError::NotPartitioned(name.clone()))?;
        check_number(partitions)?;
        if partitions < there {
            return Err(AdminError::FewerPartitions { wanted: partitions, there });
        }
        let first = shared.topics.read().get(&name.with_partition(0)).cloned();
        let subscriptions = first.map(|first| first.durable_subscriptions()).unwrap_or_default();
        shared.make_partitions(name, there..partitions, &subscriptions)
    }

    /// Makes those partitions that are not there: each is a topic, which may have been deleted by itself.
    pub fn create_missing_partitions(&self, name: &TopicName) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        let partitions = self.shared.partitioned.read().get(name).copied();
        let partitions = partitions.ok_or_else(|| AdminError::NotPartitionedToRead(name.clone()))?;
        self.shared.make_partitions(name, 0..partitions, &[])
    }

    /// Deletes a topic with all its partitions; while somebody is connected to one, only by force.
    pub fn delete_partitioned(&self, name: &TopicName, force: bool) -> Result<(), AdminError> {
        let shared = &self.shared;
        let _changing = shared.changing.lock();
        let Some(partitions) = shared.partitioned.read().get(name).copied() else {
            let is_there = shared.topics.read().contains_key(name);
            return Err(if is_there {
                AdminError::NotPartitionedToDelete(name.clone())
            } else {
                AdminError::NoTopic(name.clone())
            });
        };
        let there = shared.partitions_there(name, partitions);
        if let Some(used) = there.iter().find(|topic| topic.is_in_use()).filter(|_| !force) {
            return Err(AdminError::InUse(used.name.clone()));
        }
        let stored = there.iter().filter(|topic| topic.is_stored());
        let records: Vec<_> = stored.map(|topic| (topic.name.to_string(), topic.id)).collect();
        shared.forget_grants(name)?;
        shared.metadata.delete_partitioned(&name.to_string(), &records)?;
        shared.partitioned.write().remove(name);
        shared.settings.write().remove(name);
        shared.drop_schemas(name);
        let names: Vec<_> = there.iter().map(|topic| topic.name.clone()).collect();
        shared.remove_topics(&names);
        for topic in there {
            topic.disband();
            shared.drop_entries(&topic)?;
        }
        Ok(())
    }

    /// What is counted of each partition that is there.
    pub fn partition_stats(&self, name: &TopicName) -> Result<Vec<(TopicName, TopicStats)>, AdminError> {
        let partitions = self.shared.partitioned.read().get(name).copied();
        let partitions = partitions.ok_or_else(|| AdminError::NotPartitionedToRead(name.clone()))?;
        let there = self.shared.partitions_there(name, partitions);
        Ok(there.iter().map(|topic| (topic.name.clone(), topic.stats())).collect())
    }
}

impl Shared {
    pub(crate) fn partitions(&self, name: &TopicName, may_create: bool) -> Result<u32, AdminError> {
        if let Some(partitions) = self.partitioned.read().get(name) {
            return Ok(*partitions);
        }
        if name.partition().is_some() || self.topics.read().contains_key(name) {
            return Ok(0);
        }
        if !may_create {
            return Err(AdminError::NoTopic(name.clone()));
        }
        let policy = self.auto_creation(name);
        match (policy.topic_type.as_deref(), policy.default_num_partitions) {
            (Some("partitioned"), Some(partitions)) if policy.allow_auto_topic_creation => {
                match self.create_partitioned(name, partitions) {
                    // Somebody was faster.
                    Err(AdminError::Exists) => self.partitions(name, false),
                    created => created.map(|()| partitions),
                }
            }
            // It is made as a topic of its own when somebody uses it, or is refused then.
            _ => Ok(0),
        }
    }

    /// A topic that a client uses, made if it is not there and its namespace allows that.
    pub(crate) fn used_topic(&self, name: &TopicName) -> Result<Arc<Topic>, AdminError> {
        if let Ok(topic) = self.existing(name) {
            return Ok(topic);
        }
        if !self.is_partition(name)? && !self.auto_creation(name).allow_auto_topic_creation {
            return Err(AdminError::NoTopic(name.clone()));
        }
        self.topic(name)
    }

    /// Whether a name is that of a partition; refused if there can be no topic of that name.
    pub(crate) fn is_partition(&self, name: &TopicName) -> Result<bool, AdminError> {
        let partitioned = self.partitioned.read();
        let Some(&partitions) = partitioned.get(&name.without_partition()) else { return Ok(false) };
        match name.partition() {
            None => Err(AdminError::Partitioned { name: name.clone(), partitions }),
            Some(partition) if partition >= partitions => {
                Err(AdminError::NoPartition { name: name.clone(), partitions })
            }
            Some(_) => Ok(true),
        }
    }

    fn auto_creation(&self, name: &TopicName) -> AutoCreation {
        let in_force = self.options.in_force(self.namespaces.read().get(&name.full_namespace()));
        // It was checked when it was set.
        AutoCreation::deserialize(&in_force[Policy::AutoTopicCreation.name()]).unwrap_or_default()
    }

    fn create_partitioned(&self, name: &TopicName, partitions: u32) -> Result<(), AdminError> {
        check_number(partitions)?;
        if name.partition().is_some() {
            return Err(AdminError::PartitionAsName);
        }
        let _changing = self.changing.lock();
        if self.partitioned.read().contains_key(name) || self.topics.read().contains_key(name) {
            return Err(AdminError::Exists);
        }
        self.make_partitions(name, 0..partitions, &[])
    }

    /// Makes partitions in one step, those that are there already left as they are; `changing` is held.
    fn make_partitions(
        &self,
        name: &TopicName,
        numbers: std::ops::Range<u32>,
        subscriptions: &[String],
    ) -> Result<(), AdminError> {
        let namespace = name.full_namespace();
        let rules = self.rules_of(name);
        let partitions = numbers.end;
        let names = numbers.map(|number| name.with_partition(number));
        let new: Vec<_> = names.filter(|name| !self.topics.read().contains_key(name)).collect();
        self.has_room(&namespace, new.len())?;
        // Of partitions that are not stored, that there are so many is all that is written down.
        let (new, passing): (Vec<_>, Vec<_>) = new.into_iter().partition(TopicName::is_persistent);
        let spelled: Vec<_> = new.iter().map(ToString::to_string).collect();
        let beginning =
            cursor_store::write(&Cursor::at(hexalpes_log::Position::EARLIEST), &Properties::new());
        let cursors: Vec<_> = subscriptions.iter().map(|name| (name.as_str(), &beginning[..])).collect();
        let ids = self.metadata.put_partitioned(&name.to_string(), partitions, &spelled, &cursors)?;
        let made = new.into_iter().zip(ids).map(|(name, id)| {
            let topic = Topic::empty(self.around.clone(), id, name, Arc::clone(&rules));
            topic.begin_subscriptions(subscriptions);
            Arc::new(topic)
        });
        let passing = passing.into_iter().map(|name| self.passing(name));
        self.add_topics(made.chain(passing).collect());
        self.partitioned.write().insert(name.clone(), partitions);
        Ok(())
    }

    pub(crate) fn partitions_there(&self, name: &TopicName, partitions: u32) -> Vec<Arc<Topic>> {
        let topics = self.topics.read();
        (0..partitions).filter_map(|number| topics.get(&name.with_partition(number)).cloned()).collect()
    }
}

fn check_number(partitions: u32) -> Result<(), AdminError> {
    match partitions {
        0 => Err(AdminError::NoPartitions),
        1..=PARTITIONS_MAX => Ok(()),
        _ => Err(AdminError::TooManyPartitions),
    }
}
