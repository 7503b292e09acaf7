//! Tenants and namespaces, and the topics of one namespace.

use std::collections::BTreeMap;

use axum::extract::Query;
use futures::{StreamExt as _, stream};
use hexalpes_client::TopicName;
use hexalpes_desk::found;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    ask::Failure,
    caller::Caller,
    orders,
    overview::{AT_ONCE, namespaces},
    page::{bytes, facts, link, member, page as framed, rate, t, table, text, topic_link},
};

/// Topics that are shown at once: of each the broker is asked.
const TOPICS_MAX: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// `tenant/namespace`
    namespace: Option<String>,
    /// What a name is to have in it.
    has: Option<String>,
    done: Option<orders::Done>,
}

pub(crate) async fn page(caller: Caller, Query(asked): Query<Asked>) -> Result<Markup, Failure> {
    match asked.namespace.as_deref().map(str::trim).filter(|namespace| !namespace.is_empty()) {
        None => all(&caller).await,
        Some(namespace) => one(&caller, namespace, &asked).await,
    }
}

async fn all(caller: &Caller) -> Result<Markup, Failure> {
    let counted = stream::iter(namespaces(caller).await?).map(async |namespace| {
        let topics = caller.admin.topics(&namespace).await;
        (namespace, topics.map(|topics| names(&topics).len()))
    });
    let counted: Vec<_> = counted.buffered(AT_ONCE).collect().await;
    let rows: Vec<Vec<Markup>> = counted
        .into_iter()
        .map(|(namespace, topics)| {
            let tenant = namespace.split('/').next().unwrap_or_default().to_owned();
            let count = match topics {
                Ok(count) => text(count),
                Err(why) => html! { span.bad { (why.to_string()) } },
            };
            let to = link("/topics", &[("namespace", &namespace)]);
            vec![text(tenant), html! { a href=(to) { (namespace) } }, count]
        })
        .collect();
    let body = html! {
        form action="/topics" {
            label { "Namespace" input name="namespace" placeholder="tenant/namespace" required; }
            button type="submit" { (t!("Show", "Mostrar")) }
        }
        (table(&["Tenant", "Namespace", t!("Topics", "Temas")], &rows))
    };
    Ok(framed(caller, t!("Topics", "Temas"), None, &body))
}

/// Topics by their whole names, with how many partitions were listed of each.
fn names(listed: &[String]) -> BTreeMap<TopicName, u32> {
    let mut names = BTreeMap::new();
    for topic in listed.iter().filter_map(|name| TopicName::parse(name).ok()) {
        *names.entry(topic.without_partition()).or_default() += u32::from(topic.partition().is_some());
    }
    names
}

