//! Dead letters, and what becomes of them.
//!
//! They are read from the canonical topic `{topic}-{service}-dlq` under one subscription, which they leave once something
//! was decided; nobody else can decide meanwhile. The service itself acts on a replay, in one transaction with the word of
//! it, so that what is cut off may be repeated.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use hexalpes_client::{
    AdminClient, Client, ConsumeError, Consumer, ConsumerOptions, Message, OpenError, TopicName,
    admin::AdminError,
};
use serde_json::{Value, json, value::RawValue};
use tokio::time::timeout;

use crate::{Read, ReadError, Reading, found, reading::DLQ_TOPIC};

/// Under which dead letters wait for a decision.
pub const DECISIONS: &str = "hexalpes-dlq";
/// Canonical topics end so.
pub const SUFFIX: &str = "-dlq";
/// For so long the next dead letter may take, of those that wait.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// What our own properties begin with.
const OURS: &str = "dlq_";

/// Dead letters that could not be read, or are not there.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    #[error(
        "{topic} holds no dead letters of one consumer: such topics are called {{topic}}-{{service}}-dlq"
    )]
    NoLetters { topic: String },
    #[error("the dead letters of {topic} cannot be held: somebody else may be deciding just now: {why}")]
    NotHeld { topic: String, why: Box<OpenError> },
    #[error("reading {topic}: {why}")]
    Consume { topic: String, why: Box<ConsumeError> },
    #[error("reading {topic}: the broker does not say how much waits")]
    Unknown { topic: String },
    #[error("reading {topic}: the broker has more dead letters, and does not send them")]
    Silent { topic: String },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("no dead letter of {topic} has the id {event}; `hexalpes dlq list {topic}` shows what there is")]
    NoEvent { topic: String, event: String },
    #[error("no dead letter of {topic} has the key {key}")]
    NoKey { topic: String, key: String },
}

/// Which of them are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// The keys of these events, as a whole.
    pub events: Vec<String>,
    pub keys: Vec<String>,
    /// All that are there.
    pub all: bool,
}

/// What became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    pub done: usize,
    /// The orders that stay as they were, from a letter on that was refused again.
    pub stay: Vec<String>,
}

/// A dead letter, and what it said.
#[derive(Clone, Debug)]
pub struct Letter {
    pub message: Message,
    pub read: Read,
}

impl Letter {
    fn text(&self, name: &str) -> &str {
        self.message.property(name).unwrap_or_default()
    }

    pub fn event_id(&self) -> &str {
        self.text("dlq_event_id")
    }

    /// Whose it is: the service that could not handle it.
    pub fn service(&self) -> &str {
        self.text("dlq_service")
    }

    /// What it is in order with, as its consumer knows it: the subject, or a digest, where the message has no such key.
    pub fn key(&self) -> Option<&str> {
        self.message.property("dlq_key").or(self.message.key.as_deref()).filter(|key| !key.is_empty())
    }

    /// Whose order it stands in: an event without a key stands for itself.
    pub fn lane(&self) -> String {
        match self.key() {
            Some(key) => format!("key {key}"),
            None => format!("event {}", self.event_id()),
        }
    }

    /// The event's type, as far as it says one.
    pub fn kind(&self) -> Option<String> {
        let said =
            || serde_json::from_str::<Value>(&self.read.text).ok()?["type"].as_str().map(str::to_owned);
        said().or_else(|| self.message.property("event_type").map(str::to_owned))
    }

    /// What the handler is to get.
    fn payload(&self, edited: Option<&RawValue>) -> String {
        let Some(data) = edited else {
            return self.read.data.clone().unwrap_or_else(|| self.read.text.clone());
        };
        if self.read.data.is_some() {
            return data.get().to_owned();
        }
        // A structured event keeps its envelope.
        match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(&self.read.text) {
            Ok(mut envelope) if envelope.contains_key("specversion") => {
                envelope.insert("data".to_owned(), data.to_owned());
                serde_json::to_string(&envelope).expect("texts and JSON are JSON")
            }
            _ => data.get().to_owned(),
        }
    }

    /// What its service is asked for.
    fn decision(&self, edited: Option<&RawValue>, releases: bool) -> Value {
        let own = self.message.properties.iter().filter(|(name, _)| !name.starts_with(OURS));
        let own: BTreeMap<_, _> = own.map(|(name, value)| (&**name, &**value)).collect();
        json!({
            "subscription": self.text("dlq_subscription"),
            "event_id": self.event_id(),
            "key": self.key(),
            "topic": self.text(DLQ_TOPIC),
            "properties": own,
            "payload": self.payload(edited),
            "code": self.text("dlq_code"),
            "reason": self.text("dlq_reason"),
            "died_at": self.message.property("dlq_at"),
            "is_edited": edited.is_some(),
            "release": releases,
        })
    }
}

