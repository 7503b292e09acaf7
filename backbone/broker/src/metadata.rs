//! What the broker knows beside the entries: topics, cursors, tenants, namespaces and their policies.
//!
//! One redb file. Each change is one synced transaction; cursors are gathered into one for all.

mod rehearsal;
mod store;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_files::Files;
use hexalpes_log::{Position, TopicId};
use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::compaction::View;
use store::Store;

const TOPICS: TableDefinition<'_, &str, u64> = TableDefinition::new("topics");
/// Topics that have partitions, with how many; each partition is in `TOPICS`.
const PARTITIONED: TableDefinition<'_, &str, u32> = TableDefinition::new("partitioned");
const NEXT: TableDefinition<'_, &str, u64> = TableDefinition::new("next");
/// Topic and subscription to a cursor's snapshot, as JSON.
const CURSORS: TableDefinition<'_, (u64, &str), &[u8]> = TableDefinition::new("cursors");
/// Topic to what is known of its producers, as JSON.
const SNAPSHOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("producers");
/// Topic to how often it had a producer alone: to whom it was refused since, it is refused for good.
const EPOCHS: TableDefinition<'_, u64, u64> = TableDefinition::new("topic epochs");
/// Topic to what compaction left of it: under which number its entries are, and ledger and entry of the last one that
/// was compacted.
const VIEWS: TableDefinition<'_, u64, (u64, u64, u64)> = TableDefinition::new("compacted");
/// `tenant/namespace` to its policies, as one JSON object.
const NAMESPACES: TableDefinition<'_, &str, &str> = TableDefinition::new("namespaces");
/// Topic, without its domain, and version to when a schema was registered, in milliseconds since 1970, and the schema
/// as the protocol has it; it is empty where all before it were deleted.
const SCHEMAS: TableDefinition<'_, (&str, u64), (u64, &[u8])> = TableDefinition::new("schemas");
/// A topic's name to what is set for it by itself, as one JSON object.
const TOPIC_SETTINGS: TableDefinition<'_, &str, &str> = TableDefinition::new("topic settings");
const TENANTS: TableDefinition<'_, &str, ()> = TableDefinition::new("tenants");
/// Tenant to who administers it and where it may be, as JSON; a tenant that is not in here has neither.
const TENANT_INFOS: TableDefinition<'_, &str, &str> = TableDefinition::new("tenant infos");

/// Cluster to what is noted of it, as JSON.
const CLUSTERS: TableDefinition<'_, &str, &str> = TableDefinition::new("clusters");

/// Which form the other tables have.
const FORMAT: TableDefinition<'_, (), u64> = TableDefinition::new("format");

/// The form that this version writes, and the newest that it reads.
const FORMAT_KNOWN: u64 = 1;
const NEXT_TOPIC: &str = "topic";
const NEXT_NAME: &str = "producer name";
/// Names that one run of the broker may make up; the next run begins behind them.
const NAMES_PER_RUN: u64 = 1 << 32;

/// The metadata file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    #[error("metadata: {0}")]
    Store(Box<redb::Error>),
    #[error("{} is damaged: {what}; restore the data folder from a backup", path.display())]
    Damaged { path: PathBuf, what: String },
    #[error(
        "metadata.redb is of format {found}, and this version knows {FORMAT_KNOWN} at most: run the version that \
         wrote it, or a newer one"
    )]
    Newer { found: u64 },
    #[error(
        "metadata: there is no number left for another {of}: it is damaged; restore the data folder from a backup"
    )]
    NoNumbers { of: String },
    #[error("metadata: a sync failed, and nobody knows what is on the disk: see to the disk and start again")]
    Unsynced,
    #[error("metadata: a write failed; try again")]
    Closed,
}

impl<E: Into<redb::Error>> From<E> for MetadataError {
    fn from(error: E) -> Self {
        Self::Store(Box::new(error.into()))
    }
}

type Result<T> = std::result::Result<T, MetadataError>;

/// What is known of a topic's producers, as it is written down.
pub(crate) type SnapshotRecord = (TopicId, Vec<u8>);

