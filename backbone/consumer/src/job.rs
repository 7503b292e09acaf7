//! Subscribes, lets run what may run, and acks what is noted.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use hexalpes_client::{
    Client, ConsumeError, Consumer, ConsumerOptions as Subscribing, Message, MessageId, SubscriptionKind,
};
use hexalpes_kernel::Timestamp;
use hexalpes_worker::Job;
use parking_lot::Mutex;
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    budget::{self, Attempts},
    error::SessionError,
    handler::Handler,
    item::Item,
    lag::watch_lag,
    lanes::Lanes,
    options::{HELD_BYTES_MAX, HELD_EVENTS_MAX, IN_FLIGHT_MAX},
    payload::{Payload, Schemas, Undecodable},
    runner::{Finish, Runner, Verdict},
    status::Status,
};

/// Messages that the broker sends ahead: they may be of any size, and wait here beside those that are held.
const RECEIVE_QUEUE: u32 = 200;
/// Types of events that have a series of their own in the metrics; the others share one.
const KINDS_MAX: usize = 64;
const OTHER_KINDS: &str = "other";
/// Between two looks for ids that are old enough to be forgotten.
const PRUNE_EVERY: Duration = Duration::from_mins(10);

pub(crate) struct Work<H> {
    pub(crate) client: Client,
    pub(crate) runner: Arc<Runner<H>>,
    pub(crate) counted: Arc<Mutex<Status>>,
    /// What a process that died may have had under way is run one by one, and counted before.
    pub(crate) careful: usize,
}

impl<H: Handler> Job for Work<H> {
    type Session = (Consumer, HashMap<String, Attempts>);
    type Error = SessionError;

    async fn open(&mut self) -> Result<Self::Session, SessionError> {
        let runner = &self.runner;
        let subscribing = Subscribing {
            receive_queue: RECEIVE_QUEUE,
            ..Subscribing::new(&runner.consumer).kind(SubscriptionKind::Failover).from_earliest()
        };
        let consumer = self.client.consumer(&runner.options.topic.to_string(), subscribing).await?;
        // None yet is worth a line, too.
        metrics::counter!("pulsar_event_processing_errors_total", &labels(runner)).increment(0);
        let known = budget::load(&runner.db, runner.consumer.clone()).await?;
        Ok((consumer, known))
    }

    async fn run(
        &mut self,
        (consumer, known): Self::Session,
        stop: &CancellationToken,
    ) -> Result<(), SessionError> {
        let watching = watch_lag(consumer.backlog(), labels(&self.runner));
        let mut session = Session {
            runner: Arc::clone(&self.runner),
            counted: Arc::clone(&self.counted),
            consumer,
            known,
            lanes: Lanes::new(),
            schemas: Schemas::default(),
            kinds: HashSet::new(),
            here: HashSet::new(),
            running: FuturesUnordered::new(),
            careful: self.careful,
        };
        let outcome = tokio::select! {
            outcome = session.work(stop) => outcome,
            never = watching => match never {},
        };
        self.careful = session.careful;
        session.close().await;
        outcome
    }
}

/// A run that has ended.
struct Ended {
    lane: String,
    item: Arc<Item>,
    verdict: Result<Verdict, SessionError>,
    took: Duration,
}

struct Session<H> {
    runner: Arc<Runner<H>>,
    counted: Arc<Mutex<Status>>,
    consumer: Consumer,
    /// The runs of events that are not handled yet.
    known: HashMap<String, Attempts>,
    lanes: Lanes<Arc<Item>, Timestamp>,
    schemas: Schemas,
    /// Types that are counted by name.
    kinds: HashSet<String>,
    /// Messages that are here: after a reconnect the broker sends them again.
    here: HashSet<MessageId>,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Ended> + Send>>>,
    careful: usize,
}