/// What the slowest subscription has before it, or all that is kept where nobody has subscribed. A topic that was never
/// written to need not be there.
pub async fn waiting(admin: &AdminClient, topic: &TopicName) -> Result<u64, AdminError> {
    match found(admin.stats(topic).await)? {
        Some(stats) => waiting_in(admin, topic, &stats).await,
        None => Ok(0),
    }
}

/// The same where the statistics are known.
pub async fn waiting_in(admin: &AdminClient, topic: &TopicName, stats: &Value) -> Result<u64, AdminError> {
    let subscriptions = stats["subscriptions"].as_object().into_iter().flatten();
    let backlogs = subscriptions.filter_map(|(_, subscription)| subscription["msgBacklog"].as_u64());
    match backlogs.max() {
        Some(backlog) => Ok(backlog),
        None => admin.entries(topic).await,
    }
}

/// A topic of dead letters, held by us alone until it is [closed](Held::close).
#[derive(Debug)]
pub struct Held {
    topic: TopicName,
    consumer: Consumer,
    letters: Vec<Letter>,
}

impl Held {
    /// Reads all that wait, in their order; or the first so many.
    pub async fn open(client: Client, topic: TopicName, most: Option<usize>) -> Result<Self, LettersError> {
        if !topic.local().ends_with(SUFFIX) {
            return Err(LettersError::NoLetters { topic: topic.to_string() });
        }
        let options =
            ConsumerOptions { ack_receipts: true, ..ConsumerOptions::new(DECISIONS).from_earliest() };
        let consumer = match client.consumer(&topic.to_string(), options).await {
            Ok(consumer) => consumer,
            Err(why) => {
                return Err(LettersError::NotHeld { topic: topic.to_string(), why: Box::new(why) });
            }
        };
        let mut reading = Reading::new(client);
        let mut letters = Vec::new();
        for message in all_waiting(&consumer, &topic, most.unwrap_or(usize::MAX)).await? {
            let read = reading.read(&message).await?;
            letters.push(Letter { message, read });
        }
        Ok(Self { topic, consumer, letters })
    }

    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// The dead letter of an event.
    pub fn letter(&self, event: &str) -> Result<&Letter, LettersError> {
        let known = self.letters.iter().find(|letter| letter.event_id() == event);
        known.ok_or_else(|| LettersError::NoEvent { topic: self.topic.to_string(), event: event.to_owned() })
    }

    /// The orders that are meant, each once, as their first letters come.
    pub fn chosen(&self, which: &Which) -> Result<Vec<String>, LettersError> {
        for event in &which.events {
            self.letter(event)?;
        }
        for key in &which.keys {
            let lane = format!("key {key}");
            if !self.letters.iter().any(|letter| letter.lane() == lane) {
                return Err(LettersError::NoKey { topic: self.topic.to_string(), key: key.clone() });
            }
        }
        let mut seen = BTreeSet::new();
        let meant = self.letters.iter().filter(|letter| {
            let lane = letter.lane();
            which.all
                || which.keys.iter().any(|key| lane == format!("key {key}"))
                || self.letters.iter().any(|other| {
                    other.lane() == lane && which.events.iter().any(|event| event == other.event_id())
                })
        });
        Ok(meant.map(Letter::lane).filter(|lane| seen.insert(lane.clone())).collect())
    }

    /// Has the services decide, order by order. `ask` gives a decision to a service's desk and says what it answered; with
    /// `edited` the events that are named say that instead. `told` hears of each what became of it, with the words of the
    /// answer. The letters of one order that follow a refusal stay.
    pub async fn decide<'a, E: Display + Send>(
        &self,
        which: &Which,
        edited: Option<&RawValue>,
        mut ask: impl FnMut(&str, Value) -> BoxFuture<'a, Result<Value, E>> + Send,
        mut told: impl FnMut(&Letter, Result<&str, &E>) + Send,
    ) -> Result<Decided, LettersError> {
        let mut decided = Decided::default();
        for lane in self.chosen(which)? {
            let letters: Vec<&Letter> = self.letters.iter().filter(|letter| letter.lane() == lane).collect();
            for (at, letter) in letters.iter().enumerate() {
                let edited = edited.filter(|_| which.events.iter().any(|event| event == letter.event_id()));
                let is_last = at + 1 == letters.len();
                match ask(letter.service(), letter.decision(edited, is_last)).await {
                    Ok(answer) => {
                        // Only now: who cannot do this, does it again, which changes nothing.
                        let acked = self.consumer.ack(&letter.message.id).await;
                        acked.map_err(|why| reading(&self.topic, why))?;
                        decided.done += 1;
                        told(letter, Ok(answer["outcome"].as_str().unwrap_or("done")));
                    }
                    Err(why) => {
                        told(letter, Err(&why));
                        decided.stay.push(lane.clone());
                        break;
                    }
                }
            }
        }
        Ok(decided)
    }

    pub async fn close(self) {
        self.consumer.close().await;
    }
}

fn reading(topic: &TopicName, why: ConsumeError) -> LettersError {
    LettersError::Consume { topic: topic.to_string(), why: Box::new(why) }
}

