//! What is set for a topic by itself, beside its namespace's policies.

use std::collections::BTreeMap;

use hexalpes_log::Position;
use hexalpes_wire::TopicName;
use serde::{Deserialize, Serialize};

use crate::{
    broker::{AdminError, Broker, Shared},
    cursor_store::Properties,
    open::OpenError,
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

impl Shared {
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
    /// Refuses a name that is neither a topic nor one that has partitions.
    fn known(&self, name: &TopicName) -> Result<(), AdminError> {
        if self.partitioned.read().contains_key(name) { Ok(()) } else { self.existing(name).map(drop) }
    }
}
