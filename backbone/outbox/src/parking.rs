//! What is parked, as the active relay knows it: what it writes down, what has to wait behind it, and what it tries again.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use hexalpes_capture::Inserted;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Order, Query};
use serde::{Deserialize, Serialize};

use crate::{
    checkpoint::{self, Claim, is_source},
    kept,
    layout::Layout,
    parked::{self, Aggregate, COLUMNS, ParkedRow},
    relay::RelayError,
    row::{self, OutboxRow},
    shape::{Shape, ShapeError, Unreadable},
};

/// Why a row waits that could be published.
pub(crate) const BEHIND: &str = "it waits behind another event of its aggregate";

/// Topics that have a row which is parked: an earlier session sent it to them, and was not refused or did not come to the
/// others. In `relay_parked.had`, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Had {
    /// Of the row, when it was parked.
    ordinal: i64,
    /// By their names, of each partition whether it has the row, if the row went there.
    topics: BTreeMap<String, Vec<bool>>,
}

impl Had {
    /// Of all these topics those that have it.
    pub(crate) fn new(ordinal: i64, topics: impl Iterator<Item = (String, Vec<bool>)>) -> Self {
        Self { ordinal, topics: topics.filter(|(_, partitions)| partitions.contains(&true)).collect() }
    }

    /// It is there too, whichever its partition.
    pub(crate) fn add(&mut self, topic: String) {
        self.topics.insert(topic, vec![true]);
    }

    pub(crate) fn is_on(&self, topic: &str, key: Option<&str>) -> bool {
        let Some(partitions) = self.topics.get(topic) else { return false };
        let Ok(count @ 1..) = u32::try_from(partitions.len()) else { return false };
        partitions[Layout::new(count).partition_of(self.ordinal, key) as usize]
    }

    pub(crate) fn read(text: &str) -> Result<Self, DbError> {
        let damaged = |_| DbError::Damaged("relay_parked.had cannot be read".to_owned());
        serde_json::from_str(text).map_err(damaged)
    }

    /// None if no topic has it.
    fn written(&self) -> Option<String> {
        let is_any = !self.topics.is_empty();
        is_any.then(|| serde_json::to_string(self).expect("names and numbers are always JSON"))
    }
}

/// What is written down of a row that is parked.
pub(crate) struct Waiting<'a> {
    ordinal: i64,
    id: &'a str,
    aggregatetype: &'a str,
    aggregateid: &'a str,
    inserted: Option<&'a Inserted>,
    reason: String,
}

impl<'a> Waiting<'a> {
    pub(crate) fn of_row(row: &'a OutboxRow, reason: String) -> Self {
        let OutboxRow { ordinal, id, aggregatetype, aggregateid, foreign, .. } = row;
        let inserted = foreign.as_ref().map(|foreign| &foreign.inserted);
        Self { ordinal: *ordinal, id, aggregatetype, aggregateid, inserted, reason }
    }

    pub(crate) fn of_unreadable(row: &'a Unreadable, reason: String) -> Self {
        let Unreadable { ordinal, id, aggregatetype, aggregateid, .. } = row;
        Self { ordinal: *ordinal, id, aggregatetype, aggregateid, inserted: row.inserted(), reason }
    }
}

/// Why a parked row could not be published still.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// Topics that have it by now.
    pub(crate) had: Had,
}

/// What it writes down is refused if its claim was lost: by then another relay has published what this one would park.
#[derive(Debug)]
pub(crate) struct Parking {
    db: Db,
    claim: Claim,
    shape: Arc<dyn Shape>,
    /// A row of one of these waits behind others.
    aggregates: HashSet<Aggregate>,
    ids: HashSet<String>,
    given_up: Vec<ParkedRow>,
}

