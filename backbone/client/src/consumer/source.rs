//! What a consumer consumes: topics by name, or all of a namespace whose names match.

use std::collections::BTreeMap;

use hexalpes_wire::TopicName;
use hexalpes_wire::proto::{Command, CommandGetTopicsOfNamespace, TopicsMode};
use regex::Regex;

use crate::client;
use crate::error::OpenError;
use crate::lookup;

/// Names of a namespace that match a regular expression as a whole.
#[derive(Clone, Debug)]
pub struct TopicPattern {
    namespace: String,
    /// As it was given, without the domain: brokers take it so.
    text: String,
    regex: Regex,
}

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} matches no topics: {reason}")]
pub struct PatternError {
    pub pattern: String,
    pub reason: String,
}

impl TopicPattern {
    /// `tenant/namespace/regex`, or `regex` for topics of `public/default`, as Pulsar's clients take it; the domain may
    /// stand before it, and is `persistent`.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        let failed = |reason: String| PatternError { pattern: pattern.to_owned(), reason };
        let path = pattern.strip_prefix("persistent://").unwrap_or(pattern);
        if path.contains("://") {
            return Err(failed("only persistent topics are looked for".to_owned()));
        }
        let path = if path.contains('/') { path.to_owned() } else { format!("public/default/{path}") };
        let mut parts = path.splitn(3, '/');
        let namespace = parts.by_ref().take(2).collect::<Vec<_>>().join("/");
        let name = parts.next().filter(|_| TopicName::parse(&format!("{namespace}/x")).is_ok());
        let shape =
            || failed("write tenant/namespace/regex; tenant and namespace are plain names".to_owned());
        let name = name.ok_or_else(shape)?;
        // Alternatives are those of the name alone. Brokers take short patterns only.
        let name = if name.contains('|') { format!("(?:{name})") } else { name.to_owned() };
        let text = format!("{namespace}/{name}");
        let regex = Regex::new(&format!("^{text}$")).map_err(|error| failed(error.to_string()))?;
        Ok(Self { namespace, text, regex })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What brokers are told: `tenant/namespace/regex`.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a topic, as a whole, is one of these.
    pub fn matches(&self, topic: &TopicName) -> bool {
        let topic = topic.without_partition();
        topic.is_persistent() && self.regex.is_match(&format!("{}/{}", topic.full_namespace(), topic.local()))
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Topics(Vec<TopicName>),
    Pattern(TopicPattern),
}

impl Source {
    pub(crate) const fn is_pattern(&self) -> bool {
        matches!(self, Self::Pattern(_))
    }

    /// The topics there are now, and how many partitions each has; 0 for none, or where one partition was named.
    pub(crate) async fn topics(&self, client: &client::Inner) -> Result<BTreeMap<TopicName, u32>, OpenError> {
        let names = match self {
            Self::Topics(names) => names.clone(),
            Self::Pattern(pattern) => list(client, pattern).await?,
        };
        let mut topics = BTreeMap::new();
        for name in names {
            let partitions = match name.partition() {
                Some(_) => 0,
                None => lookup::partitions_of(&client.pool, &name, !self.is_pattern()).await?,
            };
            topics.insert(name, partitions);
        }
        Ok(topics)
    }
}

/// Those of the namespace that match, each as a whole.
async fn list(client: &client::Inner, pattern: &TopicPattern) -> Result<Vec<TopicName>, OpenError> {
    let (connection, _) = client.pool.service().await?;
    let answer = connection
        .request(|request_id| {
            Command::GetTopicsOfNamespace(CommandGetTopicsOfNamespace {
                request_id,
                namespace: pattern.namespace.clone(),
                mode: Some(TopicsMode::Persistent.into()),
                topics_pattern: Some(pattern.text.clone()),
                topics_hash: None,
            })
        })
        .await?;
    let Command::GetTopicsOfNamespaceResponse(response) = answer else {
        return Err(lookup::unexpected("GET_TOPICS_OF_NAMESPACE", &answer).into());
    };
    // Whether the broker filtered or not: what it takes for a match is its own.
    let names = response.topics.iter().filter_map(|name| TopicName::parse(name).ok());
    let mut names: Vec<_> =
        names.map(|name| name.without_partition()).filter(|name| pattern.matches(name)).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_of_its_namespace() {
        let matches = |pattern: &str, topic: &str| {
            TopicPattern::parse(pattern).unwrap().matches(&TopicName::parse(topic).unwrap())
        };
        assert!(matches("persistent://acme/eu/sales-.*", "acme/eu/sales-1"));
        assert!(matches("acme/eu/sales-.*", "acme/eu/sales-1-partition-3"));
        assert!(!matches("acme/eu/sales", "acme/eu/sales-1"));
        assert!(!matches("acme/eu/sales-.*", "acme/us/sales-1"));
        assert!(matches("sales|returns", "returns"));
        assert!(!matches("sales.*", "non-persistent://public/default/sales-1"));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for pattern in ["acme/sales", "acme/.*/sales", "a/b/(", "non-persistent://a/b/c"] {
            assert!(TopicPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
