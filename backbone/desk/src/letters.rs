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

use crate::{Read, Reading, found, reading::DLQ_TOPIC};

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
    #[error("no dead letter of {topic} has the id {event}; `hexalpes dlq list {topic}` shows what there is")]
    NoEvent { topic: String, event: String },
    #[error(
        "none of the first {read} dead letters of {topic} has the id {event}, and there are more: decide these first"
    )]
    NotAmong { topic: String, event: String, read: usize },
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
    /// Of those only what is among the first so many of the topic: what came later was not meant.
    pub first: Option<usize>,
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
    /// What it says; where its schema could not be asked for, what lies there.
    pub read: Read,
    /// Why its schema could not be asked for. Nobody knows then what the handler is to get.
    pub unread: Option<String>,
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

/// How many wait for a decision, by the statistics of a topic; a batch is one.
pub async fn undecided(admin: &AdminClient, topic: &TopicName, stats: &Value) -> Result<u64, AdminError> {
    match stats["subscriptions"][DECISIONS]["msgBacklog"].as_u64() {
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
    has_more: bool,
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
        let (messages, has_more) = all_waiting(&consumer, &topic, most.unwrap_or(usize::MAX)).await?;
        for message in messages {
            // One that cannot be read is in nobody's way until it is decided.
            let (read, unread) = match reading.read(&message).await {
                Ok(read) => (read, None),
                Err(why) => (Read::raw(&message), Some(why.to_string())),
            };
            letters.push(Letter { message, read, unread });
        }
        Ok(Self { topic, consumer, letters, has_more })
    }

    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// Whether there are more than were read.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// The dead letter of an event.
    pub fn letter(&self, event: &str) -> Result<&Letter, LettersError> {
        let known = self.letters.iter().find(|letter| letter.event_id() == event);
        known.ok_or_else(|| {
            let (topic, event) = (self.topic.to_string(), event.to_owned());
            if self.has_more {
                return LettersError::NotAmong { topic, event, read: self.letters.len() };
            }
            LettersError::NoEvent { topic, event }
        })
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
        let meant = self.letters.iter().take(which.first.unwrap_or(usize::MAX)).filter(|letter| {
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
    /// answer. The letters of one order that follow a refusal stay. A key is let go on with its last letter: not where later
    /// ones were not meant, or may be among those that were not read.
    pub async fn decide<'a, E: Display + Send>(
        &self,
        which: &Which,
        edited: Option<&RawValue>,
        mut ask: impl FnMut(&str, Value) -> BoxFuture<'a, Result<Value, E>> + Send,
        mut told: impl FnMut(&Letter, Result<&str, &dyn Display>) + Send,
    ) -> Result<Decided, LettersError> {
        let mut decided = Decided::default();
        for lane in self.chosen(which)? {
            let letters = self.letters.iter().enumerate().filter(|(_, letter)| letter.lane() == lane);
            let letters: Vec<(usize, &Letter)> = letters.collect();
            for (nth, (at, letter)) in letters.iter().enumerate() {
                if which.first.is_some_and(|first| *at >= first) {
                    break;
                }
                if let Some(why) = &letter.unread {
                    told(letter, Err(why));
                    decided.stay.push(lane.clone());
                    break;
                }
                let edited = edited.filter(|_| which.events.iter().any(|event| event == letter.event_id()));
                let is_last = nth + 1 == letters.len() && !self.has_more;
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

/// All that wait, as many as the broker says, or the first so many, and whether there are more. The last ones of the topic
/// may have been decided before: they do not come.
async fn all_waiting(
    consumer: &Consumer,
    topic: &TopicName,
    most: usize,
) -> Result<(Vec<Message>, bool), LettersError> {
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
                None => return Ok((messages, false)),
            }
        };
        let message = next.map_err(failed)?;
        seen.insert(message.id.whole_entry());
        messages.push(message);
    }
    let has_more = (seen.len() as u64) < entries || consumer.next().now_or_never().is_some();
    Ok((messages, has_more))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hexalpes_auth::{Authentication, Authorization, SecretKey, TokenKey};
    use hexalpes_broker::{Action, Broker, BrokerOptions};
    use hexalpes_client::{ClientOptions, Outgoing, ProducerOptions};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::*;

    const TOPIC: &str = "persistent://public/default/sales-books-dlq";

    async fn a_broker(folder: &tempfile::TempDir) -> Client {
        served(BrokerOptions::new(folder.path(), "")).await.1
    }

    async fn served(options: BrokerOptions) -> (Broker, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let broker = Broker::open(BrokerOptions { service_url: Some(url.clone()), ..options }).unwrap();
        let serving = broker.clone();
        tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
        (broker, Client::new(ClientOptions::new(&url)).unwrap())
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
                    let outcome = outcome.map(str::to_owned).map_err(ToString::to_string);
                    told.push((letter.event_id().to_owned(), outcome));
                },
            )
            .await
            .unwrap();
        assert_eq!(decided, Decided { done: 1, stay: vec!["key a".to_owned()] });
        assert_eq!(
            told,
            [("1".to_owned(), Err("no".to_owned())), ("2".to_owned(), Ok("handled".to_owned()))]
        );
        wrong.close().await;
        let left = held(&client, None).await;
        assert_eq!(left.letters().iter().map(Letter::event_id).collect::<Vec<_>>(), ["1", "3"]);
    }

    /// A letter that comes while somebody confirms is none that they meant, and its key waits for it.
    #[tokio::test]
    async fn what_came_after_those_that_are_meant_stays_and_holds_its_key_back() {
        let folder = tempfile::tempdir().unwrap();
        let client = a_broker(&folder).await;
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        for (event, key) in [("1", "a"), ("2", "b"), ("3", "a")] {
            let letter = Outgoing::new("{}").key(key).property("dlq_event_id", event);
            producer.send(letter).await.unwrap();
        }
        let first_two = Which { all: true, first: Some(2), ..Which::default() };
        let released = async |held: Held| {
            let mut released = Vec::new();
            let ask = |_: &str, decision: Value| {
                released.push((decision["event_id"].clone(), decision["release"].clone()));
                async { Ok::<_, String>(json!({})) }.boxed()
            };
            held.decide(&first_two, None, ask, |_, _| {}).await.unwrap();
            held.close().await;
            released.into_iter().map(|(event, release)| json!([event, release])).collect::<Value>()
        };
        assert_eq!(released(held(&client, None).await).await, json!([["1", false], ["2", true]]));
        // Where not all are read, nobody knows which is the last of its key.
        for (event, key) in [("4", "c"), ("5", "d")] {
            let letter = Outgoing::new("{}").key(key).property("dlq_event_id", event);
            producer.send(letter).await.unwrap();
        }
        let part = held(&client, Some(2)).await;
        assert!(part.has_more());
        let absent = part.letter("5").unwrap_err().to_string();
        assert!(absent.starts_with("none of the first 2 dead letters"), "{absent}");
        assert_eq!(released(part).await, json!([["3", false], ["4", false]]));
        let rest = held(&client, Some(2)).await;
        assert!(!rest.has_more());
        assert_eq!(released(rest).await, json!([["5", true]]));
    }

    #[tokio::test]
    async fn a_letter_whose_schema_cannot_be_had_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let key = TokenKey::secret(SecretKey::new(vec![7; 32]).unwrap());
        let (broker, client) = served(BrokerOptions {
            authentication: Some(Arc::new(Authentication::by_token(key, Some("guest".to_owned())))),
            authorization: Some(Authorization::new(["super".to_owned()], [])),
            ..BrokerOptions::new(folder.path(), "")
        })
        .await;
        broker.create_namespace("public/secret").unwrap();
        let both = [Action::Produce, Action::Consume];
        broker
            .change_grants("public/default", |grants| {
                drop(grants.namespace.insert("guest".to_owned(), both.into()));
            })
            .unwrap();
        let producer = client.producer(TOPIC, ProducerOptions::default()).await.unwrap();
        let strange = Outgoing::new("raw").key("a").property("dlq_event_id", "1");
        let strange =
            strange.property(DLQ_TOPIC, "persistent://public/secret/x").property("dlq_schema_version", "0");
        producer.send(strange).await.unwrap();
        producer.send(Outgoing::new("{}").key("b").property("dlq_event_id", "2")).await.unwrap();
        let held = held(&client, None).await;
        assert_eq!(held.letters()[0].read.text, "raw");
        let mut told = Vec::new();
        let ask = |_: &str, _| async { Ok::<_, String>(json!({"outcome": "dropped"})) }.boxed();
        let decided = held
            .decide(&Which { all: true, ..Which::default() }, None, ask, |letter, outcome| {
                told.push((
                    letter.event_id().to_owned(),
                    outcome.map(str::to_owned).map_err(ToString::to_string),
                ));
            })
            .await
            .unwrap();
        assert_eq!(decided, Decided { done: 1, stay: vec!["key a".to_owned()] });
        let why = told[0].1.as_ref().unwrap_err();
        assert!(why.starts_with("the schema of persistent://public/secret/x cannot be read"), "{why}");
        assert_eq!(told[1], ("2".to_owned(), Ok("dropped".to_owned())));
    }
}