/// A cursor as it is written down: its topic, its subscription, its snapshot.
pub(crate) type CursorRecord = (TopicId, String, Vec<u8>);

/// A version of a topic's schema as it is written down.
#[derive(Debug)]
pub(crate) struct SchemaRecord {
    /// Without its domain.
    pub(crate) topic: String,
    pub(crate) version: u64,
    pub(crate) registered_ms: u64,
    /// As the protocol has it, or empty.
    pub(crate) schema: Vec<u8>,
}

fn refuse_newer(read: &ReadTransaction) -> Result<()> {
    let found = match read.open_table(FORMAT) {
        Ok(format) => format.get(())?.map_or(FORMAT_KNOWN, |value| value.value()),
        // Older than the table.
        Err(TableError::TableDoesNotExist(_)) => FORMAT_KNOWN,
        Err(error) => return Err(error.into()),
    };
    if found > FORMAT_KNOWN { Err(MetadataError::Newer { found }) } else { Ok(()) }
}

/// Takes so many numbers that were never given out.
fn take_numbers(write: &WriteTransaction, of: &str, count: u64) -> Result<u64> {
    let mut next = write.open_table(NEXT)?;
    let first = next.get(of)?.map_or(1, |value| value.value());
    let after = first.checked_add(count).ok_or_else(|| MetadataError::NoNumbers { of: of.to_owned() })?;
    next.insert(of, after)?;
    Ok(first)
}

fn forget_topic(write: &WriteTransaction, name: &str, id: TopicId) -> Result<()> {
    write.open_table(TOPICS)?.remove(name)?;
    write.open_table(EPOCHS)?.remove(id.0)?;
    write.open_table(TOPIC_SETTINGS)?.remove(name)?;
    write.open_table(VIEWS)?.remove(id.0)?;
    forget_schemas(write, schema_name(name))?;
    write.open_table(SNAPSHOTS)?.remove(id.0)?;
    write.open_table(CURSORS)?.retain_in((id.0, "")..(id.0.saturating_add(1), ""), |_, _| false)?;
    Ok(())
}

/// A topic's name without its domain: its schemas are known by it.
fn schema_name(topic: &str) -> &str {
    topic.split_once("://").map_or(topic, |(_, name)| name)
}

fn forget_schemas(write: &WriteTransaction, name: &str) -> Result<()> {
    write.open_table(SCHEMAS)?.retain_in((name, 0)..=(name, u64::MAX), |_, _| false)?;
    Ok(())
}

#[derive(Debug)]
pub(crate) struct Metadata {
    store: Store,
}

impl Metadata {
    /// Opens the file or makes it, with `public/default` in it.
    #[cfg(test)]
    pub(crate) fn open(files: &Arc<dyn Files>, path: &Path) -> Result<Self> {
        Self::open_with(files, path, true)
    }

    /// Opens the file or makes it, with `public/default` in it if that is wanted.
    pub(crate) fn open_with(files: &Arc<dyn Files>, path: &Path, makes_public: bool) -> Result<Self> {
        if files.exists(path)? {
            rehearsal::look(&**files, path, refuse_newer)?;
            rehearsal::make_durable(&**files, path)?;
        }
        let store = Store::open(files, path)?;
        store.write(|write| {
            write.open_table(FORMAT)?.insert((), FORMAT_KNOWN)?;
            write.open_table(SNAPSHOTS)?;
            write.open_table(TOPICS)?;
            write.open_table(PARTITIONED)?;
            write.open_table(CURSORS)?;
            write.open_table(EPOCHS)?;
            write.open_table(VIEWS)?;
            write.open_table(NEXT)?;
            write.open_table(SCHEMAS)?;
            write.open_table(TENANT_INFOS)?;
            write.open_table(CLUSTERS)?;
            write.open_table(TOPIC_SETTINGS)?;
            let mut tenants = write.open_table(TENANTS)?;
            let mut namespaces = write.open_table(NAMESPACES)?;
            let is_new = makes_public && tenants.get("public")?.is_none();
            if is_new {
                tenants.insert("public", ())?;
                namespaces.insert("public/default", "{}")?;
            }
            Ok(())
        })?;
        Ok(Self { store })
    }

