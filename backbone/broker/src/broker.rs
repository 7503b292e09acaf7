//! The broker as its host sees it, and what its connections share.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hexalpes_files::DirLock;
use hexalpes_log::{AppendError, Log, ReadError, Stopped};
use hexalpes_wire::TopicName;
use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clusters::Clusters,
    connection,
    counters::BrokerStats,
    lists::Watchers,
    metadata::{Metadata, MetadataError},
    off_reactor::off_reactor,
    open::{self, OpenError},
    options::{BrokerOptions, CURSOR_FLUSH, RATES_OVER, SNAPSHOT_ENTRIES},
    partitions::PARTITIONS_MAX,
    policy::Policy,
    schemas::Schemas,
    settings::AllSettings,
    tenants::TenantInfo,
    topic::{Around, Topic, TopicStats, Unwritten},
};

/// A broker that is open. Clones are the same one.
#[derive(Clone)]
pub struct Broker {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) options: BrokerOptions,
    pub(crate) log: Log,
    pub(crate) around: Around,
    pub(crate) metadata: Metadata,
    /// Held from looking at what is written down until its change is on the disk and in memory. The locks below
    /// are never held over a write.
    pub(crate) changing: Mutex<()>,
    pub(crate) topics: RwLock<BTreeMap<TopicName, Arc<Topic>>>,
    /// Topics that have partitions, with how many; each partition is in `topics`.
    pub(crate) partitioned: RwLock<BTreeMap<TopicName, u32>>,
    pub(crate) watchers: Watchers,
    pub(crate) namespaces: RwLock<BTreeMap<String, Value>>,
    pub(crate) tenants: RwLock<BTreeMap<String, TenantInfo>>,
    pub(crate) clusters: RwLock<Clusters>,
    pub(crate) settings: RwLock<AllSettings>,
    pub(crate) schemas: RwLock<Schemas>,
    pub(crate) next_name: AtomicU64,
    pub(crate) next_consumer: AtomicU64,
    /// Of topics that are not stored.
    pub(crate) next_passing: AtomicU64,
    /// One topic is compacted at a time.
    pub(crate) compacting: Semaphore,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) _lock: DirLock,
}

/// How the names begin that the broker gives producers which have none.
const MADE_UP: &str = "standalone-0-";

