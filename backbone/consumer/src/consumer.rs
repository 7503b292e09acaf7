//! A consumer as it is started, looked at and stopped.

use std::sync::Arc;

use hexalpes_client::{Client, OpenError};
use hexalpes_db::Db;
use hexalpes_kernel::Edge;
use hexalpes_worker::Worker;
use parking_lot::Mutex;

use crate::{
    Handler, Status,
    dead_letter::DeadLetterTopics,
    job::Work,
    options::{ConsumerOptions, IN_FLIGHT_MAX},
    runner::Runner,
};

/// A handler at work on its topic. Stop it; dropping leaves it working until the process ends.
#[derive(Debug)]
pub struct EventConsumer {
    handler: &'static str,
    dead_letters: DeadLetterTopics,
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
        let work = Work { client, runner, counted: Arc::clone(&counted), careful: IN_FLIGHT_MAX };
        Ok(Self { handler: called, dead_letters, worker: Worker::start(name, work), counted })
    }

    /// What the handler is called in [`ConsumerOptions`].
    pub fn handler(&self) -> &'static str {
        self.handler
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
