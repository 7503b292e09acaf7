//! The sources of one process: made, run, paused and taken away, each with a relay of its own.
//!
//! A source's progress lies in a database of its own, under a name that says what is read and where it goes. A source
//! that is deleted and made again so goes on where it was, as Debezium's do by their offsets; one that reads
//! another table, or writes to other topics, begins anew.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_client::Client;
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, MigrateError, OpenError, Tx};
use hexalpes_kernel::{Actor, Edge};
use hexalpes_outbox::{
    Relay, RelayOptions, Status,
    operate::{self, Reason, SkipError},
    parked::{self, ParkedError, ParkedRow},
};
use hexalpes_routing::{Rule, RuleError};
use hexalpes_vault::Vault;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::{
    config::{ConfigError, Connector, SourceConfig},
    deeds::{self, SourceDeed},
    key::SnapshotKey,
    log::SourceLog,
    shape::MappedShape,
    store::{self, Deed},
    value::hex,
};

/// The list of sources.
const LIST: &str = "sources.db";
/// Rows that are shown of what is parked, and of what was done with it.
const SHOWN_MAX: u64 = 200;

/// Why something cannot be done with a source.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("Source {0} already exists")]
    Exists(String),
    #[error("Source {0} doesn't exist")]
    Unknown(String),
    #[error("source {name} has one instance, 0, and none that is {instance:?}")]
    Instance { name: String, instance: String },
    #[error("source {0} runs: pause it first")]
    Runs(String),
    #[error(
        "source {other} has {what} on that server too, and only one of them could read: give this one another {key}"
    )]
    SameReader { other: String, what: String, key: &'static str },
    #[error("a reason is needed: it is written down")]
    NoReason,
    #[error("the rule of source {name} cannot be used: {why}")]
    Rule { name: String, why: RuleError },
    #[error(
        "source {source_name} cannot be read from the list: {why}; is the secret key the one that sealed it?"
    )]
    Unreadable { source_name: String, why: String },
    #[error("the folder {} cannot be made: {why}", path.display())]
    Folder { path: PathBuf, why: std::io::Error },
    #[error("the database of sources cannot be opened: {0}")]
    Open(#[from] OpenError),
    #[error("the database of sources cannot be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
    #[error("the database of sources cannot be used: {0}")]
    Database(#[from] DbError),
    #[error("nothing is skipped: {0}")]
    Skip(#[from] SkipError),
    #[error(
        "no event {event} of source {name} is parked; `hexalpes relay parked {name}` shows those that are"
    )]
    NotParked { name: String, event: String },
}

/// What a process gives its sources.
#[derive(Clone, Debug)]
pub struct SourcesOptions {
    /// Where their databases lie; made if it is not there.
    pub folder: PathBuf,
    /// Seals their configurations.
    pub vault: Vault,
    pub client: Client,
    pub edge: Arc<dyn Edge>,
    /// Rules for single sources by their names, besides those of their configurations.
    pub rules: Vec<(String, Rule)>,
}

/// Who does something with a source, and why.
#[derive(Clone, Debug)]
pub struct By {
    pub actor: Actor,
    pub reason: String,
}

/// The sources; clones share them.
#[derive(Clone, Debug)]
pub struct Sources(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: SourcesOptions,
    list: Db,
    running: Mutex<BTreeMap<String, Source>>,
}

/// A source by its name.
#[derive(Debug)]
struct Source {
    json: Value,
    config: SourceConfig,
    is_paused: bool,
    work: Option<Work>,
    restarts: u64,
    /// Why it could not be started.
    refusal: Option<String>,
}

/// A source at work.
#[derive(Debug)]
struct Work {
    relay: Relay,
    db: Db,
}

/// How a source begins anew.
#[derive(Clone, Copy, Debug)]
enum Anew {
    Resnapshot,
    Skip,
}

impl Anew {
    const fn name(self) -> &'static str {
        match self {
            Self::Resnapshot => "resnapshot",
            Self::Skip => "skip",
        }
    }
}

/// What is done with an event that is parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfParked {
    /// It is tried again, and those of its aggregate behind it.
    Retry,
    /// It is given up; those of its aggregate behind it are tried.
    Skip,
}

