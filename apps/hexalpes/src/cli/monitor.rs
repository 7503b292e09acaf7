//! `hexalpes monitor`: what goes on, on one screen again and again, or event by event.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, IsTerminal as _},
    time::Duration,
};

use anyhow::Result;
use clap::{Subcommand, value_parser};
use hexalpes_client::{AdminClient, Message, ReadFrom, ReaderOptions, TopicName};
use hexalpes_desk::{
    found,
    letters::{SUFFIX, waiting},
};
use hexalpes_kernel::CloudEvent;
use hexalpes_outbox::EVENTS_TOPIC;
use serde_json::Value;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    apis::{Desk, now},
    ask,
    output::{Row, line, row, table},
};
use crate::settings::Settings;

/// Tenants whose topics are shown.
const TENANTS: [&str; 2] = ["public", "hexabuilders"];
/// Topics on one screen: those with the most messages.
const TOPICS_MAX: usize = 15;
/// To the upper left, and nothing below: what a terminal does with the next screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

#[derive(Subcommand)]
pub(super) enum Monitor {
    /// Topics, relays, handlers and dead letters on one screen, until Ctrl-C
    Dashboard {
        /// Seconds between two looks
        #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = value_parser!(u64).range(1..=3600))]
        every: u64,
        /// How many looks; 0 looks on until Ctrl-C
        #[arg(short, long, default_value_t = 0)]
        number: u64,
    },
    /// The events of all services as they come, a line each, until Ctrl-C
    Log {
        /// How many; 0 reads on until Ctrl-C
        #[arg(short, long, default_value_t = 0)]
        number: u64,
        /// Begin with the oldest event that there is
        #[arg(long)]
        from_earliest: bool,
    },
}

impl Monitor {
    pub(super) async fn run(self, settings: &Settings, stop: CancellationToken) -> Result<()> {
        match self {
            Self::Dashboard { every, number } => {
                dashboard(settings, Duration::from_secs(every), number, &stop).await
            }
            Self::Log { number, from_earliest } => log(settings, number, from_earliest, &stop).await,
        }
    }
}

async fn dashboard(
    settings: &Settings,
    every: Duration,
    number: u64,
    stop: &CancellationToken,
) -> Result<()> {
    // Who finds nobody at the start is told so; who is left alone later sees it on the screen.
    ask::admin(settings).await?;
    let clear = if io::stdout().is_terminal() { CLEAR } else { "" };
    let mut ticks = time::interval(every);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut looks = 0;
    while number == 0 || looks < number {
        if stop.run_until_cancelled(ticks.tick()).await.is_none() {
            break;
        }
        let Some(screen) = stop.run_until_cancelled(screen(settings)).await else { break };
        line(&format!("{clear}{screen}"))?;
        looks += 1;
    }
    Ok(())
}

async fn screen(settings: &Settings) -> String {
    let parts = [
        ("topics", topics(settings).await),
        ("relays", relays(settings).await),
        ("handlers", handlers(settings).await),
        ("dead letters", dead_letters(settings).await),
    ];
    let mut screen = format!("hexalpes at {}\n", now());
    for (name, told) in parts {
        let told = told.unwrap_or_else(|error| format!("not known: {error:#}"));
        let _ = write!(screen, "\n== {name}\n{told}\n");
    }
    screen
}

/// All topics, without the names of partitions.
async fn names(admin: &AdminClient) -> Result<Vec<TopicName>> {
    let mut names = BTreeMap::new();
    for tenant in TENANTS {
        // A tenant that nobody made has none.
        for namespace in found(admin.namespaces(tenant).await)?.unwrap_or_default() {
            for name in admin.topics(&namespace).await? {
                let topic = TopicName::parse(&name)?.without_partition();
                names.insert(topic.to_string(), topic);
            }
        }
    }
    Ok(names.into_values().collect())
}

async fn topics(settings: &Settings) -> Result<String> {
    let admin = ask::admin(settings).await?;
    let mut rows = Vec::new();
    for topic in names(&admin).await? {
        let stats = match admin.partitions(&topic).await {
            Ok(1..) => found(admin.partitioned_stats(&topic).await)?,
            Ok(0) | Err(_) => found(admin.stats(&topic).await)?,
        };
        rows.extend(stats.filter(|stats| stats["msgInCounter"] != 0).map(|stats| of_topic(&topic, &stats)));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row["messages"].as_u64()));
    rows.truncate(TOPICS_MAX);
    Ok(table(&["topic", "messages", "in/s", "out/s", "subscriptions", "waiting"], &rows))
}

