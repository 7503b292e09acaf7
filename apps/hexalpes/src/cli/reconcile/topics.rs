//! The topics beside the outboxes that fill them, and the dead letters.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use hexalpes_client::{Client, Message, ReaderOptions, TopicName};
use hexalpes_consumer::DeadLetterTopics;
use hexalpes_contracts::{affiliates, commissions, conversions};
use hexalpes_db::Db;
use hexalpes_outbox::EVENTS_TOPIC;
use serde_json::Value;

use super::tally::{self, Take};
use super::{Check, PAGE, Place, page_error};
use crate::services::Service;

/// Where a context tells its events.
const fn topic_of(service: Service) -> &'static str {
    match service {
        Service::Affiliates => affiliates::TOPIC,
        Service::Commissions => commissions::TOPIC,
        Service::Conversions
        | Service::PartnerManagement
        | Service::Onboarding
        | Service::CampaignManagement
        | Service::Recruitment
        | Service::Notifications => conversions::TOPIC,
    }
}

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

/// That each context's own topic has its events once, and the topic of all events those of all.
pub(super) async fn topics(places: &[Place], client: &Client) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for place in places {
        let one = std::slice::from_ref(place);
        checks.push(topic(one, client, topic_of(place.service)).await?);
    }
    checks.push(topic(places, client, EVENTS_TOPIC).await?);
    Ok(checks)
}

async fn topic(places: &[Place], client: &Client, topic: &str) -> Result<Check> {
    let expected = async |take: Take<'_>| -> Result<()> {
        for place in places {
            event_ids(&place.db, place.through, take).await.with_context(|| page_error(place.service))?;
        }
        Ok(())
    };
    let found = async |take: Take<'_>| -> Result<()> {
        read(client, topic, |message| {
            if is_told(places, message) {
                take(&event_id(message));
            }
        })
        .await
    };
    let differences = tally::compare(expected, found).await?;
    let name = topic.strip_prefix("persistent://public/default/").unwrap_or(topic);
    let mut check = Check::new(format!("{name} has each event once"));
    check.take(differences, "is not on the topic", "is on the topic from nowhere or twice");
    Ok(check)
}

async fn event_ids(db: &Db, through: i64, take: Take<'_>) -> Result<()> {
    let mut after = 0;
    loop {
        let ids = hexalpes_outbox::event_ids(db, after, through, PAGE).await?;
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
