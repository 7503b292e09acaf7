//! `hexalpes dlq`: dead letters, and what becomes of them.
//!
//! They are read from the canonical topic `{topic}-{service}-dlq` under one subscription, which they leave once something
//! was decided; nobody else can decide meanwhile. The service itself acts on a replay, in one transaction with the word of
//! it, so that a command that is cut off may be repeated.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use futures::FutureExt as _;
use hexalpes_client::{Consumer, ConsumerOptions, Message, TopicName};
use serde_json::{Value, json, value::RawValue};
use tokio::time::timeout;

use super::{
    aliases,
    apis::{self, Desk},
    ask,
    output::{Output, Row, line, row},
    reading::{DLQ_TOPIC, Read, Reading},
};
use crate::{
    metrics,
    reach::found,
    settings::{Settings, Usage},
};

/// Canonical topics end so.
const SUFFIX: &str = "-dlq";
/// For so long the next dead letter may take, of those that wait.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// What our own properties begin with.
const OURS: &str = "dlq_";
/// Tenants whose topics are looked through.
const TENANTS: [&str; 2] = ["public", "hexabuilders"];

#[derive(Subcommand)]
pub(super) enum Dlq {
    /// The topics of dead letters and how many wait there; of one topic, the dead letters themselves
    List {
        /// `{topic}-{service}-dlq`, as the list without it shows
        topic: Option<TopicName>,
        #[command(flatten)]
        output: Output,
    },
    /// A dead letter with all that is known of it: what it said, why it was refused, how often it was tried
    Show {
        /// `{topic}-{service}-dlq`, as `dlq list` shows them
        topic: TopicName,
        /// Its id, as `dlq list TOPIC` shows it
        event: String,
        #[command(flatten)]
        output: Output,
    },
    /// Have dead letters handled after all, and let their keys go on
    ///
    /// The later ones of a key stand behind the first, so a key is replayed as a whole, in its order; what is refused again
    /// stays, with those behind it. The handler acts at once, and an event tells of it.
    Replay {
        /// `{topic}-{service}-dlq`, as `dlq list` shows them
        topic: TopicName,
        #[command(flatten)]
        which: Which,
        /// Give the handler this data instead, a JSON object in a file; with one --event
        #[arg(long, value_name = "FILE", requires = "event")]
        edit: Option<PathBuf>,
    },
    /// Decide that nobody will handle them, and let their keys go on; an event tells of it
    Drop {
        /// `{topic}-{service}-dlq`, as `dlq list` shows them
        topic: TopicName,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct Which {
    /// The key of this one as a whole; may be said more than once
    #[arg(long, value_name = "ID")]
    event: Vec<String>,
    /// A key as a whole; may be said more than once
    #[arg(long)]
    key: Vec<String>,
    /// All that are there
    #[arg(long)]
    all: bool,
}

/// A dead letter, and what it said.
struct Letter {
    message: Message,
    read: Read,
}

impl Letter {
    fn property(&self, name: &str) -> &str {
        self.message.property(name).unwrap_or_default()
    }

    fn event_id(&self) -> &str {
        self.property("dlq_event_id")
    }

    /// What it is in order with, as its consumer knows it: the subject, or a digest, where the message has no such key.
    fn key(&self) -> Option<&str> {
        self.message.property("dlq_key").or(self.message.key.as_deref()).filter(|key| !key.is_empty())
    }

    /// Whose order it stands in: an event without a key stands for itself.
    fn lane(&self) -> String {
        match self.key() {
            Some(key) => format!("key {key}"),
            None => format!("event {}", self.event_id()),
        }
    }

    fn row(&self) -> Row {
        let text = |name: &str| self.message.property(name).map(str::to_owned);
        row([
            ("event", text("dlq_event_id").into()),
            ("type", self.kind().into()),
            ("key", self.key().into()),
            ("code", text("dlq_code").into()),
            ("reason", text("dlq_reason").into()),
            ("runs", text("dlq_runs").into()),
            ("at", text("dlq_at").into()),
            ("subscription", text("dlq_subscription").into()),
            ("correlation_id", text("dlq_correlation_id").into()),
        ])
    }

    fn kind(&self) -> Option<String> {
        let said =
            || serde_json::from_str::<Value>(&self.read.text).ok()?["type"].as_str().map(str::to_owned);
        said().or_else(|| self.message.property("event_type").map(str::to_owned))
    }

    /// What the handler is to get.
    fn payload(&self, edited: Option<&RawValue>) -> Result<String> {
        let Some(data) = edited else {
            return Ok(self.read.data.clone().unwrap_or_else(|| self.read.text.clone()));
        };
        if self.read.data.is_some() {
            return Ok(data.get().to_owned());
        }
        // A structured event keeps its envelope.
        match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(&self.read.text) {
            Ok(mut envelope) if envelope.contains_key("specversion") => {
                envelope.insert("data".to_owned(), data.to_owned());
                Ok(serde_json::to_string(&envelope)?)
            }
            _ => Ok(data.get().to_owned()),
        }
    }

    fn decision(&self, edited: Option<&RawValue>, releases: bool) -> Result<Value> {
        let own = self.message.properties.iter().filter(|(name, _)| !name.starts_with(OURS));
        let own: BTreeMap<_, _> = own.map(|(name, value)| (&**name, &**value)).collect();
        Ok(json!({
            "subscription": self.property("dlq_subscription"),
            "event_id": self.event_id(),
            "key": self.key(),
            "topic": self.property(DLQ_TOPIC),
            "properties": own,
            "payload": self.payload(edited)?,
            "code": self.property("dlq_code"),
            "reason": self.property("dlq_reason"),
            "died_at": self.message.property("dlq_at"),
            "is_edited": edited.is_some(),
            "release": releases,
        }))
    }
}

/// A topic of dead letters, held by us alone.
struct Held {
    topic: TopicName,
    consumer: Consumer,
    letters: Vec<Letter>,
}

impl Dlq {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::List { topic: None, output } => topics(settings, output).await,
            Self::List { topic: Some(topic), output } => {
                let held = Held::open(settings, topic).await?;
                let rows: Vec<Row> = held.letters.iter().map(Letter::row).collect();
                held.close().await;
                output.rows(&["event", "type", "key", "code", "reason", "runs", "at"], &rows)
            }
            Self::Show { topic, event, output } => {
                let held = Held::open(settings, topic).await?;
                let found = held.letters.iter().find(|letter| letter.event_id() == event);
                let shown = found.map(|letter| {
                    let properties: BTreeMap<_, _> =
                        letter.message.properties.iter().map(|(name, value)| (&**name, &**value)).collect();
                    let said = serde_json::from_str(&letter.read.text)
                        .unwrap_or_else(|_| Value::from(letter.read.text.clone()));
                    json!({ "key": letter.message.key, "properties": properties, "said": said })
                });
                let name = held.topic.to_string();
                held.close().await;
                output.object(&shown.with_context(|| absent(&event, &name))?)
            }
            Self::Replay { topic, which, edit } => {
                ensure!(
                    edit.is_none() || which.event.len() == 1,
                    Usage("--edit is what one --event is to say".to_owned())
                );
                let data = edit.map(|path| edited(&path)).transpose()?;
                decide(settings, topic, &which, "replay", data.as_deref()).await
            }
            Self::Drop { topic, which } => decide(settings, topic, &which, "drop", None).await,
        }
    }
}

