//! The file: TOML, read into types that cannot be wrong.
//!
//! ```toml
//! [tenants.acme]
//! admin_roles = ["ops"]
//!
//! [defaults.topics]
//! partitions = 4
//!
//! [namespaces."acme/sales"]
//! deduplication = true
//! retention = { time_minutes = 10080, size_mb = 1024 }
//! permissions = { billing = ["consume"] }
//!
//! [topics."acme/sales/orders"]
//! subscriptions = ["billing-orders"]
//! schema = { type = "AVRO", files = ["order.v1.avsc", "order.v2.avsc"] }
//!
//! [topics."acme/sales/all"]
//! content = "structured"
//! ```
//!
//! Of several files the last is what is wanted, and those before it are the versions that it follows. A topic whose
//! content is structured carries `CloudEvents` in JSON, and has the schema of their envelope. [`Route`]s stand under
//! `routes`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    names::{Namespace, Tenant, Topic},
    policies::{Action, Policies},
    routes::Route,
};

/// Why a file says nothing.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    /// `why` has the line, and the line itself.
    #[error("{name}: {why}")]
    Wrong { name: String, why: Box<toml::de::Error> },
    #[error("{name}: the schema of topic {topic} cannot be read from {}: {why}", path.display())]
    Schema { name: String, topic: String, path: PathBuf, why: io::Error },
    #[error(
        "{name}: the schema of topic {topic} wants one of `file`, `files` and `definition`; a {kind} has none or one of them"
    )]
    SchemaSource { name: String, topic: String, kind: String },
    #[error(
        "{name}: topic {topic} has a schema of its own, so its content is not structured: leave one of them out"
    )]
    StructuredWithSchema { name: String, topic: String },
}

/// What there is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Where it was read, for messages.
    pub(crate) name: String,
    /// Those that the file names, and those that its namespaces are in.
    pub(crate) tenants: BTreeMap<Tenant, TenantSpec>,
    /// Those that the file names, and those that its topics are in.
    pub(crate) namespaces: BTreeMap<Namespace, Policies>,
    pub(crate) topics: BTreeMap<Topic, TopicSpec>,
    /// Tenants that are written down: others of their namespaces are worth a word.
    pub(crate) whole_tenants: BTreeSet<Tenant>,
    routes: BTreeMap<String, Route>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantSpec {
    pub(crate) admin_roles: Option<BTreeSet<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TopicSpec {
    /// None is a topic without partitions.
    pub(crate) partitions: Option<NonZeroU32>,
    pub(crate) schema: Option<SchemaSpec>,
    /// None where others see to them.
    pub(crate) subscriptions: Option<BTreeSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaSpec {
    pub(crate) kind: String,
    pub(crate) definition: String,
    pub(crate) properties: BTreeMap<String, String>,
    /// The versions before it, the oldest first.
    pub(crate) earlier: Vec<String>,
}

impl SchemaSpec {
    /// Of structured `CloudEvents`.
    fn of_envelope() -> Self {
        Self {
            kind: "JSON".to_owned(),
            definition: ENVELOPE.to_owned(),
            properties: BTreeMap::new(),
            earlier: Vec::new(),
        }
    }

    /// Whether a topic with this schema need not be given that one. What was before does not count.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (&self.kind, &self.definition, &self.properties)
            == (&other.kind, &other.definition, &other.properties)
    }
}

/// The schema of a structured `CloudEvent`.
const ENVELOPE: &str = include_str!("../../../schemas/envelope/CloudEvent.v1.avsc");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    defaults: Defaults,
    #[serde(default)]
    tenants: BTreeMap<Tenant, TenantSpec>,
    #[serde(default)]
    namespaces: BTreeMap<Namespace, Policies>,
    #[serde(default)]
    topics: BTreeMap<Topic, WrittenTopic>,
    #[serde(default)]
    routes: BTreeMap<String, Route>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    #[serde(default)]
    namespaces: Policies,
    #[serde(default)]
    topics: WrittenTopic,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTopic {
    partitions: Option<Partitions>,
    schema: Option<WrittenSchema>,
    content: Option<Content>,
    subscriptions: Option<BTreeSet<String>>,
}

/// How a topic carries events.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    /// By the topic's schema, with the envelope in properties; so it is unless somebody says otherwise.
    Binary,
    /// As `CloudEvents` in JSON.
    Structured,
}

