//! Names as the file has them, checked while it is read, so that an error has its line.

use std::fmt;

use hexalpes_client::TopicName;
use hexalpes_routing::Rule;
use serde::Deserialize;

/// `tenant/namespace`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Namespace(String);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Tenant(String);

/// A persistent topic as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Topic(pub(crate) TopicName);

impl Namespace {
    pub(crate) fn of(topic: &TopicName) -> Self {
        Self(topic.full_namespace())
    }

    pub(crate) fn of_rule(rule: &Rule) -> Self {
        Self(rule.namespace().to_owned())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn tenant(&self) -> Tenant {
        Tenant(self.0.split('/').next().unwrap_or_default().to_owned())
    }
}

impl Tenant {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Namespace {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_one = TopicName::parse(&format!("{name}/x")).is_ok_and(|topic| topic.full_namespace() == name);
        let why =
            || format!("{name:?} is no namespace: write \"tenant/namespace\", of A-Z a-z 0-9 _ - = : .");
        is_one.then(|| Self(name.clone())).ok_or_else(why)
    }
}

impl TryFrom<String> for Tenant {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_one = TopicName::parse(&format!("{name}/x/x")).is_ok_and(|topic| topic.tenant() == name);
        is_one
            .then(|| Self(name.clone()))
            .ok_or_else(|| format!("{name:?} is no tenant: of A-Z a-z 0-9 _ - = : ."))
    }
}

impl TryFrom<String> for Topic {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let topic = TopicName::parse(&name).map_err(|error| error.to_string())?;
        if topic.partition().is_some() {
            return Err(format!(
                "{name:?} is one partition: name the topic, and say how many partitions it has"
            ));
        }
        if !topic.is_persistent() {
            return Err(format!("{name:?} is not stored: clients make such topics when they use them"));
        }
        Ok(Self(topic))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