fn absent(event: &str, topic: &str) -> String {
    format!("no dead letter of {topic} has the id {event}; `hexalpes dlq list {topic}` shows what there is")
}

fn edited(path: &PathBuf) -> Result<Box<RawValue>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let data: Box<RawValue> =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    ensure!(data.get().starts_with('{'), "{} is no JSON object", path.display());
    Ok(data)
}

/// The topics of dead letters, and how many wait.
async fn topics(settings: &Settings, output: Output) -> Result<()> {
    let admin = ask::admin(settings).await?;
    let mut rows = Vec::new();
    for tenant in TENANTS {
        // A tenant that nobody made has none.
        for namespace in found(admin.namespaces(tenant).await)?.unwrap_or_default() {
            let known = admin.topics(&namespace).await?;
            for name in known.into_iter().filter(|name| name.ends_with(SUFFIX)) {
                let topic = TopicName::parse(&name)?;
                let waiting = metrics::waiting(&admin, &topic).await?;
                rows.push(row([("topic", name.into()), ("waiting", waiting.into())]));
            }
        }
    }
    output.rows(&["topic", "waiting"], &rows)
}

async fn decide(
    settings: &Settings,
    topic: TopicName,
    which: &Which,
    verb: &str,
    data: Option<&RawValue>,
) -> Result<()> {
    let held = Held::open(settings, topic).await?;
    let lanes = held.chosen(which)?;
    let (http, mut desks) = (apis::http()?, BTreeMap::new());
    let (mut done, mut stay) = (0, Vec::new());
    for lane in &lanes {
        let letters: Vec<&Letter> = held.letters.iter().filter(|letter| letter.lane() == *lane).collect();
        for (at, letter) in letters.iter().enumerate() {
            let edited = data.filter(|_| which.event.iter().any(|event| event == letter.event_id()));
            let is_last = at + 1 == letters.len();
            let decision = letter.decision(edited, is_last)?;
            let desk = match desks.entry(letter.property("dlq_service")) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let desk = Desk::named(settings, new.key(), &http)?;
                    new.insert(desk)
                }
            };
            let answered = desk.post(&format!("/debug/dead-letters/{verb}"), &decision).await?;
            match answered.expect(&[200]) {
                Ok(told) => {
                    // Only now: who cannot do this, does it again, which changes nothing.
                    held.consumer.ack(&letter.message.id).await?;
                    done += 1;
                    line(&format!("{}: {}", letter.event_id(), told["outcome"].as_str().unwrap_or("done")))?;
                }
                Err(error) => {
                    line(&format!("{}: {error:#}", letter.event_id()))?;
                    stay.push(lane.clone());
                    break;
                }
            }
        }
    }
    held.close().await;
    if stay.is_empty() {
        return line(&format!("{done} decided"));
    }
    bail!("{done} decided; {} stay as they were: {}", stay.len(), stay.join(", "))
}