/// Whether a producer's name looks like one that the broker gave it.
pub(crate) fn is_made_up(name: &str) -> bool {
    name.strip_prefix(MADE_UP).is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

pub(crate) fn deduplicates(set: Option<&Value>) -> bool {
    set == Some(&Value::Bool(true))
}

/// Why something could not be looked up or changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("there is no namespace {0}")]
    NoNamespace(String),
    #[error("there is no tenant {0}")]
    NoTenant(String),
    #[error("there is no topic {0}")]
    NoTopic(TopicName),
    #[error("topic {0} has producers or consumers that are connected")]
    InUse(TopicName),
    #[error("topic {0} is not persistent: there is nothing to compact")]
    NotPersistent(TopicName),
    #[error("topic {0} is being compacted already")]
    Compacting(TopicName),
    #[error("{0} is not of the form tenant/namespace")]
    NamespaceName(String),
    #[error("this topic exists already")]
    Exists,
    #[error("topic {name} has {partitions} partitions; it is one of these that can be used")]
    Partitioned { name: TopicName, partitions: u32 },
    #[error("topic {0} has partitions: delete it with them")]
    PartitionedToDelete(TopicName),
    #[error("topic {name} would be a partition beyond the {partitions} that there are")]
    NoPartition { name: TopicName, partitions: u32 },
    #[error("topic {0} is called like a partition of a topic that is not there")]
    NoPartitionedTopic(TopicName),
    #[error("topic {0} has no partitions that could become more")]
    NotPartitioned(TopicName),
    #[error("topic {0} has no partitions: delete it without them")]
    NotPartitionedToDelete(TopicName),
    #[error("there is no topic {0} that has partitions")]
    NotPartitionedToRead(TopicName),
    #[error("{wanted} partitions would be fewer than the {there} that there are")]
    FewerPartitions { wanted: u32, there: u32 },
    #[error("the number of partitions must be more than 0")]
    NoPartitions,
    #[error("the number of partitions must be {PARTITIONS_MAX} at most")]
    TooManyPartitions,
    #[error(
        "a topic that has partitions may not be called like one: \"-partition-\" and a number end its name"
    )]
    PartitionAsName,
    #[error("there is no subscription {name} on topic {topic}")]
    NoSubscription { name: String, topic: TopicName },
    #[error("this subscription exists already")]
    SubscriptionExists,
    #[error("topic has {0} subscriptions, as many as it may have")]
    TooManySubscriptions(usize),
    #[error("subscription has consumers that are connected")]
    SubscriptionInUse,
    #[error("namespace {namespace} may have {topics} topics at most, each partition counted")]
    TooManyTopics { namespace: String, topics: usize },
    #[error("a topic's policies are set for all of its partitions at once, not for {0}")]
    PolicyOfPartition(TopicName),
    #[error("subscription {0} has nothing that could expire, or consumers that are about to have it")]
    NothingToExpire(String),
    #[error("{0}")]
    Subscription(String),
    #[error("topic {0} is terminated, but what was sent before is not on the disk yet: ask again")]
    Unsettled(TopicName),
    #[error("entries cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Log(#[from] AppendError),
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Broker {
    /// Opens a data folder, or makes one. To be called within a tokio runtime, which then writes the cursors
    /// down from time to time.
    pub fn open(options: BrokerOptions) -> Result<Self, OpenError> {
        let shared = Arc::new(open::open(options)?);
        let flushing = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            while flushing.stop.run_until_cancelled(tokio::time::sleep(CURSOR_FLUSH)).await.is_some() {
                let shared = Arc::clone(&flushing);
                // Joined here, so that the last flush is the one of `close`.
                let _ = tokio::task::spawn_blocking(move || shared.flush(SNAPSHOT_ENTRIES).is_ok()).await;
            }
        });
        let trimming = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            let every = trimming.options.trim_every;
            while trimming.stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
                let shared = Arc::clone(&trimming);
                let work = move || {
                    // Has what is not compacted yet kept, before anything goes.
                    shared.compact_grown();
                    shared.trim();
                };
                let _ = tokio::task::spawn_blocking(work).await;
            }
        });
        let measuring = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            let mut since = Instant::now();
            while measuring.stop.run_until_cancelled(tokio::time::sleep(RATES_OVER)).await.is_some() {
                let elapsed = since.elapsed();
                since += elapsed;
                let topics: Vec<_> = measuring.topics.read().values().cloned().collect();
                for topic in topics {
                    topic.tick(elapsed);
                }
                measuring.around.counters.tick(elapsed);
            }
        });
        let waking = Arc::clone(&shared);
        shared.tasks.spawn(async move {
            while let Some(due) = waking.stop.run_until_cancelled(waking.around.alarms.ring()).await {
                for topic in due.iter().filter_map(|name| waking.existing(name).ok()) {
                    topic.ring();
                }
            }
        });
        Ok(Self { shared })
    }

    /// Takes connections until either is cancelled: `stop`, or the broker by [`Broker::close`].
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) {
        self.take(listener, None, stop).await;
    }

    /// The same over TLS. Each connection gets what `tls` holds when it comes.
    pub async fn serve_tls(
        &self,
        listener: TcpListener,
        tls: watch::Receiver<Arc<ServerConfig>>,
        stop: CancellationToken,
    ) {
        self.take(listener, Some(tls), stop).await;
    }

    async fn take(
        &self,
        listener: TcpListener,
        tls: Option<watch::Receiver<Arc<ServerConfig>>>,
        stop: CancellationToken,
    ) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                () = self.shared.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let (shared, stop) = (Arc::clone(&self.shared), stop.clone());
                    match tls.as_ref().map(|tls| Arc::clone(&tls.borrow())) {
                        None => self.shared.tasks.spawn(connection::serve(shared, socket, peer, stop)),
                        Some(tls) => {
                            self.shared.tasks.spawn(connection::serve_tls(shared, socket, tls, peer, stop))
                        }
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Hangs up on everybody, writes the cursors down and closes the log.
    pub async fn close(&self) -> Result<(), Stopped> {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        // It was logged; the next start reads more.
        let _ = self.shared.flush(1);
        self.shared.log.close()
    }

    /// Looks at all topics for what their policies say of time and size, as is done from time to time.
    pub fn keep_policies(&self) {
        self.shared.trim();
    }

    /// What a lookup answers: `pulsar://host:port`.
    pub fn service_url(&self) -> Option<&str> {
        self.shared.options.service_url.as_deref()
    }

    /// The same for clients that speak TLS.
    pub fn service_url_tls(&self) -> Option<&str> {
        self.shared.options.service_url_tls.as_deref()
    }

    /// Headers and body of one entry, in bytes.
    pub fn message_bytes_max(&self) -> usize {
        self.shared.options.max_message_bytes
    }

    pub fn topics(&self) -> Vec<TopicName> {
        self.shared.topics.read().keys().cloned().collect()
    }

    /// Whether a topic is there, be it one that has partitions.
    pub fn has_topic(&self, name: &TopicName) -> bool {
        self.shared.topics.read().contains_key(name) || self.shared.partitioned.read().contains_key(name)
    }

    pub fn topic_stats(&self, name: &TopicName) -> Result<TopicStats, AdminError> {
        Ok(self.shared.existing(name)?.stats())
    }

    /// Adds to a topic's stats when the oldest messages were published that wait, which takes reading.
    pub fn add_earliest(&self, name: &TopicName, stats: &mut TopicStats) -> Result<(), AdminError> {
        Ok(self.shared.existing(name)?.add_earliest(stats)?)
    }

    pub fn broker_stats(&self) -> BrokerStats {
        self.shared.around.counters.stats()
    }

    /// Every topic that is there, by name.
    pub fn all_stats(&self) -> Vec<(TopicName, TopicStats)> {
        let topics: Vec<_> = self.shared.topics.read().values().cloned().collect();
        topics.iter().map(|topic| (topic.name.clone(), topic.stats())).collect()
    }

    /// Makes a topic, unless it is there.
    pub fn create_topic(&self, name: &TopicName) -> Result<(), AdminError> {
        if name.partition().is_some() && !self.shared.is_partition(name)? {
            return Err(AdminError::NoPartitionedTopic(name.clone()));
        }
        self.shared.topic(name).map(drop)
    }

    /// Deletes a topic with its entries and cursors; while somebody is connected, only by force.
    pub fn delete_topic(&self, name: &TopicName, force: bool) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        if self.shared.partitioned.read().contains_key(name) {
            return Err(AdminError::PartitionedToDelete(name.clone()));
        }
        let topic = self.shared.existing(name)?;
        if !force && topic.is_in_use() {
            return Err(AdminError::InUse(name.clone()));
        }
        self.shared.remove(&topic)
    }

    /// All namespaces, as `tenant/namespace`.
    pub fn namespaces(&self) -> Vec<String> {
        self.shared.namespaces.read().keys().cloned().collect()
    }

    /// Makes a namespace, unless it is there.
    pub fn create_namespace(&self, namespace: &str) -> Result<(), AdminError> {
        let (tenant, _) =
            namespace.split_once('/').ok_or_else(|| AdminError::NamespaceName(namespace.to_owned()))?;
        let _changing = self.shared.changing.lock();
        if !self.shared.tenants.read().contains_key(tenant) {
            return Err(AdminError::NoTenant(tenant.to_owned()));
        }
        if !self.shared.namespaces.read().contains_key(namespace) {
            self.shared.metadata.put_namespace(namespace, "{}")?;
            let policies = Value::Object(serde_json::Map::new());
            self.shared.namespaces.write().insert(namespace.to_owned(), policies);
        }
        Ok(())
    }

    /// Forgets a namespace and its policies; false if it has topics and stays.
    pub fn delete_namespace(&self, namespace: &str) -> Result<bool, AdminError> {
        let _changing = self.shared.changing.lock();
        if !self.shared.namespaces.read().contains_key(namespace) {
            return Err(AdminError::NoNamespace(namespace.to_owned()));
        }
        let is_of_it = |topic: &TopicName| topic.full_namespace() == namespace;
        if self.shared.topics.read().keys().any(is_of_it)
            || self.shared.partitioned.read().keys().any(is_of_it)
        {
            return Ok(false);
        }
        self.shared.metadata.delete_namespace(namespace)?;
        self.shared.namespaces.write().remove(namespace);
        self.shared.around.counters.forget_namespace(namespace);
        Ok(true)
    }

    /// A policy as it was set; none if it was not.
    pub fn policy(&self, namespace: &str, policy: Policy) -> Result<Option<Value>, AdminError> {
        let namespaces = self.shared.namespaces.read();
        let policies =
            namespaces.get(namespace).ok_or_else(|| AdminError::NoNamespace(namespace.to_owned()))?;
        Ok(policies.get(policy.name()).cloned())
    }

    pub fn set_policy(&self, namespace: &str, policy: Policy, value: Value) -> Result<(), AdminError> {
        self.change_policy(namespace, policy, |set| *set = value)
    }

    /// Changes a policy that may be set already, in one step; it is null where it is not.
    pub fn change_policy(
        &self,
        namespace: &str,
        policy: Policy,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), AdminError> {
        let _changing = self.shared.changing.lock();
        let policies = self.shared.namespaces.read().get(namespace).cloned();
        let mut changed = policies.ok_or_else(|| AdminError::NoNamespace(namespace.to_owned()))?;
        change(&mut changed[policy.name()]);
        self.shared.metadata.put_namespace(namespace, &changed.to_string())?;
        self.shared.namespaces.write().insert(namespace.to_owned(), changed);
        self.shared.apply_rules(|topic| topic.full_namespace() == namespace);
        Ok(())
    }
}