/// All that wait, as many as the broker says. The last ones of the topic may have been decided before: they do not come.
async fn all_waiting(
    consumer: &Consumer,
    topic: &TopicName,
    most: usize,
) -> Result<Vec<Message>, LettersError> {
    let failed = |why| reading(topic, why);
    let entries = consumer.backlog().entries().await.map_err(failed)?;
    let entries = entries.ok_or_else(|| LettersError::Unknown { topic: topic.to_string() })?;
    let (mut seen, mut messages) = (BTreeSet::new(), Vec::new());
    while messages.len() < most {
        let next = if (seen.len() as u64) < entries {
            let next = timeout(SILENCE_MAX, consumer.next()).await;
            next.map_err(|_| LettersError::Silent { topic: topic.to_string() })?
        } else {
            // A batch came as a whole: what is left of the last one is here.
            match consumer.next().now_or_never() {
                Some(next) => next,
                None => break,
            }
        };
        let message = next.map_err(failed)?;
        seen.insert(message.id.whole_entry());
        messages.push(message);
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use hexalpes_broker::{Broker, BrokerOptions};
    use hexalpes_client::{ClientOptions, Outgoing, ProducerOptions};
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

    async fn held(client: &Client, most: Option<usize>) -> Held {
        Held::open(client.clone(), TopicName::parse(TOPIC).unwrap(), most).await.unwrap()
    }

    fn payloads(held: &Held) -> Vec<&[u8]> {
        held.letters().iter().map(|letter| &letter.message.payload[..]).collect()
    }

    /// As a consumer blocks it: its letters stand in one order, and it is let go by this name.
    #[tokio::test]
    async fn the_key_of_a_subject_is_what_its_dead_letter_says() {
        let folder = tempfile::tempdir().unwrap();
        let client = a_broker(&folder).await;
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for letter in [Outgoing::new("{}").key("k"), Outgoing::new("{}").property("dlq_key", "s-1")] {
            producer.send(letter).await.unwrap();
        }
        let held = held(&client, None).await;
        let keys: Vec<(String, String)> = held
            .letters()
            .iter()
            .map(|letter| {
                let decision = letter.decision(None, true);
                (letter.lane(), decision["key"].as_str().unwrap().to_owned())
            })
            .collect();
        let expected = [("key k", "k"), ("key s-1", "s-1")];
        assert_eq!(keys, expected.map(|(lane, key)| (lane.to_owned(), key.to_owned())));
    }

    /// That the newest was decided before is no reason to wait for it, nor to leave out those before it.
    #[tokio::test]
    async fn as_many_dead_letters_are_read_as_wait() {
        let folder = tempfile::tempdir().unwrap();
        let client = a_broker(&folder).await;
        let empty = held(&client, None).await;
        assert!(empty.letters().is_empty());
        empty.close().await;
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for letter in ["a", "b", "c", "d", "e"] {
            producer.send(Outgoing::new(letter)).await.unwrap();
        }
        let all = held(&client, None).await;
        assert_eq!(all.letters().len(), 5);
        for decided in [1, 4] {
            all.consumer.ack(&all.letters()[decided].message.id).await.unwrap();
        }
        all.close().await;

        let left = held(&client, None).await;
        assert_eq!(payloads(&left), [b"a", b"c", b"d"]);
        left.close().await;
        assert_eq!(payloads(&held(&client, Some(2)).await), [b"a", b"c"]);
    }

    /// What is refused again keeps its order: those behind it are not asked for.
    #[tokio::test]
    async fn an_order_ends_where_a_letter_is_refused_again_and_others_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let client = a_broker(&folder).await;
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for (event, key) in [("1", "a"), ("2", "b"), ("3", "a")] {
            let letter = Outgoing::new("{}").key(key).property("dlq_event_id", event);
            producer.send(letter.property("dlq_service", "books")).await.unwrap();
        }
        let all = Which { all: true, ..Which::default() };
        let wrong = held(&client, None).await;
        let mut told = Vec::new();
        let decided = wrong
            .decide(
                &all,
                None,
                |service, decision| {
                    assert_eq!(service, "books");
                    let is_well = decision["event_id"] != "1";
                    async move { if is_well { Ok(json!({"outcome": "handled"})) } else { Err("no") } }.boxed()
                },
                |letter, outcome| {
                    told.push((letter.event_id().to_owned(), outcome.map(str::to_owned).map_err(|why| *why)));
                },
            )
            .await
            .unwrap();
        assert_eq!(decided, Decided { done: 1, stay: vec!["key a".to_owned()] });
        assert_eq!(told, [("1".to_owned(), Err("no")), ("2".to_owned(), Ok("handled".to_owned()))]);
        wrong.close().await;
        let left = held(&client, None).await;
        assert_eq!(left.letters().iter().map(Letter::event_id).collect::<Vec<_>>(), ["1", "3"]);
    }
}