/// What is waited for is that of the slowest subscription.
fn of_topic(topic: &TopicName, stats: &Value) -> Row {
    let rate = |name: &str| format!("{:.1}", stats[name].as_f64().unwrap_or_default());
    let subscriptions = stats["subscriptions"].as_object();
    let backlogs = subscriptions.into_iter().flatten().filter_map(|(_, one)| one["msgBacklog"].as_u64());
    row([
        ("topic", topic.to_string().into()),
        ("messages", stats["msgInCounter"].clone()),
        ("in/s", rate("msgRateIn").into()),
        ("out/s", rate("msgRateOut").into()),
        ("subscriptions", subscriptions.map_or(0, serde_json::Map::len).into()),
        ("waiting", backlogs.max().into()),
    ])
}

async fn relays(settings: &Settings) -> Result<String> {
    let statuses = Desk::asked(settings, None, "/debug/relay").await?;
    let rows = ask::rows(statuses.into_iter().map(|(_, status)| status).collect())?;
    Ok(table(&["service", "running", "numWritten", "lagRows", "lagSeconds", "alarm"], &rows))
}

async fn handlers(settings: &Settings) -> Result<String> {
    let mut rows = Vec::new();
    for (_, answer) in Desk::asked(settings, None, "/debug/consumers").await? {
        rows.extend(ask::rows(answer)?);
    }
    let columns = ["subscription", "handled", "duplicates", "deadLetters", "held", "waitingKeys", "alarm"];
    Ok(table(&columns, &rows))
}

async fn dead_letters(settings: &Settings) -> Result<String> {
    let admin = ask::admin(settings).await?;
    let mut rows = Vec::new();
    for topic in names(&admin).await?.into_iter().filter(|topic| topic.local().ends_with(SUFFIX)) {
        let waiting = waiting(&admin, &topic).await?;
        if waiting > 0 {
            rows.push(row([("topic", topic.to_string().into()), ("waiting", waiting.into())]));
        }
    }
    if rows.is_empty() {
        return Ok("none waits".to_owned());
    }
    Ok(table(&["topic", "waiting"], &rows))
}

/// Reads without a subscription that stays: who looks away leaves nothing behind.
async fn log(settings: &Settings, number: u64, from_earliest: bool, stop: &CancellationToken) -> Result<()> {
    let client = ask::broker(settings).await?;
    let from = if from_earliest { ReadFrom::Earliest } else { ReadFrom::Latest };
    let reader = client.reader(EVENTS_TOPIC, ReaderOptions::from(from)).await?;
    let mut read = 0;
    while number == 0 || read < number {
        let Some(message) = stop.run_until_cancelled(reader.next()).await else { break };
        line(&told(&message?))?;
        read += 1;
    }
    reader.close().await;
    Ok(())
}

fn told(message: &Message) -> String {
    let service = message.property("source_service").unwrap_or("?");
    match CloudEvent::parse(&message.payload) {
        Ok(event) => {
            let time = event.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
            let correlation = event.correlationid.as_ref().map_or("-", |id| id.as_str());
            let subject = event.subject.as_deref().unwrap_or("-");
            format!("{time}  {service:<20} {:<28} {subject}  {correlation}", event.bare_kind())
        }
        Err(error) => format!("message {} is no event: {error}", message.id),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_topic_waits_as_long_as_its_slowest_subscription() {
        let stats = json!({
            "msgInCounter": 7, "msgRateIn": 1.26, "msgRateOut": 2.5,
            "subscriptions": { "a": { "msgBacklog": 2 }, "b": { "msgBacklog": 5 } },
        });
        let topic = TopicName::parse("outbox-events").expect("it is one");
        let shown =
            table(&["messages", "in/s", "out/s", "subscriptions", "waiting"], &[of_topic(&topic, &stats)]);
        assert_eq!(
            shown,
            "MESSAGES  IN/S  OUT/S  SUBSCRIPTIONS  WAITING\n7         1.3   2.5    2              5"
        );
    }
}
