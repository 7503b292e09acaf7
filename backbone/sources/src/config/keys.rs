//! The keys of a configuration, each taken once; what is left has no effect.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::Value;

use super::ConfigError;

/// Keys that others need and we do not. Those that end with `*` stand for all that begin so.
const WITHOUT_EFFECT: &[&str] = &[
    // Of Pulsar, around `configs`.
    "archive",
    "batchBuilder",
    "batchSourceConfig",
    "className",
    "customRuntimeOptions",
    "logTopic",
    "parallelism",
    "processingGuarantees",
    "producerConfig",
    "resources",
    "runtimeFlags",
    "schemaType",
    "secrets",
    "serdeClassName",
    "transformFunction*",
    // Of Debezium: our log has its own checkpoint, knows columns from the log itself, and takes inserts alone.
    "auto.create.topics",
    "bigint.unsigned.handling.mode",
    "connect.*",
    "converters",
    "database.allowPublicKeyRetrieval",
    "database.history*",
    "database.include.list",
    "database.initial.statements",
    "database.connectionTimeZone",
    "database.serverTimezone",
    "errors.*",
    "event.processing.failure.handling.mode",
    "gtid.*",
    "heartbeat.*",
    "include.query",
    "include.schema.changes",
    "inconsistent.schema.handling.mode",
    "key.converter*",
    "max.batch.size",
    "max.queue.*",
    "offset.*",
    "plugin.name",
    "poll.interval.ms",
    "provide.transaction.metadata",
    "publication.autocreate.mode",
    "pulsar.service.url",
    "schema.history.internal*",
    "schema.name.adjustment.mode",
    "skipped.operations",
    "slot.drop.on.stop",
    "slot.max.retries",
    "slot.retry.delay.ms",
    "snapshot.*",
    "status.update.interval.ms",
    "tasks.max",
    "tombstones.on.delete",
    "topic.naming.strategy",
    "typeName",
    "value.converter*",
];

/// What is in a configuration and was not taken yet.
pub(super) struct Keys {
    /// Around `configs`.
    own: BTreeMap<String, String>,
    configs: BTreeMap<String, String>,
}

impl Keys {
    pub(super) fn of(json: &Value) -> Result<Self, ConfigError> {
        let Value::Object(all) = json else { return Err(ConfigError::Shape) };
        let (mut own, mut configs) = (BTreeMap::new(), BTreeMap::new());
        for (key, value) in all {
            match (key.as_str(), value) {
                ("configs", Value::Object(inner)) => {
                    configs.extend(inner.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))));
                }
                ("configs", Value::Null) => {}
                ("configs", _) => return Err(ConfigError::Shape),
                (key, value) => own.extend(text(value).map(|value| (key.to_owned(), value))),
            }
        }
        Ok(Self { own, configs })
    }

    /// One beside `configs`.
    pub(super) fn own(&mut self, key: &str) -> Option<String> {
        self.own.remove(key)
    }

    pub(super) fn config(&mut self, key: &str) -> Option<String> {
        self.configs.remove(key)
    }

    /// The first of several names of the same that is there, and its name.
    pub(super) fn first(&mut self, keys: &[&'static str]) -> Option<(&'static str, String)> {
        keys.iter().find_map(|key| Some((*key, self.config(key)?)))
    }

    pub(super) fn needed(&mut self, key: &'static str, way_out: &'static str) -> Result<String, ConfigError> {
        self.config(key).ok_or_else(|| ConfigError::Missing { key: key.to_owned(), way_out })
    }

    pub(super) fn number<T>(&mut self, key: &str, range: RangeInclusive<T>) -> Result<Option<T>, ConfigError>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.config(key) else { return Ok(None) };
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        let way_out = || format!("write a number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| super::wrong(key, &text, way_out()))
    }

    /// What has no effect, and what nobody knows: at most a sentence each.
    pub(super) fn notes(self) -> Vec<String> {
        let left: Vec<String> = self.own.into_keys().chain(self.configs.into_keys()).collect();
        let (without, unknown): (Vec<String>, Vec<String>) = left.into_iter().partition(|key| {
            WITHOUT_EFFECT.iter().any(|known| match known.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == known,
            })
        });
        let sentence = |keys: Vec<String>, what: &str| {
            (!keys.is_empty()).then(|| format!("{what}: {}", keys.join(", ")))
        };
        [
            sentence(without, "these keys have no effect"),
            sentence(unknown, "these keys are unknown, and have no effect"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A value as its text; none where nothing is said.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
