//! `hexalpes trace CORR-…`: what followed from one request, as a tree.
//!
//! Read once, from `outbox-events`: every event of every service is there, with what caused it. The audit trail would say
//! the same where it is kept; the outboxes would have to be asked one after the other.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use hexalpes_client::{Message, ReadFrom, ReaderOptions};
use hexalpes_kernel::{CloudEvent, Timestamp};
use hexalpes_outbox::EVENTS_TOPIC;
use tokio::time::timeout;

use super::{
    ask,
    output::{Format, Output, Row, line, row},
};
use crate::settings::Settings;

/// For so long the next message may take.
const SILENCE_MAX: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(super) struct Trace {
    /// The correlation id: of an answer's header X-Correlation-Id, a log line, or any event
    correlation: String,
    /// Read only what was published in the last so many minutes; unset: all that the topic has
    #[arg(long, value_name = "MINUTES")]
    since: Option<u64>,
    #[command(flatten)]
    output: Output,
}

/// An event of the trace.
struct Node {
    service: String,
    event: CloudEvent,
}

impl Trace {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let client = ask::broker(settings).await?;
        let from = match self.since {
            Some(minutes) => ReadFrom::Back(Duration::from_secs(minutes.saturating_mul(60))),
            None => ReadFrom::Earliest,
        };
        let reader = client.reader(EVENTS_TOPIC, ReaderOptions::from(from)).await?;
        let mut nodes = Vec::new();
        while reader.has_message_available().await? {
            let next = timeout(SILENCE_MAX, reader.next()).await;
            let message = next.with_context(|| format!("{EVENTS_TOPIC} does not go on"))??;
            nodes.extend(self.node(&message));
        }
        reader.close().await;
        if nodes.is_empty() {
            bail!("no event on {EVENTS_TOPIC} has the correlation id {}", self.correlation);
        }
        self.print(nodes)
    }

    fn node(&self, message: &Message) -> Option<Node> {
        if message.property("correlation_id") != Some(&self.correlation) {
            return None;
        }
        let event = CloudEvent::parse(&message.payload).ok()?;
        Some(Node { service: message.property("source_service").unwrap_or("?").to_owned(), event })
    }

    fn print(&self, nodes: Vec<Node>) -> Result<()> {
        let rows = tree(nodes);
        if self.output.format != Format::Table {
            return self.output.rows(&[], &rows);
        }
        for row in &rows {
            line(&told(row))?;
        }
        Ok(())
    }
}

/// The commands, each with the events that followed from it, in the order of their times; deeper is what an event caused.
fn tree(mut nodes: Vec<Node>) -> Vec<Row> {
    nodes.sort_by(|one, other| (one.event.time, &one.event.id).cmp(&(other.event.time, &other.event.id)));
    let began = nodes.first().and_then(|node| node.event.time);
    let ids: BTreeMap<&str, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.event.id.as_str(), at)).collect();
    let cause = |node: &Node| node.event.causationid.as_ref().map(|id| id.as_str().to_owned());
    let mut below: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut commands: Vec<(String, Vec<usize>)> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let cause = cause(node).unwrap_or_default();
        match ids.get(cause.as_str()) {
            Some(parent) if *parent != at => below.entry(*parent).or_default().push(at),
            _ => match commands.iter_mut().find(|(command, _)| *command == cause) {
                Some((_, events)) => events.push(at),
                None => commands.push((cause, vec![at])),
            },
        }
    }
    let mut rows = Vec::new();
    for (command, events) in commands {
        let first = &nodes[events[0]];
        rows.push(row([
            ("depth", 0.into()),
            ("what", "command".into()),
            ("id", command.into()),
            ("service", first.service.clone().into()),
            ("time", first.event.time.map(|time| time.to_string()).into()),
            ("after_ms", after_ms(began, first.event.time).into()),
        ]));
        let mut open: Vec<(usize, usize)> = events.into_iter().rev().map(|at| (at, 1)).collect();
        // Each event is somebody's once, so that this ends.
        while let Some((at, depth)) = open.pop() {
            let Node { service, event } = &nodes[at];
            rows.push(row([
                ("depth", depth.into()),
                ("what", event.bare_kind().into()),
                ("id", event.id.clone().into()),
                ("subject", event.subject.clone().into()),
                ("service", service.clone().into()),
                ("time", event.time.map(|time| time.to_string()).into()),
                ("after_ms", after_ms(began, event.time).into()),
            ]));
            open.extend(below.get(&at).into_iter().flatten().rev().map(|child| (*child, depth + 1)));
        }
    }
    rows
}

/// Milliseconds with one decimal, as text would have them.
fn after_ms(began: Option<Timestamp>, time: Option<Timestamp>) -> Option<i64> {
    Some(time?.as_millis() - began?.as_millis())
}

/// A line of the tree.
fn told(row: &Row) -> String {
    let text = |name: &str| row.get(name).and_then(|value| value.as_str()).unwrap_or("-").to_owned();
    let number = |name: &str| row.get(name).and_then(serde_json::Value::as_i64).unwrap_or_default();
    let depth = usize::try_from(number("depth")).unwrap_or_default();
    let indent = if depth == 0 { String::new() } else { format!("{}└ ", "  ".repeat(depth - 1)) };
    let what = match depth {
        0 => format!("command {}", text("id")),
        _ => format!("{} {}", text("what"), text("subject")),
    };
    format!("{} +{:>6} ms  {:<22} {indent}{what}", text("time"), number("after_ms"), text("service"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, cause: &str, millis: i64) -> Node {
        let time = Timestamp::from_micros(1_736_937_000_000_000 + millis * 1000).unwrap();
        let mut event = CloudEvent::parse(
            format!(r#"{{"specversion":"1.0","type":"com.x.E{id}","source":"/x","id":"{id}","subject":"s-{id}","data":{{}},"causationid":"{cause}"}}"#)
                .as_bytes(),
        )
        .unwrap();
        event.time = Some(time);
        Node { service: "sales".to_owned(), event }
    }

    /// Accepts S2-PRP-5.
    #[test]
    fn each_event_stands_below_what_caused_it() {
        let nodes = vec![
            node("4", "CMD-2", 9),
            node("3", "2", 5),
            node("1", "CMD-1", 0),
            node("2", "1", 3),
            node("5", "1", 4),
        ];
        let lines: Vec<String> = tree(nodes).iter().map(told).collect();
        let shown: Vec<&str> = lines.iter().map(|line| line.split_once("ms  ").unwrap().1).collect();
        assert_eq!(
            shown,
            [
                "sales                  command CMD-1",
                "sales                  └ E1 s-1",
                "sales                    └ E2 s-2",
                "sales                      └ E3 s-3",
                "sales                    └ E5 s-5",
                "sales                  command CMD-2",
                "sales                  └ E4 s-4",
            ]
        );
        assert!(lines[3].contains("+     5 ms"), "{}", lines[3]);
    }
}
