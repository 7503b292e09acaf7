//! Opening a data folder.
//!
//! | name | what |
//! | --- | --- |
//! | `metadata.redb` | topics, cursors, producers, schemas, namespaces |
//! | `log/` | the entries |

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
};

use hexalpes_files::LockError;
use hexalpes_log::{AppendError, Log, TopicId};
use hexalpes_wire::TopicName;
use hexalpes_wire::proto::DecodeError;
use hexalpes_wire::topic::TopicNameError;
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    alarms::Alarms,
    broker::Shared,
    cursor_store::{self, Properties},
    dedup::Snapshot,
    lists::Watchers,
    metadata::{Metadata, MetadataError},
    options::BrokerOptions,
    partitions::PARTITIONS_MAX,
    schemas,
    settings::{self, rules_of},
    subscription::Cursor,
    tenants::TenantInfo,
    topic::{Around, FIRST_PASSING, ScanError, Topic},
};

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("data folder: {0}")]
    Folder(#[from] std::io::Error),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Entries without it would be taken for those of deleted topics.
    #[error("{} is missing, but there is a log beside it; restore the data folder from a backup", path.display())]
    NoMetadata { path: PathBuf },
    #[error(transparent)]
    Log(#[from] hexalpes_log::OpenError),
    #[error("entries of topic {topic} cannot be read: {source}")]
    Entries { topic: String, source: ScanError },
    #[error("metadata has a topic whose name is none: {0}")]
    Name(#[from] TopicNameError),
    #[error("cursor {subscription:?} of topic {topic} cannot be read: {source}")]
    Cursor { topic: TopicId, subscription: String, source: serde_json::Error },
    #[error("what is known of the producers of topic {topic} cannot be read: {source}")]
    Producers { topic: TopicId, source: serde_json::Error },
    #[error("what is noted of cluster {cluster} cannot be read: {source}")]
    Cluster { cluster: String, source: serde_json::Error },
    #[error("policies of {namespace} cannot be read: {source}")]
    Policies { namespace: String, source: serde_json::Error },
    #[error(
        "metadata has {partitions} partitions of topic {topic}, and a topic has {PARTITIONS_MAX} at most: it is damaged; \
         restore the data folder from a backup"
    )]
    Partitions { topic: String, partitions: u32 },
    #[error("what is known of tenant {tenant} cannot be read: {source}")]
    Tenant { tenant: String, source: serde_json::Error },
    #[error("what is set for {topic} cannot be read: {source}")]
    Settings { topic: String, source: serde_json::Error },
    #[error("version {number} of the schema of {topic} cannot be read: {source}")]
    Schema { topic: String, number: u64, source: DecodeError },
    #[error("entries of a deleted topic cannot be removed: {0}")]
    Leftover(#[from] AppendError),
}

pub(crate) fn open(options: BrokerOptions) -> Result<Shared, OpenError> {
    options.files.create_dir_all(&options.data)?;
    let lock = options.files.lock_dir(&options.data)?;
    // Both are looked through before either is changed, so that a folder that is refused stays as it was.
    let log = Log::check(&options.files, &options.data.join("log"), options.log.clone())?;
    let path = options.data.join("metadata.redb");
    if !log.is_new() && !options.files.exists(&path)? {
        return Err(OpenError::NoMetadata { path });
    }
    let metadata = Metadata::open_with(&options.files, &path, options.makes_public)?;
    let (log, recovered) = log.open()?;
    if recovered.torn.is_some() {
        tracing::warn!(replayed = recovered.replayed, "the last run ended in the middle of a write");
    }

    let mut namespaces = BTreeMap::new();
    for (namespace, policies) in metadata.namespaces()? {
        let policies: Map<String, Value> = serde_json::from_str(&policies)
            .map_err(|source| OpenError::Policies { namespace: namespace.clone(), source })?;
        namespaces.insert(namespace, Value::Object(policies));
    }
    let tenants = restore_tenants(&metadata)?;
    let clusters = restore_clusters(&metadata)?;
    let mut cursors = restore_cursors(&metadata)?;
    let mut snapshots = HashMap::new();
    for (topic, bytes) in metadata.snapshots()? {
        let snapshot = Snapshot::read(&bytes).map_err(|source| OpenError::Producers { topic, source })?;
        snapshots.insert(topic, snapshot);
    }
    let epochs = metadata.topic_epochs()?;
    let settings = settings::restore(metadata.topic_settings()?)?;
    let views = metadata.views()?;
    let alarms = Arc::new(Alarms::new(options.clock.clone()));
    let around = Around { log: log.clone(), alarms, counters: Arc::default() };
    let mut topics = BTreeMap::new();
    let mut known = HashSet::new();
    for (name, id) in metadata.topics()? {
        let parsed = TopicName::parse(&name)?;
        known.insert(id);
        let rules = rules_of(&options, &namespaces, &settings, &parsed);
        let cursors = cursors.remove(&id).unwrap_or_default();
        let snapshot = snapshots.get(&id);
        let topic = Topic::open(around.clone(), id, parsed.clone(), rules, cursors, snapshot)
            .map_err(|source| OpenError::Entries { topic: name, source })?;
        topic.restore_epoch(epochs.get(&id).copied());
        if let Some(settings) = settings.get(&parsed) {
            settings.restore(&topic);
        }
        let view = views.get(&id).copied();
        known.extend(view.map(|view| view.id));
        topic.set_view(view);
        topics.insert(parsed, Arc::new(topic));
    }
    let mut partitioned = BTreeMap::new();
    for (name, partitions) in metadata.partitioned()? {
        let parsed = TopicName::parse(&name)?;
        if partitions > PARTITIONS_MAX {
            return Err(OpenError::Partitions { topic: name, partitions });
        }
        partitioned.insert(parsed, partitions);
    }
    let schemas = schemas::restore(metadata.schemas()?)?;
    for id in log.topics() {
        if !known.contains(&id) {
            log.delete_topic(id)?;
        }
    }
    Ok(Shared {
        next_name: AtomicU64::new(metadata.first_name()?),
        next_consumer: AtomicU64::new(1),
        next_passing: AtomicU64::new(FIRST_PASSING),
        options,
        log,
        around,
        metadata,
        changing: Mutex::new(()),
        topics: RwLock::new(topics),
        partitioned: RwLock::new(partitioned),
        watchers: Watchers::default(),
        namespaces: RwLock::new(namespaces),
        tenants: RwLock::new(tenants),
        clusters: RwLock::new(clusters),
        settings: RwLock::new(settings),
        schemas: RwLock::new(schemas),
        compacting: Semaphore::new(1),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
        _lock: lock,
    })
}

/// A topic's subscriptions, as they were written down.
type Cursors = Vec<(String, Cursor, Properties)>;

fn restore_cursors(metadata: &Metadata) -> Result<HashMap<TopicId, Cursors>, OpenError> {
    let mut cursors: HashMap<TopicId, Cursors> = HashMap::new();
    for (topic, subscription, bytes) in metadata.cursors()? {
        let (cursor, properties) = cursor_store::read(&bytes).map_err(|source| OpenError::Cursor {
            topic,
            subscription: subscription.clone(),
            source,
        })?;
        cursors.entry(topic).or_default().push((subscription, cursor, properties));
    }
    Ok(cursors)
}

fn restore_clusters(metadata: &Metadata) -> Result<BTreeMap<String, Value>, OpenError> {
    let mut clusters = BTreeMap::new();
    for (cluster, noted) in metadata.clusters()? {
        let noted: Map<String, Value> = serde_json::from_str(&noted)
            .map_err(|source| OpenError::Cluster { cluster: cluster.clone(), source })?;
        clusters.insert(cluster, Value::Object(noted));
    }
    Ok(clusters)
}

fn restore_tenants(metadata: &Metadata) -> Result<BTreeMap<String, TenantInfo>, OpenError> {
    let mut tenants = BTreeMap::new();
    for (tenant, info) in metadata.tenants()? {
        let info = info.map_or_else(|| Ok(TenantInfo::default()), |info| serde_json::from_str(&info));
        let info = info.map_err(|source| OpenError::Tenant { tenant: tenant.clone(), source })?;
        tenants.insert(tenant, info);
    }
    Ok(tenants)
}
