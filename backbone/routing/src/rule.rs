//! A rule, and what it makes of a row.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hexalpes_wire::TopicName;
use serde::{Deserialize, Serialize};

use crate::template::{Pattern, PatternError};

/// A rule as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// The field whose value decides.
    #[serde(default = "aggregate_type")]
    pub field: String,
    /// What fits its whole value; rows that do not fit go nowhere by this rule.
    #[serde(default = "anything")]
    pub regex: String,
    /// Where they go: a topic's name, whose last part may have groups of the pattern, `$1` or `${name}`.
    pub topic: String,
    /// The field whose value becomes the message's key.
    #[serde(default = "aggregate_id")]
    pub key: String,
    /// Properties of the message, and the fields that they come from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub content: Carries,
}

impl RuleSpec {
    /// To this topic, and all else as if nothing were said.
    pub fn to(topic: impl Into<String>) -> Self {
        Self {
            field: aggregate_type(),
            regex: anything(),
            topic: topic.into(),
            key: aggregate_id(),
            headers: BTreeMap::new(),
            content: Carries::default(),
        }
    }
}

fn aggregate_type() -> String {
    "aggregatetype".to_owned()
}

fn aggregate_id() -> String {
    "aggregateid".to_owned()
}

fn anything() -> String {
    "(.*)".to_owned()
}

/// What of a row a message carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carries {
    /// The payload as it is, as Debezium's outbox event router does.
    #[default]
    Payload,
    /// The event as structured `CloudEvent`.
    Event,
    /// The row as a change.
    Change,
}

/// A row, as far as rules look at it.
pub trait Fields {
    /// A field as text; none if the row has no such field, or nothing in it.
    fn field(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// A rule that was checked.
#[derive(Clone, Debug)]
pub struct Rule {
    spec: RuleSpec,
    pattern: Pattern,
    /// What a topic's name begins with, up to its last part.
    namespace: String,
}

/// Where a row goes by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub topic: TopicName,
    pub key: Option<String>,
    pub properties: Vec<(String, String)>,
    pub carries: Carries,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("{topic:?} makes no topic's name: {why}")]
    Topic { topic: String, why: String },
    #[error(
        "{topic:?} has a group before the last part of the name: name tenant and namespace in full, for nobody would make \
         those that a row asks for"
    )]
    Namespace { topic: String },
    #[error("{topic:?} is not stored, or is one partition: name a persistent topic as a whole")]
    Kind { topic: String },
    #[error("a field's name is empty")]
    Field,
}

impl Rule {
    pub fn new(spec: RuleSpec) -> Result<Self, RuleError> {
        let pattern = Pattern::new(&spec.regex, &spec.topic)?;
        let topic = spec.topic.clone();
        let sample = TopicName::parse(&pattern.sample())
            .map_err(|why| RuleError::Topic { topic: topic.clone(), why: why.to_string() })?;
        if !sample.is_persistent() || sample.partition().is_some() {
            return Err(RuleError::Kind { topic });
        }
        if pattern.head().matches('/').count() != spec.topic.matches('/').count() {
            return Err(RuleError::Namespace { topic });
        }
        if [&spec.field, &spec.key].into_iter().chain(spec.headers.values()).any(String::is_empty) {
            return Err(RuleError::Field);
        }
        let namespace = format!("persistent://{}/", sample.full_namespace());
        Ok(Self { spec, pattern, namespace })
    }

    pub fn spec(&self) -> &RuleSpec {
        &self.spec
    }

    /// `tenant/namespace` of the topics that it makes.
    pub fn namespace(&self) -> &str {
        self.namespace.trim_start_matches("persistent://").trim_end_matches('/')
    }