impl Shared {
    /// A topic, made if it is not there.
    pub(crate) fn topic(&self, name: &TopicName) -> Result<Arc<Topic>, AdminError> {
        if let Some(topic) = self.topics.read().get(name) {
            return Ok(Arc::clone(topic));
        }
        let namespace = name.full_namespace();
        let _changing = self.changing.lock();
        if let Some(topic) = self.topics.read().get(name) {
            return Ok(Arc::clone(topic));
        }
        self.is_partition(name)?;
        self.has_room(&namespace, 1)?;
        let rules = self.rules_of(name);
        let topic = if name.is_persistent() {
            let id = self.metadata.create_topic(&name.to_string())?;
            Arc::new(Topic::empty(self.around.clone(), id, name.clone(), rules))
        } else {
            self.passing(name.clone())
        };
        self.add_topics(vec![Arc::clone(&topic)]);
        Ok(topic)
    }

    /// Removes the entries of a topic that is deleted, and what compaction left of them.
    pub(crate) fn drop_entries(&self, topic: &Topic) -> Result<(), AdminError> {
        if let Some(view) = topic.set_view(None) {
            self.log.delete_topic(view.id)?;
        }
        if topic.is_stored() {
            self.log.delete_topic(topic.id)?;
        }
        Ok(())
    }