/// `partitions = 4`, or `partitions = "none"` against a default.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "say a number from 1 on, or \"none\"")]
enum Partitions {
    Some(NonZeroU32),
    None(NoPartitions),
}

#[derive(Clone, Copy, Deserialize)]
enum NoPartitions {
    #[serde(rename = "none")]
    None,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSchema {
    #[serde(rename = "type")]
    kind: SchemaKind,
    file: Option<PathBuf>,
    files: Option<Vec<PathBuf>>,
    definition: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

/// Those whose definition is a text.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum SchemaKind {
    Avro,
    Json,
    Protobuf,
    String,
    Bytes,
}

impl Topology {
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text =
            fs::read_to_string(path).map_err(|why| FileError::Unreadable { path: path.to_owned(), why })?;
        Self::parse(&path.display().to_string(), &text, path.parent().unwrap_or(Path::new(".")))
    }

    /// Reads a text that is called so in messages. Files that it names are looked for in `folder`.
    pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Self, FileError> {
        Self::parse_with(name, text, &|file| fs::read_to_string(folder.join(file)))
    }

    /// As [`Self::parse`], with the files that it names given by `read`.
    pub fn parse_with(
        name: &str,
        text: &str,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, FileError> {
        let written: Written = toml::from_str(text)
            .map_err(|why| FileError::Wrong { name: name.to_owned(), why: Box::new(why) })?;
        let Written { defaults, tenants, namespaces, topics, routes } = written;
        let whole_tenants = tenants.keys().cloned().collect();
        let mut topology = Self {
            name: name.to_owned(),
            tenants,
            namespaces: BTreeMap::new(),
            topics: BTreeMap::new(),
            whole_tenants,
            routes,
        };
        for (namespace, policies) in namespaces {
            topology.namespaces.insert(namespace, policies.or(&defaults.namespaces));
        }
        for (topic, written) in topics {
            let spec = topology.spec(&topic, written, &defaults.topics, read)?;
            topology.namespaces.entry(Namespace::of(&topic.0)).or_default();
            topology.topics.insert(topic, spec);
        }
        for route in topology.routes.values() {
            topology.namespaces.entry(Namespace::of_rule(&route.rule)).or_default();
        }
        for namespace in topology.namespaces.keys() {
            topology.tenants.entry(namespace.tenant()).or_default();
        }
        Ok(topology)
    }

    /// The whole names of its topics.
    pub fn topics(&self) -> impl Iterator<Item = String> {
        self.topics.keys().map(ToString::to_string)
    }

    /// Its namespaces, as `tenant/namespace`.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(Namespace::as_str)
    }

