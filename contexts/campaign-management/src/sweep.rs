//! What time itself brings about: campaigns that begin and end, daily budgets that begin anew, contracts that begin and
//! end to allow something, and reports that are due.
//!
//! Not here: the loop. Whoever runs this context calls [`sweep`] now and then, as often as a campaign may begin late, and
//! [`report`] as often as a report may be late.

use std::sync::Arc;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge};

use crate::commands::{self, MakeReport, ReportNotMade};
use crate::domain::report::Granularity;
use crate::domain::{CampaignId, Day};
use crate::store;

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

/// Makes the reports that are due, each in a transaction of its own, and tells how many. Failures as in [`sweep`].
pub async fn report(db: &Db, edge: &Arc<dyn Edge>) -> Result<u64, DbError> {
    let (mut made, mut failed) = (0, None);
    for granularity in Granularity::SCHEDULED {
        match of_last(db, edge, granularity).await {
            Ok(more) => made += more,
            Err(error) => pass_over(&mut failed, error)?,
        }
    }
    failed.map_or(Ok(made), Err)
}

/// Of the last period that is over, for each campaign that ran in it.
async fn of_last(db: &Db, edge: &Arc<dyn Edge>, granularity: Granularity) -> Result<u64, DbError> {
    let Some(period) = granularity.last_before(Day::of(edge.now())) else { return Ok(0) };
    let look = async move |tx: &Tx| store::due_for_reports(tx, granularity, period, ROUND_MAX).await;
    let due: Vec<CampaignId> = db.read(look).await?;
    let (mut made, mut failed) = (0, None);
    for campaign in due {
        let command = MakeReport { campaign, granularity, period, is_scheduled: true };
        let (cause, ids) = (cause(&**edge), Arc::clone(edge));
        let make = async move |tx: &Tx| commands::make_report(tx, command.clone(), &*ids, &cause).await;
        match db.write(make).await {
            Ok(Some(_)) => made += 1,
            Ok(None) | Err(ReportNotMade::NotFound(_)) => {}
            Err(ReportNotMade::Database(error)) => pass_over(&mut failed, error)?,
        }
    }
    failed.map_or(Ok(made), Err)
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