impl Parking {
    pub(crate) async fn load(db: &Db, claim: &Claim, shape: &Arc<dyn Shape>) -> Result<Self, DbError> {
        let mut rows = fetch_all(db).await?;
        if rows.iter().any(|row| row.is_given_up) {
            db.upkeep(async |tx: &Tx| parked::forget_given_up(tx).await).await?;
            rows = fetch_all(db).await?;
        }
        let (given_up, waiting): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_given_up);
        let aggregates = waiting.iter().map(ParkedRow::aggregate).collect();
        let ids = waiting.into_iter().map(|row| row.id).collect();
        let (db, claim, shape) = (db.clone(), claim.clone(), Arc::clone(shape));
        Ok(Self { db, claim, shape, aggregates, ids, given_up })
    }

    /// Whether it is here, or has to wait behind what is.
    pub(crate) fn holds(&self, row: &OutboxRow) -> bool {
        !self.aggregates.is_empty()
            && (self.ids.contains(&*row.id)
                || self.aggregates.contains(&(row.aggregatetype.to_string(), row.aggregateid.to_string())))
    }

    /// Whether an operator does not want it to be published.
    pub(crate) fn gave_up(&self, ordinal: i64, id: &str) -> bool {
        self.given_up.iter().any(|row| row.ordinal == ordinal || (row.is_to_come() && row.id == id))
    }

    /// Written down when it returns; once, however often it comes by.
    pub(crate) async fn park(
        &mut self,
        row: Waiting<'_>,
        had: Had,
        now: Timestamp,
    ) -> Result<(), RelayError> {
        let (ordinal, id) = (row.ordinal, row.id.to_owned());
        // Tables that others write may have an id twice.
        let second = format!("{id}:{ordinal}");
        let insert = |id: &str| {
            Query::insert()
                .into_table("relay_parked")
                .columns([
                    "id",
                    "aggregatetype",
                    "aggregateid",
                    "reason",
                    "parked_at",
                    "ordinal",
                    "inserted",
                    "had",
                ])
                .values_panic([
                    id.into(),
                    row.aggregatetype.into(),
                    row.aggregateid.into(),
                    row.reason.as_str().into(),
                    now.as_micros().into(),
                    ordinal.into(),
                    row.inserted.map(kept::written).into(),
                    had.written().into(),
                ])
                .to_owned()
        };
        let (as_first, as_second) = (insert(&id), insert(&second));
        let aggregate = (row.aggregatetype.to_owned(), row.aggregateid.to_owned());
        let behind = (row.reason == BEHIND).then(|| aggregate.clone());
        let claim = self.claim.clone();
        let parked = self.db.upkeep(async move |tx: &Tx| {
            checkpoint::hold(tx, &claim).await?;
            let ids = [id.as_str(), second.as_str()];
            let these = parked::select_all().and_where(Expr::col("id").is_in(ids)).to_owned();
            let found = parked::fetch(tx, &these).await?;
            if let Some(there) = found.iter().find(|found| found.ordinal == ordinal) {
                return Ok(there.id.clone());
            }
            let (insert, id) = match found.iter().find(|found| found.id == id) {
                None => (&as_first, &id),
                Some(there) if there.is_to_come() => {
                    let update = Query::update()
                        .table("relay_parked")
                        .value("ordinal", ordinal)
                        .and_where(Expr::col("number").eq(there.number))
                        .to_owned();
                    tx.execute(&update).await?;
                    return Ok(id.clone());
                }
                Some(_) => (&as_second, &second),
            };
            tx.insert_new(insert, "id").await?;
            if let Some(aggregate) = &behind {
                parked::follow(tx, id, aggregate).await?;
            }
            Ok::<_, RelayError>(id.clone())
        });
        let id = parked.await?;
        self.ids.insert(id);
        self.aggregates.insert(aggregate);
        Ok(())
    }

    /// The next row that is to be tried, whose ordinal is past, with the row that it is of, or why that cannot be read.
    pub(crate) async fn next(&self) -> Result<Option<(ParkedRow, Result<OutboxRow, Unreadable>)>, DbError> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        let checkpoint =
            Query::select().column("ordinal").from("relay_checkpoint").and_where(is_source()).to_owned();
        let next = Query::select()
            .columns(COLUMNS)
            .column("inserted")
            .from("relay_parked")
            .and_where(Expr::col("turn").is_not_null())
            .order_by("turn", Order::Asc)
            .limit(1)
            .to_owned();
        let shape = Arc::clone(&self.shape);
        let found = self.db.read(async move |tx: &Tx| {
            let past: i64 = tx.fetch_one(&checkpoint).await?.get("ordinal")?;
            let Some(found) = tx.fetch_optional(&next).await? else { return Ok(None) };
            let parked = ParkedRow::read(&found)?;
            if parked.ordinal > past {
                return Ok(None);
            }
            let row = match found.get::<Option<String>>("inserted")? {
                Some(inserted) => of_others(&shape, &inserted, &parked)?,
                None => own(tx, &parked.id)
                    .await?
                    .map_err(|why| Unreadable::of_parked(&shape, &parked, None, why)),
            };
            Ok::<_, DbError>(Some((parked, row)))
        });
        found.await
    }

    /// It is on its topics.
    pub(crate) async fn done(&mut self, parked: &ParkedRow, now: Timestamp) -> Result<(), RelayError> {
        let (row, mark) = (parked.clone(), parked::marking(parked, Some(now)));
        let claim = self.claim.clone();
        let rest = self.db.upkeep(async move |tx: &Tx| {
            checkpoint::hold(tx, &claim).await?;
            parked::remove(tx, &row).await?;
            tx.execute(&mark).await?;
            Ok::<_, RelayError>(parked::fetch(tx, &parked::of_aggregate(&row)).await?)
        });
        let rest = rest.await?;
        self.ids.remove(&parked.id);
        if rest.is_empty() {
            self.aggregates.remove(&parked.aggregate());
        }
        Ok(())
    }

    /// It cannot be published still; it waits for another order, and its aggregate with it.
    pub(crate) async fn again(&self, parked: &ParkedRow, refused: Refused) -> Result<(), RelayError> {
        let Refused { reason, had } = refused;
        let (row, claim) = (parked.clone(), self.claim.clone());
        let note = Query::update()
            .table("relay_parked")
            .value("had", had.written())
            .and_where(Expr::col("number").eq(row.number))
            .to_owned();
        let put_back = self.db.upkeep(async move |tx: &Tx| {
            checkpoint::hold(tx, &claim).await?;
            tx.execute(&note).await?;
            for other in parked::fetch(tx, &parked::of_aggregate(&row)).await? {
                let reason = if other.number == row.number { &reason } else { &other.reason };
                parked::set(tx, other.number, None, reason).await?;
            }
            Ok(())
        });
        put_back.await
    }

    /// What was given up is no longer waited for.
    pub(crate) async fn refresh(&mut self) -> Result<(), DbError> {
        if !self.ids.is_empty() {
            *self = Self::load(&self.db, &self.claim, &self.shape).await?;
        }
        Ok(())
    }
}