    /// Its rules by their names, in the order in which they are asked.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &Route)> {
        self.routes.iter().map(|(name, route)| (name.as_str(), route))
    }

    fn spec(
        &self,
        topic: &Topic,
        written: WrittenTopic,
        defaults: &WrittenTopic,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Result<TopicSpec, FileError> {
        let partitions = match written.partitions.or(defaults.partitions) {
            Some(Partitions::Some(partitions)) => Some(partitions),
            Some(Partitions::None(NoPartitions::None)) | None => None,
        };
        let schema = match (written.content, written.schema) {
            (Some(Content::Structured), Some(_)) => {
                let (name, topic) = (self.name.clone(), topic.to_string());
                return Err(FileError::StructuredWithSchema { name, topic });
            }
            (Some(Content::Structured), None) => Some(SchemaSpec::of_envelope()),
            (_, Some(schema)) => Some(self.schema(topic, schema, read)?),
            (_, None) => match (defaults.content, &defaults.schema) {
                (Some(Content::Structured), _) if written.content.is_none() => {
                    Some(SchemaSpec::of_envelope())
                }
                (_, Some(schema)) => Some(self.schema(topic, schema.clone(), read)?),
                (_, None) => None,
            },
        };
        let subscriptions = written.subscriptions.or_else(|| defaults.subscriptions.clone());
        Ok(TopicSpec { partitions, schema, subscriptions })
    }

    fn schema(
        &self,
        topic: &Topic,
        written: WrittenSchema,
        read: &dyn Fn(&Path) -> io::Result<String>,
    ) -> Result<SchemaSpec, FileError> {
        let (name, kind) = (self.name.clone(), format!("{:?}", written.kind).to_uppercase());
        let wants_definition = !matches!(written.kind, SchemaKind::String | SchemaKind::Bytes);
        let read = |path: PathBuf| {
            let failed = |why| FileError::Schema {
                name: name.clone(),
                topic: topic.to_string(),
                path: path.clone(),
                why,
            };
            read(&path).map_err(failed)
        };
        let wrong =
            || FileError::SchemaSource { name: name.clone(), topic: topic.to_string(), kind: kind.clone() };
        let mut earlier = Vec::new();
        let definition = match (written.file, written.files, written.definition) {
            (Some(file), None, None) if wants_definition => read(file)?,
            (None, Some(files), None) if wants_definition => {
                for file in files {
                    earlier.push(read(file)?);
                }
                earlier.pop().ok_or_else(wrong)?
            }
            (None, None, Some(definition)) if wants_definition => definition,
            (None, None, None) if !wants_definition => String::new(),
            _ => return Err(wrong()),
        };
        Ok(SchemaSpec { kind, definition, properties: written.properties, earlier })
    }
}

impl Policies {
    /// Those that are said here, else those there.
    fn or(self, other: &Self) -> Self {
        Self {
            deduplication: self.deduplication.or(other.deduplication),
            retention: self.retention.or(other.retention),
            ttl_seconds: self.ttl_seconds.or(other.ttl_seconds),
            inactive_topics: self.inactive_topics.or(other.inactive_topics),
            backlog_quota: self.backlog_quota.or(other.backlog_quota),
            schema_compatibility: self.schema_compatibility.or(other.schema_compatibility),
            schema_auto_update: self.schema_auto_update.or(other.schema_auto_update),
            schema_validation_enforced: self.schema_validation_enforced.or(other.schema_validation_enforced),
            auto_topics: self.auto_topics.or(other.auto_topics),
            auto_subscriptions: self.auto_subscriptions.or(other.auto_subscriptions),
            permissions: self.permissions.or_else(|| other.permissions.clone()),
        }
    }
}