impl<H: Handler> Session<H> {
    async fn work(&mut self, stop: &CancellationToken) -> Result<(), SessionError> {
        let mut prunes = time::interval(PRUNE_EVERY);
        prunes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.start_what_may();
            let has_room = self.lanes.held() < HELD_EVENTS_MAX && self.lanes.bytes() < HELD_BYTES_MAX;
            let due = self.lanes.next_due().map(|due| self.instant(due));
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = self.running.next() => self.settle(ended).await?,
                message = self.consumer.next(), if has_room => {
                    let message = message?;
                    let payload = self.schemas.read(&self.consumer, &message).await?;
                    self.arrive(message, payload);
                }
                () = time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.lanes.wake(self.runner.now());
                }
                _ = prunes.tick() => {
                    let pruned = self.runner.prune().await?;
                    if pruned > 0 {
                        info!(consumer = self.runner.consumer, ids = pruned, "forgot events of long ago");
                    }
                }
            }
        }
        // What runs has its effect in any case: the ack says so.
        while let Some(ended) = self.running.next().await {
            self.settle(ended).await?;
        }
        Ok(())
    }

    async fn close(self) {
        // After trouble some may still run; they are noted, and come again to no effect.
        drop(self.running);
        self.consumer.close().await;
    }

    fn instant(&self, due: Timestamp) -> Instant {
        let micros = due.as_micros() - self.runner.now().as_micros();
        Instant::now() + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    fn arrive(&mut self, message: Message, payload: Result<Payload, Undecodable>) {
        if !self.here.insert(message.id) {
            return;
        }
        let item = Arc::new(Item::of(message, payload, self.runner.options.only_kind));
        let (lane, bytes) = (item.lane(), item.bytes());
        self.lanes.push(&lane, item, bytes);
        self.show();
    }

    fn start_what_may(&mut self) {
        let now = self.runner.now();
        let at_once = if self.careful > 0 { 1 } else { IN_FLIGHT_MAX };
        while self.running.len() < at_once {
            let Some((lane, item)) = self.lanes.start() else { return };
            let known = self.known.get(&item.id);
            if let Some(due) = known.map(|known| known.due_at).filter(|due| *due > now) {
                self.lanes.wait(&lane, due);
                continue;
            }
            let (runner, known, is_careful) = (Arc::clone(&self.runner), known.cloned(), self.careful > 0);
            self.running.push(Box::pin(async move {
                let since = Instant::now();
                let verdict = runner.run(&item, known, is_careful).await;
                Ended { lane, item, verdict, took: since.elapsed() }
            }));
        }
    }

    async fn settle(&mut self, ended: Ended) -> Result<(), SessionError> {
        let Ended { lane, item, verdict, took } = ended;
        match verdict? {
            Verdict::Finished(finish) => {
                if finish != Finish::Duplicate {
                    self.careful = self.careful.saturating_sub(1);
                }
                self.known.remove(&item.id);
                self.lanes.done(&lane);
                self.here.remove(&item.message.id);
                self.count(&item, &finish, took);
                unless_unknown(self.consumer.ack(&item.message.id).await)?;
            }
            Verdict::Again(attempts) => {
                let (consumer, id) = (&self.runner.consumer, &item.id);
                self.careful = self.careful.saturating_sub(1);
                info!(consumer, event.id = id, runs = attempts.count, "runs again: {}", attempts.why);
                self.lanes.wait(&lane, attempts.due_at);
                self.known.insert(item.id.clone(), attempts);
                self.counted.lock().repeated += 1;
                self.error();
            }
        }
        self.show();
        Ok(())
    }

    /// Into the status, and into the metrics with the seeds' names.
    fn count(&mut self, item: &Item, finish: &Finish, took: Duration) {
        let mut counted = self.counted.lock();
        match finish {
            Finish::Handled => counted.handled += 1,
            Finish::Duplicate => counted.duplicates += 1,
            Finish::DeadLetter(rejection) => {
                counted.dead_letters += 1;
                counted.last_dead_letter = Some(format!("event {}: {rejection}", item.id));
            }
        }
        drop(counted);
        if let Finish::DeadLetter(rejection) = finish {
            let consumer = &self.runner.consumer;
            warn!(consumer, event.id = item.id, code = rejection.code, "dead letter: {}", rejection.detail);
            self.error();
        }
        let labels = labels(&self.runner);
        metrics::counter!("pulsar_events_consumed_total", &labels).increment(1);
        metrics::histogram!("pulsar_event_processing_duration_seconds", &labels).record(took);
        if let Ok(event) = &item.event {
            let kind = event.bare_kind();
            // Whoever publishes says the type: each new one would be a series for ever.
            let is_counted = self.kinds.contains(kind) || self.kinds.len() < KINDS_MAX;
            let kind = if is_counted { kind } else { OTHER_KINDS };
            if !self.kinds.contains(kind) {
                self.kinds.insert(kind.to_owned());
            }
            let service = self.runner.options.service.to_owned();
            let labels = [("service", service), ("event_type", kind.to_owned())];
            metrics::counter!("pulsar_events_consumed_by_type_total", &labels).increment(1);
        }
    }

    fn error(&self) {
        metrics::counter!("pulsar_event_processing_errors_total", &labels(&self.runner)).increment(1);
    }

    fn show(&self) {
        let mut counted = self.counted.lock();
        counted.held = self.lanes.held() as u64;
        counted.waiting_keys = self.lanes.waiting() as u64;
    }
}

fn labels<H>(runner: &Runner<H>) -> [(&'static str, String); 3] {
    let options = &runner.options;
    [
        ("service", options.service.to_owned()),
        ("topic", options.topic.to_string()),
        ("subscription", runner.consumer.clone()),
    ]
}

/// If the connection was lost meanwhile, the message comes again, and the inbox has it.
fn unless_unknown(acked: Result<(), ConsumeError>) -> Result<(), ConsumeError> {
    match acked {
        Err(ConsumeError::UnknownBatch { .. }) => Ok(()),
        other => other,
    }
}
