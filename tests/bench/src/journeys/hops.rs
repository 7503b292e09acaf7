//! Where the time between a cause and its effect goes, by what the product itself has written down: the topic when the
//! relay sent the event, the inbox when the consumer began with it. All read one machine's clock.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hexalpes_client::{Client, ClientOptions, ReaderOptions};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use sea_query::{Expr, ExprTrait as _, Query};

use crate::process::Process;
use crate::stats::Latencies;

/// What follows in a service from an event.
#[derive(Clone, Copy)]
pub(super) struct Effect {
    pub(super) what: &'static str,
    pub(super) topic: &'static str,
    pub(super) service: &'static str,
    pub(super) handler: &'static str,
}

/// When somebody had the command's answer, and saw its effect, in microseconds since 1970.
#[derive(Clone)]
pub(super) struct Sighting {
    /// The aggregate that the event tells of.
    pub(super) of: String,
    pub(super) asked: i64,
    pub(super) answered: i64,
    pub(super) seen: i64,
}

impl Sighting {
    /// The later one of two effects.
    pub(super) fn last(one: &Self, other: &Self) -> Self {
        if one.seen > other.seen { one.clone() } else { other.clone() }
    }

    pub(super) fn took(&self) -> Duration {
        between(self.answered, self.seen)
    }
}

/// The hops one after the other; the first is before what counts, and the others add up to it.
pub(super) async fn of(
    product: &Process,
    effect: &Effect,
    seen: &[Sighting],
) -> Result<[(&'static str, Latencies); 4]> {
    let published = published(product, effect.topic).await?;
    let begun = begun(product, effect).await?;
    let mut hops = [(); 4].map(|()| Latencies::default());
    for Sighting { of, asked, answered, seen } in seen {
        let (event, sent) = published.get(of).with_context(|| format!("{of} is not on its topic"))?;
        let begun = *begun.get(event).with_context(|| format!("nobody handled {event}"))?;
        // Somebody may have begun before the answer was read.
        let begun = Ord::max(begun, *answered);
        // The topic has milliseconds: half of one on the average is no hop.
        let sent = (*sent).clamp(*answered, begun);
        let times = [*asked, *answered, sent, begun, *seen];
        for (hop, pair) in hops.iter_mut().zip(times.windows(2)) {
            hop.add(between(pair[0], pair[1]));
        }
    }
    let names = ["command", "answered to sent", "sent to begun", "begun to seen"];
    let mut named = names.into_iter().zip(hops);
    Ok([(); 4].map(|()| named.next().expect("there are four of each")))
}

/// The event of each aggregate, and when it was sent.
async fn published(product: &Process, topic: &str) -> Result<HashMap<String, (String, i64)>> {
    let client = Client::connect(ClientOptions::new(product.service_url())).await?;
    let reader = client.reader(topic, ReaderOptions::default()).await?;
    let mut published = HashMap::new();
    while reader.has_message_available().await? {
        let message = reader.next().await?;
        let event = message.property("ce_id").context("an event has an id")?.to_owned();
        let sent = i64::try_from(message.publish_time * 1_000)?;
        published.insert(message.key.context("an event is of something")?, (event, sent));
    }
    reader.close().await;
    Ok(published)
}

/// When the consumer began with each event.
async fn begun(product: &Process, effect: &Effect) -> Result<HashMap<String, i64>> {
    let file = DatabaseUrl::file(product.database_file(effect.service));
    let db = Db::open(&file, DbOptions::default()).await?;
    let consumer = format!("{}-{}", effect.service, effect.handler);
    let inbox = Query::select()
        .columns(["event_id", "processed_at"])
        .from("inbox_event")
        .and_where(Expr::col("consumer").eq(consumer))
        .to_owned();
    let begun: Result<_, DbError> = db
        .read(async move |tx: &Tx| {
            let rows = tx.fetch_all(&inbox).await?;
            rows.iter().map(|row| Ok((row.get("event_id")?, row.get("processed_at")?))).collect()
        })
        .await;
    db.close().await;
    Ok(begun?)
}

/// None where the second is before the first.
fn between(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to - from).unwrap_or(0))
}
