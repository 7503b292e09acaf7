//! The context on a broker of ours, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::{path::Path, sync::Arc, time::Duration};

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbOptions};
use hexalpes_files::RealFiles;
use hexalpes_kernel::SystemEdge;
use hexalpes_notifications::{EVENTS_TOPIC, MIGRATIONS, Notifications};
use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;

/// Long enough for a slow machine; reached only by what fails.
const DEADLINE: Duration = Duration::from_secs(20);

fn event(n: usize) -> String {
    format!(
        r#"{{"specversion":"1.0","type":"com.hexabuilders.commissions.CommissionCalculated","source":"//commissions/{n}","id":"event-{n}","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","data":{{"partner":"Ñandú & Cía 📡","name":"Juan Pérez"}}}}"#
    )
}

async fn start(db: &Db, client: &Client, folder: &Path) -> Notifications {
    let file = folder.join("data/events.jsonl");
    Notifications::start(db.clone(), client.clone(), Arc::new(RealFiles), file, Arc::new(SystemEdge))
        .await
        .unwrap()
}

async fn until(notifications: &Notifications, bytes: u64) {
    let reached = async {
        while notifications.status().offset < bytes {
            tokio::task::yield_now().await;
        }
    };
    time::timeout(DEADLINE, reached).await.unwrap_or_else(|_| panic!("{:?}", notifications.status()));
}

/// Accepts S1-ENC-1.
#[tokio::test]
async fn each_event_has_its_line_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("pulsar://{}", listener.local_addr().unwrap());
    let broker = Broker::open(BrokerOptions::new(folder.path().join("broker"), url.clone())).unwrap();
    let stop = CancellationToken::new();
    let serving = {
        let (broker, stop) = (broker.clone(), stop.clone());
        tokio::spawn(async move { broker.serve(listener, stop).await })
    };
    let db = Db::open(&DatabaseUrl::file(folder.path().join("test.db")), DbOptions::default()).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    let client = Client::connect(ClientOptions::new(&url)).await.unwrap();
    let producer = client.producer(EVENTS_TOPIC, ProducerOptions::default()).await.unwrap();
    let expected: String = (0..40).map(|n| event(n) + "\n").collect();
    let half: u64 = (0..20).map(|n| event(n).len() as u64 + 1).sum();

    producer.send(Outgoing::new("no event")).await.unwrap();
    for n in 0..20 {
        producer.send(Outgoing::new(event(n))).await.unwrap();
    }
    let notifications = start(&db, &client, folder.path()).await;
    until(&notifications, half).await;
    notifications.stop().await;

    // Sent again by somebody, and new ones, while nobody listens.
    for n in 10..40 {
        producer.send(Outgoing::new(event(n))).await.unwrap();
    }
    let notifications = start(&db, &client, folder.path()).await;
    until(&notifications, expected.len() as u64).await;
    notifications.stop().await;

    let content = std::fs::read_to_string(folder.path().join("data/events.jsonl")).unwrap();
    assert_eq!(content, expected);
    stop.cancel();
    serving.await.unwrap();
}
