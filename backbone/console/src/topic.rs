//! One topic: who writes, who reads and how far, what it looks like, and its newest messages.

use axum::extract::Query;
use hexalpes_client::{Message, TopicName};
use hexalpes_desk::{Read, Reading, newest};
use hexalpes_kernel::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    ask::{Failure, topic as parsed},
    caller::Caller,
    json, orders,
    page::{bytes, facts, link, member, page as framed, rate, t, table, text, topic_link},
};

/// Messages that are shown.
const MESSAGES_MAX: usize = 10;
/// Partitions whose messages are looked at.
const PARTITIONS_MAX: u32 = 16;

#[derive(Deserialize)]
pub(crate) struct Asked {
    name: String,
    done: Option<orders::Done>,
}

pub(crate) async fn page(caller: Caller, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    let topic = parsed(&asked.name)?;
    let partitions = if topic.partition().is_some() { 0 } else { caller.admin.partitions(&topic).await? };
    let stats = match partitions {
        0 => caller.admin.stats(&topic).await?,
        _ => caller.admin.partitioned_stats(&topic).await?,
    };
    let namespace = topic.full_namespace();
    let body = html! {
        (orders::told(asked.done))
        p {
            a href=(link("/topics", &[("namespace", &namespace)])) { (namespace) }
            @if topic.partition().is_some() {
                " · " a href=(topic_link(&topic.without_partition().to_string())) { (topic.without_partition().local()) }
            }
        }
        (counted(&stats, partitions))
        @if partitions > 0 {
            p { (t!("Partitions: ", "Particiones: "))
                @for partition in 0..partitions {
                    a href=(topic_link(&topic.with_partition(partition).to_string())) { (partition) } " "
                }
            }
        }
        h2 { (t!("Subscriptions", "Suscripciones")) }
        (subscriptions(&topic, &stats, partitions))
        (orders::subscribing(&topic))
        h2 { (t!("Producers", "Productores")) }
        (producers(&stats))
        h2 { (t!("Newest messages", "Mensajes más nuevos")) }
        @match messages(&caller, &topic, partitions).await {
            Ok(shown) => { (shown) },
            Err(why) => { p.bad { (why.to_string()) } },
        }
        h2 { (t!("Schema", "Esquema")) }
        (schema(&caller, &topic).await)
        h2 { (t!("This topic", "Este tema")) }
        (orders::of_topic(&topic))
    };
    Ok(framed(&caller, &topic.to_string(), None, &body))
}

fn counted(stats: &Value, partitions: u32) -> Markup {
    facts(&[
        (t!("Partitions", "Particiones"), text(partitions)),
        (t!("Messages in", "Mensajes"), member(&stats["msgInCounter"])),
        (t!("In/s", "Entran/s"), rate(&stats["msgRateIn"])),
        (t!("Out/s", "Salen/s"), rate(&stats["msgRateOut"])),
        (t!("On disk", "En disco"), bytes(&stats["storageSize"])),
        (t!("Backlog on disk", "Pendientes en disco"), bytes(&stats["backlogSize"])),
        (t!("Deduplication", "Deduplicación"), member(&stats["deduplicationStatus"])),
    ])
}

fn subscriptions(topic: &TopicName, stats: &Value, partitions: u32) -> Markup {
    let rows: Vec<Vec<Markup>> = stats["subscriptions"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, one)| {
            vec![
                text(name),
                member(&one["type"]),
                member(&one["msgBacklog"]),
                member(&one["unackedMessages"]),
                rate(&one["msgRateOut"]),
                consumers(&one["consumers"]),
                orders::of_subscription(topic, name, partitions),
            ]
        })
        .collect();
    let heads = [
        t!("Subscription", "Suscripción"),
        t!("Type", "Tipo"),
        t!("Backlog", "Pendientes"),
        t!("Unacked", "Sin confirmar"),
        t!("Out/s", "Salen/s"),
        t!("Consumers", "Consumidores"),
        "",
    ];
    table(&heads, &rows)
}

fn consumers(consumers: &Value) -> Markup {
    let Some(consumers) = consumers.as_array().filter(|consumers| !consumers.is_empty()) else {
        return text(0);
    };
    html! {
        details {
            summary { (consumers.len()) }
            @for one in consumers {
                div { (member(&one["consumerName"])) " " (address(&one["address"])) " "
                    span.note { (member(&one["clientVersion"])) " " (t!("unacked ", "sin confirmar ")) (member(&one["unackedMessages"])) }
                }
            }
        }
    }
}