async fn one(caller: &Caller, namespace: &str, asked: &Asked) -> Result<Markup, Failure> {
    let mut all = names(&caller.admin.topics(namespace).await?);
    for topic in caller
        .admin
        .partitioned_topics(namespace)
        .await?
        .iter()
        .filter_map(|name| TopicName::parse(name).ok())
    {
        all.entry(topic).or_default();
    }
    let has = asked.has.as_deref().unwrap_or_default();
    all.retain(|topic, _| topic.local().contains(has));
    let count = all.len();
    let counted = stream::iter(all.into_iter().take(TOPICS_MAX)).map(async |(topic, partitions)| {
        let stats = match partitions {
            0 => caller.admin.stats(&topic).await,
            _ => caller.admin.partitioned_stats(&topic).await,
        };
        (topic, partitions, found(stats))
    });
    let counted: Vec<_> = counted.buffered(AT_ONCE).collect().await;
    let rows: Vec<Vec<Markup>> = counted
        .into_iter()
        .map(|(topic, partitions, stats)| match stats {
            Ok(stats) => row(&topic, partitions, &stats.unwrap_or_default()),
            Err(why) => vec![named(&topic), html! { span.bad { (why.to_string()) } }],
        })
        .collect();
    let heads = [
        t!("Topic", "Tema"),
        t!("Partitions", "Particiones"),
        t!("Messages in", "Mensajes"),
        t!("In/s", "Entran/s"),
        t!("Out/s", "Salen/s"),
        t!("On disk", "En disco"),
        t!("Subscriptions", "Suscripciones"),
        t!("Backlog", "Pendientes"),
    ];
    let body = html! {
        (orders::told(asked.done))
        (policies(caller, namespace).await)
        form action="/topics" {
            input type="hidden" name="namespace" value=(namespace);
            label { (t!("Name has", "El nombre contiene")) input name="has" value=(has); }
            button type="submit" { (t!("Show", "Mostrar")) }
        }
        @if count > TOPICS_MAX {
            p.note { (t!(format!("{TOPICS_MAX} of {count} are shown: say what the name has."),
                format!("Se muestran {TOPICS_MAX} de {count}: diga qué contiene el nombre."))) }
        }
        (table(&heads, &rows))
        p.note { (t!("Messages are counted since the broker took the topic up; backlog is that of the slowest subscription, in entries: a batch is one.",
            "Los mensajes se cuentan desde que el bróker tomó el tema; los pendientes son los de la suscripción más lenta, en entradas: un lote es una.")) }
        (orders::making(namespace))
    };
    Ok(framed(caller, namespace, None, &body))
}

fn named(topic: &TopicName) -> Markup {
    html! { a href=(topic_link(&topic.to_string())) { (topic.local()) } }
}

fn row(topic: &TopicName, partitions: u32, stats: &Value) -> Vec<Markup> {
    let subscriptions = stats["subscriptions"].as_object();
    let backlogs = subscriptions.into_iter().flatten().filter_map(|(_, one)| one["msgBacklog"].as_u64());
    vec![
        named(topic),
        text(partitions),
        member(&stats["msgInCounter"]),
        rate(&stats["msgRateIn"]),
        rate(&stats["msgRateOut"]),
        bytes(&stats["storageSize"]),
        text(subscriptions.map_or(0, serde_json::Map::len)),
        text(backlogs.max().unwrap_or_default()),
    ]
}

/// What the namespace says of how long messages stay, and whether what comes twice is kept once.
async fn policies(caller: &Caller, namespace: &str) -> Markup {
    let (retention, deduplication) =
        futures::join!(caller.admin.retention(namespace), caller.admin.deduplication(namespace));
    let broker = || t!("as the broker has it", "como lo tenga el bróker").to_owned();
    let limit = |value: i64, unit: &str| match value {
        -1 => t!("without limit", "sin límite").to_owned(),
        value => format!("{value} {unit}"),
    };
    let retention = match retention {
        Ok(Some(retention)) => {
            let (time, size) = (limit(retention.time_minutes, "min"), limit(retention.size_mb, "MiB"));
            t!(format!("time: {time}; size: {size}"), format!("tiempo: {time}; tamaño: {size}"))
        }
        Ok(None) => broker(),
        Err(why) => why.to_string(),
    };
    let deduplication = match deduplication {
        Ok(Some(true)) => t!("on", "activada").to_owned(),
        Ok(Some(false)) => t!("off", "desactivada").to_owned(),
        Ok(None) => broker(),
        Err(why) => why.to_string(),
    };
    facts(&[
        (t!("Retention", "Retención"), text(retention)),
        (t!("Deduplication", "Deduplicación"), text(deduplication)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_one_topic() {
        let listed =
            ["persistent://a/b/x-partition-0", "persistent://a/b/x-partition-1", "persistent://a/b/y"];
        let names = names(&listed.map(str::to_owned));
        let shown: Vec<(String, u32)> =
            names.into_iter().map(|(topic, count)| (topic.to_string(), count)).collect();
        assert_eq!(shown, [("persistent://a/b/x".to_owned(), 2), ("persistent://a/b/y".to_owned(), 0)]);
    }
}
