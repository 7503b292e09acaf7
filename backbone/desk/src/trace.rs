//! What followed from one request, as a tree.
//!
//! Read once, from the topic of all events: every event of every service is there, with what caused it. The audit trail
//! would say the same where it is kept; the outboxes would have to be asked one after the other.

use std::{collections::BTreeMap, fmt, time::Duration};

use hexalpes_client::{Client, ConsumeError, Message, OpenError, ReadFrom, ReaderOptions};
use hexalpes_kernel::{CloudEvent, Timestamp};
use tokio::time::timeout;

/// For so long the next message may take.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// A topic that could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Consume(#[from] ConsumeError),
    #[error("{topic} does not go on")]
    Silent { topic: String },
}

/// A command, or an event that followed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// 0 is a command; an event is one deeper than what caused it.
    pub depth: usize,
    /// `command`, or the event's type without what all types begin with.
    pub what: String,
    pub id: String,
    pub subject: Option<String>,
    pub service: String,
    pub time: Option<Timestamp>,
    /// Milliseconds since the first of all.
    pub after_ms: Option<i64>,
}

/// A line of the tree.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { depth, what, id, subject, service, time, after_ms } = self;
        let time = time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let after_ms = after_ms.unwrap_or_default();
        // A time has no zeros at its end.
        write!(f, "{time:<27} +{after_ms:>6} ms  {service:<22} ")?;
        match depth {
            0 => write!(f, "command {id}"),
            _ => write!(f, "{}└ {what} {}", "  ".repeat(depth - 1), subject.as_deref().unwrap_or("-")),
        }
    }
}

/// Reads a topic of events, and keeps those with the correlation id, as [`Step`]s in the order of the tree.
pub async fn trace(
    client: &Client,
    topic: &str,
    from: ReadFrom,
    correlation: &str,
) -> Result<Vec<Step>, TraceError> {
    let reader = client.reader(topic, ReaderOptions::from(from)).await?;
    let mut nodes = Vec::new();
    while reader.has_message_available().await? {
        let next = timeout(SILENCE_MAX, reader.next()).await;
        let message = next.map_err(|_| TraceError::Silent { topic: topic.to_owned() })??;
        nodes.extend(Node::of(&message, correlation));
    }
    reader.close().await;
    Ok(tree(nodes))
}

/// An event of the trace.
struct Node {
    service: String,
    event: CloudEvent,
}

impl Node {
    fn of(message: &Message, correlation: &str) -> Option<Self> {
        if message.property("correlation_id") != Some(correlation) {
            return None;
        }
        let event = CloudEvent::parse(&message.payload).ok()?;
        Some(Self { service: message.property("source_service").unwrap_or("?").to_owned(), event })
    }

    fn step(&self, depth: usize, began: Option<Timestamp>) -> Step {
        let Self { service, event } = self;
        Step {
            depth,
            what: event.bare_kind().to_owned(),
            id: event.id.clone(),
            subject: event.subject.clone(),
            service: service.clone(),
            time: event.time,
            after_ms: after_ms(began, event.time),
        }
    }
}

/// The commands, each with the events that followed from it, in the order of their times; deeper is what an event caused.
fn tree(mut nodes: Vec<Node>) -> Vec<Step> {
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
    let mut steps = Vec::new();
    for (command, events) in commands {
        let first = nodes[events[0]].step(0, began);
        steps.push(Step { what: "command".to_owned(), id: command, subject: None, ..first });
        let mut open: Vec<(usize, usize)> = events.into_iter().rev().map(|at| (at, 1)).collect();
        // Each event is somebody's once, so that this ends.
        while let Some((at, depth)) = open.pop() {
            steps.push(nodes[at].step(depth, began));
            open.extend(below.get(&at).into_iter().flatten().rev().map(|child| (*child, depth + 1)));
        }
    }
    steps
}

fn after_ms(began: Option<Timestamp>, time: Option<Timestamp>) -> Option<i64> {
    Some(time?.as_millis() - began?.as_millis())
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
        let lines: Vec<String> = tree(nodes).iter().map(Step::to_string).collect();
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