    /// The first number for producer names that no earlier run has given out.
    pub(crate) fn first_name(&self) -> Result<u64> {
        self.store.write(|write| take_numbers(write, NEXT_NAME, NAMES_PER_RUN))
    }

    pub(crate) fn topics(&self) -> Result<Vec<(String, TopicId)>> {
        self.store.read(|read| {
            let mut topics = Vec::new();
            for row in read.open_table(TOPICS)?.iter()? {
                let (name, id) = row?;
                topics.push((name.value().to_owned(), TopicId(id.value())));
            }
            Ok(topics)
        })
    }

    /// Numbers a new topic. A number is never given out again.
    pub(crate) fn create_topic(&self, name: &str) -> Result<TopicId> {
        self.store.write(|write| {
            let id = take_numbers(write, NEXT_TOPIC, 1)?;
            write.open_table(TOPICS)?.insert(name, id)?;
            Ok(TopicId(id))
        })
    }

    /// A number for entries of a topic beside its own. It is never given out again.
    pub(crate) fn number_topic(&self) -> Result<TopicId> {
        self.store.write(|write| take_numbers(write, NEXT_TOPIC, 1).map(TopicId))
    }

    pub(crate) fn views(&self) -> Result<HashMap<TopicId, View>> {
        self.store.read(|read| {
            let mut views = HashMap::new();
            for row in read.open_table(VIEWS)?.iter()? {
                let (topic, view) = row?;
                let (id, ledger, entry) = view.value();
                let view = View { id: TopicId(id), horizon: Position::new(ledger, entry) };
                views.insert(TopicId(topic.value()), view);
            }
            Ok(views)
        })
    }

    pub(crate) fn put_view(&self, topic: TopicId, View { id, horizon }: View) -> Result<()> {
        self.store.write(|write| {
            write.open_table(VIEWS)?.insert(topic.0, (id.0, horizon.ledger, horizon.entry))?;
            Ok(())
        })
    }

    /// Forgets a topic, its cursors and its producers.
    pub(crate) fn delete_topic(&self, name: &str, id: TopicId) -> Result<()> {
        self.store.write(|write| forget_topic(write, name, id))
    }

    pub(crate) fn partitioned(&self) -> Result<Vec<(String, u32)>> {
        self.store.read(|read| {
            let mut partitioned = Vec::new();
            for row in read.open_table(PARTITIONED)?.iter()? {
                let (name, partitions) = row?;
                partitioned.push((name.value().to_owned(), partitions.value()));
            }
            Ok(partitioned)
        })
    }

    /// Notes how many partitions a topic has, and numbers those that are new, each with these cursors.
    pub(crate) fn put_partitioned(
        &self,
        name: &str,
        partitions: u32,
        new: &[String],
        cursors: &[(&str, &[u8])],
    ) -> Result<Vec<TopicId>> {
        self.store.write(|write| {
            write.open_table(PARTITIONED)?.insert(name, partitions)?;
            let first = take_numbers(write, NEXT_TOPIC, new.len() as u64)?;
            let ids: Vec<_> = (first..).take(new.len()).map(TopicId).collect();
            let (mut topics, mut table) = (write.open_table(TOPICS)?, write.open_table(CURSORS)?);
            for (name, id) in new.iter().zip(&ids) {
                topics.insert(name.as_str(), id.0)?;
                for (subscription, snapshot) in cursors {
                    table.insert((id.0, *subscription), *snapshot)?;
                }
            }
            Ok(ids)
        })
    }

    /// Forgets a topic that has partitions, with these.
    pub(crate) fn delete_partitioned(&self, name: &str, partitions: &[(String, TopicId)]) -> Result<()> {
        self.store.write(|write| {
            write.open_table(PARTITIONED)?.remove(name)?;
            write.open_table(TOPIC_SETTINGS)?.remove(name)?;
            forget_schemas(write, schema_name(name))?;
            partitions.iter().try_for_each(|(name, id)| forget_topic(write, name, *id))
        })
    }