    pub(crate) fn existing(&self, name: &TopicName) -> Result<Arc<Topic>, AdminError> {
        self.topics.read().get(name).cloned().ok_or_else(|| AdminError::NoTopic(name.clone()))
    }

    /// Deletes a topic with its entries, its cursors and what was granted on it; `changing` is held.
    pub(crate) fn remove(&self, topic: &Topic) -> Result<(), AdminError> {
        // First, so that a crash leaves a topic that fewer may use, and not rights that a later one is born with.
        self.forget_grants(&topic.name)?;
        if topic.is_stored() {
            self.metadata.delete_topic(&topic.name.to_string(), topic.id)?;
        }
        self.remove_topics(std::slice::from_ref(&topic.name));
        self.drop_schemas(&topic.name);
        topic.disband();
        self.drop_entries(topic)
    }

    /// Lets the next producer in that waits until it has a topic for itself, if somebody left who had it.
    pub(crate) fn promote(&self, topic: &Topic) {
        if topic.has_to_promote() {
            off_reactor(|| {
                let _changing = self.changing.lock();
                topic.promote(|epoch| self.put_topic_epoch(topic, epoch));
            });
        }
    }

    /// Writes down how often a topic had a producer alone, if anything is written down of it.
    pub(crate) fn put_topic_epoch(&self, topic: &Topic, epoch: u64) -> Result<(), MetadataError> {
        if topic.is_stored() { self.metadata.put_topic_epoch(topic.id, epoch) } else { Ok(()) }
    }

    pub(crate) fn producer_name(&self) -> String {
        format!("{MADE_UP}{}", self.next_name.fetch_add(1, Ordering::Relaxed))
    }

    /// Writes down the cursors that changed, and of topics with so many new entries what is known of their
    /// producers. What could not be written is written the next time.
    fn flush(&self, snapshot_entries_min: u64) -> Result<(), MetadataError> {
        let _changing = self.changing.lock();
        let topics: Vec<_> = self.topics.read().values().cloned().collect();
        let unwritten: Vec<_> = topics.iter().map(|topic| topic.unwritten(snapshot_entries_min)).collect();
        let cursors: Vec<_> = unwritten.iter().flat_map(|topic| &topic.cursors).collect();
        let snapshots: Vec<_> = unwritten.iter().filter_map(|topic| topic.snapshot.as_ref()).collect();
        if cursors.is_empty() && snapshots.is_empty() {
            return Ok(());
        }
        match self.metadata.put(&cursors, &snapshots) {
            Ok(()) => unwritten.iter().for_each(Unwritten::is_written),
            Err(error) => {
                tracing::error!(%error, cursors = cursors.len(), "could not write cursors down");
                return Err(error);
            }
        }
        Ok(())
    }

    /// Lets go of what is not to be kept any more.
    fn trim(&self) {
        self.forget_passing();
        let now_ms = self.options.clock.now_ms();
        let topics = self.keep_rules(now_ms);
        let absent_ms_max = u64::try_from(self.options.producer_absent_max.as_millis()).unwrap_or(u64::MAX);
        for topic in &topics {
            topic.forget_absent(now_ms, absent_ms_max);
        }
        let keep = |topic: &Arc<Topic>| Some((Arc::clone(topic), topic.keeps_from(now_ms)?));
        let old: Vec<_> = topics.iter().filter_map(keep).collect();
        // A start learns from entries what producers sent, unless that is written down.
        if old.is_empty() || self.flush(1).is_err() {
            return;
        }
        for (topic, from) in old {
            tracing::debug!(topic = %topic.name, %from, "let go of entries that are not to be kept");
            self.log.trim_before(topic.id, from);
        }
    }
}