/// How a source does.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// `tenant/namespace/name`.
    pub name: String,
    /// `mysql`, `mariadb` or `postgresql`.
    pub connector: &'static str,
    /// What it reads: `alpes.outbox_event`.
    pub table: String,
    /// `running`, `paused`, `standby` or `alarm`.
    pub state: &'static str,
    pub restarts: u64,
    #[serde(flatten, serialize_with = "of_a_log")]
    pub relay: Status,
    /// Keys of its configuration that have no effect: a sentence each.
    pub notes: Vec<String>,
}

/// Without what a relay counts in our own table: how far it is behind, the log says.
fn of_a_log<S: Serializer>(relay: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    let mut shown = serde_json::to_value(relay).map_err(S::Error::custom)?;
    if let Some(shown) = shown.as_object_mut() {
        shown.retain(|key, _| !["lagRows", "lagBytes", "lagSeconds"].contains(&key.as_str()));
    }
    shown.serialize(serializer)
}

impl Sources {
    /// Opens the list, and starts what is not paused. A source that cannot be started says so in its status.
    pub async fn open(options: SourcesOptions) -> Result<Self, SourcesError> {
        let folder = options.folder.clone();
        std::fs::create_dir_all(&folder).map_err(|why| SourcesError::Folder { path: folder.clone(), why })?;
        let list = open(&folder.join(LIST)).await?;
        list.migrate(store::MIGRATIONS).await?;
        let kept = store::all(&list, &options.vault).await?;
        let sources = Self(Arc::new(Shared { options, list, running: Mutex::default() }));
        let mut running = sources.0.running.lock().await;
        for store::Kept { name, config: json, is_paused } in kept {
            let config = SourceConfig::read(&json)?;
            let mut source = Source { json, config, is_paused, work: None, restarts: 0, refusal: None };
            if !is_paused {
                sources.start(&mut source).await;
            }
            running.insert(name, source);
        }
        drop(running);
        Ok(sources)
    }

    /// Makes a source, and gives what of its configuration has no effect.
    pub async fn create(&self, json: &Value, by: &By) -> Result<SourceStatus, SourcesError> {
        let config = SourceConfig::read(json)?;
        // What is wrong with these is told now, and not by a status later.
        config.check_host()?;
        self.rules(&config)?;
        let name = config.full_name();
        let mut running = self.0.running.lock().await;
        // One of that name is told of first.
        if !running.contains_key(&name) {
            running.values().try_for_each(|other| reads_beside(&config, &other.config))?;
        }
        if !store::add(&self.0.list, &self.0.options.vault, json, &self.deed(&name, "create", by)).await? {
            return Err(SourcesError::Exists(config.name));
        }
        for note in &config.notes {
            warn!(source = name, "{note}");
        }
        let mut source =
            Source { json: json.clone(), config, is_paused: false, work: None, restarts: 0, refusal: None };
        self.start(&mut source).await;
        let status = source.status();
        running.insert(name, source);
        Ok(status)
    }

    /// Stops a source and takes it from the list. What it has come to is kept, unless it is to `forget` it.
    pub async fn delete(&self, name: &str, forget: bool, by: &By) -> Result<(), SourcesError> {
        let mut running = self.0.running.lock().await;
        let source = running.get_mut(name).ok_or_else(|| unknown(name))?;
        source.stop().await;
        let deed = if forget { "delete and forget" } else { "delete" };
        store::remove(&self.0.list, &self.deed(name, deed, by)).await?;
        if let Some(source) = running.remove(name)
            && forget
        {
            self.forget(&source.config).await?;
        }
        info!(source = name, reason = by.reason, "{deed}");
        Ok(())
    }

    /// The names of the sources in a namespace.
    pub async fn names(&self, tenant: &str, namespace: &str) -> Vec<String> {
        let running = self.0.running.lock().await;
        let configs = running.values().map(|source| &source.config);
        configs
            .filter(|config| (config.tenant.as_str(), config.namespace.as_str()) == (tenant, namespace))
            .map(|config| config.name.clone())
            .collect()
    }

    /// How all of them do, by their names.
    pub async fn all(&self) -> Vec<SourceStatus> {
        self.0.running.lock().await.values().map(Source::status).collect()
    }

    pub async fn status(&self, name: &str) -> Result<SourceStatus, SourcesError> {
        let running = self.0.running.lock().await;
        running.get(name).map(Source::status).ok_or_else(|| unknown(name))
    }

