//! Values in `metadata.redb`: whatever one of them is, the broker opens and closes and opens again, or says what it
//! cannot read.

use std::{
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use hexalpes_broker::{Broker, BrokerOptions, Policy};
use hexalpes_files::{File, Files, ForgetfulFiles};
use hexalpes_log::Options;
use redb::{Database, StorageBackend, TableDefinition};
use tokio::runtime::Runtime;

const DATA: &str = "/data";
const PATH: &str = "/data/metadata.redb";

const TOPICS: TableDefinition<'_, &str, u64> = TableDefinition::new("topics");
const PARTITIONED: TableDefinition<'_, &str, u32> = TableDefinition::new("partitioned");
const CURSORS: TableDefinition<'_, (u64, &str), &[u8]> = TableDefinition::new("cursors");
const SNAPSHOTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("producers");
const EPOCHS: TableDefinition<'_, u64, u64> = TableDefinition::new("topic epochs");
const NAMESPACES: TableDefinition<'_, &str, &str> = TableDefinition::new("namespaces");
const SCHEMAS: TableDefinition<'_, (&str, u64), (u64, &[u8])> = TableDefinition::new("schemas");
const TOPIC_SETTINGS: TableDefinition<'_, &str, &str> = TableDefinition::new("topic settings");
const TENANT_INFOS: TableDefinition<'_, &str, &str> = TableDefinition::new("tenant infos");
const VIEWS: TableDefinition<'_, u64, (u64, u64, u64)> = TableDefinition::new("compacted");
const NEXT: TableDefinition<'_, &str, u64> = TableDefinition::new("next");
const FORMAT: TableDefinition<'_, (), u64> = TableDefinition::new("format");

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
}

pub(crate) fn options(disk: &ForgetfulFiles) -> BrokerOptions {
    let log = Options { journal_file_bytes: 4 << 10, ..Options::default() };
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    BrokerOptions { files, log, ..BrokerOptions::new(DATA, "pulsar://broker.test:6650") }
}

/// A folder with a topic in it, closed.
fn template() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let disk = ForgetfulFiles::new();
        RUNTIME.with(|runtime| {
            runtime.block_on(async {
                let broker = Broker::open(options(&disk)).unwrap();
                broker.create_topic(&"orders".parse().unwrap()).unwrap();
                broker.close().await.unwrap();
            });
        });
        ["metadata.redb", "log/catalogue", "log/journal/0.journal"]
            .map(|name| (name.to_owned(), disk.read(&Path::new(DATA).join(name)).unwrap()))
            .to_vec()
    })
}

/// Which table, and a value for it.
pub(crate) fn metadata(data: &[u8]) {
    let Some((table, value)) = data.split_first() else { return };
    let disk = ForgetfulFiles::new();
    for folder in ["log/journal", "log/segments"] {
        disk.create_dir_all(&Path::new(DATA).join(folder)).unwrap();
    }
    for (name, content) in template() {
        disk.replace(&Path::new(DATA).join(name), content).unwrap();
    }
    put(&disk, *table, value);
    let opened = |work: fn(&Broker)| {
        RUNTIME.with(|runtime| {
            runtime.block_on(async {
                let broker = Broker::open(options(&disk))?;
                let topics = broker.topics();
                work(&broker);
                broker.close().await.unwrap();
                Ok::<_, hexalpes_broker::OpenError>(topics)
            })
        })
    };
    match opened(look) {
        Err(refusal) => assert_eq!(refusal.to_string().lines().count(), 1, "{refusal}"),
        Ok(topics) => assert_eq!(opened(change).unwrap(), topics, "the second opening finds others"),
    }
}

fn look(broker: &Broker) {
    for topic in broker.topics() {
        broker.topic_stats(&topic).unwrap();
        broker.internal_stats(&topic).unwrap();
        broker.compaction(&topic).unwrap();
        broker.topic_properties(&topic).unwrap();
        broker.last_message(&topic).unwrap();
    }
    for namespace in broker.namespaces() {
        broker.grants(&namespace).unwrap();
    }
    for tenant in broker.tenants().unwrap() {
        broker.tenant(&tenant).unwrap();
    }
}

/// Whatever was there, it can be changed, or a refusal says why not.
fn change(broker: &Broker) {
    broker.keep_policies();
    for namespace in broker.namespaces() {
        let _ = broker.set_policy(&namespace, Policy::MessageTtl, 7.into());
        let _ = broker.change_grants(&namespace, |grants| drop(grants.namespace.remove("role")));
        let _ = broker.create_topic(&format!("{namespace}/new").parse().unwrap());
    }
    for topic in broker.topics() {
        let _ = broker.change_topic_policy(&topic, Policy::MaxProducers, |set| *set = 1.into());
        let _ = broker.clear_backlog(&topic, "sub");
        let _ = broker.terminate(&topic);
        let _ = broker.delete_topic(&topic, true);
    }
    for (topic, partitions) in broker.partitioned_topics() {
        let _ = broker.grow_partitioned(&topic, partitions.saturating_add(1));
        let _ = broker.delete_partitioned(&topic, true);
    }
}

