//! What a source is told: Pulsar's source configuration, with the keys of Debezium's connectors under `configs`.

mod keys;
mod transforms;

use std::net::Ipv6Addr;

use hexalpes_client::TopicName;
use hexalpes_routing::{PatternError, RuleError, RuleSpec};
use serde_json::Value;
use url::{Host, Url};

use crate::mapping::Mapping;
use keys::Keys;
use transforms::Transforms;

/// Where events go if nothing else is said, in the namespace of the raw topics.
const EVENTS: &str = "outbox-events";
/// What slots and publications are called, with the source's name behind it.
const OURS: &str = "hexalpes_";
/// What PostgreSQL takes for a name.
const NAME_BYTES_MAX: usize = 63;

/// Why a configuration is none. Each names the key, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "the configuration of a source is a JSON object, with the connector's keys in an object `configs`"
    )]
    Shape,
    #[error("{key} is missing: {way_out}")]
    Missing { key: String, way_out: &'static str },
    #[error("{key} is {value:?}: {way_out}")]
    Wrong { key: String, value: String, way_out: String },
    #[error("{key}: {why}")]
    Pattern { key: String, why: PatternError },
    #[error("{key}: {why}")]
    Rule { key: String, why: RuleError },
}

/// Whose log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    MySql,
    MariaDb,
    Postgres,
}

impl Connector {
    /// As Debezium calls it.
    pub const fn name(self) -> &'static str {
        self.scheme()
    }

    const fn scheme(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
            Self::Postgres => "postgresql",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::MySql | Self::MariaDb => 3306,
            Self::Postgres => 5432,
        }
    }
}

/// `decimal.handling.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecimalMode {
    /// The digits without their point, as bytes.
    #[default]
    Precise,
    Double,
    String,
}

/// `binary.handling.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BinaryMode {
    /// In JSON it is as base64.
    #[default]
    Bytes,
    Base64,
    Base64UrlSafe,
    Hex,
}

/// `time.precision.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeMode {
    /// Milliseconds where the column has up to three digits behind the point, else microseconds.
    Adaptive,
    /// The same, but times of a day are always microseconds.
    #[default]
    AdaptiveTimeMicroseconds,
    /// Milliseconds.
    Connect,
}

/// How values stand in a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    pub decimal: DecimalMode,
    pub binary: BinaryMode,
    pub time: TimeMode,
}

/// How the connection to the database is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    Off,
    /// Encrypted if the server can.
    Preferred,
    /// Encrypted, whoever answers.
    Required,
    /// Only with a certificate that is trusted.
    Verified,
}

/// A table that is read, and where its rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceTable {
    /// The database of `MySQL`, the schema of PostgreSQL.
    pub schema: String,
    pub name: String,
    /// Carries its changes: `{server name}.{schema}.{name}`.
    pub raw: TopicName,
    /// Carries its events.
    pub events: TopicName,
}

