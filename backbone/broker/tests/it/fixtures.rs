//! A data folder that an earlier version wrote is opened, read whole, and gone on with.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use hexalpes_broker::{BrokerOptions, Policy};
use hexalpes_files::{Files, ForgetfulFiles, RealFiles};
use hexalpes_log::Options;
use hexalpes_wire::proto::{Command, CommandProducer, Schema, SchemaType, SubType};
use serde_json::json;

use crate::peer::{Peer, Running, ack};

const FORMAT: u32 = 1;
const ORDERS: &str = "persistent://public/default/orders";
const PARTITIONED: &str = "persistent://other/space/parts";
const SCHEMA: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}"#;

fn folder(format: u32) -> PathBuf {
    PathBuf::from(format!("tests/fixtures/format-{format}"))
}

/// Small, so that a fixture is.
fn options(files: Arc<dyn Files>, url: String) -> BrokerOptions {
    let log = Options { journal_file_bytes: 8 << 10, segment_entries: 3, ..Options::default() };
    BrokerOptions { files, log, ..BrokerOptions::new("/data", url) }
}

async fn start(disk: &ForgetfulFiles) -> Running {
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    Running::open(|url| options(files, url)).await.unwrap()
}

fn schema() -> Schema {
    Schema {
        name: "orders".to_owned(),
        schema_data: SCHEMA.into(),
        r#type: SchemaType::Avro.into(),
        ..Schema::default()
    }
}

/// A producer `p` of `orders` that comes with the schema. Gives back its last sequence id, and the schema's version.
async fn open_producer(peer: &mut Peer) -> (i64, Vec<u8>) {
    let producer = CommandProducer {
        topic: ORDERS.to_owned(),
        producer_id: 1,
        request_id: 10,
        producer_name: Some("p".to_owned()),
        schema: Some(schema()),
        ..CommandProducer::default()
    };
    let answer = peer.ask(&Command::Producer(Box::new(producer))).await;
    let Command::ProducerSuccess(success) = answer else { panic!("{answer:?}") };
    (success.last_sequence_id(), success.schema_version.unwrap_or_default().to_vec())
}

async fn send(peer: &mut Peer, ids: std::ops::Range<u64>) {
    for id in ids {
        let answer = peer.send(id, &format!("order {id}")).await;
        assert!(matches!(answer, Command::SendReceipt(_)), "{answer:?}");
    }
}

/// The history that every fixture is the outcome of. Five messages are written down well, two more are only in the
/// journal when the power goes; of the first five, 0 and 2 are acked.
async fn history() -> ForgetfulFiles {
    let disk = ForgetfulFiles::new();
    let running = start(&disk).await;
    let broker = &running.broker;
    broker.set_policy("public/default", Policy::Deduplication, json!(true)).unwrap();
    let retention = json!({ "retentionTimeInMinutes": -1, "retentionSizeInMB": -1 });
    broker.set_policy("public/default", Policy::Retention, retention).unwrap();
    broker.create_tenant("other", hexalpes_broker::TenantInfo::default()).unwrap();
    broker.create_namespace("other/space").unwrap();
    broker.create_partitioned(&PARTITIONED.parse().unwrap(), 2).unwrap();
    let mut consumer = running.peer().await;
    assert_eq!(consumer.subscribe(ORDERS, SubType::Shared).await, Command::success(11));
    let mut producer = running.peer().await;
    open_producer(&mut producer).await;
    send(&mut producer, 0..5).await;
    consumer.flow(5).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(consumer.message().await.0);
    }
    for acked in [0, 2] {
        assert_eq!(consumer.ask(&ack(ids[acked])).await, Command::ack_response(5, 12));
    }
    running.stop().await;
    let running = start(&disk).await;
    let mut producer = running.peer().await;
    open_producer(&mut producer).await;
    send(&mut producer, 5..7).await;
    disk.forget();
    // The disk is not the one that it had.
    let _ = running.broker.close().await;
    disk
}

fn content(files: &dyn Files, dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for part in ["", "log", "log/journal", "log/segments"] {
        for name in files.list(&dir.join(part)).unwrap() {
            if !["lock", "log", "journal", "segments"].contains(&name.as_str()) {
                let path = Path::new(part).join(name);
                let bytes = files.read(&dir.join(&path)).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found
}

#[tokio::test]
async fn a_folder_of_every_format_is_read_whole_and_gone_on_with() {
    if std::env::var_os("HEXALPES_WRITE_FIXTURE").is_some() {
        for (path, bytes) in content(&history().await, Path::new("/data")) {
            let path = folder(FORMAT).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    for format in 1..=FORMAT {
        let disk = ForgetfulFiles::new();
        for (path, bytes) in content(&RealFiles, &folder(format)) {
            let path = Path::new("/data").join(path);
            disk.create_dir_all(path.parent().unwrap()).unwrap();
            disk.replace(&path, &bytes).unwrap();
        }
        has_everything(&disk, 7).await;
        // And once more, for what was written on the way.
        has_everything(&disk, 8).await;
    }
}

/// Everything of [`history`], with so many messages, and then one more.
async fn has_everything(disk: &ForgetfulFiles, messages: u64) {
    let running = start(disk).await;
    let broker = &running.broker;
    assert_eq!(broker.policy("public/default", Policy::Deduplication).unwrap(), Some(json!(true)));
    assert!(broker.tenants().unwrap().contains(&"other".to_owned()));
    assert_eq!(broker.partitions(&PARTITIONED.parse().unwrap(), false).unwrap(), 2);
    assert_eq!(running.stats(ORDERS)["subscriptions"]["sub"]["msgBacklog"], messages - 2);

    let mut reader = running.peer().await;
    reader.subscribe_as(ORDERS, &format!("all-of-{messages}"), SubType::Exclusive).await;
    reader.flow(100).await;
    for n in 0..messages {
        assert_eq!(reader.message().await.2, format!("order {n}"));
    }
    let mut consumer = running.peer().await;
    consumer.subscribe(ORDERS, SubType::Shared).await;
    consumer.flow(2).await;
    assert_eq!(consumer.message().await.2, "order 1", "0 is acked");
    assert_eq!(consumer.message().await.2, "order 3", "2 is acked");

    let mut producer = running.peer().await;
    let (last, version) = open_producer(&mut producer).await;
    assert_eq!((last, &version[..]), (i64::try_from(messages).unwrap() - 1, &[0; 8][..]), "its first schema");
    assert_eq!(producer.send(0, "again").await, Command::duplicate_receipt(1, 0, 0));
    send(&mut producer, messages..messages + 1).await;
    running.stop().await;
}
