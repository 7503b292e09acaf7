//! Where reading the log goes on, kept in the database beside the checkpoint.
//!
//! The checkpoint says up to which ordinal all has receipts; the place says where the log is read from, and how many
//! rows lie before it. It follows the checkpoint at the ends of transactions, once the rows up to there are marked as
//! published, or written down beside it as [unmarked](super::marks). What lies between the two is read again and marked
//! again after a crash, and not published again.

use std::{collections::HashSet, sync::Arc};

use hexalpes_capture::Position;
use hexalpes_db::{Db, DbError, Row, Tx};
use sea_query::{Expr, ExprTrait as _, Query, UpdateStatement};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    given::{Given, Key, position_text},
    runs::Runs,
};
use crate::{
    checkpoint::{Claim, is_source, update},
    parked,
    relay::RelayError,
};

/// Nothing of it is there before the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The log that it is a place in.
    pub(crate) identity: Option<String>,
    /// None while snapshots are read.
    pub(crate) position: Option<Position>,
    /// The ordinal of the last row before it.
    pub(crate) base: i64,
    /// What was given before the log alone is read. None where nothing was, and a snapshot comes first.
    pub(crate) given: Option<Given>,
    /// What a snapshot gave last.
    pub(crate) chunk: Option<Chunk>,
    /// The table's columns where the log is read from, if somebody needs to know them there.
    pub(crate) columns: Option<Arc<[String]>>,
}

/// Rows of a snapshot, which have the ordinals after the base. They are written down before they are published, since
/// another snapshot may have others between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// The position of the snapshot.
    #[serde(with = "position_text")]
    pub(crate) at: Position,
    /// Rows up to this key were looked at.
    pub(crate) through: Key,
    /// Those that are published.
    pub(crate) keys: Vec<Key>,
    /// The column of these keys. None if it was written down before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
}

impl Place {
    pub(crate) async fn load(db: &Db) -> Result<Self, DbError> {
        let columns =
            ["log_identity", "log_position", "log_base", "log_segments", "log_chunk", "log_columns"];
        let read =
            Query::select().columns(columns).from("relay_checkpoint").and_where(is_source()).to_owned();
        db.read(async move |tx: &Tx| {
            let row = tx.fetch_one(&read).await?;
            let damaged = || DbError::Damaged("relay_checkpoint.log_position cannot be read".to_owned());
            let position: Option<String> = row.get("log_position")?;
            Ok(Self {
                identity: row.get("log_identity")?,
                position: position.map(|text| text.parse().map_err(|_| damaged())).transpose()?,
                base: row.get("log_base")?,
                given: json(&row, "log_segments")?,
                chunk: json(&row, "log_chunk")?,
                columns: json::<Vec<String>>(&row, "log_columns")?.map(Arc::from),
            })
        })
        .await
    }

    /// From where on a log is read of which nothing was given.
    pub(crate) fn at(identity: String, position: Position) -> Self {
        let given = Some(Given::all(&Position::default()));
        Self { identity: Some(identity), position: Some(position), given, ..Self::default() }
    }

    /// That it is a place in that log, and the log has all rows from there.
    pub(crate) fn be_of(&mut self, has: String) -> Result<(), RelayError> {
        if let Some(had) = &self.identity {
            let ((log, member), (log_now, member_now)) = (parts(had), parts(&has));
            if log != log_now {
                return Err(RelayError::OtherLog { had: had.clone(), has });
            }
            // It was written down before members were.
            if member.is_some() && member != member_now {
                return Err(RelayError::Left);
            }
        }
        self.identity = Some(has);
        Ok(())
    }

    /// The column by which a snapshot is being taken, if one is and it is known.
    pub(crate) fn by(&self) -> Option<&str> {
        let of_chunk = self.chunk.as_ref().and_then(|chunk| chunk.by.as_deref());
        of_chunk.or_else(|| self.given.as_ref().and_then(Given::by))
    }

    /// From where on the log is needed. None before the first rows of a snapshot were given.
    pub(crate) fn needed_from(&self) -> Option<Position> {
        self.position.clone().or_else(|| self.given.as_ref().map(|given| given.at().clone()))
    }

    /// Written down, if the claim still stands.
    pub(crate) async fn save(&self, db: &Db, claim: &Claim) -> Result<(), RelayError> {
        let mut save = Query::update();
        self.put_into(&mut save);
        update(db, claim, save).await
    }

    /// Writes it down, whoever has the claim.
    pub(crate) fn putting(&self) -> UpdateStatement {
        let mut save = Query::update();
        self.put_into(&mut save);
        save.table("relay_checkpoint").and_where(is_source());
        save
    }

    fn put_into(&self, save: &mut UpdateStatement) {
        save.value("log_identity", self.identity.clone())
            .value("log_position", self.position.as_ref().map(Position::kept))
            .value("log_base", self.base)
            .value("log_segments", self.given.as_ref().map(written))
            .value("log_chunk", self.chunk.as_ref().map(written))
            .value("log_columns", self.columns.as_ref().map(|columns| written(&&**columns)));
    }
}

/// A log's own identity, and what lets it have the table's rows, if that is told.
fn parts(identity: &str) -> (&str, Option<&str>) {
    identity.split_once('#').map_or((identity, None), |(log, member)| (log, Some(member)))
}

/// The numbers of rows that have their receipts and are not marked as published yet.
pub(crate) async fn unmarked(tx: &Tx) -> Result<Runs, DbError> {
    let read =
        Query::select().column("log_unmarked").from("relay_checkpoint").and_where(is_source()).to_owned();
    let Some(row) = tx.fetch_optional(&read).await? else { return Ok(Runs::default()) };
    Ok(json(&row, "log_unmarked")?.unwrap_or_default())
}

/// Which of these rows they are.
pub(crate) async fn unmarked_among(tx: &Tx, seqs: Vec<i64>) -> Result<HashSet<i64>, DbError> {
    let unmarked = if seqs.is_empty() { Runs::default() } else { unmarked(tx).await? };
    if unmarked.is_empty() {
        return Ok(HashSet::new());
    }
    let among = Query::select()
        .column("seq")
        .from("outbox_event")
        .and_where(Expr::col("seq").is_in(seqs))
        .cond_where(unmarked.have())
        .and_where(parked::is_not_parked())
        .to_owned();
    tx.fetch_all(&among).await?.iter().map(|row| row.get("seq")).collect()
}

/// Writes these down, and the place if there is a new one, if the claim still stands.
pub(crate) async fn save_unmarked(
    db: &Db,
    claim: &Claim,
    place: Option<&Place>,
    unmarked: &Runs,
) -> Result<(), RelayError> {
    let mut save = Query::update();
    if let Some(place) = place {
        place.put_into(&mut save);
    }
    save.value("log_unmarked", (!unmarked.is_empty()).then(|| written(unmarked)));
    update(db, claim, save).await
}

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and texts are always JSON")
}

fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, DbError> {
    let text: Option<String> = row.get(column)?;
    let damaged = |_| DbError::Damaged(format!("relay_checkpoint.{column} cannot be read"));
    text.map(|text| serde_json::from_str(&text).map_err(damaged)).transpose()
}
