//! Measures the relay on a broker in the same process:
//! `cargo run --release -p hexalpes-outbox --example relay_rate`.
//!
//! First how long a backlog takes, then how long a row takes from its commit to a consumer, with a row every
//! 10 ms.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use hexalpes_broker::{Broker, BrokerOptions, Policy};
use hexalpes_client::{Client, ClientOptions, ConsumerOptions};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, Clock as _, CorrelationId, Ids as _, SystemEdge};
use hexalpes_outbox::{EVENTS_TOPIC, MIGRATIONS, NewEvent, Relay, RelayOptions, append, newest};
use serde_json::{Value, value::RawValue};
use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;

const BACKLOG: u64 = 50_000;
const SINGLES: usize = 500;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(".")?;
    let db = Db::open(&DatabaseUrl::file(folder.path().join("outbox.db")), DbOptions::default()).await?;
    db.migrate(MIGRATIONS).await?;
    let client = Client::new(ClientOptions::new(serve(folder.path()).await?))?;
    for _ in 0..BACKLOG / 1_000 {
        append_together(&db, 1_000).await?;
    }

    let started = Instant::now();
    let relay =
        Relay::start(db.clone(), client.clone(), Arc::new(SystemEdge), RelayOptions::new("commissions"));
    let mut commits = db.commits();
    while newest(&db, None, 1).await?.iter().any(|row| row.published == 0) {
        commits.changed().await?;
    }
    let elapsed = started.elapsed();
    let rate = u128::from(BACKLOG) * 1_000_000 / elapsed.as_micros();
    println!("{BACKLOG} rows to both topics in {elapsed:.2?}: {rate}/s");

    let consumer = client.consumer(EVENTS_TOPIC, ConsumerOptions::new("rate")).await?;
    let mut pace = time::interval(Duration::from_millis(10));
    let mut latencies = Vec::with_capacity(SINGLES);
    for _ in 0..SINGLES {
        pace.tick().await;
        append_together(&db, 1).await?;
        let answered = Instant::now();
        consumer.next().await?;
        latencies.push(answered.elapsed());
    }
    latencies.sort_unstable();
    let at = |per_cent: usize| latencies[SINGLES * per_cent / 100];
    println!("from commit to consumer at 100/s: p50 {:.2?}, p99 {:.2?}", at(50), at(99));
    relay.stop().await;
    Ok(())
}

async fn serve(folder: &Path) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("pulsar://{}", listener.local_addr()?);
    let broker = Broker::open(BrokerOptions::new(folder.join("backbone"), url.clone()))?;
    broker.set_policy("public/default", Policy::Deduplication, Value::Bool(true))?;
    tokio::spawn(async move { broker.serve(listener, CancellationToken::new()).await });
    Ok(url)
}

async fn append_together(db: &Db, rows: usize) -> Result<(), Failure> {
    let cause = Cause {
        correlation: CorrelationId::parse("CORR-1")?,
        causation: CausationId::parse("CMD-1")?,
        actor: Actor::anonymous(),
        at: SystemEdge.now(),
    };
    let data = serde_json::json!({ "affiliate_name": "Ñandú & Cía", "note": "x".repeat(400) });
    let command = async move |tx: &Tx| -> Result<(), DbError> {
        for _ in 0..rows {
            let id = SystemEdge.uuid();
            let event = NewEvent {
                id,
                aggregate_type: "commissions",
                aggregate_id: id.to_string(),
                kind: "com.hexabuilders.commissions.CommissionCalculated",
                data: RawValue::from_string(data.to_string()).expect("it is JSON"),
            };
            append(tx, &cause, event).await?;
        }
        Ok(())
    };
    Ok(db.write(command).await?)
}
