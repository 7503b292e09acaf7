//! What this context does with messages: for each request of a partner it opens a job, which is matched soon.
//!
//! HTTP and these end in the same commands. Not here: inbox, retries and dead letters, which are the consumer's, and who
//! fits a job, which is found in the background.

use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler, KeyOrder, Rejection};
use hexalpes_contracts::partners::{RECRUITMENT_TOPIC, RecruitmentRequested};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Cause, Edge};

use crate::commands::{self, JobNotOpened, NotMatched};
use crate::told;

/// This context's name on the wire.
const SERVICE: &str = "recruitment";
const REQUESTED: &str = "com.hexabuilders.partners.RecruitmentRequested";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'. What they make
/// due is done by [`crate::Matching`].
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 1], OpenError> {
    let options = ConsumerOptions {
        only_kind: Some(REQUESTED),
        // One request says nothing about the next one of its partner.
        order: KeyOrder::Independent,
        ..ConsumerOptions::new(SERVICE, "recruitment-requested", TopicName::parse(RECRUITMENT_TOPIC)?)
    };
    let requests = Requests { edge: Arc::clone(edge) };
    Ok([EventConsumer::start(db.clone(), client.clone(), Arc::clone(edge), requests, options)?])
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
                return Err(HandleError::Rejected(Rejection::new("request_taken", error.to_string())));
            }
        };
        if opened.duplicate {
            return Ok(());
        }
        match commands::search(tx, opened.job, cause).await {
            Ok(()) => Ok(()),
            Err(NotMatched::Database(error)) => Err(error.into()),
            Err(error) => Err(HandleError::Unexpected { why: error.to_string() }),
        }
    }
}
