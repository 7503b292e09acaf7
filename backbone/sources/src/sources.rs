//! The sources of one process, or of several that share them: made, run, paused and taken away, each with a relay of its
//! own.
//!
//! A source's progress lies in a database of its own, under a name that says what is read and where it goes. A source
//! that is deleted and made again so goes on where it was, as Debezium's do by their offsets; one that reads
//! another table, or writes to other topics, begins anew.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use futures::future::join_all;
use hexalpes_capture::LogError;
use hexalpes_client::Client;
use hexalpes_db::{Db, DbError, MigrateError, OpenError};
use hexalpes_files::{DirLock, LockError};
use hexalpes_kernel::{Actor, Edge};
use hexalpes_outbox::{
    LogSource as _, Relay, RelayOptions, Status,
    operate::{self, Reason, SkipError},
    parked::{self, ParkedError, ParkedRow},
};
use hexalpes_routing::{Rule, RuleError};
use hexalpes_vault::Vault;
use hexalpes_worker::Worker;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::Value;
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{self, Instant},
};
use tracing::{info, warn};

use crate::{
    config::{ConfigError, SourceConfig},
    deeds::{self, SourceDeed},
    key::SnapshotKey,
    log::SourceLog,
    place::SourcesPlace,
    reader::{Reader, reads_beside},
    shape::MappedShape,
    store::{self, Deed, Kept},
};

use follow::Follower;

mod follow;

/// How long others who have a source may take to stop it when it is forgotten.
const OTHERS_LEAVE: Duration = Duration::from_secs(10);
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
    #[error("another process reads for source {0} still, and does not stop: pause it, and try again")]
    Read(String),
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
    #[error(
        "the sources of {} cannot be had: {why}; files are of one process, and those who share sources name a server",
        path.display()
    )]
    Claim { path: PathBuf, why: LockError },
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
    pub place: SourcesPlace,
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
    /// Of files; given back when they are stopped.
    claim: Mutex<Option<DirLock>>,
    /// Held by who changes the list or follows it, and before `running`: a server that has it may be away for long, and who only
    /// asks does not wait for that.
    changing: Mutex<()>,
    running: Mutex<Running>,
    follower: Mutex<Option<Worker>>,
}

#[derive(Debug, Default)]
struct Running {
    /// By their names.
    sources: BTreeMap<String, Source>,
    /// Why others of the list cannot be read, by their names: sealed with another key, or written by a newer process.
    unreadable: BTreeMap<String, String>,
}

impl Running {
    fn source(&mut self, name: &str) -> Result<&mut Source, SourcesError> {
        self.sources.get_mut(name).ok_or_else(|| absent(&self.unreadable, name))
    }

    fn get(&self, name: &str) -> Result<&Source, SourcesError> {
        self.sources.get(name).ok_or_else(|| absent(&self.unreadable, name))
    }
}

/// Nobody else changes them as long as it lives.
type Current<'a> = (MutexGuard<'a, ()>, MutexGuard<'a, Running>);

