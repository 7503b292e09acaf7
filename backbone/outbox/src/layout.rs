//! How rows are spread over the partitions of a topic, kept in the database that they come from.
//!
//! A row that is sent again must go where it went, or it is there twice: each partition deduplicates by itself. So
//! where a row goes depends on its own fields and on what is written down here, and on nothing that another start
//! would see differently. When a topic has got more partitions, that counts for rows that did not exist before.

use std::collections::HashMap;

use hexalpes_client::KeyHash;
use hexalpes_db::{Db, DbError, Tx};
use sea_query::{Expr, ExprTrait as _, Query};

use crate::{
    checkpoint::{self, Claim},
    relay::RelayError,
};

/// Rows after `since` are spread over `partitions`, those up to it over `partitions_before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) partitions_before: u32,
    pub(crate) partitions: u32,
    pub(crate) since: i64,
}

impl Layout {
    pub(crate) const fn new(partitions: u32) -> Self {
        Self { partitions_before: partitions, partitions, since: 0 }
    }

    /// How many a row may be in.
    pub(crate) const fn partitions_of(self, seq: i64) -> u32 {
        if seq > self.since { self.partitions } else { self.partitions_before }
    }

    /// By key, as other producers do it; those without one in turn.
    pub(crate) fn partition_of(self, seq: i64, key: Option<&str>) -> u32 {
        let partitions = self.partitions_of(seq);
        match key {
            Some(key) => KeyHash::JavaString.partition_of(key, partitions),
            None => u32::try_from(seq.unsigned_abs() % u64::from(partitions)).expect("it is below a u32"),
        }
    }

    /// For so many partitions from the row after `newest` on, which is the last that was ever sent. One change at a time:
    /// while rows from before the last one may be on their way, this one waits for the next start.
    fn grown(self, partitions: u32, confirmed: i64, newest: i64) -> Self {
        let since = Ord::min(self.since, newest);
        if partitions <= self.partitions || confirmed < since {
            return Self { since, ..self };
        }
        Self { partitions_before: self.partitions, partitions, since: newest }
    }
}

/// The layouts of the topics that one relay publishes to, from the start of its session on.
#[derive(Debug)]
pub(crate) struct Layouts {
    db: Db,
    claim: Claim,
    known: HashMap<String, Layout>,
    /// All rows up to here have their receipts.
    confirmed: i64,
}

impl Layouts {
    pub(crate) async fn load(db: Db, claim: Claim, confirmed: i64) -> Result<Self, DbError> {
        let all = Query::select()
            .columns(["topic", "partitions_before", "partitions", "since"])
            .from("relay_layout")
            .to_owned();
        let known = db
            .read(async move |tx: &Tx| {
                let mut known = HashMap::new();
                for row in tx.fetch_all(&all).await? {
                    let layout = Layout {
                        partitions_before: row.get("partitions_before")?,
                        partitions: row.get("partitions")?,
                        since: row.get("since")?,
                    };
                    known.insert(row.get("topic")?, layout);
                }
                Ok::<_, DbError>(known)
            })
            .await?;
        Ok(Self { db, claim, known, confirmed })
    }

    /// The layout of a topic that has so many partitions now, none if it has none, written down if it is another
    /// than before. No row after `newest` has been sent to it.
    pub(crate) async fn of(
        &mut self,
        topic: &str,
        partitions: Option<u32>,
        newest: i64,
    ) -> Result<Option<Layout>, RelayError> {
        let known = self.known.get(topic).copied();
        let had = known.map_or(0, |known| known.partitions);
        let has = partitions.unwrap_or(0);
        if has < had {
            return Err(RelayError::PartitionsLost { topic: topic.to_owned(), had, has });
        }
        let layout = match (known, partitions) {
            (_, None) => return Ok(None),
            (None, Some(partitions)) => Layout::new(partitions),
            (Some(known), Some(partitions)) => known.grown(partitions, self.confirmed, newest),
        };
        if known != Some(layout) {
            self.note(topic, known.is_some(), layout).await?;
            self.known.insert(topic.to_owned(), layout);
        }
        Ok(Some(layout))
    }

    /// The layout that was written down last for a topic; none if it had no partitions, or nothing was sent to it.
    pub(crate) fn known(&self, topic: &str) -> Option<Layout> {
        self.known.get(topic).copied()
    }

    async fn note(&self, topic: &str, is_known: bool, layout: Layout) -> Result<(), RelayError> {
        let numbers =
            [i64::from(layout.partitions_before), i64::from(layout.partitions), layout.since].map(Into::into);
        let names = ["partitions_before", "partitions", "since"];
        let insert = Query::insert()
            .into_table("relay_layout")
            .columns(["topic"].into_iter().chain(names))
            .values_panic([topic.into()].into_iter().chain(numbers.clone()))
            .to_owned();
        let update = Query::update()
            .table("relay_layout")
            .values(names.into_iter().zip(numbers))
            .and_where(Expr::col("topic").eq(topic))
            .to_owned();
        checkpoint::note(&self.db, &self.claim, is_known, insert, update).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_where_it_went_however_often_the_topic_grows() {
        let before = Layout::new(2);
        let grown = before.grown(4, 10, 12);
        for seq in 0..=12 {
            for key in [None, Some("com-1"), Some("com-2")] {
                assert_eq!(grown.partition_of(seq, key), before.partition_of(seq, key));
            }
        }
        assert_eq!((grown.partition_of(11, None), grown.partition_of(15, None)), (1, 3));
        // Rows up to 12 may be on their way still: those after them go on as they are.
        assert_eq!(grown.grown(8, 11, 20), grown);
        let again = grown.grown(8, 12, 20);
        assert_eq!((again.partition_of(15, None), again.partition_of(23, None)), (3, 7));
        // Fewer partitions than rows were spread over are no layout.
        assert_eq!(again.grown(8, 30, 40), again);
        // Those after the last that was sent were never there, whatever was thought of them before.
        assert_eq!(again.grown(8, 15, 15), Layout { since: 15, ..again });
    }
}
