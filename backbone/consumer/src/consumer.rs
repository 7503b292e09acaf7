//! A consumer as it is started, looked at and stopped.

use std::{fmt, sync::Arc};

use hexalpes_client::{Client, OpenError};
use hexalpes_db::{Db, DbError};
use hexalpes_kernel::{Cause, Edge};
use hexalpes_worker::Worker;
use parking_lot::Mutex;

use crate::{
    Handler, Status,
    dead_letter::DeadLetterTopics,
    inbox::Dropped,
    job::Work,
    options::{ConsumerOptions, IN_FLIGHT_MAX},
    replay::{DeadLetter, Desk, ReplayError, Replayed},
    runner::Runner,
};

/// Where an operator decides what becomes of the dead letters of one consumer.
#[derive(Clone)]
pub struct LetterDesk {
    subscription: String,
    desk: Arc<dyn Desk>,
}

impl LetterDesk {
    /// `{service}-{handler}`.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// Has the handler act on it now, once, in one transaction with the word of it. With `releases` later events of its
    /// key are handled again from then on: for the last of a key, for those before it come first.
    pub async fn replay(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> Result<Replayed, ReplayError> {
        self.desk.replay(letter, by, releases).await
    }

    /// Tells that nobody will handle it, once; with `releases` as [`replay`](Self::replay). It can be replayed after all.
    pub async fn drop_letter(
        &self,
        letter: DeadLetter,
        by: Cause,
        releases: bool,
    ) -> Result<Dropped, DbError> {
        self.desk.drop_letter(letter, by, releases).await
    }
}

impl fmt::Debug for LetterDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LetterDesk").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// A handler at work on its topic. Stop it; dropping leaves it working until the process ends.
#[derive(Debug)]
pub struct EventConsumer {
    handler: &'static str,
    dead_letters: DeadLetterTopics,
    letters: LetterDesk,
    worker: Worker,
    counted: Arc<Mutex<Status>>,
}

impl EventConsumer {
    /// Subscribes in the background, as often as it takes. The database has the tables of
    /// [`MIGRATIONS`](crate::MIGRATIONS) and of the outbox, whose relay carries the dead letters away.
    pub fn start(
        db: Db,
        client: Client,
        edge: Arc<dyn Edge>,
        handler: impl Handler,
        options: ConsumerOptions,
    ) -> Result<Self, OpenError> {
        let consumer = options.subscription();
        let topics = DeadLetterTopics::of(&options.topic, options.service)?;
        let counted = Arc::new(Mutex::new(Status {
            subscription: consumer.clone(),
            topic: options.topic.to_string(),
            ..Status::default()
        }));
        let (name, called, dead_letters) = (consumer.clone(), options.handler, topics.clone());
        let handler = Arc::new(handler);
        let runner = Arc::new(Runner { db, handler, edge, options, topics, consumer });
        let letters =
            LetterDesk { subscription: runner.consumer.clone(), desk: Arc::<Runner<_>>::clone(&runner) };
        let work = Work { client, runner, counted: Arc::clone(&counted), careful: IN_FLIGHT_MAX };
        Ok(Self { handler: called, dead_letters, letters, worker: Worker::start(name, work), counted })
    }

    /// What the handler is called in [`ConsumerOptions`].
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// For what outlives the borrow: decides what becomes of its dead letters.
    pub fn letter_desk(&self) -> LetterDesk {
        self.letters.clone()
    }

    /// Where its dead letters go.
    pub fn dead_letter_topics(&self) -> &DeadLetterTopics {
        &self.dead_letters
    }

    pub fn status(&self) -> Status {
        self.counted.lock().clone().with(self.worker.state())
    }

    /// For what outlives the borrow, such as an HTTP route.
    pub fn status_reader(&self) -> impl Fn() -> Status + Clone + Send + Sync + 'static + use<> {
        let (states, counted) = (self.worker.states(), Arc::clone(&self.counted));
        move || counted.lock().clone().with(states.borrow().clone())
    }

    /// Ends after the events that run; what is left comes at the next start.
    pub async fn stop(self) {
        self.worker.stop().await;
    }
}
