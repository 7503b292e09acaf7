//! One run of one event: the inbox, the handler and what its failure means, in as few transactions as that
//! takes.

use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Edge, Timestamp};

use crate::{
    blocked,
    budget::{self, Attempts},
    dead_letter::{self, DeadLetterTopics, Obituary},
    error::SessionError,
    handler::{Consequence, HandleError, Handler, Rejection},
    inbox::{self, Known},
    item::Item,
    names,
    options::{ConsumerOptions, KeyOrder, RUNS_MAX},
};

/// The code of a dead letter whose id another event had before.
const ID_REUSED: &str = "event_id_reused";

pub(crate) struct Runner<H> {
    pub(crate) db: Db,
    pub(crate) handler: Arc<H>,
    pub(crate) edge: Arc<dyn Edge>,
    pub(crate) options: ConsumerOptions,
    pub(crate) topics: DeadLetterTopics,
    /// The subscription, which is also the inbox's name for this consumer.
    pub(crate) consumer: String,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is noted in the inbox: the message can be acked.
    Finished(Finish),
    /// It is to run again.
    Again(Attempts),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    Handled,
    Duplicate,
    DeadLetter(Rejection),
}

impl<H: Handler> Runner<H> {
    /// Attempts an event once.
    ///
    /// With `is_careful` the run is counted before it begins, so that an event that takes the process with it
    /// is found out after so many starts.
    pub(crate) async fn run(
        &self,
        item: &Arc<Item>,
        known: Option<Attempts>,
        is_careful: bool,
    ) -> Result<Verdict, SessionError> {
        let is_known = known.is_some();
        let now = self.edge.now();
        let mut attempts =
            known.unwrap_or_else(|| Attempts { count: 0, first_at: now, due_at: now, why: String::new() });
        if attempts.count >= RUNS_MAX {
            let rejection =
                Rejection::new("runs_exhausted", format!("no run ended well; the last: {}", attempts.why));
            return self.bury(item, rejection, attempts.count).await;
        }
        attempts.count += 1;
        if is_careful && self.begin(item, &attempts).await? == Some(Known::Same) {
            return Ok(Verdict::Finished(Finish::Duplicate));
        }
        let is_noted = is_known || is_careful;
        match self.attempt(item, is_noted).await {
            Ok(finish) => Ok(Verdict::Finished(finish)),
            Err(Consequence::Reject(rejection)) => self.bury(item, rejection, attempts.count).await,
            Err(Consequence::Await { what }) => {
                // Looking is no run.
                let attempts = Attempts { count: attempts.count - 1, ..attempts };
                self.wait_for(item, attempts, what, is_known && !is_careful).await
            }
            Err(Consequence::Retry { why, is_transient }) => {
                self.again(item, attempts, why, is_transient).await
            }
            Err(Consequence::Outage(error) | Consequence::Stop(error)) => Err(error.into()),
        }
    }

    /// Counts a run that is about to begin, unless the event was handled before.
    async fn begin(&self, item: &Arc<Item>, attempts: &Attempts) -> Result<Option<Known>, DbError> {
        let (consumer, item) = (self.consumer.clone(), Arc::clone(item));
        let attempts = Attempts { why: "the process ended while it ran".to_owned(), ..attempts.clone() };
        let begin = async move |tx: &Tx| {
            let known = inbox::look(tx, &consumer, &item.id, &item.digest).await?;
            if known.is_none() {
                budget::note(tx, &consumer, &item.id, &attempts).await?;
            }
            Ok::<_, DbError>(known)
        };
        self.db.write(begin).await
    }

    /// Inbox and effect in one transaction.
    async fn attempt(&self, item: &Arc<Item>, is_noted: bool) -> Result<Finish, Consequence> {
        if let Err(why) = &item.event {
            return Err(Consequence::Reject(Rejection::new("not_an_event", why.to_string())));
        }
        let (consumer, item, handler) = (self.consumer.clone(), Arc::clone(item), Arc::clone(&self.handler));
        let (edge, topics, options) = (Arc::clone(&self.edge), self.topics.clone(), self.options.clone());
        let cause = item.cause(&*edge);
        let attempt = async move |tx: &Tx| -> Result<Finish, HandleError> {
            match inbox::note(tx, &consumer, &item.id, &item.digest, cause.at).await? {
                Known::New => {}
                Known::Same => return Ok(Finish::Duplicate),
                Known::Other => {
                    let why = format!("event {} was handled, and said something else", item.id);
                    return Err(HandleError::Rejected(Rejection::new(ID_REUSED, why)));
                }
            }
            if is_noted {
                budget::forget(tx, &consumer, &item.id).await?;
            }
            if options.order == KeyOrder::Strict
                && let Some(key) = &item.key
                && let Some(first) = blocked::behind(tx, &consumer, key).await?
            {
                inbox::mark_dead(tx, &consumer, &item.id, &item.digest).await?;
                let rejection = Rejection::new("behind", format!("behind {first}"));
                let (id, service, runs) = (&*item.id, options.service, 0);
                let obituary = Obituary { id, service, subscription: &consumer, rejection: &rejection, runs };
                dead_letter::append(tx, &*edge, &topics, &item, &obituary, &cause).await?;
                return Ok(Finish::DeadLetter(rejection));
            }
            let event = item.event.as_ref().expect("others do not come here");
            handler.handle(tx, event, &cause).await?;
            Ok(Finish::Handled)
        };
        self.db.write(attempt).await.map_err(Consequence::from)
    }