/// A source, read and checked. Nothing of it shows the password but [`Self::url`].
#[derive(Clone, PartialEq, Eq)]
pub struct SourceConfig {
    pub tenant: String,
    pub namespace: String,
    pub name: String,
    pub connector: Connector,
    pub host: String,
    pub port: u16,
    pub user: String,
    password: String,
    /// The one that is connected to.
    pub database: String,
    pub tls: TlsMode,
    /// As which replica a `MySQL` is read.
    pub server_id: u32,
    pub slot: String,
    pub publication: String,
    /// What changes say for `name`, and raw topics begin with.
    pub server_name: String,
    pub table: SourceTable,
    pub mapping: Mapping,
    pub modes: Modes,
    /// Where rows go besides.
    pub rules: Vec<RuleSpec>,
    /// Whether the rows that are there at the first start are taken too.
    pub takes_what_is_there: bool,
    /// The column by which those are read in pieces, one after the other, if one is named.
    pub snapshot_key: Option<String>,
    /// Keys that have no effect, and such as nobody knows: a sentence each.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for SourceConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceConfig")
            .field("name", &self.full_name())
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl SourceConfig {
    /// Reads what `pulsar-admin sources create` sends, and what its `--source-config-file` has.
    pub fn read(json: &Value) -> Result<Self, ConfigError> {
        let mut keys = Keys::of(json)?;
        let connector = connector(&mut keys)?;
        let name = name(&mut keys, "name")?
            .ok_or(ConfigError::Missing { key: "name".to_owned(), way_out: "what is the source called?" })?;
        let tenant = name_or(&mut keys, "tenant", "public")?;
        let namespace = name_or(&mut keys, "namespace", "default")?;
        let server_name = match keys.first(&["database.server.name", "topic.prefix"]) {
            Some((_, server)) => server,
            None => name.clone(),
        };
        let raw_namespace = keys.config("topic.namespace").unwrap_or_else(|| format!("{tenant}/{namespace}"));
        let named = keys.own("topicName").map(|topic| topic_of("topicName", &topic)).transpose()?;
        let transforms = Transforms::of(&mut keys, &raw_namespace)?;
        let events = match named {
            Some(topic) => topic,
            None => topic_of("topic.namespace", &format!("{raw_namespace}/{EVENTS}"))?,
        };
        let table = table(&mut keys, connector, &server_name, &raw_namespace, &events, &transforms)?;
        let database = database(&mut keys, connector, &table)?;
        let identifier = identifier(&name);
        let mapping = transforms.mapping(&mut keys);
        let snapshot_key = keys.config("hexalpes.snapshot.key");
        let config = Self {
            connector,
            host: keys.needed("database.hostname", "the host that the database is on")?,
            port: keys.number("database.port", 1..=65_535)?.unwrap_or(connector.port()),
            user: keys.needed("database.user", "as whom the log is read")?,
            password: keys.config("database.password").unwrap_or_default(),
            database,
            tls: tls(&mut keys)?,
            server_id: keys.number("database.server.id", 1..=u32::MAX)?.unwrap_or_else(|| server_id(&name)),
            slot: postgres_name(&mut keys, "slot.name")?.unwrap_or_else(|| identifier.clone()),
            publication: postgres_name(&mut keys, "publication.name")?.unwrap_or(identifier),
            modes: modes(&mut keys, connector)?,
            takes_what_is_there: snapshot(&mut keys)?,
            tenant,
            namespace,
            name,
            server_name,
            table,
            mapping,
            rules: transforms.rules,
            snapshot_key,
            notes: Vec::new(),
        };
        Ok(Self { notes: keys.notes(), ..config })
    }

    /// `tenant/namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}/{}", self.tenant, self.namespace, self.name)
    }

    /// Whether its host is one. Asked before it is used and not when it is read, so that a source that was made without being asked
    /// says so in its status.
    pub fn check_host(&self) -> Result<(), ConfigError> {
        let way_out = |why| format!("{why}: write the host's name or its address alone");
        Host::parse(&self.host_in_url())
            .map(drop)
            .map_err(|why| wrong("database.hostname", &self.host, way_out(why)))
    }

    fn host_in_url(&self) -> String {
        if self.host.parse::<Ipv6Addr>().is_ok() { format!("[{}]", self.host) } else { self.host.clone() }
    }

    /// Where the database is, with the password.
    pub fn url(&self) -> String {
        let mut url = Url::parse(&format!("{}://localhost/", self.connector.scheme())).expect("it is one");
        // One that is none is refused before.
        let _ = url.set_host(Some(&self.host_in_url()));
        let _ = url.set_port(Some(self.port));
        let _ = url.set_username(&self.user);
        let _ = url.set_password((!self.password.is_empty()).then_some(self.password.as_str()));
        url.set_path(&self.database);
        let (mode, value) = match (self.connector, self.tls) {
            (Connector::Postgres, TlsMode::Off) => ("sslmode", "disable"),
            (Connector::Postgres, TlsMode::Preferred) => ("sslmode", "prefer"),
            (Connector::Postgres, TlsMode::Required) => ("sslmode", "require"),
            (Connector::Postgres, TlsMode::Verified) => ("sslmode", "verify-full"),
            (_, TlsMode::Off) => ("ssl-mode", "DISABLED"),
            (_, TlsMode::Preferred) => ("ssl-mode", "PREFERRED"),
            (_, TlsMode::Required) => ("ssl-mode", "REQUIRED"),
            (_, TlsMode::Verified) => ("ssl-mode", "VERIFY_IDENTITY"),
        };
        url.query_pairs_mut().append_pair(mode, value);
        url.to_string()
    }
}

