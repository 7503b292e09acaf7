//! The topics beside the outboxes that fill them, and the dead letters.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hexalpes_client::{Client, Message, ReaderOptions, TopicName};
use hexalpes_consumer::DeadLetterTopics;
use hexalpes_contracts::{campaigns, conversions, onboarding, partners, recruitment};
use hexalpes_kernel::Timestamp;
use hexalpes_outbox::{EVENTS_TOPIC, Wanted};
use serde_json::Value;

use super::tally::{self, Take};
use super::{Check, PAGE, Place, page_error};
use crate::services::{Service, topic_of};

/// Where what is published stays for ever.
const KEPT: &str = "persistent://public/default/";

/// That all rows are published, context by context.
pub(super) async fn outboxes(places: &[Place]) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for place in places {
        let pending = hexalpes_outbox::unpublished(&place.db, place.through).await;
        let pending = pending.with_context(|| page_error(place.service))?;
        let mut check = Check::new(format!("{}: the outbox is published", place.service.name()));
        check.counted = u64::try_from(place.through).unwrap_or_default();
        if pending > 0 {
            check.differ(pending, || format!("{pending} rows are not published"));
        }
        checks.push(check);
    }
    Ok(checks)
}

/// What is on topics that do not keep all is looked at for so long: they keep seven days, and some time is left for what
/// is on its way.
const LOOKED_BACK: Duration = Duration::from_hours(7 * 24 - 12);

/// What a topic is to hold: events of some contexts, of all types or of some.
struct Expected<'a> {
    topic: &'a str,
    places: &'a [Place],
    kinds: Option<Vec<&'a str>>,
    /// From when on; `None`: from the beginning.
    since: Option<Timestamp>,
}

/// That each context's own topic has its events once, the topics of single types theirs, and the topic of all events those
/// of all.
pub(super) async fn topics(places: &[Place], client: &Client, until: Timestamp) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for place in places {
        let places = std::slice::from_ref(place);
        let Some(own) = topic_of(place.service) else { continue };
        let mut expected = vec![Expected { topic: own, places, kinds: None, since: since(own, until) }];
        expected.extend(of_kinds(own, places, until));
        for expected in &expected {
            checks.push(topic(expected, client).await?);
        }
    }
    let all = Expected { topic: EVENTS_TOPIC, places, kinds: None, since: None };
    checks.push(topic(&all, client).await?);
    Ok(checks)
}

/// What is published in public/default stays; elsewhere it goes after some days.
fn since(topic: &str, until: Timestamp) -> Option<Timestamp> {
    (!topic.starts_with(KEPT)).then(|| until.before(LOOKED_BACK))
}

/// The topics of single types, of the context that has this topic for all of its own.
fn of_kinds<'a>(own: &str, places: &'a [Place], until: Timestamp) -> Vec<Expected<'a>> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, topic) in told_on(own) {
        kinds.entry(topic).or_default().push(kind);
    }
    let expected =
        |(topic, kinds)| Expected { topic, places, kinds: Some(kinds), since: since(topic, until) };
    kinds.into_iter().map(expected).collect()
}

/// The types with topics of their own, of the context that tells all of its events on `own`.
fn told_on(own: &str) -> &'static [(&'static str, &'static str)] {
    match own {
        partners::TOPIC => partners::TOPICS,
        onboarding::TOPIC => onboarding::TOPICS,
        recruitment::TOPIC => recruitment::TOPICS,
        campaigns::TOPIC => campaigns::TOPICS,
        _ => &[],
    }
}

async fn topic(expected: &Expected<'_>, client: &Client) -> Result<Check> {
    let Expected { topic, places, .. } = expected;
    let ids = async |take: Take<'_>| -> Result<()> {
        for place in *places {
            event_ids(place, expected, take).await.with_context(|| page_error(place.service))?;
        }
        Ok(())
    };
    // Of the time when it happened a message has the milliseconds.
    let since = expected.since.and_then(|since| u64::try_from(since.as_millis()).ok());
    let found = async |take: Take<'_>| -> Result<()> {
        read(client, topic, |message| {
            let is_looked_at = since.is_none_or(|since| message.event_time.is_some_and(|at| at >= since));
            if is_looked_at && is_told(places, message) {
                take(&event_id(message));
            }
        })
        .await
    };
    let differences = tally::compare(ids, found).await?;
    let short = [KEPT, "persistent://hexabuilders/"].into_iter().find_map(|start| topic.strip_prefix(start));
    let mut check = Check::new(format!("{} has each event once", short.unwrap_or(topic)));
    check.take(differences, "is not on the topic", "is on the topic from nowhere or twice");
    Ok(check)
}

async fn event_ids(place: &Place, expected: &Expected<'_>, take: Take<'_>) -> Result<()> {
    // In whole milliseconds, as the messages have it.
    let since = expected.since.and_then(|since| Timestamp::from_micros(since.as_millis() * 1_000));
    let wanted = Wanted { through: place.through, since, kinds: expected.kinds.as_deref() };
    let mut after = 0;
    loop {
        let ids = hexalpes_outbox::event_ids(&place.db, &wanted, after, PAGE).await?;
        let Some((last, _)) = ids.last() else { return Ok(()) };
        after = *last;
        for (_, id) in &ids {
            take(id);
        }
    }
}

/// Whether one of these contexts told it before the reconciliation began: a relay names the service, and numbers messages
/// as the rows are. Others may publish on these topics as well.
fn is_told(places: &[Place], message: &Message) -> bool {
    let service = message.property("source_service");
    places.iter().any(|place| {
        service == Some(place.service.name()) && message.sequence_id <= place.through.unsigned_abs()
    })
}

fn event_id(message: &Message) -> String {
    if let Some(id) = message.property("ce_id") {
        return id.to_owned();
    }
    let event = serde_json::from_slice::<Value>(&message.payload).unwrap_or_default();
    event["id"].as_str().map_or_else(|| format!("the message at {}", message.id), str::to_owned)
}

/// Every message that the topic has now, from the earliest.
async fn read(client: &Client, topic: &str, mut take: impl FnMut(&Message)) -> Result<()> {
    let unread = || format!("{topic} cannot be read");
    let options = ReaderOptions { name: "reconcile".to_owned(), ..ReaderOptions::default() };
    let reader = client.reader(topic, options).await.with_context(unread)?;
    while reader.has_message_available().await.with_context(unread)? {
        take(&reader.next().await.with_context(unread)?);
    }
    reader.close().await;
    Ok(())
}

/// Takes from `missing` those conversions whose commission could not be calculated, and says why.
pub(super) async fn explain(
    client: &Client,
    topics: &[String],
    missing: &mut BTreeMap<String, String>,
) -> Result<u64> {
    let conversions = TopicName::parse(conversions::TOPIC).context("our own topics can be read")?;
    let letters = DeadLetterTopics::of(&conversions, Service::Commissions.name())?.canonical.to_string();
    // To read a topic makes it: nothing is to be changed here.
    if missing.is_empty() || !topics.contains(&letters) {
        return Ok(0);
    }
    let mut explained = 0;
    read(client, &letters, |letter| {
        let is_recorded = letter.property("event_type").is_none_or(|kind| kind == "ConversionRecorded");
        let has_reason = letter.property("dlq_reason").is_some_and(|reason| !reason.is_empty());
        if let Some(conversion) = letter.key.as_ref().filter(|_| is_recorded && has_reason)
            && missing.remove(conversion).is_some()
        {
            explained += 1;
        }
    })
    .await?;
    Ok(explained)
}
