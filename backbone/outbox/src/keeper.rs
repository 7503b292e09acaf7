//! Beside the relay: measures how much waits, and prunes what was published long ago.

use std::{cmp, mem, sync::Arc, time::Duration};

use hexalpes_db::{Db, DbError, ErrorKind, Tx, columns};
use hexalpes_kernel::{Edge, Timestamp};
use hexalpes_worker::{Failure, Job, Outlook};
use parking_lot::Mutex;
use sea_query::{Expr, ExprTrait as _, Func, Query};
use tokio::{
    sync::watch,
    time::{self, Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::{checkpoint, log::place, operate, parked, status::Counters};

/// Rows that are looked at, for their bytes: more take too long every second. The stretch of numbers that has the last of
/// them is looked at whole.
pub const LAG_ROWS_MAX: u64 = 10_000;
/// Rows that one transaction deletes, so that commands do not wait long for it.
const PRUNE_ROWS_MAX: u64 = 500;
/// Between two looks.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// A look at a long backlog takes a while, and who publishes it has more to do then: no more than this part of the time
/// is for looking.
const MEASURE_SHARE: u32 = 20;

/// What is committed and not yet published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: u64,
}

/// What says which rows are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The checkpoint: a row's number in the table is its ordinal.
    OfTable,
    /// Its mark.
    OfLog,
}

pub(crate) struct Keeper {
    pub(crate) db: Db,
    pub(crate) edge: Arc<dyn Edge>,
    pub(crate) service: String,
    pub(crate) keep_published: Option<Duration>,
    pub(crate) order: Order,
    /// Set when nothing is to be published.
    pub(crate) paused: watch::Sender<bool>,
    /// How many parked rows are to be tried, when that may have changed.
    pub(crate) to_try: watch::Sender<u64>,
    pub(crate) counters: Arc<Mutex<Counters>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the outbox cannot be looked through: {0}")]
pub(crate) struct KeeperError(#[from] DbError);

impl Failure for KeeperError {
    fn outlook(&self) -> Outlook {
        if self.0.kind() == ErrorKind::Corrupt { Outlook::Final } else { Outlook::Passing }
    }
}

impl Job for Keeper {
    type Session = ();
    type Error = KeeperError;

    async fn open(&mut self) -> Result<(), KeeperError> {
        Ok(())
    }

    /// What it waits for may be a database that is away: it is left amid a look, and what was not committed is undone.
    async fn run(&mut self, (): (), stop: &CancellationToken) -> Result<(), KeeperError> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            outcome = self.keep() => outcome,
        }
    }
}