    async fn wait_for(
        &self,
        item: &Arc<Item>,
        attempts: Attempts,
        what: String,
        is_noted: bool,
    ) -> Result<Verdict, SessionError> {
        let patience = self.options.patience;
        let now = self.edge.now();
        if attempts.first_at.after(patience.unknown_max) <= now {
            let seconds = patience.unknown_max.as_secs();
            let why = format!("{what} is not known here; it was waited for {seconds} s");
            return self.bury(item, Rejection::new("unknown", why), attempts.count).await;
        }
        let attempts = Attempts { due_at: now.after(patience.unknown), why: what, ..attempts };
        if !is_noted {
            // Once: since when it waits is what counts.
            self.note(item, &attempts).await?;
        }
        Ok(Verdict::Again(attempts))
    }

    async fn again(
        &self,
        item: &Arc<Item>,
        attempts: Attempts,
        why: String,
        is_transient: bool,
    ) -> Result<Verdict, SessionError> {
        if attempts.count >= RUNS_MAX {
            let code = if is_transient { "unavailable" } else { "failed" };
            return self.bury(item, Rejection::new(code, why), attempts.count).await;
        }
        let pause = self.options.patience.after(attempts.count, is_transient);
        let attempts = Attempts { due_at: self.edge.now().after(pause), why, ..attempts };
        self.note(item, &attempts).await?;
        Ok(Verdict::Again(attempts))
    }

    async fn note(&self, item: &Arc<Item>, attempts: &Attempts) -> Result<(), DbError> {
        let (consumer, item, attempts) = (self.consumer.clone(), Arc::clone(item), attempts.clone());
        self.db.write(async move |tx: &Tx| budget::note(tx, &consumer, &item.id, &attempts).await).await
    }

    /// Dead letter and inbox in one transaction.
    async fn bury(&self, item: &Arc<Item>, rejection: Rejection, runs: u32) -> Result<Verdict, SessionError> {
        let (consumer, item) = (self.consumer.clone(), Arc::clone(item));
        let (edge, topics, options) = (Arc::clone(&self.edge), self.topics.clone(), self.options.clone());
        let cause = item.cause(&*edge);
        let is_reused = rejection.code == ID_REUSED;
        // Under its id stands another event.
        let id = if is_reused { names::of_message(&item.message) } else { item.id.clone() };
        let told = rejection.clone();
        let bury = async move |tx: &Tx| -> Result<Finish, DbError> {
            if inbox::note(tx, &consumer, &id, &item.digest, cause.at).await? != Known::New {
                return Ok(Finish::Duplicate);
            }
            inbox::mark_dead(tx, &consumer, &id, &item.digest).await?;
            budget::forget(tx, &consumer, &item.id).await?;
            let (service, subscription, rejection) = (options.service, &*consumer, &told);
            let obituary = Obituary { id: &id, service, subscription, rejection, runs };
            dead_letter::append(tx, &*edge, &topics, &item, &obituary, &cause).await?;
            if options.order == KeyOrder::Strict
                && !is_reused
                && let Some(key) = &item.key
            {
                blocked::block(tx, &consumer, key, &item.id, cause.at).await?;
            }
            Ok(Finish::DeadLetter(told.clone()))
        };
        Ok(Verdict::Finished(self.db.write(bury).await?))
    }

    /// Forgets what was handled so long ago that it need not be known.
    pub(crate) async fn prune(&self) -> Result<u64, DbError> {
        let Some(keep) = self.options.keep_inbox else { return Ok(0) };
        inbox::prune(&self.db, &self.consumer, self.edge.now().before(keep)).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.edge.now()
    }
}