fn wrong(key: &str, value: &str, way_out: impl Into<String>) -> ConfigError {
    ConfigError::Wrong { key: key.to_owned(), value: value.to_owned(), way_out: way_out.into() }
}

fn connector(keys: &mut Keys) -> Result<Connector, ConfigError> {
    const KNOWN: &str = "MySQL, MariaDB and PostgreSQL are read: write connector.class \
                         io.debezium.connector.mysql.MySqlConnector, …mariadb.MariaDbConnector or \
                         …postgresql.PostgresConnector, or an archive such as builtin://debezium-mysql";
    let said = [
        ("connector.class", keys.config("connector.class")),
        ("task.class", keys.config("task.class")),
        ("className", keys.own("className")),
        ("archive", keys.own("archive")),
    ];
    let mut strange = None;
    for (key, value) in said.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        let lower = value.to_lowercase();
        for (word, connector) in
            [("mysql", Connector::MySql), ("mariadb", Connector::MariaDb), ("postgres", Connector::Postgres)]
        {
            if lower.contains(word) {
                return Ok(connector);
            }
        }
        strange.get_or_insert_with(|| wrong(key, &value, KNOWN));
    }
    Err(strange.unwrap_or(ConfigError::Missing { key: "archive".to_owned(), way_out: KNOWN }))
}

/// Part of a topic's name, as Pulsar lets it be.
fn name(keys: &mut Keys, key: &str) -> Result<Option<String>, ConfigError> {
    let Some(name) = keys.own(key) else { return Ok(None) };
    let is_one = TopicName::parse(&format!("{name}/{name}/x")).is_ok();
    if is_one { Ok(Some(name)) } else { Err(wrong(key, &name, "take A-Z a-z 0-9 _ - = : .")) }
}

fn name_or(keys: &mut Keys, key: &str, built_in: &str) -> Result<String, ConfigError> {
    Ok(name(keys, key)?.unwrap_or_else(|| built_in.to_owned()))
}

fn topic_of(key: &str, name: &str) -> Result<TopicName, ConfigError> {
    let topic = TopicName::parse(name).map_err(|why| wrong(key, name, why.to_string()))?;
    if topic.is_persistent() && topic.partition().is_none() {
        return Ok(topic);
    }
    Err(wrong(key, name, "name a persistent topic as a whole"))
}

/// `database.table` or `schema.table` by its name: Debezium takes patterns here, and a dot may be escaped.
fn table(
    keys: &mut Keys,
    connector: Connector,
    server: &str,
    namespace: &str,
    events: &TopicName,
    transforms: &Transforms,
) -> Result<SourceTable, ConfigError> {
    const KEY: &str = "table.include.list";
    let written = keys.needed(KEY, "which table is the outbox, such as alpes.outbox_event?")?;
    let written = written.trim();
    if written.contains(',') {
        return Err(wrong(KEY, written, "a source reads one outbox: make a source for each table"));
    }
    let plain = written.replace("\\.", ".").replace("[.]", ".");
    let (schema, name) =
        plain.split_once('.').filter(|(schema, name)| is_plain(schema) && is_plain(name)).ok_or_else(
            || wrong(KEY, written, "name the table in full, without a pattern: alpes.outbox_event"),
        )?;
    let databases = keys.config("database.include.list").filter(|_| connector != Connector::Postgres);
    if let Some(list) = databases.filter(|list| !list.split(',').any(|database| database.trim() == schema)) {
        return Err(wrong(
            "database.include.list",
            &list,
            format!("it leaves out table {plain}: add {schema}"),
        ));
    }
    let raw = format!("{server}.{schema}.{name}");
    let table = SourceTable {
        schema: schema.to_owned(),
        name: name.to_owned(),
        raw: topic_of("database.server.name", &format!("{namespace}/{raw}"))?,
        events: transforms.route(&raw)?.unwrap_or_else(|| events.clone()),
    };
    if table.raw == table.events {
        let topic = table.events.to_string();
        return Err(wrong("topicName", &topic, "it carries the changes: name another for the events"));
    }
    Ok(table)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-$ ".contains(c))
}