/// All that wait, as many as the broker says. The last ones of the topic may have been decided before: they do not come.
async fn waiting(consumer: &Consumer) -> Result<Vec<Message>> {
    let entries = consumer.backlog().entries().await?.context("the broker does not say how much waits")?;
    let (mut seen, mut messages) = (BTreeSet::new(), Vec::new());
    loop {
        let next = if (seen.len() as u64) < entries {
            let next = timeout(SILENCE_MAX, consumer.next()).await;
            next.context("the broker has more dead letters, and does not send them")?
        } else {
            // A batch came as a whole: what is left of the last one is here.
            match consumer.next().now_or_never() {
                Some(next) => next,
                None => return Ok(messages),
            }
        };
        let message = next?;
        seen.insert(message.id.whole_entry());
        messages.push(message);
    }
}

impl Held {
    /// Reads all that wait, in their order.
    async fn open(settings: &Settings, topic: TopicName) -> Result<Self> {
        let topic = aliases::dead_letters(topic);
        ensure!(
            topic.local().ends_with(SUFFIX),
            Usage(format!(
                "{topic} holds no dead letters of one consumer: such topics are called {{topic}}-{{service}}-dlq"
            ))
        );
        let client = ask::broker(settings).await?;
        let options = ConsumerOptions {
            ack_receipts: true,
            ..ConsumerOptions::new(metrics::DECISIONS).from_earliest()
        };
        let opened = client.consumer(&topic.to_string(), options).await;
        let consumer = opened.with_context(|| {
            format!("the dead letters of {topic} cannot be held: somebody else may be deciding just now")
        })?;
        let mut reading = Reading::new(client);
        let mut letters = Vec::new();
        for message in waiting(&consumer).await.with_context(|| format!("reading {topic}"))? {
            let read = reading.read(&message).await?;
            letters.push(Letter { message, read });
        }
        Ok(Self { topic, consumer, letters })
    }

