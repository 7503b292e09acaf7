//! `transforms`: those that a source knows, read as what they are here.
//!
//! Kafka Connect's `RegexRouter` says where events go, by the name of the raw topic, which carries the changes all the
//! same. Debezium's `EventRouter` says which columns make an event, and is a rule besides: payloads to topics of their
//! own.

use hexalpes_client::TopicName;
use hexalpes_routing::{Pattern, Rule, RuleSpec};

use super::{ConfigError, keys::Keys, topic_of, wrong};
use crate::mapping::{Column, Mapping};

const REGEX_ROUTER: &str = "org.apache.kafka.connect.transforms.RegexRouter";
const EVENT_ROUTER: &str = "io.debezium.transforms.outbox.EventRouter";

/// What the transforms of a configuration come to.
pub(super) struct Transforms {
    /// By its key.
    router: Option<(String, Pattern)>,
    namespace: String,
    columns: Mapping,
    pub(super) rules: Vec<RuleSpec>,
}

impl Transforms {
    /// `namespace` is where topics are that are named without one.
    pub(super) fn of(keys: &mut Keys, namespace: &str) -> Result<Self, ConfigError> {
        let mut transforms = Self {
            router: None,
            namespace: namespace.to_owned(),
            columns: Mapping::default(),
            rules: Vec::new(),
        };
        let list = keys.config("transforms").unwrap_or_default();
        for alias in list.split(',').map(str::trim).filter(|alias| !alias.is_empty()) {
            let key = |rest: &str| format!("transforms.{alias}.{rest}");
            let kind = keys.config(&key("type")).ok_or_else(|| ConfigError::Missing {
                key: key("type"),
                way_out: "its class, RegexRouter or EventRouter; or leave it out of transforms",
            })?;
            match kind.rsplit(['.', '$']).next() {
                Some("RegexRouter") => transforms.regex_router(keys, &key)?,
                Some("EventRouter") => transforms.event_router(keys, &key)?,
                _ => {
                    let known =
                        format!("write {REGEX_ROUTER} or {EVENT_ROUTER}, or leave it out of transforms");
                    return Err(wrong(&key("type"), &kind, known));
                }
            }
        }
        Ok(transforms)
    }

    fn regex_router(&mut self, keys: &mut Keys, key: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        if self.router.is_some() {
            return Err(wrong(&key("type"), REGEX_ROUTER, "one says where events go: leave one of them out"));
        }
        let mut needed = |rest| {
            let way_out = "a RegexRouter has a regex and a replacement";
            keys.config(&key(rest)).ok_or_else(|| ConfigError::Missing { key: key(rest), way_out })
        };
        let (regex, replacement) = (needed("regex")?, needed("replacement")?);
        let pattern = Pattern::new(&regex, &replacement)
            .map_err(|why| ConfigError::Pattern { key: key("regex"), why })?;
        self.router = Some((key("replacement"), pattern));
        Ok(())
    }

    fn event_router(&mut self, keys: &mut Keys, key: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
        let mut take = |rest: &str| keys.config(&key(rest));
        let columns = &mut self.columns;
        for (rest, column) in [
            ("table.field.event.id", &mut columns.id),
            ("table.field.event.key", &mut columns.aggregate_id),
            ("table.field.event.payload", &mut columns.payload),
        ] {
            if let Some(name) = take(rest) {
                *column = name;
            }
        }
        if let Some(name) = take("table.field.event.type") {
            columns.kind = Column::named(name);
        }
        if let Some(name) = take("table.field.event.timestamp") {
            columns.occurred_at = Column::named(name);
        }
        let namespace = &self.namespace;
        let replacement =
            take("route.topic.replacement").unwrap_or_else(|| "outbox.event.${routedByValue}".to_owned());
        let topic =
            if replacement.contains('/') { replacement } else { format!("{namespace}/{replacement}") };
        let mut rule = RuleSpec { key: columns.aggregate_id.clone(), ..RuleSpec::to(topic) };
        if let Some(field) = take("route.by.field") {
            columns.aggregate_type = Column::named(field.clone());
            rule.field = field;
        }
        rule.regex = take("route.topic.regex").unwrap_or_else(|| "(?<routedByValue>.*)".to_owned());
        if let Some(placed) = take("table.fields.additional.placement") {
            let name = key("table.fields.additional.placement");
            for place in placed.split(',').map(str::trim).filter(|place| !place.is_empty()) {
                let parts: Vec<&str> = place.split(':').collect();
                let (column, header) = match parts[..] {
                    [column, "header"] => (column, column),
                    [column, "header", header] => (column, header),
                    _ => return Err(wrong(&name, place, "write COLUMN:header or COLUMN:header:NAME")),
                };
                rule.headers.insert(header.to_owned(), column.to_owned());
            }
        }
        // What they say is so here anyway. The others of its settings have no effect, which is said of each.
        for rest in ["table.op.invalid.behavior", "table.expand.json.payload"] {
            take(rest);
        }
        Rule::new(rule.clone())
            .map_err(|why| ConfigError::Rule { key: key("route.topic.replacement"), why })?;
        self.rules.push(rule);
        Ok(())
    }

    /// Where the events of a table go, by the name of its raw topic; none if no router fits it.
    pub(super) fn route(&self, raw: &str) -> Result<Option<TopicName>, ConfigError> {
        let Some((key, pattern)) = &self.router else { return Ok(None) };
        let Some(name) = pattern.replace(raw) else { return Ok(None) };
        let name = if name.contains('/') { name } else { format!("{}/{name}", self.namespace) };
        topic_of(key, &name).map(Some)
    }

    /// The columns of an event: our own keys win over those of the router.
    pub(super) fn mapping(&self, keys: &mut Keys) -> Mapping {
        let mut mapping = self.columns.clone();
        let mut take = |field: &str| keys.config(&format!("hexalpes.column.{field}"));
        for (field, column) in [
            ("id", &mut mapping.id),
            ("aggregateid", &mut mapping.aggregate_id),
            ("payload", &mut mapping.payload),
        ] {
            if let Some(name) = take(field) {
                *column = name;
            }
        }
        for (field, column) in [
            ("aggregatetype", &mut mapping.aggregate_type),
            ("type", &mut mapping.kind),
            ("occurred_at", &mut mapping.occurred_at),
            ("correlationid", &mut mapping.correlation_id),
            ("causationid", &mut mapping.causation_id),
        ] {
            if let Some(name) = take(field) {
                *column = Column::named(name);
            }
        }
        mapping
    }
}
