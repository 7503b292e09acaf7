//! Publishes the outbox in the order of its commits, each row once.
//!
//! The sequence id of a message is its row's `seq`; the producer's name holds the database's epoch. After a
//! crash the broker says up to where it has stored, the checkpoint up to where all has receipts, and the
//! relay goes on behind both.
//!
//! One relay a database is active. The broker gives a producer's name to one connection at a time and takes it
//! back when that is gone, so who has the names has the outbox; another relay stands by until they are free. It
//! then writes itself into the checkpoint's row, which fences the one before: should that one only have lost its
//! connection, it cannot move the checkpoint any more.
//!
//! On a topic with partitions all this holds for each partition: a row goes where its key says, and where it goes
//! is written down with the checkpoint, so that it goes there again. When a topic gets more partitions, the relay waits
//! for the receipts that are open and begins anew: rows that are not there yet then go to all of them. A key may be at
//! home in another partition from then on, as with any producer.
//!
//! A backlog goes in batches, whose messages have different keys. A foreign `Key_Shared` subscription hands out a
//! batch as a whole, so there it keeps the order of a key only with one consumer; the other kinds keep it always.

mod error;
mod feed;
mod flight;
mod job;
mod reader;
mod tail;
mod topic;
mod topics;

use std::{sync::Arc, time::Duration};

use hexalpes_client::Client;
use hexalpes_db::{Db, DbError};
use hexalpes_kernel::Edge;
use hexalpes_routing::Rule;
use hexalpes_worker::{State, Worker};
use parking_lot::Mutex;
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time,
};

pub(crate) use error::RelayError;

use crate::{
    keeper::{Keeper, Order},
    log::source::{AnySource, LogSource},
    message::{EVENTS_TOPIC, RAW_TOPIC},
    operate::{self, Reason, SkipError},
    shape::{OwnTable, Shape},
    status::{Counters, Status},
};
use topics::Ways;

/// What a relay is told.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// The context whose outbox it is: part of the producer's name, and the property `source_service`.
    pub service: String,
    /// The context's own topic: its events go there too, besides the topics of all events.
    pub topic: Option<String>,
    /// The topic of an event's own, by its type: it goes there too.
    pub of_kind: Option<fn(&str) -> Option<EventTopic>>,
    /// By which rows go to topics of their own as well; other ones than before count for rows that are not there yet.
    pub rules: Arc<[Rule]>,
    /// Carries the changes.
    pub raw_topic: String,
    /// Carries all events.
    pub events_topic: String,
    /// What the columns of the table are, where its log is read.
    pub shape: Arc<dyn Shape>,
    /// Published rows that happened longer ago are deleted; `None` keeps them all.
    pub keep_published: Option<Duration>,
}

impl RelayOptions {
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            topic: None,
            of_kind: None,
            rules: [].into(),
            raw_topic: RAW_TOPIC.to_owned(),
            events_topic: EVENTS_TOPIC.to_owned(),
            shape: Arc::new(OwnTable),
            keep_published: None,
        }
    }
}

/// The topic of one type of events.
#[derive(Clone, Copy, Debug)]
pub struct EventTopic {
    /// In full.
    pub topic: &'static str,
    /// What its data is written with: the message is Avro then, with the envelope in properties. So it is unless the
    /// topic has a schema of another kind, which says that it carries structured `CloudEvents`. Without one it does.
    pub schema: Option<EventSchema>,
}

/// The newest schema of an event's data.
#[derive(Clone, Copy, Debug)]
pub struct EventSchema {
    /// Avro, in JSON.
    pub definition: &'static str,
    /// The version of the event, in the property `event_version`.
    pub version: u32,
}

/// A relay at work. Stop it; dropping it leaves it working until the process ends.
#[derive(Debug)]
pub struct Relay {
    publisher: AsyncMutex<Option<Worker>>,
    states: Arc<Mutex<watch::Receiver<State>>>,
    keeper: Worker,
    counters: Arc<Mutex<Counters>>,
    parts: Parts,
}

/// What a publisher is made of.
#[derive(Clone, Debug)]
struct Parts {
    db: Db,
    client: Client,
    edge: Arc<dyn Edge>,
    options: RelayOptions,
    source: Option<Arc<dyn AnySource>>,
    paused: watch::Sender<bool>,
    to_try: watch::Sender<u64>,
    counters: Arc<Mutex<Counters>>,
}

/// Rows that are read at once (and those of one step of a log), and bytes of their payloads. With so few, what is made of them stays near the processor
/// until it is sent: four times as many take a tenth longer each.
pub(crate) const ROWS_READ_MAX: usize = 128;
pub(crate) const BYTES_READ_MAX: usize = 8 * 1024 * 1024;

