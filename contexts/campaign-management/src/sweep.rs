//! What time itself brings about: campaigns that begin and end, daily budgets that begin anew, contracts that begin and
//! end to allow something, and reports that are due.
//!
//! Not here: the loop. Whoever runs this context calls [`sweep`] now and then, as often as a campaign may begin late, and
//! [`report`] as often as a report may be late.

use std::collections::BTreeSet;
use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge};

use crate::commands::{self, MakeDueReport};
use crate::domain::Day;
use crate::domain::report::Granularity;
use crate::store::{self, Unscheduled};

/// Campaigns that are looked at, and reports that are made, of each kind, in one sweep; what is left is the next's.
const ROUND_MAX: u64 = 200;

/// Brings campaigns to where they are now, each in a transaction of its own, and tells how many; where none is due, it
/// only looks. One that fails does not hold up the others: the first failure is told when all were looked at.
pub async fn sweep(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (mut swept, mut failed) = (0, None);
    let now = edge.now();
    let look = async move |tx: &Tx| commands::due(tx, now, ROUND_MAX).await;
    for due in db.read(look).await? {
        let (cause, ids) = (cause(&**edge), Arc::clone(edge));
        match db.write(async move |tx: &Tx| commands::bring_about(tx, &due, &*ids, &cause).await).await {
            Ok(()) => swept += 1,
            Err(error) => pass_over(&mut failed, error)?,
        }
    }
    failed.map_or(Ok(swept), Err)
}

/// Makes the reports that are due, each in a transaction of its own, and tells how many: of each period that is over and
/// in which a campaign ran, the oldest first, also of those in which nobody made any; and again each of which something
/// came in late, once for all of it. Failures as in [`sweep`].
pub async fn report(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (mut made, mut failed) = (0, None);
    for granularity in Granularity::SCHEDULED {
        match of_kind(db, edge, granularity).await {
            Ok(more) => made += more,
            Err(error) => pass_over(&mut failed, error)?,
        }
    }
    match renew(db, edge).await {
        Ok(more) => made += more,
        Err(error) => pass_over(&mut failed, error)?,
    }
    failed.map_or(Ok(made), Err)
}

/// Makes reports again that are no longer right.
async fn renew(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (mut made, mut failed) = (0, None);
    let look = async move |tx: &Tx| store::outdated(tx, ROUND_MAX).await;
    for (campaign, granularity, start) in db.read(look).await? {
        let Some(period) = granularity.around(start) else { continue };
        let command = MakeDueReport { campaign, granularity, period };
        let (cause, ids) = (cause(&**edge), Arc::clone(edge));
        let renew = async move |tx: &Tx| commands::renew_report(tx, command.clone(), &*ids, &cause).await;
        match db.write(renew).await {
            Ok(is_made) => made += u64::from(is_made),
            Err(error) => pass_over(&mut failed, error)?,
        }
    }
    failed.map_or(Ok(made), Err)
}

async fn of_kind(db: &Db, edge: &Arc<dyn Edge>, granularity: Granularity) -> Result<u64, DbError> {
    let Some(last) = granularity.last_before(Day::of(edge.now())) else { return Ok(0) };
    schedule(db, granularity).await?;
    let (mut made, mut turns, mut failed) = (0, 0, None);
    let mut failing = BTreeSet::new();
    while turns < ROUND_MAX {
        let look = async move |tx: &Tx| store::due_reports(tx, granularity, last.start, ROUND_MAX).await;
        let mut due = db.read(look).await?;
        // What failed has its turn in the next round; whoever is behind it has not to wait for that.
        due.retain(|(campaign, _)| !failing.contains(campaign));
        if due.is_empty() {
            break;
        }
        let left = usize::try_from(ROUND_MAX - turns).unwrap_or(usize::MAX);
        for (campaign, start) in due.into_iter().take(left) {
            turns += 1;
            let Some(period) = granularity.around(start) else { continue };
            let command = MakeDueReport { campaign: campaign.clone(), granularity, period };
            let (cause, ids) = (cause(&**edge), Arc::clone(edge));
            let make =
                async move |tx: &Tx| commands::make_due_report(tx, command.clone(), &*ids, &cause).await;
            match db.write(make).await {
                Ok(is_made) => made += u64::from(is_made),
                Err(error) => {
                    failing.insert(campaign);
                    pass_over(&mut failed, error)?;
                }
            }
        }
    }
    failed.map_or(Ok(made), Err)
}

/// Schedules the reports of campaigns that have begun since the last round.
async fn schedule(db: &Db, granularity: Granularity) -> Result<(), DbError> {
    let look = async move |tx: &Tx| store::unscheduled(tx, granularity, ROUND_MAX).await;
    let new = db.read(look).await?;
    if new.is_empty() {
        return Ok(());
    }
    let write = async move |tx: &Tx| -> Result<(), DbError> {
        for Unscheduled { campaign, since, reported } in &new {
            let next = match reported {
                Some(start) => granularity.around(*start).map(|period| period.end),
                None => granularity.around(Day::of(*since)).map(|period| period.start),
            };
            if let Some(next) = next {
                store::schedule(tx, campaign, granularity, next).await?;
            }
        }
        Ok(())
    };
    db.write(write).await
}

/// Keeps the first failure; gives one back with which the others would fare no better.
fn pass_over(failed: &mut Option<DbError>, error: DbError) -> Result<(), DbError> {
    if matches!(error, DbError::Unavailable(_) | DbError::Closed) {
        return Err(error);
    }
    failed.get_or_insert(error);
    Ok(())
}

fn cause(edge: &dyn Edge) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::parse("campaigns").expect("it is a name"),
        at: edge.now(),
    }
}