    /// The configuration as it was given, without what is secret in it.
    pub async fn config(&self, name: &str) -> Result<Value, SourcesError> {
        let running = self.0.running.lock().await;
        let mut json = running.get(name).map(|source| source.json.clone()).ok_or_else(|| unknown(name))?;
        let configs = json.get_mut("configs").and_then(Value::as_object_mut).into_iter().flatten();
        for (_, secret) in configs.filter(|(key, _)| is_secret(key)) {
            *secret = Value::from("******");
        }
        if let Some(secrets) = json.get_mut("secrets") {
            *secrets = Value::from("******");
        }
        Ok(json)
    }

    /// Stops a source until it is resumed; it stays so over restarts of the process. Pausing twice changes nothing.
    pub async fn pause(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        let mut running = self.0.running.lock().await;
        let source = running.get_mut(name).ok_or_else(|| unknown(name))?;
        if !source.is_paused {
            store::set_paused(&self.0.list, true, &self.deed(name, "pause", by)).await?;
            source.is_paused = true;
            source.stop().await;
            info!(source = name, reason = by.reason, "paused");
        }
        Ok(source.status())
    }

    pub async fn resume(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        let mut running = self.0.running.lock().await;
        let source = running.get_mut(name).ok_or_else(|| unknown(name))?;
        if source.is_paused {
            store::set_paused(&self.0.list, false, &self.deed(name, "resume", by)).await?;
            source.is_paused = false;
            self.start(source).await;
            info!(source = name, reason = by.reason, "resumed");
        }
        Ok(source.status())
    }

    /// Stops and starts it; one that is paused stays so.
    pub async fn restart(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        let mut running = self.0.running.lock().await;
        let source = running.get_mut(name).ok_or_else(|| unknown(name))?;
        store::note(&self.0.list, &self.deed(name, "restart", by)).await?;
        source.stop().await;
        source.restarts += 1;
        if !source.is_paused {
            self.start(source).await;
        }
        info!(source = name, reason = by.reason, "restarted");
        Ok(source.status())
    }

    /// Forgets how far it has come, and takes the table from its first row on again, under another producer's name:
    /// what is on the topics already comes there a second time. It wants a reason.
    pub async fn resnapshot(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        self.anew(name, Anew::Resnapshot, by).await
    }

    /// Goes on at the end of the log: what lies between is never published by this source. It wants a reason.
    pub async fn skip(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        self.anew(name, Anew::Skip, by).await
    }

    async fn anew(&self, name: &str, deed: Anew, by: &By) -> Result<SourceStatus, SourcesError> {
        if by.reason.trim().is_empty() {
            return Err(SourcesError::NoReason);
        }
        let mut running = self.0.running.lock().await;
        let source = running.get_mut(name).ok_or_else(|| unknown(name))?;
        source.stop().await;
        let done = self.begin_anew(name, &source.config, deed, by).await;
        if done.is_ok() {
            warn!(source = name, reason = by.reason, "{}", deed.name());
        }
        if !source.is_paused {
            self.start(source).await;
        }
        done.map(|()| source.status())
    }

    async fn begin_anew(
        &self,
        name: &str,
        config: &SourceConfig,
        deed: Anew,
        by: &By,
    ) -> Result<(), SourcesError> {
        let (db, log) = (self.database(config).await?, SourceLog::new(config, SnapshotKey::of(config)));
        let reason = Reason { who: by.actor.as_str().to_owned(), why: by.reason.clone() };
        let edge = &*self.0.options.edge;
        let done = match deed {
            Anew::Resnapshot => operate::resnapshot(&db, edge, &reason).await.map_err(SourcesError::from),
            Anew::Skip => operate::skip(&db, edge, &reason, &log.soon()).await.map_err(SourcesError::from),
        };
        db.close().await;
        done?;
        // A slot stands where it was read to: the next one stands at the end.
        if matches!(deed, Anew::Resnapshot)
            && let Err(why) = log.remove().await
        {
            warn!(source = name, %why, "the log's slot stays");
        }
        Ok(store::note(&self.0.list, &self.deed(name, deed.name(), by)).await?)
    }

    /// The events that could not be published, and those that wait behind them: the oldest of them.
    pub async fn parked(&self, name: &str) -> Result<Vec<ParkedRow>, SourcesError> {
        self.with_database(name, async |db| Ok(parked::list(db, SHOWN_MAX).await?)).await
    }

