//! The same promises on a real Pulsar, where there is one.

use std::sync::Arc;

use hexalpes_client::{AdminClient, AdminOptions, Client, ClientOptions, ProducerOptions, admin::Retention};
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Edge;
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, Relay, RelayOptions};
use sea_query::Query;
use tokio::time::timeout;

use crate::support::{PATIENCE, Stage, everything_on, names};

const NAMESPACE: &str = "public/default";

/// A relay died before it could note how far it was; and it was away for so long that the broker forgot its
/// producer. What is at the ends of the topics tells both times where to go on.
#[tokio::test]
async fn a_real_pulsar_has_each_row_once_also_after_it_forgot_the_producer() {
    let Some(urls) = hexalpes_engines::pulsar() else { return };
    let admin = AdminClient::new(AdminOptions::new(urls.admin)).unwrap();
    admin.set_deduplication(NAMESPACE, true).await.unwrap();
    admin.set_retention(NAMESPACE, Retention { time_minutes: -1, size_mb: -1 }).await.unwrap();
    let client = Client::new(ClientOptions::new(urls.service)).unwrap();
    let stage = Stage::set().await;
    let start = || {
        let edge: Arc<dyn Edge> = Arc::clone(&stage.edge) as Arc<dyn Edge>;
        Relay::start(stage.db.clone(), client.clone(), edge, RelayOptions::new("commissions"))
    };

    let relay = start();
    stage.append(names(18)).await;
    // In parts.
    stage.append_large("large").await;
    stage.append_large("large").await;
    stage.drained().await;
    relay.stop().await;
    let producer = format!("cdc/commissions/{}", epoch(&stage.db).await);

    stage.take_back(5).await;
    let relay = start();
    stage.append(names(1)).await;
    stage.drained().await;
    relay.stop().await;

    forget(&admin, &client, &producer).await;
    stage.take_back(15).await;
    let relay = start();
    stage.append_together(names(5_000)).await;
    stage.drained().await;
    relay.stop().await;

    let expected: Vec<u64> = (1..=5_021).collect();
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let subscription = format!("count-{}", std::process::id());
        let all = everything_on(&client, topic, &subscription).await;
        let ours = all.iter().filter(|message| message.producer_name == producer);
        assert_eq!(ours.map(|message| message.sequence_id).collect::<Vec<_>>(), expected, "{topic}");
    }
}

/// Pulsar forgets its producers when deduplication is turned off, as soon as that has reached a topic.
async fn forget(admin: &AdminClient, client: &Client, name: &str) {
    admin.set_deduplication(NAMESPACE, false).await.unwrap();
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let forgotten = async {
            loop {
                let producer = client.producer(topic, ProducerOptions::named(name)).await.unwrap();
                let last = producer.last_sequence_id();
                producer.close().await;
                if last == -1 {
                    return;
                }
            }
        };
        timeout(PATIENCE, forgotten).await.expect("the producer is forgotten");
    }
    admin.set_deduplication(NAMESPACE, true).await.unwrap();
}

async fn epoch(db: &Db) -> String {
    let select = Query::select().column("epoch").from("relay_checkpoint").to_owned();
    db.read(async move |tx: &Tx| -> Result<String, DbError> { tx.fetch_one(&select).await?.get("epoch") })
        .await
        .unwrap()
}