fn database(keys: &mut Keys, connector: Connector, table: &SourceTable) -> Result<String, ConfigError> {
    match connector {
        Connector::Postgres => keys.needed("database.dbname", "the database that the table is in"),
        // What is connected to does not matter there: the log is the server's.
        Connector::MySql | Connector::MariaDb => Ok(table.schema.clone()),
    }
}

fn tls(keys: &mut Keys) -> Result<TlsMode, ConfigError> {
    let Some((key, mode)) = keys.first(&["database.ssl.mode", "database.sslmode"]) else {
        return Ok(TlsMode::Preferred);
    };
    match mode.to_lowercase().replace('-', "_").as_str() {
        "disabled" | "disable" => Ok(TlsMode::Off),
        "preferred" | "prefer" | "allow" => Ok(TlsMode::Preferred),
        "required" | "require" => Ok(TlsMode::Required),
        "verify_ca" | "verify_identity" | "verify_full" => Ok(TlsMode::Verified),
        _ => Err(wrong(key, &mode, "write disabled, preferred, required or verify_identity")),
    }
}

fn modes(keys: &mut Keys, connector: Connector) -> Result<Modes, ConfigError> {
    let decimal = match keys.config("decimal.handling.mode").as_deref() {
        None | Some("precise") => DecimalMode::Precise,
        Some("double") => DecimalMode::Double,
        Some("string") => DecimalMode::String,
        Some(mode) => return Err(wrong("decimal.handling.mode", mode, "write precise, double or string")),
    };
    let binary = match keys.config("binary.handling.mode").as_deref() {
        None | Some("bytes") => BinaryMode::Bytes,
        Some("base64") => BinaryMode::Base64,
        Some("base64-url-safe") => BinaryMode::Base64UrlSafe,
        Some("hex") => BinaryMode::Hex,
        Some(mode) => {
            return Err(wrong("binary.handling.mode", mode, "write bytes, base64, base64-url-safe or hex"));
        }
    };
    let time = match keys.config("time.precision.mode").as_deref() {
        // As each of Debezium's connectors has it.
        None | Some("adaptive") if connector == Connector::Postgres => TimeMode::Adaptive,
        None | Some("adaptive" | "adaptive_time_microseconds") => TimeMode::AdaptiveTimeMicroseconds,
        Some("connect") => TimeMode::Connect,
        Some(mode) => {
            return Err(wrong(
                "time.precision.mode",
                mode,
                "write adaptive_time_microseconds, adaptive or connect",
            ));
        }
    };
    Ok(Modes { decimal, binary, time })
}

fn snapshot(keys: &mut Keys) -> Result<bool, ConfigError> {
    match keys.config("snapshot.mode").as_deref() {
        None | Some("initial" | "when_needed") => Ok(true),
        Some("never" | "no_data" | "schema_only") => Ok(false),
        Some(mode) => Err(wrong("snapshot.mode", mode, "write initial, or never for new rows alone")),
    }
}

/// A name for a slot or a publication, of what PostgreSQL takes.
fn identifier(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut text: String = OURS.chars().chain(name.chars().map(plain)).collect();
    text.truncate(NAME_BYTES_MAX);
    text
}

fn postgres_name(keys: &mut Keys, key: &str) -> Result<Option<String>, ConfigError> {
    let Some(name) = keys.config(key) else { return Ok(None) };
    let is_one = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_one { Ok(Some(name)) } else { Err(wrong(key, &name, "take up to 63 of a-z 0-9 _")) }
}

/// The same for the same name, above what people give their servers.
fn server_id(name: &str) -> u32 {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    1_000_000_000 + hash % 1_000_000_000
}

#[cfg(test)]
mod tests;