    /// What was done with it and with its parked events, newest first: also under a source of that name that was deleted.
    pub async fn deeds(&self, name: &str) -> Result<Vec<SourceDeed>, SourcesError> {
        let of_relay = self.with_database(name, async |db| Ok(operate::deeds(db, SHOWN_MAX).await?)).await?;
        Ok(deeds::together(store::deeds(&self.0.list, name, SHOWN_MAX).await?, of_relay))
    }

    /// Tries an event again that is parked, or gives it up. Its relay does so within a second, or when it runs again. It
    /// wants a reason.
    pub async fn of_parked(
        &self,
        name: &str,
        event: &str,
        what: OfParked,
        by: &By,
    ) -> Result<SourceStatus, SourcesError> {
        if by.reason.trim().is_empty() {
            return Err(SourcesError::NoReason);
        }
        let reason = Reason { who: by.actor.as_str().to_owned(), why: by.reason.clone() };
        let edge = &*self.0.options.edge;
        let done = async |db: &Db| {
            let outcome = match what {
                OfParked::Retry => parked::retry(db, edge, event, &reason).await,
                OfParked::Skip => parked::skip(db, edge, event, &reason).await,
            };
            outcome.map_err(|error| match error {
                ParkedError::Unknown(event) => SourcesError::NotParked { name: short(name), event },
                ParkedError::Database(error) => error.into(),
            })
        };
        self.with_database(name, done).await?;
        info!(source = name, event, reason = by.reason, "{what:?} of an event that is parked");
        self.status(name).await
    }

    /// In the database of a source, whether it runs or not.
    async fn with_database<T>(
        &self,
        name: &str,
        work: impl AsyncFnOnce(&Db) -> Result<T, SourcesError>,
    ) -> Result<T, SourcesError> {
        let running = self.0.running.lock().await;
        let source = running.get(name).ok_or_else(|| unknown(name))?;
        if let Some(Work { db, .. }) = &source.work {
            return work(db).await;
        }
        let db = self.database(&source.config).await?;
        let outcome = work(&db).await;
        db.close().await;
        outcome
    }

    /// Ends all of them; they go on when the process starts again.
    pub async fn stop(&self) {
        for source in self.0.running.lock().await.values_mut() {
            source.stop().await;
        }
        self.0.list.close().await;
    }

    fn deed<'a>(&self, source: &'a str, deed: &'static str, by: &'a By) -> Deed<'a> {
        Deed { source, what: deed, reason: &by.reason, actor: &by.actor, at: self.0.options.edge.now() }
    }

    async fn start(&self, source: &mut Source) {
        source.refusal = match self.work(&source.config).await {
            Ok(work) => {
                source.work = Some(work);
                None
            }
            Err(why) => {
                warn!(source = source.config.full_name(), %why, "a source cannot be started");
                Some(why.to_string())
            }
        };
    }

    async fn work(&self, config: &SourceConfig) -> Result<Work, SourcesError> {
        config.check_host()?;
        let rules = self.rules(config)?;
        let db = self.database(config).await?;
        let (key, edge) = (SnapshotKey::of(config), Arc::clone(&self.0.options.edge));
        let options = RelayOptions {
            rules,
            shape: Arc::new(MappedShape::new(config.clone(), key.clone(), edge)),
            raw_topic: config.table.raw.to_string(),
            events_topic: config.table.events.to_string(),
            ..RelayOptions::new(config.full_name())
        };
        let (client, edge) = (self.0.options.client.clone(), Arc::clone(&self.0.options.edge));
        let relay = Relay::start_on_log(db.clone(), client, edge, options, SourceLog::new(config, key));
        Ok(Work { relay, db })
    }

    fn rules(&self, config: &SourceConfig) -> Result<Arc<[Rule]>, SourcesError> {
        let own = config.rules.iter().map(|spec| {
            Rule::new(spec.clone()).map_err(|why| SourcesError::Rule { name: config.full_name(), why })
        });
        let given = self.0.options.rules.iter().filter(|(name, _)| *name == config.name);
        own.chain(given.map(|(_, rule)| Ok(rule.clone()))).collect()
    }

    async fn database(&self, config: &SourceConfig) -> Result<Db, SourcesError> {
        let db = open(&self.file(config)).await?;
        db.migrate(hexalpes_outbox::MIGRATIONS).await?;
        if !config.takes_what_is_there {
            operate::begin_at_end(&db, &*self.0.options.edge).await?;
        }
        Ok(db)
    }

    /// What lies under it is of that table and for those topics.
    fn file(&self, config: &SourceConfig) -> PathBuf {
        let SourceConfig { host, port, database, table, .. } = config;
        let identity = format!(
            "{}\n{:?}\n{host}\n{port}\n{database}\n{}\n{}\n{}\n{}",
            config.full_name(),
            config.connector,
            table.schema,
            table.name,
            table.raw,
            table.events
        );
        let digest = Sha256::digest(identity.as_bytes());
        let short = hex(&digest[..8]);
        self.0.options.folder.join(format!("{}-{short}.db", config.name.replace([':', '='], "_")))
    }

    async fn forget(&self, config: &SourceConfig) -> Result<(), SourcesError> {
        let db = self.database(config).await?;
        db.write(async |tx: &Tx| hexalpes_outbox::reset(tx).await).await?;
        db.close().await;
        // What the database keeps for a reader that does not come again would fill its disk.
        if let Err(why) = SourceLog::new(config, SnapshotKey::of(config)).remove().await {
            warn!(source = config.full_name(), %why, "the log's slot stays: drop it by hand");
        }
        Ok(())
    }
}