/// A source by its name.
#[derive(Debug)]
struct Source {
    kept: Kept,
    json: Value,
    config: SourceConfig,
    work: Option<Work>,
    restarts: u64,
    /// Why it could not be started, and when that was tried.
    refusal: Option<(String, Instant)>,
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
    /// `mysql`, `mariadb` or `postgresql`; `unknown` of one whose configuration cannot be read.
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

impl SourceStatus {
    /// Of one of which nothing but its name is known.
    fn unreadable(name: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            connector: "unknown",
            table: String::new(),
            state: "alarm",
            restarts: 0,
            relay: Status { alarm: Some(unreadable(name, why).to_string()), ..Status::default() },
            notes: Vec::new(),
        }
    }
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
        let claim = options.place.claim()?;
        let list = options.place.list().await?;
        let is_shared = options.place.is_shared();
        let shared = Shared {
            options,
            list,
            claim: Mutex::new(claim),
            changing: Mutex::default(),
            running: Mutex::default(),
            follower: Mutex::default(),
        };
        let sources = Self(Arc::new(shared));
        if let Err(why) = sources.followed().await {
            sources.stop().await;
            return Err(why);
        }
        if is_shared {
            *sources.0.follower.lock().await = Some(Worker::start("sources", Follower(sources.clone())));
        }
        Ok(sources)
    }

    /// All of them, for who changes them, as the list has them by now: who shares them may have made others, and taken some
    /// away.
    async fn current(&self) -> Result<Current<'_>, SourcesError> {
        let changing = self.0.changing.lock().await;
        let running = if self.0.options.place.is_shared() {
            self.followed().await?
        } else {
            self.0.running.lock().await
        };
        Ok((changing, running))
    }

    /// Makes a source, and gives what of its configuration has no effect.
    pub async fn create(&self, json: &Value, by: &By) -> Result<SourceStatus, SourcesError> {
        let config = SourceConfig::read(json)?;
        // What is wrong with these is told now, and not by a status later.
        config.check_host()?;
        self.rules(&config)?;
        let name = config.full_name();
        let (changing, mut running) = self.current().await?;
        if running.sources.contains_key(&name) || running.unreadable.contains_key(&name) {
            return Err(SourcesError::Exists(config.name));
        }
        running.sources.values().try_for_each(|other| reads_beside(&config, &other.config))?;
        let (kept, reader) = (Kept::new(&name, json, &self.0.options.vault), Reader::of(&config));
        if !store::add(&self.0.list, &kept, &reader.digest(), &self.deed(&name, "create", by)).await? {
            // Made at another process in this moment.
            return Err(match store::read_by(&self.0.list, &reader.digest()).await? {
                Some(other) if other != name => reader.is_of(other),
                _ => SourcesError::Exists(config.name),
            });
        }
        for note in &config.notes {
            warn!(source = name, "{note}");
        }
        let mut source = Source::new(kept, json.clone(), config);
        self.start(&mut source).await;
        let at_once = source.status();
        running.sources.insert(name, source);
        drop((changing, running));
        Ok(self.begun(at_once).await)
    }

    /// How it does once it works, or it is known why it does not; who does something with the others does not wait for that.
    async fn begun(&self, at_once: SourceStatus) -> SourceStatus {
        let begun = {
            let running = self.0.running.lock().await;
            let source = running.sources.get(&at_once.name);
            source.and_then(|source| source.work.as_ref()).map(|work| work.relay.begun())
        };
        if let Some(begun) = begun {
            begun.await;
        }
        // Somebody may have taken it away meanwhile.
        self.status(&at_once.name).await.unwrap_or(at_once)
    }

    /// Stops a source and takes it from the list. What it has come to is kept, unless it is to `forget` it.
    pub async fn delete(&self, name: &str, forget: bool, by: &By) -> Result<(), SourcesError> {
        let (_changing, mut running) = self.current().await?;
        let deed = self.deed(name, if forget { "delete and forget" } else { "delete" }, by);
        // Of one that cannot be read nobody knows what it has come to.
        if running.unreadable.contains_key(name) {
            store::remove(&self.0.list, &deed).await?;
            running.unreadable.remove(name);
        } else {
            let source = running.source(name)?;
            source.stop().await;
            if let Err(why) = self.remove(source, forget, &deed).await {
                self.start(source).await;
                return Err(why);
            }
            running.sources.remove(name);
        }
        info!(source = name, reason = by.reason, "{}", deed.what);
        Ok(())
    }

    /// It is forgotten while it is listed: as long as that is not whole, it can be done again, and nobody makes another one.
    async fn remove(&self, source: &Source, forget: bool, deed: &Deed<'_>) -> Result<(), SourcesError> {
        if forget {
            self.forget(&source.config, &source.kept.mark()).await?;
        }
        Ok(store::remove(&self.0.list, deed).await?)
    }

    /// The names of the sources in a namespace.
    pub async fn names(&self, tenant: &str, namespace: &str) -> Vec<String> {
        let running = self.0.running.lock().await;
        let configs = running.sources.values().map(|source| &source.config);
        configs
            .filter(|config| (config.tenant.as_str(), config.namespace.as_str()) == (tenant, namespace))
            .map(|config| config.name.clone())
            .collect()
    }

    /// How all of them do, by their names.
    pub async fn all(&self) -> Vec<SourceStatus> {
        let running = self.0.running.lock().await;
        let readable = running.sources.values().map(Source::status);
        let others = running.unreadable.iter().map(|(name, why)| SourceStatus::unreadable(name, why));
        readable.chain(others).collect()
    }

    pub async fn status(&self, name: &str) -> Result<SourceStatus, SourcesError> {
        let running = self.0.running.lock().await;
        running.get(name).map(Source::status)
    }

    /// The configuration as it was given, without what is secret in it.
    pub async fn config(&self, name: &str) -> Result<Value, SourcesError> {
        let running = self.0.running.lock().await;
        let mut json = running.get(name)?.json.clone();
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
        let (_changing, mut running) = self.current().await?;
        let source = running.source(name)?;
        if !source.kept.is_paused {
            store::set_paused(&self.0.list, true, &self.deed(name, "pause", by)).await?;
            source.kept.is_paused = true;
            source.stop().await;
            info!(source = name, reason = by.reason, "paused");
        }
        Ok(source.status())
    }

    pub async fn resume(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        let (changing, mut running) = self.current().await?;
        let source = running.source(name)?;
        if source.kept.is_paused {
            store::set_paused(&self.0.list, false, &self.deed(name, "resume", by)).await?;
            source.kept.is_paused = false;
            self.start(source).await;
            info!(source = name, reason = by.reason, "resumed");
        }
        let at_once = source.status();
        drop((changing, running));
        Ok(self.begun(at_once).await)
    }

    /// Stops and starts it; one that is paused stays so.
    pub async fn restart(&self, name: &str, by: &By) -> Result<SourceStatus, SourcesError> {
        let (changing, mut running) = self.current().await?;
        let source = running.source(name)?;
        source.kept.turn = store::begin_again(&self.0.list, &self.deed(name, "restart", by)).await?;
        source.stop().await;
        source.restarts += 1;
        self.start(source).await;
        info!(source = name, reason = by.reason, "restarted");
        let at_once = source.status();
        drop((changing, running));
        Ok(self.begun(at_once).await)
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
        let (changing, mut running) = self.current().await?;
        let source = running.source(name)?;
        source.stop().await;
        let done = self.begin_anew(name, &source.config, deed, by).await;
        if let Ok(turn) = done {
            source.kept.turn = turn;
            warn!(source = name, reason = by.reason, "{}", deed.name());
        }
        self.start(source).await;
        let at_once = source.status();
        drop((changing, running));
        done?;
        Ok(self.begun(at_once).await)
    }

    /// Gives its new turn.
    async fn begin_anew(
        &self,
        name: &str,
        config: &SourceConfig,
        deed: Anew,
        by: &By,
    ) -> Result<i64, SourcesError> {
        let log = SourceLog::new(config, SnapshotKey::of(config));
        self.with(config, async |db| {
            if !self.0.options.place.is_shared() {
                return self.begin_anew_in(db, &log, name, deed, by).await;
            }
            operate::keep_out(db).await?;
            // What one that works sends until it stops is before the end of the log.
            let begun = match until_nobody_reads(name, &log).await {
                Ok(()) => self.begin_anew_in(db, &log, name, deed, by).await,
                stays => stays,
            };
            operate::let_in(db).await?;
            begun
        })
        .await?;
        Ok(store::begin_again(&self.0.list, &self.deed(name, deed.name(), by)).await?)
    }

    /// Where nobody is at work.
    async fn begin_anew_in(
        &self,
        db: &Db,
        log: &SourceLog,
        name: &str,
        deed: Anew,
        by: &By,
    ) -> Result<(), SourcesError> {
        let reason = Reason { who: by.actor.as_str().to_owned(), why: by.reason.clone() };
        let edge = &*self.0.options.edge;
        match deed {
            Anew::Resnapshot => operate::resnapshot(db, edge, &reason).await?,
            Anew::Skip => return Ok(operate::skip(db, edge, &reason, &log.soon()).await?),
        }
        // A slot stands where it was read to: the next one stands at the end.
        if let Err(why) = log.remove().await {
            warn!(source = name, %why, "the log's slot stays");
        }
        Ok(())
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
        let source = running.get(name)?;
        match &source.work {
            Some(Work { db, .. }) => work(db).await,
            None => self.with(&source.config, work).await,
        }
    }

    /// In the database of a source that does not run.
    async fn with<T>(
        &self,
        config: &SourceConfig,
        work: impl AsyncFnOnce(&Db) -> Result<T, SourcesError>,
    ) -> Result<T, SourcesError> {
        let db = self.0.options.place.of(config).await?;
        let outcome = work(&db).await;
        db.close().await;
        outcome
    }

    /// Ends all of them; they go on when the process starts again.
    pub async fn stop(&self) {
        if let Some(follower) = self.0.follower.lock().await.take() {
            follower.stop().await;
        }
        join_all(self.0.running.lock().await.sources.values_mut().map(Source::stop)).await;
        self.0.list.close().await;
        drop(self.0.claim.lock().await.take());
    }

    fn deed<'a>(&self, source: &'a str, deed: &'static str, by: &'a By) -> Deed<'a> {
        Deed { source, what: deed, reason: &by.reason, actor: &by.actor, at: self.0.options.edge.now() }
    }

    /// Nothing happens to one that is paused.
    async fn start(&self, source: &mut Source) {
        if source.kept.is_paused {
            return;
        }
        source.refusal = match self.work(&source.config, &source.kept.mark()).await {
            Ok(work) => {
                source.work = Some(work);
                None
            }
            Err(why) => {
                let why = why.to_string();
                // It is tried again and again where it is shared.
                if source.refusal.as_ref().is_none_or(|(known, _)| *known != why) {
                    warn!(source = source.config.full_name(), why, "a source cannot be started");
                }
                Some((why, Instant::now()))
            }
        };
    }

    async fn work(&self, config: &SourceConfig, mark: &str) -> Result<Work, SourcesError> {
        config.check_host()?;
        let rules = self.rules(config)?;
        let db = self.0.options.place.of(config).await?;
        operate::begin(&db, &*self.0.options.edge, mark, config.takes_what_is_there).await?;
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

    async fn forget(&self, config: &SourceConfig, mark: &str) -> Result<(), SourcesError> {
        self.with(config, async |db| Ok(operate::forget(db, &*self.0.options.edge, mark).await?)).await?;
        // What the database keeps for a reader that does not come again would fill its disk. One that shares the source may
        // be reading still.
        let log = SourceLog::new(config, SnapshotKey::of(config));
        let patience = if self.0.options.place.is_shared() { OTHERS_LEAVE } else { Duration::ZERO };
        if let Err(why) = once_others_leave(patience, || log.remove()).await {
            warn!(source = config.full_name(), %why, "the log's slot stays: drop it by hand");
        }
        Ok(())
    }
}