    /// All fields that it looks at.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let own = [self.spec.field.as_str(), self.spec.key.as_str()];
        own.into_iter().chain(self.spec.headers.values().map(String::as_str))
    }

    /// Where the row goes; none if the rule does not fit it.
    ///
    /// What a group found is made fit for a topic's name: other characters than letters, digits and `_ - = : .` become
    /// `_`.
    pub fn way(&self, row: &dyn Fields) -> Option<Way> {
        let value = row.field(&self.spec.field)?;
        let name = self.pattern.fill(&value, |found, text| text.extend(found.chars().map(fit)))?;
        let local = name.rsplit('/').next().unwrap_or_default();
        let local = if local.is_empty() { "_" } else { local };
        let topic = TopicName::parse(&format!("{}{local}", self.namespace)).ok()?;
        // A topic's name, although it looks like that of a partition.
        let topic = match topic.partition() {
            Some(_) => TopicName::parse(&format!("{topic}_")).ok()?,
            None => topic,
        };
        let text = |name: &str| row.field(name).map(Cow::into_owned);
        let properties =
            self.spec.headers.iter().filter_map(|(name, field)| Some((name.clone(), text(field)?)));
        Some(Way {
            topic,
            key: text(&self.spec.key),
            properties: properties.collect(),
            carries: self.spec.content,
        })
    }
}

fn fit(c: char) -> char {
    if c.is_alphanumeric() || "_-=:.".contains(c) { c } else { '_' }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static [(&'static str, &'static str)]);

    impl Fields for Row {
        fn field(&self, name: &str) -> Option<Cow<'_, str>> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| Cow::Borrowed(*value))
        }
    }

    const ROW: Row = Row(&[
        ("aggregatetype", "Order / Ñ"),
        ("aggregateid", "o-1"),
        ("type", "shop.OrderPaid"),
        ("tenant", "acme"),
    ]);

    fn rule(json: &str) -> Result<Rule, RuleError> {
        Rule::new(serde_json::from_str(json).unwrap())
    }

    fn way(json: &str) -> Option<Way> {
        rule(json).unwrap().way(&ROW)
    }

    #[test]
    fn a_rule_says_topic_key_headers_and_what_is_carried() {
        let way = way(r#"{"field":"type","regex":"shop\\.(.*)","topic":"acme/sales/$1","key":"tenant",
                "headers":{"kind":"type","gone":"nothing"},"content":"event"}"#);
        let expected = Way {
            topic: TopicName::parse("persistent://acme/sales/OrderPaid").unwrap(),
            key: Some("acme".to_owned()),
            properties: vec![("kind".to_owned(), "shop.OrderPaid".to_owned())],
            carries: Carries::Event,
        };
        assert_eq!(way, Some(expected));
    }

    #[test]
    fn as_debeziums_router_unless_more_is_said_and_values_are_made_fit_for_names() {
        let way = way(r#"{"topic":"outbox.event.$1"}"#).unwrap();
        assert_eq!(way.topic.to_string(), "persistent://public/default/outbox.event.Order___Ñ");
        assert_eq!((way.key.as_deref(), way.carries), (Some("o-1"), Carries::Payload));
    }

    #[test]
    fn a_row_that_does_not_fit_or_has_no_such_field_goes_nowhere() {
        assert_eq!(way(r#"{"field":"type","regex":"shop","topic":"a"}"#), None);
        assert_eq!(way(r#"{"field":"price","topic":"a"}"#), None);
    }

    #[test]
    fn names_that_could_be_of_no_topic_are_refused_at_once() {
        for (json, words) in [
            (r#"{"topic":"a/b"}"#, "makes no topic's name"),
            (r#"{"topic":"$1/sales/a"}"#, "a group before the last part"),
            (r#"{"topic":"non-persistent://a/b/c"}"#, "is not stored"),
            (r#"{"topic":"a-partition-1"}"#, "is one partition"),
            (r#"{"topic":"a","key":""}"#, "a field's name is empty"),
        ] {
            let error = rule(json).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_name_that_a_row_makes_is_always_one() {
        for (value, expected) in [("", "_"), ("a-partition-3", "a-partition-3_"), ("a/b", "a_b")] {
            struct One(&'static str);
            impl Fields for One {
                fn field(&self, _: &str) -> Option<Cow<'_, str>> {
                    Some(Cow::Borrowed(self.0))
                }
            }
            let way = rule(r#"{"topic":"acme/eu/$1"}"#).unwrap().way(&One(value)).unwrap();
            assert_eq!(way.topic.to_string(), format!("persistent://acme/eu/{expected}"));
        }
    }
}