/// What a database keeps for a reader, or knows it by, is not another source's: names of both come from a source's own name,
/// which sources of two namespaces may share.
fn reads_beside(config: &SourceConfig, other: &SourceConfig) -> Result<(), SourcesError> {
    if (&config.host, config.port) != (&other.host, other.port) {
        return Ok(());
    }
    let both = (config.connector == Connector::Postgres, other.connector == Connector::Postgres);
    let (what, key) = match both {
        (true, true) if config.slot == other.slot => {
            (format!("the slot {}", config.slot), "slot.name, and publication.name")
        }
        (false, false) if config.server_id == other.server_id => {
            (format!("the server id {}", config.server_id), "database.server.id")
        }
        _ => return Ok(()),
    };
    Err(SourcesError::SameReader { other: other.full_name(), what, key })
}

async fn open(path: &Path) -> Result<Db, SourcesError> {
    Ok(Db::open(&DatabaseUrl::file(path), DbOptions::default()).await?)
}

/// Whether a key of a configuration holds what nobody is shown: of Debezium's keys, those of passwords, and of the logins
/// of its history.
fn is_secret(key: &str) -> bool {
    ["password", "token", "jaas.config"].iter().any(|end| key.ends_with(end))
}

fn unknown(name: &str) -> SourcesError {
    SourcesError::Unknown(short(name))
}

fn short(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

impl Source {
    async fn stop(&mut self) {
        if let Some(Work { relay, db }) = self.work.take() {
            relay.stop().await;
            db.close().await;
        }
        self.refusal = None;
    }

    fn status(&self) -> SourceStatus {
        let config = &self.config;
        let mut relay = self.work.as_ref().map(|work| work.relay.status()).unwrap_or_default();
        if relay.alarm.is_none() {
            relay.alarm.clone_from(&self.refusal);
        }
        let state = match &relay {
            _ if self.is_paused => "paused",
            Status { alarm: Some(_), .. } => "alarm",
            Status { standby: Some(_), .. } => "standby",
            _ => "running",
        };
        SourceStatus {
            name: config.full_name(),
            connector: config.connector.name(),
            table: format!("{}.{}", config.table.schema, config.table.name),
            state,
            restarts: self.restarts,
            relay,
            notes: config.notes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_shown_a_secret() {
        for key in [
            "database.password",
            "database.ssl.truststore.password",
            "database.history.consumer.sasl.jaas.config",
            "database.history.pulsar.token",
        ] {
            assert!(is_secret(key), "{key}");
        }
        assert!(!is_secret("database.user") && !is_secret("table.include.list"));
    }

    #[test]
    fn how_far_a_source_is_behind_the_log_says() {
        #[derive(Serialize)]
        struct Shown {
            #[serde(flatten, serialize_with = "of_a_log")]
            relay: Status,
        }
        let shown = serde_json::to_value(Shown { relay: Status::default() }).unwrap();
        assert!(shown.get("lagRows").is_none() && shown.get("lagLogBytes").is_some(), "{shown}");
    }
}
