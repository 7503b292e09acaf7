//! Topic names: `persistent://tenant/namespace/local[-partition-N]`, and their shorthands.

use std::fmt;
use std::str::FromStr;

const PARTITION_SUFFIX: &str = "-partition-";

/// Whether a topic's messages are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    Persistent,
    NonPersistent,
}

impl Domain {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::NonPersistent => "non-persistent",
        }
    }
}

/// A whole topic name, parsed. Displayed, it is canonical.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName {
    domain: Domain,
    tenant: String,
    namespace: String,
    local: String,
    partition: Option<u32>,
}

/// Why a name is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicNameError {
    #[error("topic {name:?} has a domain that is neither persistent nor non-persistent")]
    Domain { name: String },
    #[error(
        "topic {name:?} is neither a name, nor tenant/namespace/name, nor domain://tenant/namespace/name"
    )]
    Shape { name: String },
    #[error(
        "topic {name:?} has a tenant or namespace that is empty or has other characters than A-Z a-z 0-9 _ - = : ."
    )]
    Characters { name: String },
    #[error("topic {name:?} has an empty local name or one with control characters")]
    Local { name: String },
}

impl TopicName {
    /// Reads a name as Pulsar does: `x` is `persistent://public/default/x`, and `tenant/namespace/x`
    /// is `persistent://tenant/namespace/x`. The old form with a cluster is refused.
    pub fn parse(name: &str) -> Result<Self, TopicNameError> {
        let shape = || TopicNameError::Shape { name: name.to_owned() };
        let (domain, path) = match name.split_once("://") {
            Some(("persistent", path)) => (Domain::Persistent, path),
            Some(("non-persistent", path)) => (Domain::NonPersistent, path),
            Some(_) => return Err(TopicNameError::Domain { name: name.to_owned() }),
            None => (Domain::Persistent, name),
        };
        let parts: Vec<&str> = path.split('/').collect();
        let (tenant, namespace, local) = match parts[..] {
            [tenant, namespace, local] => (tenant, namespace, local),
            [local] if path.len() == name.len() => ("public", "default", local),
            _ => return Err(shape()),
        };
        if !is_entity(tenant) || !is_entity(namespace) {
            return Err(TopicNameError::Characters { name: name.to_owned() });
        }
        if local.trim().is_empty() || local.chars().any(char::is_control) {
            return Err(TopicNameError::Local { name: name.to_owned() });
        }
        Ok(Self {
            domain,
            tenant: tenant.to_owned(),
            namespace: namespace.to_owned(),
            local: local.to_owned(),
            partition: partition_of(local),
        })
    }

    pub const fn domain(&self) -> Domain {
        self.domain
    }

    pub const fn is_persistent(&self) -> bool {
        matches!(self.domain, Domain::Persistent)
    }

    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The namespace without its tenant.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `tenant/namespace`, as REST paths and commands spell it.
    pub fn full_namespace(&self) -> String {
        format!("{}/{}", self.tenant, self.namespace)
    }

    /// The last part, with `-partition-N` if it has one.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// N of `-partition-N`.
    pub const fn partition(&self) -> Option<u32> {
        self.partition
    }

    /// The partitioned topic that this is a partition of; itself if it is none.
    pub fn without_partition(&self) -> Self {
        let local = match (self.partition, self.local.rfind(PARTITION_SUFFIX)) {
            (Some(_), Some(end)) => self.local[..end].to_owned(),
            _ => self.local.clone(),
        };
        Self { local, partition: None, ..self.clone() }
    }

    /// One partition of this topic.
    pub fn with_partition(&self, partition: u32) -> Self {
        let whole = self.without_partition();
        Self {
            local: format!("{}{PARTITION_SUFFIX}{partition}", whole.local),
            partition: Some(partition),
            ..whole
        }
    }
}

/// Tenants and namespaces: what Pulsar accepts as a named entity.
fn is_entity(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-=:.".contains(&b))
}

/// Only the canonical spelling counts: `-partition-07` is a name like any other.
fn partition_of(local: &str) -> Option<u32> {
    let (before, digits) = local.rsplit_once(PARTITION_SUFFIX)?;
    let partition: u32 = digits.parse().ok().filter(|n| i32::try_from(*n).is_ok())?;
    (!before.is_empty() && partition.to_string() == digits).then_some(partition)
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}/{}", self.domain.as_str(), self.tenant, self.namespace, self.local)
    }
}

impl FromStr for TopicName {
    type Err = TopicNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;

    fn canonical(name: &str) -> String {
        TopicName::parse(name).unwrap().to_string()
    }

    /// Accepts C-2.
    #[test]
    fn shorthands_resolve_to_public_default_and_to_persistent() {
        assert_eq!(canonical("orders"), "persistent://public/default/orders");
        assert_eq!(canonical("acme/eu/orders"), "persistent://acme/eu/orders");
        assert_eq!(canonical("non-persistent://acme/eu/orders"), "non-persistent://acme/eu/orders");
        let debezium = "persistent://public/default/alpes-mysql.alpes.outbox_event";
        assert_eq!(canonical(debezium), debezium);
    }

    #[test]
    fn a_partition_is_read_from_its_canonical_suffix_alone() {
        let partition = |name: &str| TopicName::parse(name).unwrap().partition();
        assert_eq!(partition("orders-partition-3"), Some(3));
        assert_eq!(partition("orders-partition-03"), None);
        assert_eq!(partition("orders-partition-"), None);
        assert_eq!(partition("orders-partition-1-partition-2"), Some(2));
        let third = TopicName::parse("orders").unwrap().with_partition(3);
        assert_eq!(third.to_string(), "persistent://public/default/orders-partition-3");
        assert_eq!(third.without_partition(), TopicName::parse("orders").unwrap());
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let refused = |name: &str| TopicName::parse(name).unwrap_err();
        assert!(matches!(refused("kafka://a/b/c"), TopicNameError::Domain { .. }));
        for name in ["a/b", "a/b/c/d", "persistent://a", "persistent://a/cluster/b/c"] {
            assert!(matches!(refused(name), TopicNameError::Shape { .. }), "{name}");
        }
        for name in ["/b/c", "a//c", "a b/c/d", "ñ/b/c"] {
            assert!(matches!(refused(name), TopicNameError::Characters { .. }), "{name}");
        }
        for name in ["", "a/b/", "a/b/ ", "x\u{0}y"] {
            assert!(matches!(refused(name), TopicNameError::Local { .. }), "{name}");
        }
    }
}