    pub(crate) fn cursors(&self) -> Result<Vec<CursorRecord>> {
        self.store.read(|read| {
            let mut cursors = Vec::new();
            for row in read.open_table(CURSORS)?.iter()? {
                let (key, value) = row?;
                let (topic, subscription) = key.value();
                cursors.push((TopicId(topic), subscription.to_owned(), value.value().to_vec()));
            }
            Ok(cursors)
        })
    }

    pub(crate) fn topic_epochs(&self) -> Result<HashMap<TopicId, u64>> {
        self.store.read(|read| {
            let mut epochs = HashMap::new();
            for row in read.open_table(EPOCHS)?.iter()? {
                let (topic, epoch) = row?;
                epochs.insert(TopicId(topic.value()), epoch.value());
            }
            Ok(epochs)
        })
    }

    pub(crate) fn put_topic_epoch(&self, topic: TopicId, epoch: u64) -> Result<()> {
        self.store.write(|write| {
            write.open_table(EPOCHS)?.insert(topic.0, epoch)?;
            Ok(())
        })
    }

    pub(crate) fn snapshots(&self) -> Result<Vec<SnapshotRecord>> {
        self.store.read(|read| {
            let mut snapshots = Vec::new();
            for row in read.open_table(SNAPSHOTS)?.iter()? {
                let (topic, value) = row?;
                snapshots.push((TopicId(topic.value()), value.value().to_vec()));
            }
            Ok(snapshots)
        })
    }

    /// Writes cursors and snapshots down, in one transaction.
    pub(crate) fn put(&self, cursors: &[&CursorRecord], snapshots: &[&SnapshotRecord]) -> Result<()> {
        self.store.write(|write| {
            let mut table = write.open_table(CURSORS)?;
            for (topic, subscription, snapshot) in cursors {
                table.insert((topic.0, subscription.as_str()), snapshot.as_slice())?;
            }
            let mut table = write.open_table(SNAPSHOTS)?;
            for (topic, snapshot) in snapshots {
                table.insert(topic.0, snapshot.as_slice())?;
            }
            Ok(())
        })
    }

    pub(crate) fn put_cursor(&self, cursor: &CursorRecord) -> Result<()> {
        self.put(&[cursor], &[])
    }

