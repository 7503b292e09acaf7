//! Which notifications may go: those that wait for nothing.

use std::collections::HashMap;

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Order, Query};

use super::{State, TENANT};

/// Notifications that are looked at in one transaction, so that nobody waits long for it.
const STEP_NOTICES: u64 = 200;

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) pruned: u64,
    /// The last one that was looked at; `None`: there is no other one that is old enough.
    pub(crate) next: Option<i64>,
}

/// Looks at notifications after number `after` that were made before `before`, and deletes those that are done with: no
/// delivery of theirs is still to be sent, and they were read, or have arrived, or were to be told in no app.
pub(crate) async fn prune(tx: &Tx, after: i64, before: Timestamp) -> Result<Step, DbError> {
    let select = Query::select()
        .columns(["seq", "id", "in_app", "read_at", "awaits_address", "created_at"])
        .from("notification")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("seq").gt(after))
        .order_by("seq", Order::Asc)
        .limit(STEP_NOTICES)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    // They are numbered as they are made.
    let is_old = |row: &Row| Ok::<_, DbError>(row.get::<i64>("created_at")? < before.as_micros());
    let (mut last, mut looked, mut done) = (None, 0, HashMap::new());
    for row in &rows {
        if !is_old(row)? {
            break;
        }
        looked += 1;
        last = Some(row.get("seq")?);
        if !row.get::<bool>("awaits_address")? {
            let is_read = !row.get::<bool>("in_app")? || row.get::<Option<i64>>("read_at")?.is_some();
            done.insert(row.get::<String>("id")?, is_read);
        }
    }
    let next = last.filter(|_| looked == STEP_NOTICES);
    Ok(Step { pruned: delete(tx, done).await?, next })
}

/// `done` says of each whether it is done with though nothing of it has arrived.
async fn delete(tx: &Tx, mut done: HashMap<String, bool>) -> Result<u64, DbError> {
    if done.is_empty() {
        return Ok(0);
    }
    let select = Query::select()
        .columns(["notification_id", "state"])
        .from("delivery")
        .and_where(Expr::col("notification_id").is_in(done.keys().map(String::as_str)))
        .to_owned();
    for row in tx.fetch_all(&select).await? {
        let id: String = row.get("notification_id")?;
        match row.parsed("state", State::parse)? {
            State::Pending | State::Held => drop(done.remove(&id)),
            State::Sent => drop(done.get_mut(&id).map(|is_done| *is_done = true)),
            State::Failed => {}
        }
    }
    done.retain(|_, is_done| *is_done);
    if done.is_empty() {
        return Ok(0);
    }
    let deliveries = Query::delete()
        .from_table("delivery")
        .and_where(Expr::col("notification_id").is_in(done.keys().map(String::as_str)))
        .and_where(Expr::col("state").is_in([State::Sent.name(), State::Failed.name()]))
        .to_owned();
    tx.execute(&deliveries).await?;
    // What somebody replays just now is still there, and keeps its notification.
    let left = Query::select()
        .column("notification_id")
        .from("delivery")
        .and_where(Expr::col("notification_id").is_in(done.keys().map(String::as_str)))
        .to_owned();
    for row in tx.fetch_all(&left).await? {
        done.remove(&row.get::<String>("notification_id")?);
    }
    let notices = Query::delete()
        .from_table("notification")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").is_in(done.keys().map(String::as_str)))
        .to_owned();
    tx.execute(&notices).await
}
