//! What time itself brings about: documents and requests whose time is over, and the daily figures.
//!
//! Not here: the loop. Whoever runs this context calls [`sweep`] now and then, as often as something may end late.

use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge, Timestamp};

use crate::commands;
use crate::domain::{Day, SnapshotTrigger};
use crate::store;

/// Of each kind in one transaction.
const AT_ONCE_MAX: u64 = 100;
/// Transactions of each kind in one sweep; what is left is the next sweep's.
const ROUNDS_MAX: u32 = 50;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Partners with documents that are no longer valid.
    pub documents: u64,
    /// Requests whose time was over.
    pub requests: u64,
    /// Partners whose figures were told because a day began.
    pub snapshots: u64,
}

/// Does what is due. Where nothing is, it only looks.
pub async fn sweep(db: &Db, edge: &Arc<dyn Edge>) -> Result<Swept, DbError> {
    let mut swept = Swept::default();
    let due = look(db, edge.now()).await?;
    for _ in 0..rounds(due.documents) {
        let done = documents(db, edge).await?;
        swept.documents += done;
        if done < AT_ONCE_MAX {
            break;
        }
    }
    for _ in 0..rounds(due.requests) {
        let done = requests(db, edge).await?;
        swept.requests += done;
        if done < AT_ONCE_MAX {
            break;
        }
    }
    for _ in 0..rounds(due.snapshots) {
        let done = snapshots(db, edge).await?;
        swept.snapshots += done;
        if done < AT_ONCE_MAX {
            break;
        }
    }
    Ok(swept)
}

fn rounds(is_due: bool) -> u32 {
    if is_due { ROUNDS_MAX } else { 0 }
}

/// What there is to do.
struct Due {
    documents: bool,
    requests: bool,
    snapshots: bool,
}

async fn look(db: &Db, now: Timestamp) -> Result<Due, DbError> {
    db.read(async move |tx: &Tx| -> Result<Due, DbError> {
        Ok(Due {
            documents: !store::with_documents_over(tx, now, 1).await?.is_empty(),
            requests: !store::requests_over(tx, now, 1).await?.is_empty(),
            snapshots: !store::partners_untold(tx, today(now), 1).await?.is_empty(),
        })
    })
    .await
}

async fn documents(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (ids, cause) = (Arc::clone(edge), cause(&**edge));
    db.write(async move |tx: &Tx| -> Result<u64, DbError> {
        let mut done = 0;
        for partner in store::with_documents_over(tx, cause.at, AT_ONCE_MAX).await? {
            done += u64::from(commands::expire_documents(tx, &*ids, &partner, &cause).await?);
        }
        Ok(done)
    })
    .await
}

async fn requests(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (ids, cause) = (Arc::clone(edge), cause(&**edge));
    db.write(async move |tx: &Tx| -> Result<u64, DbError> {
        let mut done = 0;
        for request in store::requests_over(tx, cause.at, AT_ONCE_MAX).await? {
            done += u64::from(commands::expire_request(tx, &*ids, &request, &cause).await?);
        }
        Ok(done)
    })
    .await
}

async fn snapshots(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (ids, cause) = (Arc::clone(edge), cause(&**edge));
    db.write(async move |tx: &Tx| -> Result<u64, DbError> {
        let mut done = 0;
        for id in store::partners_untold(tx, today(cause.at), AT_ONCE_MAX).await? {
            if let Some((status, _)) = store::standing_of(tx, &id).await? {
                commands::take_snapshot(tx, &*ids, (&id, status), SnapshotTrigger::Daily, &cause).await?;
                done += 1;
            }
        }
        Ok(done)
    })
    .await
}

/// When the day began.
fn today(now: Timestamp) -> Timestamp {
    Day::of(now).begins()
}

/// Nobody asked: it was time.
fn cause(edge: &dyn Edge) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::parse("partners-sweep").expect("a name without blanks is an actor"),
        at: edge.now(),
    }
}
