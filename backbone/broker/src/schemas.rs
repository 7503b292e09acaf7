//! The schemas of topics: kept here, judged by `hexalpes-registry`.
//!
//! They are known by the topic's name without its domain, and the partitions of a topic share them. What is answered
//! is in memory; a new version is on the disk first.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use hexalpes_registry::{Definition, History, Judged, RegisterError, Strategy, Version};
use hexalpes_wire::{
    TopicName,
    proto::{Schema, SchemaType},
};
use serde_json::Value;

use crate::{
    broker::{Broker, Shared},
    metadata::{MetadataError, SchemaRecord},
    off_reactor::off_reactor,
    open::OpenError,
    policy::Policy,
    topic::Topic,
};

/// By topic, without its domain and its partition.
pub(crate) type Schemas = BTreeMap<String, History>;

/// Why a schema is not taken, or not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(transparent)]
    Refused(#[from] RegisterError),
    #[error(
        "the topic has a schema, and the namespace takes no producer without one (schemaValidationEnforced)"
    )]
    NotGiven,
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}

/// As they were written down.
pub(crate) fn restore(records: Vec<SchemaRecord>) -> Result<Schemas, OpenError> {
    let mut schemas: BTreeMap<String, History> = BTreeMap::new();
    for SchemaRecord { topic, version: number, registered_ms, schema } in records {
        if schema.is_empty() {
            schemas.insert(topic, History::restore(Vec::new(), number + 1));
            continue;
        }
        let schema = Schema::from_bytes(&schema).map_err(|source| OpenError::Schema {
            topic: topic.clone(),
            number,
            source,
        })?;
        let definition = Definition::from(&schema);
        schemas.entry(topic).or_default().add(Version { number, definition, registered_ms });
    }
    Ok(schemas)
}

/// Under which name a topic's schemas are known, and told to clients.
pub(crate) fn schema_name(topic: &TopicName) -> String {
    let whole = topic.without_partition();
    format!("{}/{}", whole.full_namespace(), whole.local())
}

impl Broker {
    /// All schemas of a topic, the oldest first; the topic itself need not be there.
    pub fn schemas(&self, topic: &TopicName) -> Vec<Version> {
        self.shared.history(topic).versions().to_vec()
    }

    /// The version that has this number, or the newest.
    pub fn schema(&self, topic: &TopicName, number: Option<u64>) -> Option<Version> {
        self.shared.asked_schema(topic, number)
    }

    /// The number of the version that says the same.
    pub fn find_schema(&self, topic: &TopicName, definition: &Definition) -> Option<u64> {
        self.shared.history(topic).find(definition).map(|version| version.number)
    }

    /// Whether a schema could be registered, by the strategy that is in force for the topic.
    pub fn check_schema(&self, topic: &TopicName, definition: &Definition) -> Result<Strategy, SchemaError> {
        let strategy = self.shared.strategy(topic);
        self.shared.history(topic).check(definition, strategy)?;
        Ok(strategy)
    }

    /// Registers a schema for a topic, or finds the version that it has. An operator may do so where clients may not.
    pub fn register_schema(&self, topic: &TopicName, definition: &Definition) -> Result<u64, SchemaError> {
        self.shared.register(topic, definition, true)
    }

    /// Deletes all schemas of a topic. The numbers go on behind them: the deletion has one itself, which is answered.
    pub fn delete_schemas(&self, topic: &TopicName) -> Result<u64, SchemaError> {
        let shared = &self.shared;
        let (name, began) = (schema_name(topic), Instant::now());
        let _changing = shared.changing.lock();
        let version = shared.schemas.read().get(&name).map_or(0, History::next);
        let record = SchemaRecord { topic: name, version, registered_ms: now_ms(), schema: Vec::new() };
        let written = shared.metadata.put_schema(&record);
        let counters = &shared.around.counters;
        counters.schema(topic.full_namespace(), |counts| counts.delete.ended(began, written.is_ok()));
        written?;
        shared.schemas.write().entry(record.topic).or_default().clear();
        Ok(version)
    }

    /// Deletes all schemas of a topic, and that it had any: the numbers begin with 0 again.
    pub fn forget_schemas(&self, topic: &TopicName) -> Result<(), SchemaError> {
        let name = schema_name(topic);
        let _changing = self.shared.changing.lock();
        self.shared.metadata.delete_schemas(&name)?;
        self.shared.schemas.write().remove(&name);
        Ok(())
    }
}

impl Shared {
    fn history(&self, topic: &TopicName) -> History {
        self.schemas.read().get(&schema_name(topic)).cloned().unwrap_or_default()
    }