    pub(crate) fn delete_cursor(&self, topic: TopicId, subscription: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(CURSORS)?.remove((topic.0, subscription))?;
            Ok(())
        })
    }

    pub(crate) fn schemas(&self) -> Result<Vec<SchemaRecord>> {
        self.store.read(|read| {
            let mut schemas = Vec::new();
            for row in read.open_table(SCHEMAS)?.iter()? {
                let (key, value) = row?;
                let ((topic, version), (registered_ms, schema)) = (key.value(), value.value());
                let topic = topic.to_owned();
                schemas.push(SchemaRecord { topic, version, registered_ms, schema: schema.to_vec() });
            }
            Ok(schemas)
        })
    }

    /// Writes a schema down. One that is empty takes the place of all before it.
    pub(crate) fn put_schema(&self, record: &SchemaRecord) -> Result<()> {
        let SchemaRecord { topic, version, registered_ms, schema } = record;
        self.store.write(|write| {
            if schema.is_empty() {
                forget_schemas(write, topic)?;
            }
            write
                .open_table(SCHEMAS)?
                .insert((topic.as_str(), *version), (*registered_ms, schema.as_slice()))?;
            Ok(())
        })
    }

    /// Forgets a topic's schemas, and that there were any.
    pub(crate) fn delete_schemas(&self, topic: &str) -> Result<()> {
        self.store.write(|write| forget_schemas(write, topic))
    }

    /// All tenants, each with what was said of it, if anything was.
    pub(crate) fn tenants(&self) -> Result<Vec<(String, Option<String>)>> {
        self.store.read(|read| {
            let infos = read.open_table(TENANT_INFOS)?;
            let mut tenants = Vec::new();
            for row in read.open_table(TENANTS)?.iter()? {
                let tenant = row?.0.value().to_owned();
                let info = infos.get(tenant.as_str())?.map(|info| info.value().to_owned());
                tenants.push((tenant, info));
            }
            Ok(tenants)
        })
    }

    pub(crate) fn topic_settings(&self) -> Result<Vec<(String, String)>> {
        self.texts(TOPIC_SETTINGS)
    }

    pub(crate) fn put_topic_settings(&self, topic: &str, settings: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(TOPIC_SETTINGS)?.insert(topic, settings)?;
            Ok(())
        })
    }

    /// Makes a tenant, or changes what is said of it.
    pub(crate) fn put_tenant(&self, tenant: &str, info: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(TENANTS)?.insert(tenant, ())?;
            write.open_table(TENANT_INFOS)?.insert(tenant, info)?;
            Ok(())
        })
    }

    pub(crate) fn delete_tenant(&self, tenant: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(TENANTS)?.remove(tenant)?;
            write.open_table(TENANT_INFOS)?.remove(tenant)?;
            Ok(())
        })
    }

    pub(crate) fn clusters(&self) -> Result<Vec<(String, String)>> {
        self.texts(CLUSTERS)
    }

    pub(crate) fn put_cluster(&self, cluster: &str, noted: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(CLUSTERS)?.insert(cluster, noted)?;
            Ok(())
        })
    }

    pub(crate) fn delete_cluster(&self, cluster: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(CLUSTERS)?.remove(cluster)?;
            Ok(())
        })
    }

    pub(crate) fn namespaces(&self) -> Result<Vec<(String, String)>> {
        self.texts(NAMESPACES)
    }

    fn texts(&self, table: TableDefinition<'_, &str, &str>) -> Result<Vec<(String, String)>> {
        self.store.read(|read| {
            let mut texts = Vec::new();
            for row in read.open_table(table)?.iter()? {
                let (name, text) = row?;
                texts.push((name.value().to_owned(), text.value().to_owned()));
            }
            Ok(texts)
        })
    }

    pub(crate) fn put_namespace(&self, namespace: &str, policies: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(NAMESPACES)?.insert(namespace, policies)?;
            Ok(())
        })
    }

    pub(crate) fn delete_namespace(&self, namespace: &str) -> Result<()> {
        self.store.write(|write| {
            write.open_table(NAMESPACES)?.remove(namespace)?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_files::RealFiles;

    use super::*;

    #[test]
    fn metadata_of_a_newer_version_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.redb");
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        let metadata = Metadata::open(&files, &path).unwrap();
        let newer = |write: &WriteTransaction| {
            write.open_table(FORMAT)?.insert((), FORMAT_KNOWN + 1)?;
            Ok(())
        };
        metadata.store.write(newer).unwrap();
        drop(metadata);
        let bytes = std::fs::read(&path).unwrap();
        for _ in 0..2 {
            let refused = Metadata::open(&files, &path).unwrap_err();
            assert!(matches!(refused, MetadataError::Newer { found } if found == FORMAT_KNOWN + 1));
            assert!(refused.to_string().contains("run the version that wrote it"), "{refused}");
        }
        assert!(std::fs::read(&path).unwrap() == bytes, "the file was changed");
    }

    /// redb itself opens many of these, panics over others, and repairs some by going back in time.
    #[test]
    fn metadata_that_was_damaged_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metadata.redb");
        let files: Arc<dyn Files> = Arc::new(RealFiles);
        let metadata = Metadata::open(&files, &path).unwrap();
        for topic in 0..100 {
            metadata.create_topic(&format!("persistent://public/default/topic-{topic}")).unwrap();
        }
        drop(metadata);
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for page in 0..whole.len() / 4096 {
            let mut damaged = whole.clone();
            damaged[page * 4096..][..64].iter_mut().for_each(|byte| *byte ^= 0x55);
            std::fs::write(&path, &damaged).unwrap();
            if let Err(error) = Metadata::open(&files, &path) {
                assert!(matches!(error, MetadataError::Damaged { .. }), "page {page}: {error}");
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
                assert!(std::fs::read(&path).unwrap() == damaged, "page {page} was changed");
                refused += 1;
                continue;
            }
            // A page that nothing is on.
            let topics = Metadata::open(&files, &path).unwrap().topics().unwrap();
            assert_eq!(topics.len(), 100, "page {page} was lost and nobody said so");
        }
        assert!(refused >= 3, "only {refused} pages are in use");
    }
}