/// As Java writes it, with a slash where a name would be.
fn address(address: &Value) -> Markup {
    text(address.as_str().unwrap_or("–").trim_start_matches('/'))
}

fn producers(stats: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = stats["publishers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| {
            vec![
                member(&one["producerName"]),
                address(&one["address"]),
                member(&one["clientVersion"]),
                member(&one["accessMode"]),
                rate(&one["msgRateIn"]),
                member(&one["connectedSince"]),
            ]
        })
        .collect();
    let heads = [
        t!("Producer", "Productor"),
        t!("Address", "Dirección"),
        t!("Client", "Cliente"),
        t!("Access", "Acceso"),
        t!("In/s", "Entran/s"),
        t!("Since", "Desde"),
    ];
    table(&heads, &rows)
}

async fn schema(caller: &Caller, topic: &TopicName) -> Markup {
    match caller.admin.schema(&topic.without_partition()).await {
        Ok(None) => html! { p.note { (t!("It has none.", "No tiene.")) } },
        Ok(Some(schema)) => html! {
            (facts(&[(t!("Type", "Tipo"), member(&schema["type"])), (t!("Version", "Versión"), member(&schema["version"]))]))
            @if let Some(text) = schema["data"].as_str().filter(|text| !text.is_empty()) { (pre(text)) }
        },
        Err(why) => html! { p.bad { (why.to_string()) } },
    }
}

/// The newest of all partitions, by when their producers sent them.
async fn messages(caller: &Caller, topic: &TopicName, partitions: u32) -> Result<Markup, Failure> {
    let client = caller.client()?;
    let topics: Vec<TopicName> = match partitions {
        0 => vec![topic.clone()],
        _ => (0..partitions.min(PARTITIONS_MAX)).map(|partition| topic.with_partition(partition)).collect(),
    };
    let mut all = Vec::new();
    for topic in &topics {
        all.extend(newest(&caller.admin, &client, topic, MESSAGES_MAX).await?);
    }
    all.sort_by_key(|message| std::cmp::Reverse(message.publish_time));
    all.truncate(MESSAGES_MAX);
    let mut reading = Reading::new(client);
    let mut shown = Vec::new();
    for message in &all {
        // One whose schema cannot be had is shown as it lies there.
        let said = match reading.read(message).await {
            Ok(read) => read.text,
            Err(_) => Read::raw(message).text,
        };
        shown.push(one(message, &said, shown.is_empty()));
    }
    Ok(html! {
        @if shown.is_empty() { p.note { (t!("None.", "Ninguno.")) } }
        @for one in &shown { (one) }
        @if partitions > PARTITIONS_MAX {
            p.note { (t!(format!("Of the first {PARTITIONS_MAX} partitions."), format!("De las primeras {PARTITIONS_MAX} particiones."))) }
        }
    })
}

fn one(message: &Message, said: &str, is_open: bool) -> Markup {
    let kind = message.property("event_type").or_else(|| message.property("ce_type"));
    html! {
        details open[is_open] {
            summary {
                (time(message.publish_time)) " · " (message.id.to_string())
                @if let Some(kind) = kind { " · " strong { (kind) } }
                @if let Some(key) = &message.key { " · " (t!("key ", "clave ")) (key) }
                " · " (message.payload.len()) " B"
            }
            (facts(&[
                (t!("Producer", "Productor"), text(&message.producer_name)),
                (t!("Sequence id", "Secuencia"), text(message.sequence_id)),
            ]))
            (properties(&message.properties))
            (pre(said))
        }
    }
}

pub(crate) fn properties(properties: &[(String, String)]) -> Markup {
    html! {
        @if !properties.is_empty() { dl { @for (name, value) in properties { dt { (name) } dd { (value) } } } }
    }
}

/// A text as it is, JSON laid out, up to a bound.
pub(crate) fn pre(said: &str) -> Markup {
    let (shown, cut) = json::shown(said);
    html! {
        pre { (shown) }
        @if let Some(chars) = cut {
            p.note { (t!(format!("Cut: it has {chars} characters."), format!("Cortado: tiene {chars} caracteres."))) }
        }
    }
}

pub(crate) fn time(ms: u64) -> String {
    let micros = i64::try_from(ms).ok().and_then(|ms| ms.checked_mul(1000));
    micros.and_then(Timestamp::from_micros).map_or_else(|| "?".to_owned(), |time| time.to_string())
}