/// Nobody begins meanwhile: others are kept out.
async fn until_nobody_reads(name: &str, log: &SourceLog) -> Result<(), SourcesError> {
    let is_free = || async {
        match log.check().await {
            Err(taken @ LogError::Taken { .. }) => Err(taken),
            // What else is wrong with the log is told by who goes on with it.
            _ => Ok(()),
        }
    };
    once_others_leave(OTHERS_LEAVE, is_free).await.map_err(|_| SourcesError::Read(short(name)))
}

/// Does what may fail as long as others read the log.
async fn once_others_leave<F: Future<Output = Result<(), LogError>>>(
    patience: Duration,
    attempt: impl Fn() -> F,
) -> Result<(), LogError> {
    let until = Instant::now() + patience;
    loop {
        match attempt().await {
            Err(_) if Instant::now() < until => time::sleep(follow::EVERY).await,
            outcome => return outcome,
        }
    }
}

/// Whether a key of a configuration holds what nobody is shown: of Debezium's keys, those of passwords, and of the logins
/// of its history.
fn is_secret(key: &str) -> bool {
    ["password", "token", "jaas.config"].iter().any(|end| key.ends_with(end))
}

/// Of one that is not among those that can be read.
fn absent(unreadables: &BTreeMap<String, String>, name: &str) -> SourcesError {
    match unreadables.get(name) {
        Some(why) => unreadable(name, why),
        None => SourcesError::Unknown(short(name)),
    }
}

fn unreadable(name: &str, why: &str) -> SourcesError {
    SourcesError::Unreadable { source_name: short(name), why: why.to_owned() }
}

fn short(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

impl Source {
    const fn new(kept: Kept, json: Value, config: SourceConfig) -> Self {
        Self { kept, json, config, work: None, restarts: 0, refusal: None }
    }

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
            relay.alarm = self.refusal.as_ref().map(|(why, _)| why.clone());
        }
        let state = match &relay {
            _ if self.kept.is_paused => "paused",
            Status { alarm: Some(_), .. } => "alarm",
            Status { standby: Some(_), .. } => "standby",
            Status { running: false, .. } => "starting",
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