/// How long somebody waits for what became of a start.
const BEGUN_WITHIN: Duration = Duration::from_secs(3);

impl Relay {
    /// On a database whose table has the order of the commits: `SQLite`.
    pub fn start(db: Db, client: Client, edge: Arc<dyn Edge>, options: RelayOptions) -> Self {
        Self::start_with(db, client, edge, options, None)
    }

    /// On any database, by its log.
    pub fn start_on_log(
        db: Db,
        client: Client,
        edge: Arc<dyn Edge>,
        options: RelayOptions,
        source: impl LogSource,
    ) -> Self {
        Self::start_with(db, client, edge, options, Some(Arc::new(source)))
    }

    fn start_with(
        db: Db,
        client: Client,
        edge: Arc<dyn Edge>,
        options: RelayOptions,
        source: Option<Arc<dyn AnySource>>,
    ) -> Self {
        let (counters, paused) = (Arc::new(Mutex::new(Counters::default())), watch::Sender::new(false));
        let to_try = watch::Sender::new(0);
        let keeper = Keeper {
            db: db.clone(),
            edge: Arc::clone(&edge),
            service: options.service.clone(),
            keep_published: options.keep_published,
            order: if source.is_some() { Order::OfLog } else { Order::OfTable },
            paused: paused.clone(),
            to_try: to_try.clone(),
            counters: Arc::clone(&counters),
        };
        let keeper = Worker::start(format!("relay of {}, keeper", options.service), keeper);
        let parts =
            Parts { db, client, edge, options, source, paused, to_try, counters: Arc::clone(&counters) };
        let publisher = parts.publisher();
        let states = Arc::new(Mutex::new(publisher.states()));
        Self { publisher: AsyncMutex::new(Some(publisher)), states, keeper, counters, parts }
    }

    pub fn status(&self) -> Status {
        self.status_reader()()
    }

    /// Until it works, stands by, or has an alarm that says why it does not; some seconds at most.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut states = self.states.lock().clone();
        async move {
            // What takes longer is told by a later status.
            let _ = time::timeout(BEGUN_WITHIN, states.wait_for(|state| *state != State::default())).await;
        }
    }

    /// For what outlives the borrow of the relay, such as an HTTP route.
    pub fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let (states, counters) = (Arc::clone(&self.states), Arc::clone(&self.counters));
        move || Status::of(states.lock().borrow().clone(), *counters.lock())
    }

    /// Nothing is published until [`resume`](Self::resume), also after a restart. What is on its way arrives.
    pub async fn pause(&self, reason: &Reason) -> Result<(), DbError> {
        operate::pause(&self.parts.db, &*self.parts.edge, reason).await?;
        self.parts.paused.send_replace(true);
        Ok(())
    }

    pub async fn resume(&self, reason: &Reason) -> Result<(), DbError> {
        operate::resume(&self.parts.db, &*self.parts.edge, reason).await
    }

    /// Where a log is read: it goes on where that ends now, as soon as it is [restarted](Self::restart). What is not published
    /// by then never is.
    pub async fn skip(&self, reason: &Reason) -> Result<(), SkipError> {
        let Parts { db, edge, source, .. } = &self.parts;
        let source = source.as_ref().ok_or(SkipError::NoLog)?;
        operate::skip_to_the_end(db, &**edge, reason, &**source).await
    }

    /// Ends as with [`stop`](Self::stop), and begins anew: also after an alarm at which it has ended.
    pub async fn restart(&self) {
        let mut publisher = self.publisher.lock().await;
        if let Some(running) = publisher.take() {
            running.stop().await;
        }
        let begun = self.parts.publisher();
        *self.states.lock() = begun.states();
        *publisher = Some(begun);
    }

    /// Ends after the rows that are on their way; what is left goes on at the next start.
    pub async fn stop(self) {
        if let Some(publisher) = self.publisher.into_inner() {
            publisher.stop().await;
        }
        self.keeper.stop().await;
    }
}

impl Parts {
    fn publisher(&self) -> Worker {
        let Self { db, client, edge, options, source, paused, to_try, counters } = self.clone();
        let RelayOptions { service, topic, of_kind, rules, raw_topic, events_topic, shape, .. } = options;
        let ways =
            Ways { raw: raw_topic.into(), events: events_topic.into(), own: topic.map(Arc::from), of_kind };
        let name = format!("relay of {service}");
        let work =
            job::Work { db, client, edge, service, ways, rules, source, shape, paused, to_try, counters };
        Worker::start(name, work)
    }
}
