//! What time itself brings about: holds that end, payouts that are due, and snapshots of the books.
//!
//! Not here: the loop. Whoever runs this context calls [`sweep`] now and then, as often as a hold may end late.

use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge, Timestamp};

use crate::commands;
use crate::domain::Frequency;
use crate::store::{self, snapshots, terms};

/// Commissions that are released in one transaction.
const RELEASED_MAX: u64 = 100;
/// Journal entries that are looked at in one transaction.
const ENTRIES_MAX: i64 = 20_000;
/// Transactions of each kind in one sweep; what is left is the next sweep's.
const ROUNDS_MAX: u32 = 50;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub released: u64,
    /// Payouts that were made by their schedules.
    pub payouts: u64,
    /// Journal entries that were looked at for snapshots.
    pub entries: u64,
}

/// Does what is due. Where nothing is, it only looks.
pub async fn sweep(db: &Db, edge: &Arc<dyn Edge>) -> Result<Swept, DbError> {
    let mut swept = Swept::default();
    let due = look(db, edge.now()).await?;
    for _ in 0..if due.holds { ROUNDS_MAX } else { 0 } {
        let (cause, ids) = (cause(&**edge), Arc::clone(edge));
        let release = async move |tx: &Tx| commands::release_due(tx, &*ids, &cause, RELEASED_MAX).await;
        let released = db.write(release).await?;
        swept.released += released;
        if released < RELEASED_MAX {
            break;
        }
    }
    if due.payouts {
        let (cause, ids) = (cause(&**edge), Arc::clone(edge));
        swept.payouts = db.write(async move |tx: &Tx| commands::create_due(tx, &*ids, &cause).await).await?;
    }
    for _ in 0..if due.snapshots { ROUNDS_MAX } else { 0 } {
        let now = edge.now();
        let entries = db.write(async move |tx: &Tx| snapshots::take(tx, now, ENTRIES_MAX).await).await?;
        swept.entries += entries;
        if entries == 0 {
            break;
        }
    }
    Ok(swept)
}

/// What there is to do.
struct Due {
    holds: bool,
    payouts: bool,
    snapshots: bool,
}

async fn look(db: &Db, now: Timestamp) -> Result<Due, DbError> {
    db.read(async move |tx: &Tx| -> Result<Due, DbError> {
        let scheduled = terms::scheduled(tx).await?;
        let mut is_agreed = false;
        for frequency in Frequency::ALL {
            is_agreed |= commands::is_due(tx, frequency, now).await?;
        }
        Ok(Due {
            holds: !store::due(tx, now, 1).await?.is_empty(),
            payouts: is_agreed
                || scheduled.iter().any(|(terms, last_run)| terms.schedule.is_due(now, last_run.as_deref())),
            snapshots: snapshots::is_behind(tx).await?,
        })
    })
    .await
}

/// Nobody asked: it was time.
pub(crate) fn cause(edge: &dyn Edge) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::parse("commissions-sweep").expect("a name without blanks is an actor"),
        at: edge.now(),
    }
}