/// Who may do what.
pub(crate) type Permissions = BTreeMap<String, BTreeSet<Action>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Topology, FileError> {
        Topology::parse("topology.toml", text, Path::new("."))
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_a_topic_is_in_is_there_with_it_and_defaults_hold_where_nothing_is_said() {
        let topology = parse(
            "[defaults.topics]\npartitions = 4\n[defaults.namespaces]\ndeduplication = true\n\
             [namespaces.\"acme/eu\"]\n[topics.\"acme/eu/a\"]\n[topics.\"acme/eu/b\"]\npartitions = \"none\"\n\
             [topics.short]\npartitions = 2\n",
        )
        .unwrap();
        let tenants: Vec<_> = topology.tenants.keys().map(Tenant::as_str).collect();
        assert_eq!(tenants, ["acme", "public"]);
        let partitions: Vec<_> =
            topology.topics.values().map(|topic| topic.partitions.map(NonZeroU32::get)).collect();
        assert_eq!(partitions, [Some(4), None, Some(2)]);
        let deduplication: Vec<_> =
            topology.namespaces.values().map(|policies| policies.deduplication).collect();
        assert_eq!(deduplication, [Some(true), None], "of the namespaces that are written down");
    }

    #[test]
    fn a_route_is_read_and_its_namespace_is_there_with_it() {
        let topology = parse(
            "[routes.paid]\noutbox = \"commissions\"\nfield = \"type\"\nregex = '.*\\.(.*)'\n\
             topic = \"acme/sales/$1\"\n[routes.all]\nsource = \"shop\"\nfield = \"kind\"\nkey = \"sku\"\n\
             topic = \"stock\"\n",
        )
        .unwrap();
        let routes: Vec<_> = topology.routes().map(|(name, route)| format!("{name}: {route}")).collect();
        let expected = [
            "all: rows of the source shop whose kind fits (.*)",
            r"paid: rows of the outbox of commissions whose type fits .*\.(.*)",
        ];
        assert_eq!(routes, expected);
        assert_eq!(topology.namespaces().collect::<Vec<_>>(), ["acme/sales", "public/default"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, words) in [
            ("[topics.a]\npartitions = 0\n", 2, "say a number from 1 on"),
            ("[topics.a]\n\npartition = 1\n", 3, "unknown field `partition`"),
            ("[topics.\"a/b\"]\n", 1, "topic \"a/b\" is neither a name"),
            ("[topics.\"a-partition-1\"]\n", 1, "is one partition"),
            ("[namespaces.acme]\n", 1, "write \"tenant/namespace\""),
            ("[namespaces.\"a/b\"]\nretention = { time_minutes = 1 }\n", 2, "size_mb"),
            ("[namespaces.\"a/b\"]\nschema_compatibility = \"MAYBE\"\n", 2, "unknown variant `MAYBE`"),
            ("[routes.a]\ntopic = \"$2\"\n", 1, "names group 2"),
            ("\n[routes.a]\ntopic = \"a\"\nkey = \"sku\"\n", 2, "an outbox has no field \"sku\""),
            ("[routes.a]\ntopic = \"a\"\noutbox = \"b\"\nsource = \"c\"\n", 1, "leave one out"),
            ("[routes.a]\ntopic = \"a\"\nfeild = \"b\"\n", 3, "unknown field `feild`"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with("topology.toml: "), "{refusal}");
            assert!(refusal.contains(&format!("line {line}")), "{refusal}");
            assert!(refusal.contains(words), "{refusal}");
        }
    }

    #[test]
    fn a_schema_has_one_source() {
        for schema in [
            "type = \"AVRO\"",
            "type = \"STRING\", definition = \"x\"",
            "type = \"JSON\", file = \"a\", definition = \"b\"",
        ] {
            let refusal = refusal(&format!("[topics.a]\nschema = {{ {schema} }}\n"));
            assert!(refusal.contains("one of `file`, `files` and `definition`"), "{refusal}");
        }
        let nowhere = refusal("[topics.a]\nschema = { type = \"AVRO\", file = \"nowhere.avsc\" }\n");
        assert!(nowhere.contains("nowhere.avsc"), "{nowhere}");
        let both = refusal(
            "[topics.a]\ncontent = \"structured\"\nschema = { type = \"JSON\", definition = \"{}\" }\n",
        );
        assert!(both.contains("leave one of them out"), "{both}");
    }

    /// Accepts C-7.
    #[test]
    fn content_that_is_structured_has_the_schema_of_the_envelope() {
        let topology = parse(
            "[defaults.topics]\ncontent = \"structured\"\n[topics.a]\n[topics.b]\ncontent = \"binary\"\n\
             [topics.c]\nschema = { type = \"AVRO\", definition = \"x\" }\n",
        )
        .unwrap();
        let kinds: Vec<_> =
            topology.topics.values().map(|topic| topic.schema.as_ref().map(|schema| &*schema.kind)).collect();
        assert_eq!(kinds, [Some("JSON"), None, Some("AVRO")]);
    }

    #[test]
    fn of_several_files_the_last_is_wanted_and_the_others_are_before_it() {
        let text = "[topics.a]\nschema = { type = \"AVRO\", files = [\"1\", \"2\", \"3\"] }\n";
        let read = |path: &Path| Ok(format!("text of {}", path.display()));
        let topology = Topology::parse_with("topology.toml", text, &read).unwrap();
        let schema = topology.topics.values().next().unwrap().schema.clone().unwrap();
        assert_eq!(
            (&*schema.definition, &schema.earlier[..]),
            ("text of 3", &["text of 1".into(), "text of 2".into()][..])
        );
    }
}
