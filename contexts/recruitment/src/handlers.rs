//! What this context does with messages: for each request of a partner it opens a job, which is matched soon, and ends it
//! when the partner calls the request off, or its time is over.
//!
//! HTTP and these end in the same commands. Not here: inbox, retries and dead letters, which are the consumer's, and who
//! fits a job, which is found in the background.

use std::fmt::Display;
use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler, KeyOrder, Rejection};
use hexalpes_contracts::partners::{
    RECRUITMENT_TOPIC, RecruitmentCancelled, RecruitmentExpired, RecruitmentRequested,
    TOPIC as PARTNERS_TOPIC,
};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Cause, Edge};

use crate::commands::{self, JobNotOpened, NotMatched, RequestNotEnded};
use crate::told;

/// This context's name on the wire.
const SERVICE: &str = "recruitment";
const REQUESTED: &str = "com.hexabuilders.partners.RecruitmentRequested";
const CANCELLED: &str = "com.hexabuilders.partners.RecruitmentCancelled";
const EXPIRED: &str = "com.hexabuilders.partners.RecruitmentExpired";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'. What they make
/// due is done by [`crate::Matching`].
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 2], OpenError> {
    // One request says nothing about the next one of its partner.
    let order = KeyOrder::Independent;
    let named = |handler, topic: &str| -> Result<ConsumerOptions, OpenError> {
        Ok(ConsumerOptions::new(SERVICE, handler, TopicName::parse(topic)?))
    };
    let asked = ConsumerOptions {
        only_kind: Some(REQUESTED),
        order,
        ..named("recruitment-requested", RECRUITMENT_TOPIC)?
    };
    // That a request was called off or expired is told there alone, among all that partner-management tells.
    let called_off = ConsumerOptions { order, ..named("recruitment-cancelled", PARTNERS_TOPIC)? };
    let (requests, cancellations) =
        (Requests { edge: Arc::clone(edge) }, Cancellations { edge: Arc::clone(edge) });
    Ok([
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(edge), requests, asked)?,
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(edge), cancellations, called_off)?,
    ])
}

/// Takes in what partners ask for.
#[derive(Clone, Debug)]
pub struct Requests {
    pub edge: Arc<dyn Edge>,
}

impl Handler for Requests {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if !event.is(REQUESTED) {
            // A type that this version does not know is none of its business.
            return Ok(());
        }
        let requested: RecruitmentRequested = event.data_as()?;
        let command =
            told::of_requested(&requested, event.time, &*self.edge).map_err(HandleError::invalid_event)?;
        let opened = match commands::open_job(tx, command, cause).await {
            Ok(opened) => opened,
            Err(JobNotOpened::Database(error)) => return Err(error.into()),
            Err(error @ JobNotOpened::OtherPartner { .. }) => {
                return Err(taken(&error));
            }
        };
        if opened.duplicate || commands::refuse_ended(tx, &opened.job, self.edge.uuid(), cause).await? {
            return Ok(());
        }
        match commands::search(tx, opened.job, cause).await {
            Ok(()) => Ok(()),
            Err(NotMatched::Database(error)) => Err(error.into()),
            Err(error) => Err(HandleError::Unexpected { why: error.to_string() }),
        }
    }
}

/// Takes in which requests end: those that partners call off, and those whose time is over.
#[derive(Clone, Debug)]
pub struct Cancellations {
    pub edge: Arc<dyn Edge>,
}

impl Handler for Cancellations {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        let command = if event.is(CANCELLED) {
            told::of_cancelled(&event.data_as::<RecruitmentCancelled>()?, &*self.edge)
        } else if event.is(EXPIRED) {
            told::of_expired(&event.data_as::<RecruitmentExpired>()?, &*self.edge)
        } else {
            return Ok(());
        };
        match commands::end_request(tx, command.map_err(HandleError::invalid_event)?, cause).await {
            Ok(()) => Ok(()),
            Err(RequestNotEnded::Database(error)) => Err(error.into()),
            Err(error @ RequestNotEnded::OtherPartner { .. }) => Err(taken(&error)),
        }
    }
}

fn taken(error: &dyn Display) -> HandleError {
    HandleError::Rejected(Rejection::new("request_taken", error.to_string()))
}
