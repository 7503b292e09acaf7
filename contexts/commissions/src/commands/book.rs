//! What a fact leaves behind: its posting, a line of history and its event. One place, so that none is forgotten.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};

use crate::domain::Fact;
use crate::events;
use crate::store::{history, journal};

/// Facts that are written with one statement: databases bound the values of one.
const FACTS_MAX: usize = 500;

/// In the transaction that changes the commission. Each fact comes with the id of its event.
pub(crate) async fn book(tx: &Tx, facts: Vec<(Uuid, Fact)>, cause: &Cause) -> Result<(), DbError> {
    for some in facts.chunks(FACTS_MAX) {
        journal::post(tx, some).await?;
        history::append(tx, some, cause).await?;
    }
    for (id, fact) in facts {
        events::append(tx, id, fact, cause).await?;
    }
    Ok(())
}
