//! Releases the commissions whose hold has ended; those that need nobody's approval are approved with it.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::book::book;
use super::change::{Verb, done};
use crate::store;

/// Releases `limit` commissions at most, and tells how many they were: when there are as many, there may be more.
pub async fn release_due(tx: &Tx, ids: &dyn Ids, cause: &Cause, limit: u64) -> Result<u64, DbError> {
    let due = store::due(tx, cause.at, limit).await?;
    let mut released = 0;
    for mut kept in due {
        // What was selected as held can be released.
        let Ok(facts) = done(&mut kept.commission, Verb::Release { reason: None }, cause.at) else {
            continue;
        };
        store::save(tx, &kept.commission).await?;
        book(tx, facts.into_iter().map(|fact| (ids.uuid(), fact)).collect(), cause).await?;
        released += 1;
    }
    Ok(released)
}