impl Keeper {
    /// Until it fails.
    async fn keep(&self) -> Result<(), KeeperError> {
        let mut ticks = time::interval(MEASURE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due = Instant::now();
        loop {
            ticks.tick().await;
            if operate::paused(&self.db).await?.is_some() {
                self.paused.send_replace(true);
            }
            let (parked, to_try) = parked::count(&self.db).await?;
            let had = mem::replace(&mut self.counters.lock().parked, parked);
            if to_try > 0 || had != parked {
                self.to_try.send_replace(to_try);
            }
            let now = self.edge.now();
            let begun = Instant::now();
            if begun >= due {
                let lag = lag(&self.db, self.order, now).await?;
                due = begun + begun.elapsed() * MEASURE_SHARE;
                self.counters.lock().lag = lag;
                self.show(lag);
            }
            if let Some(keep) = self.keep_published {
                let pruned = prune(&self.db, self.order, now.before(keep)).await?;
                if pruned > 0 {
                    info!(relay.service = self.service, rows = pruned, "pruned rows published long ago");
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 rows are no lag but a loss")]
    fn show(&self, lag: Lag) {
        let labels = [("service", self.service.clone())];
        metrics::gauge!("hexalpes_relay_lag_rows", &labels).set(lag.rows as f64);
        metrics::gauge!("hexalpes_relay_lag_bytes", &labels).set(lag.bytes as f64);
        metrics::gauge!("hexalpes_relay_lag_seconds", &labels).set(lag.seconds as f64);
    }
}

async fn lag(db: &Db, order: Order, now: Timestamp) -> Result<Lag, DbError> {
    db.read(async move |tx: &Tx| {
        let ordinal = checkpoint::ordinal(tx).await?.unwrap_or(0);
        // As long as marks are to be made, rows among those do not count that came later than ones behind them.
        let unmarked = place::unmarked(tx).await?;
        let behind = match order {
            Order::OfTable => ordinal,
            Order::OfLog => unmarked.highest().unwrap_or(0),
        };
        let Some((mut from, newest)) = ends(tx, order, behind).await? else { return Ok(Lag::default()) };
        // By their numbers, not by a limit: a server that has not looked at a table yet takes it for a small one, and would
        // sort all that wait to find the first of them. Rows that are far apart, as parked ones are, are looked at each.
        let mut looked = Looked { rows: 0, bytes: 0, oldest: i64::MAX };
        let left = loop {
            let through = from.saturating_add_unsigned(LAG_ROWS_MAX - 1);
            looked.at(tx, order, from, through).await?;
            if looked.rows >= LAG_ROWS_MAX || through >= newest {
                break cmp::max(newest - through, 0).unsigned_abs();
            }
            let Some((next, _)) = ends(tx, order, through).await? else { break 0 };
            from = next;
        };
        Ok(Lag {
            rows: match order {
                // On SQLite numbers have no gaps: a rollback takes them back.
                Order::OfTable => (newest - ordinal).unsigned_abs(),
                // Many are not counted one by one; those of rollbacks are counted in.
                Order::OfLog => looked.rows + left,
            },
            bytes: looked.bytes,
            seconds: u64::try_from((now.as_micros() - looked.oldest) / 1_000_000).unwrap_or(0),
        })
    })
    .await
}

/// Rows behind that number which are not published.
fn is_waiting(order: Order, behind: i64) -> Expr {
    let is_behind = Expr::col("seq").gt(behind);
    match order {
        Order::OfTable => is_behind,
        Order::OfLog => Expr::col("published").eq(0_i64).and(is_behind),
    }
}

/// The numbers of the first and the last of them.
async fn ends(tx: &Tx, order: Order, behind: i64) -> Result<Option<(i64, i64)>, DbError> {
    let ends = Query::select()
        .expr_as(Expr::col("seq").min(), "oldest")
        .expr_as(Expr::col("seq").max(), "newest")
        .from("outbox_event")
        .and_where(is_waiting(order, behind))
        .to_owned();
    let ends = tx.fetch_one(&ends).await?;
    Ok(ends.get::<Option<i64>>("oldest")?.zip(ends.get("newest")?))
}

/// What was seen of rows that wait.
struct Looked {
    rows: u64,
    bytes: u64,
    /// When the first of them happened, in microseconds.
    oldest: i64,
}

impl Looked {
    /// Looks at those with numbers between these two, of which there is one at least.
    async fn at(&mut self, tx: &Tx, order: Order, from: i64, through: i64) -> Result<(), DbError> {
        let waiting = Query::select()
            .column("occurred_at")
            .expr_as(Func::cust("octet_length").arg(Expr::col("payload")), "bytes")
            .from("outbox_event")
            .and_where(is_waiting(order, from - 1))
            .and_where(Expr::col("seq").lte(through))
            .to_owned();
        let sums = Query::select()
            .expr_as(Expr::col("occurred_at").min(), "oldest")
            .expr_as(Expr::col("occurred_at").count(), "rows")
            .expr_as(columns::sum(tx.backend(), "bytes"), "bytes")
            .from_subquery(waiting, "waiting")
            .to_owned();
        let sums = tx.fetch_one(&sums).await?;
        self.rows += sums.get::<i64>("rows")?.unsigned_abs();
        self.bytes += sums.get::<i64>("bytes")?.unsigned_abs();
        self.oldest = cmp::min(self.oldest, sums.get("oldest")?);
        Ok(())
    }
}

/// Deletes rows that were published and happened before `before`, and says how many.
async fn prune(db: &Db, order: Order, before: Timestamp) -> Result<u64, DbError> {
    let mut pruned = 0;
    loop {
        let rows = db.upkeep(async move |tx: &Tx| prune_some(tx, order, before).await).await?;
        pruned += rows;
        if rows == 0 {
            return Ok(pruned);
        }
    }
}

/// Looks at the first of those that are published: rows are written nearly in the order of their times, so that behind
/// rows that are to stay there is nothing to find.
async fn prune_some(tx: &Tx, order: Order, before: Timestamp) -> Result<u64, DbError> {
    // Never the row at the checkpoint or beyond, whatever its mark says: a start looks there. Where a log is read, rows
    // are marked behind the checkpoint alone, and a start looks into the log.
    let Some(ordinal) = checkpoint::ordinal(tx).await? else { return Ok(0) };
    let end = match order {
        Order::OfTable => ordinal,
        Order::OfLog => i64::MAX,
    };
    let is_published = || Expr::col("published").eq(1_i64).and(Expr::col("seq").lt(end));
    let first = Query::select()
        .expr_as(Expr::col("seq").min(), "first")
        .from("outbox_event")
        .and_where(is_published())
        .to_owned();
    let Some(first) = tx.fetch_one(&first).await?.get::<Option<i64>>("first")? else { return Ok(0) };
    let old = Query::delete()
        .from_table("outbox_event")
        .and_where(is_published())
        .and_where(Expr::col("seq").lt(first.saturating_add_unsigned(PRUNE_ROWS_MAX)))
        .and_where(Expr::col("occurred_at").lt(before.as_micros()))
        .to_owned();
    tx.execute(&old).await
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use hexalpes_db::{DatabaseUrl, DbOptions};
    use hexalpes_engines::databases;
    use hexalpes_kernel::Uuid;
    use sea_query::Order as Sort;

    use super::*;
    use crate::{MIGRATIONS, row};

    async fn insert(db: &Db, seqs: Range<i64>) {
        let mut insert = Query::insert().into_table("outbox_event").columns(row::COLUMNS).to_owned();
        for seq in seqs {
            let id = format!("event-{seq}");
            insert.values_panic([
                seq.into(),
                id.into(),
                "order".into(),
                "o".into(),
                "Made".into(),
                "{}".into(),
                "{}".into(),
                (seq * 1_000_000).into(),
                0_i64.into(),
                None::<i64>.into(),
            ]);
        }
        db.write(async move |tx: &Tx| tx.execute(&insert).await.map(drop)).await.unwrap();
    }

    #[tokio::test]
    async fn what_waits_is_counted_also_where_one_of_it_is_far_behind() {
        let now = Timestamp::from_micros(2_000_000_000_000).unwrap();
        for database in databases() {
            let url = DatabaseUrl::parse(database.url()).unwrap();
            let db = Db::open(&url, DbOptions::default()).await.unwrap();
            db.migrate(MIGRATIONS).await.unwrap();
            let lag = async || lag(&db, Order::OfLog, now).await.unwrap();
            assert_eq!(lag().await, Lag::default(), "{}", database.engine());
            insert(&db, 5..6).await;
            insert(&db, 1_000_000..1_000_001).await;
            let two = Lag { rows: 2, bytes: 4, seconds: 1_999_995 };
            assert_eq!(lag().await, two, "{}", database.engine());
            for first in (1_900_000..1_910_100).step_by(100) {
                insert(&db, first..first + 100).await;
            }
            // The last hundred are behind those that are looked at.
            let many = Lag { rows: 10_102, bytes: 2 * 10_002, seconds: 1_999_995 };
            assert_eq!(lag().await, many, "{}", database.engine());
        }
    }

    async fn left(db: &Db) -> Vec<i64> {
        let mut seqs = Query::select();
        seqs.column("seq").from("outbox_event").order_by("seq", Sort::Asc);
        let rows = db.read(async move |tx: &Tx| tx.fetch_all(&seqs).await).await.unwrap();
        rows.iter().map(|row| row.get("seq").unwrap()).collect()
    }

    /// Rows that are published and happened before that go, those that nobody has published stay, and so does the one at the
    /// checkpoint where the table is read.
    #[tokio::test]
    async fn rows_that_are_published_long_ago_go() {
        for database in databases() {
            let url = DatabaseUrl::parse(database.url()).unwrap();
            let db = Db::open(&url, DbOptions::default()).await.unwrap();
            db.migrate(MIGRATIONS).await.unwrap();
            insert(&db, 1..9).await;
            checkpoint::load_or_mint(&db, Uuid::nil()).await.unwrap();
            let mark = Query::update()
                .table("outbox_event")
                .value("published", 1_i64)
                .and_where(Expr::col("seq").is_not_in([3_i64, 8]))
                .to_owned();
            let there = Query::update().table("relay_checkpoint").value("ordinal", 4_i64).to_owned();
            let statements = async move |tx: &Tx| -> Result<(), DbError> {
                tx.execute(&mark).await?;
                tx.execute(&there).await.map(drop)
            };
            db.write(statements).await.unwrap();
            let before = Timestamp::from_micros(6_000_000).unwrap();
            assert_eq!(prune(&db, Order::OfTable, before).await.unwrap(), 2);
            assert_eq!(left(&db).await, [3, 4, 5, 6, 7, 8], "{}", database.engine());
            assert_eq!(prune(&db, Order::OfLog, before).await.unwrap(), 2);
            assert_eq!(left(&db).await, [3, 6, 7, 8], "{}", database.engine());
        }
    }
}