fn put(disk: &ForgetfulFiles, table: u8, value: &[u8]) {
    let file = disk.open(Path::new(PATH)).unwrap();
    let database = Database::builder().create_with_backend(Backend(file)).unwrap();
    let write = database.begin_write().unwrap();
    let number = value.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let text = String::from_utf8_lossy(value);
    match table % 15 {
        0 => drop(write.open_table(CURSORS).unwrap().insert((1, "sub"), value).unwrap()),
        1 => drop(write.open_table(SNAPSHOTS).unwrap().insert(1, value).unwrap()),
        2 => drop(write.open_table(NAMESPACES).unwrap().insert("public/default", &*text).unwrap()),
        3 => {
            drop(
                write.open_table(SCHEMAS).unwrap().insert(("public/default/orders", 0), (7, value)).unwrap(),
            );
        }
        4 => drop(write.open_table(TOPICS).unwrap().insert(&*text, 7).unwrap()),
        5 => drop(
            write
                .open_table(PARTITIONED)
                .unwrap()
                .insert("persistent://public/default/parts", u32::try_from(number & 0xffff_ffff).unwrap())
                .unwrap(),
        ),
        6 => drop(write.open_table(EPOCHS).unwrap().insert(1, number).unwrap()),
        7 => drop(write.open_table(TENANT_INFOS).unwrap().insert("public", &*text).unwrap()),
        8 => {
            let mut settings = write.open_table(TOPIC_SETTINGS).unwrap();
            drop(settings.insert("persistent://public/default/orders", &*text).unwrap());
        }
        9 => drop(write.open_table(CURSORS).unwrap().insert((number, &*text), &b"{}"[..]).unwrap()),
        10 => {
            let mut parts =
                value.chunks(8).map(|part| part.iter().fold(0_u64, |n, byte| (n << 8) | u64::from(*byte)));
            let mut part = || parts.next().unwrap_or_default();
            drop(write.open_table(VIEWS).unwrap().insert(1, (part(), part(), part())).unwrap());
        }
        11 => drop(write.open_table(NEXT).unwrap().insert("topic", number).unwrap()),
        12 => drop(write.open_table(NEXT).unwrap().insert("producer name", number).unwrap()),
        13 => drop(
            write.open_table(TOPICS).unwrap().insert("persistent://public/default/another", number).unwrap(),
        ),
        _ => drop(write.open_table(FORMAT).unwrap().insert((), number).unwrap()),
    }
    write.commit().unwrap();
}

/// Which table, and what the broker would write there; or might, were it mad.
const SEEDS: [(u8, &[u8]); 27] = [
    (0, br#"{"mark_delete":[3,4],"acked":[[3,6],[5,0]],"partial":[[[5,1],[3]]]}"#),
    (1, br#"{"up_to":[1,2],"producers":{"p":7}}"#),
    (2, br#"{"deduplicationEnabled":true,"retention_policies":{"retentionTimeInMinutes":1,"retentionSizeInMB":-1}}"#),
    (3, &[]),
    (4, b"persistent://public/default/another"),
    (5, &[0, 0, 0, 5]),
    (6, &[9]),
    (7, br#"{"adminRoles":["a"],"allowedClusters":["standalone"]}"#),
    (8, br#"{"properties":{"a":"b"},"terminated":true,"floor":[1,2]}"#),
    (9, &[1]),
    (0, br#"{"mark_delete":[18446744073709551615,18446744073709551615],"acked":[],"partial":[]}"#),
    (1, br#"{"up_to":[18446744073709551615,18446744073709551615],"producers":{"p":18446744073709551615}}"#),
    (
        2,
        br#"{"autoTopicCreationOverride":{"allowAutoTopicCreation":true,"topicType":"partitioned","defaultNumPartitions":3}}"#,
    ),
    (3, b"\x0a\x06orders\x1a\x08\"string\"\x20\x04"),
    (
        2,
        br#"{"auth_policies":{"namespace_auth":{"role":["produce","consume"]},"destination_auth":{"persistent://public/default/orders":{"role":["consume"]}},"subscription_auth_roles":{"sub":["role"]}}}"#,
    ),
    (
        2,
        br#"{"backlog_quota_map":{"destination_storage":{"limitSize":10,"limitTime":-1,"policy":"producer_exception"},"message_age":{"limitTime":7,"policy":"consumer_backlog_eviction"}},"message_ttl_in_seconds":60,"max_topics_per_namespace":1}"#,
    ),
    (
        2,
        br#"{"inactive_topic_policies":{"inactiveTopicDeleteMode":"delete_when_subscriptions_caught_up","maxInactiveDurationSeconds":1,"deleteWhileInactive":true},"subscription_types_enabled":["Shared"],"compaction_threshold":1}"#,
    ),
    (2, b"[]"),
    (
        8,
        br#"{"policies":{"message_ttl_in_seconds":5,"max_producers_per_topic":null,"backlog_quota_map":{"message_age":{"limitTime":1,"policy":"producer_request_hold"}}}}"#,
    ),
    (8, br#"{"floor":[18446744073709551615,18446744073709551615]}"#),
    (10, &[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3]),
    (10, &[0xff; 24]),
    (11, &[7]),
    (11, &[0xff; 8]),
    (12, &[0xff; 8]),
    (13, &[0xff; 8]),
    (14, &[1]),
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    SEEDS.iter().map(|(table, value)| [&[*table][..], value].concat()).collect()
}

/// What redb writes to.
#[derive(Debug)]
struct Backend(Arc<dyn File>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_size(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}