    /// As [`Shared::schema`], for a client.
    pub(crate) fn asked_schema(&self, topic: &TopicName, number: Option<u64>) -> Option<Version> {
        let began = Instant::now();
        let found = self.schema(topic, number);
        self.around.counters.schema(topic.full_namespace(), |counts| counts.get.ended(began, true));
        found
    }

    fn schema(&self, topic: &TopicName, number: Option<u64>) -> Option<Version> {
        let schemas = self.schemas.read();
        let history = schemas.get(&schema_name(topic))?;
        number.map_or_else(|| history.latest(), |number| history.get(number)).cloned()
    }

    /// The version of a producer's schema, registered if need be; none for one without.
    pub(crate) fn producer_schema(
        &self,
        topic: &TopicName,
        given: Option<&Schema>,
    ) -> Result<Option<u64>, SchemaError> {
        if let Some(definition) = given.map(Definition::from) {
            let may_register = self.schema_policy(topic, Policy::AllowAutoUpdateSchema) != Value::Bool(false);
            return self.register(topic, &definition, may_register).map(Some);
        }
        let is_enforced = self.schema_policy(topic, Policy::SchemaValidationEnforced) == Value::Bool(true);
        if is_enforced && self.schema(topic, None).is_some() {
            return Err(SchemaError::NotGiven);
        }
        Ok(None)
    }

    /// Whether a consumer may come with a schema. It is registered where nobody uses the topic yet.
    pub(crate) fn consumer_schema(&self, topic: &Topic, given: &Schema) -> Result<(), SchemaError> {
        let definition = Definition::from(given);
        if definition.kind == SchemaType::AutoConsume {
            return Ok(());
        }
        let history = self.history(&topic.name);
        if history.latest().is_none() && topic.is_idle() {
            let may_register =
                self.schema_policy(&topic.name, Policy::AllowAutoUpdateSchema) != Value::Bool(false);
            return self.register(&topic.name, &definition, may_register).map(drop);
        }
        Ok(history.check_consumer(&definition, self.strategy(&topic.name))?)
    }

    fn register(
        &self,
        topic: &TopicName,
        definition: &Definition,
        may_register: bool,
    ) -> Result<u64, SchemaError> {
        let began = Instant::now();
        let registered = self.judge_and_register(topic, definition, may_register);
        self.around.counters.schema(topic.full_namespace(), |counts| match &registered {
            Ok(_) => {
                counts.compatible += 1;
                counts.put.ended(began, true);
            }
            Err(SchemaError::Metadata(_)) => counts.put.ended(began, false),
            Err(_) => counts.incompatible += 1,
        });
        registered
    }

    fn judge_and_register(
        &self,
        topic: &TopicName,
        definition: &Definition,
        may_register: bool,
    ) -> Result<u64, SchemaError> {
        let name = schema_name(topic);
        let strategy = self.strategy(topic);
        let judge = || {
            let schemas = self.schemas.read();
            let history = schemas.get(&name);
            let new = History::default();
            history.unwrap_or(&new).judge(definition, strategy, may_register, now_ms())
        };
        if let Judged::Known(number) = judge()? {
            return Ok(number);
        }
        off_reactor(|| {
            let _changing = self.changing.lock();
            // Somebody may have been faster.
            let version = match judge()? {
                Judged::Known(number) => return Ok(number),
                Judged::New(version) => version,
            };
            let Version { number, registered_ms, .. } = version;
            let schema = definition.to_wire(&name).to_bytes();
            let record = SchemaRecord { topic: name.clone(), version: number, registered_ms, schema };
            self.metadata.put_schema(&record)?;
            self.schemas.write().entry(name.clone()).or_default().add(version);
            Ok(number)
        })
    }

    /// After a topic was deleted; its schemas are no longer written down.
    pub(crate) fn drop_schemas(&self, topic: &TopicName) {
        // A partition's are those of its topic, which stays.
        if topic.partition().is_none() {
            self.schemas.write().remove(&schema_name(topic));
        }
    }

    fn strategy(&self, topic: &TopicName) -> Strategy {
        let policy = self.schema_policy(topic, Policy::SchemaCompatibility);
        let strategy = policy.as_str().and_then(|name| name.parse().ok());
        strategy.unwrap_or(Strategy::Undefined).or_default()
    }

    /// The topic's own, or its namespace's; null where neither says anything.
    fn schema_policy(&self, topic: &TopicName, policy: Policy) -> Value {
        let settings = self.settings_of(&topic.without_partition());
        let own = settings.policies.get(policy.name()).filter(|own| !own.is_null() && *own != "UNDEFINED");
        if let Some(own) = own {
            return own.clone();
        }
        let in_force = self.options.in_force(self.namespaces.read().get(&topic.full_namespace()));
        in_force[policy.name()].clone()
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "when a schema was registered is for people, and decides nothing"
)]
fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