    /// The keys that are meant, each once, in the order of their first letters.
    fn chosen(&self, which: &Which) -> Result<Vec<String>> {
        for event in &which.event {
            let is_there = self.letters.iter().any(|letter| letter.event_id() == event);
            ensure!(is_there, absent(event, &self.topic.to_string()));
        }
        for key in &which.key {
            let is_there = self.letters.iter().any(|letter| letter.lane() == format!("key {key}"));
            ensure!(is_there, "no dead letter of {} has the key {key}", self.topic);
        }
        let mut seen = BTreeSet::new();
        let meant = self.letters.iter().filter(|letter| {
            let lane = letter.lane();
            which.all
                || which.key.iter().any(|key| lane == format!("key {key}"))
                || self.letters.iter().any(|other| {
                    other.lane() == lane && which.event.iter().any(|event| event == other.event_id())
                })
        });
        Ok(meant.map(Letter::lane).filter(|lane| seen.insert(lane.clone())).collect())
    }

    async fn close(self) {
        self.consumer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_broker::{Broker, BrokerOptions};
    use hexalpes_client::{Client, ClientOptions, Outgoing, ProducerOptions};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;

    const TOPIC: &str = "persistent://public/default/sales-books-dlq";

    async fn a_broker(folder: &tempfile::TempDir) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let broker = Broker::open(BrokerOptions::new(folder.path(), &url)).unwrap();
        tokio::spawn(async move { broker.serve(listener, CancellationToken::new()).await });
        Client::new(ClientOptions::new(&url)).unwrap()
    }

    fn options() -> ConsumerOptions {
        ConsumerOptions { ack_receipts: true, ..ConsumerOptions::new(metrics::DECISIONS).from_earliest() }
    }

    /// As a consumer blocks it: its letters stand in one order, and it is let go by this name.
    #[tokio::test]
    async fn the_key_of_a_subject_is_what_its_dead_letter_says() {
        let folder = tempfile::tempdir().unwrap();
        let client = a_broker(&folder).await;
        let held = client.consumer(TOPIC, options()).await.unwrap();
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for letter in [Outgoing::new("{}").key("k"), Outgoing::new("{}").property("dlq_key", "s-1")] {
            producer.send(letter).await.unwrap();
        }
        let mut keys = Vec::new();
        for message in waiting(&held).await.unwrap() {
            let letter = Letter { message, read: Read { text: "{}".to_owned(), data: None } };
            let decision = letter.decision(None, true).unwrap();
            keys.push((letter.lane(), decision["key"].as_str().unwrap().to_owned()));
        }
        let expected = [("key k", "k"), ("key s-1", "s-1")];
        assert_eq!(keys, expected.map(|(lane, key)| (lane.to_owned(), key.to_owned())));
    }

    /// That the newest was decided before is no reason to wait for it, nor to leave out those before it.
    #[tokio::test]
    async fn as_many_dead_letters_are_read_as_wait() {
        let folder = tempfile::tempdir().unwrap();
        let client = a_broker(&folder).await;
        let held = client.consumer(TOPIC, options()).await.unwrap();
        assert!(waiting(&held).await.unwrap().is_empty());
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for letter in ["a", "b", "c", "d", "e"] {
            producer.send(Outgoing::new(letter)).await.unwrap();
        }
        let messages = waiting(&held).await.unwrap();
        assert_eq!(messages.len(), 5);
        for decided in [1, 4] {
            held.ack(&messages[decided].id).await.unwrap();
        }
        held.close().await;

        let held = client.consumer(TOPIC, options()).await.unwrap();
        let left = waiting(&held).await.unwrap();
        assert_eq!(left.iter().map(|letter| &letter.payload[..]).collect::<Vec<_>>(), [b"a", b"c", b"d"]);
    }
}