async fn fetch_all(db: &Db) -> Result<Vec<ParkedRow>, DbError> {
    let query = parked::select_all();
    db.read(async move |tx: &Tx| parked::fetch(tx, &query).await).await
}

/// As the log had it.
fn of_others(
    shape: &Arc<dyn Shape>,
    inserted: &str,
    parked: &ParkedRow,
) -> Result<Result<OutboxRow, Unreadable>, DbError> {
    let damaged = || DbError::Damaged("relay_parked.inserted cannot be read".to_owned());
    let inserted = kept::read(inserted).ok_or_else(damaged)?;
    let read = shape.row(&inserted, parked.ordinal);
    Ok(read.map_err(|why| Unreadable::of_parked(shape, parked, Some(inserted), why)))
}

/// As it is in our own table.
async fn own(tx: &Tx, id: &str) -> Result<Result<OutboxRow, ShapeError>, DbError> {
    match row::with_id(tx, id).await {
        Ok(Some(row)) => Ok(Ok(row)),
        Ok(None) => Err(DbError::Damaged(format!("row {id} is parked and not there"))),
        Err(DbError::Damaged(why)) => Ok(Err(ShapeError(why))),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use hexalpes_db::{DatabaseUrl, DbOptions};
    use hexalpes_engines::{TestDatabase, databases};
    use hexalpes_kernel::Uuid;

    use super::*;
    use crate::{MIGRATIONS, shape::OwnTable};

    async fn open(database: &TestDatabase) -> Db {
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        db
    }

    fn waiting(id: &str) -> Waiting<'_> {
        let reason = "it is too large".to_owned();
        Waiting { ordinal: 1, id, aggregatetype: "order", aggregateid: id, inserted: None, reason }
    }

    /// It stalled, and another relay took the outbox over and published what it would have parked.
    #[tokio::test]
    async fn who_lost_the_claim_parks_nothing_and_changes_nothing_of_what_is_parked() {
        let (now, shape): (_, Arc<dyn Shape>) = (Timestamp::from_micros(0).unwrap(), Arc::new(OwnTable));
        for database in databases() {
            let db = open(&database).await;
            let epoch = checkpoint::load_or_mint(&db, Uuid::from_u128(1)).await.unwrap();
            let claim = |holder: &str| Claim { epoch: epoch.clone(), holder: holder.to_owned() };
            checkpoint::claim(&db, &claim("first")).await.unwrap();
            let mut parking = Parking::load(&db, &claim("first"), &shape).await.unwrap();
            parking.park(waiting("a"), Had::default(), now).await.unwrap();
            let before = fetch_all(&db).await.unwrap();

            checkpoint::claim(&db, &claim("second")).await.unwrap();
            let refused = Refused { reason: "still".to_owned(), had: Had::default() };
            let outcomes = [
                parking.park(waiting("b"), Had::default(), now).await,
                parking.again(&before[0], refused).await,
                parking.done(&before[0], now).await,
            ];
            let are_fenced = outcomes.iter().all(|outcome| matches!(outcome, Err(RelayError::Fenced)));
            assert!(are_fenced, "{}: {outcomes:?}", database.engine());
            assert_eq!((before.len(), before[0].id.as_str()), (1, "a"));
            assert_eq!(fetch_all(&db).await.unwrap(), before);
        }
    }

    #[test]
    fn a_topic_has_a_row_if_the_partition_has_it_that_it_went_to() {
        let topics = [("one", vec![true]), ("two", vec![true, false]), ("none", vec![false])];
        let topics = topics.map(|(name, partitions)| (name.to_owned(), partitions));
        let had = Had::new(8, topics.into_iter());
        let had = Had::read(&had.written().unwrap()).unwrap();
        assert!(had.is_on("one", Some("any")) && !had.is_on("none", None) && !had.is_on("other", None));
        // The hashes of these keys are even and odd; a row without one goes by its ordinal.
        assert_eq!([Some("b"), Some("a"), None].map(|key| had.is_on("two", key)), [true, false, true]);
        assert_eq!(Had::default().written(), None);
    }
}
