//! The sources that were made, kept in a database of their own: whoever starts the process again finds them.

use hexalpes_db::{Backend, Db, DbError, Migration, Row, Tx, columns};
use hexalpes_kernel::{Actor, Timestamp};
use hexalpes_vault::Vault;
use sea_query::{Expr, ExprTrait as _, Index, Order, Query, Table};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{deeds::SourceDeed, value::hex};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration::new("sources", 1, "create relay_source", |backend| vec![relay_source(backend)]),
    Migration::new("sources", 2, "create relay_source_deed", |backend| vec![relay_source_deed(backend)]),
    Migration::new("sources", 3, "count the turns of relay_source", |backend| vec![turn(backend)]),
    Migration::new("sources", 4, "have each of relay_source be a reader of its own", reader),
];

/// `config` is sealed as a whole, for it has a password.
fn relay_source(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_source")
            .if_not_exists()
            .col(columns::id(backend, "name").not_null().primary_key())
            .col(columns::text(backend, "config").not_null())
            .col(columns::integer("is_paused").not_null())
            .col(columns::timestamp("created_at").not_null()),
    )
}

/// How often it was begun again: who runs the same sources sees so that somebody has asked for it.
fn turn(backend: Backend) -> String {
    backend.schema(
        Table::alter().table("relay_source").add_column(columns::integer("turn").not_null().default(0)),
    )
}

/// As whom it reads from its server, where another one cannot: also of two that are made in one moment one is refused. Those
/// that were made before have none.
fn reader(backend: Backend) -> Vec<String> {
    let column = Table::alter().table("relay_source").add_column(columns::id(backend, "reader")).to_owned();
    let unique = Index::create()
        .unique()
        .name("relay_source_by_reader")
        .table("relay_source")
        .col("reader")
        .to_owned();
    vec![backend.schema(&column), backend.schema(&unique)]
}

/// What was done to sources, by whom and why.
fn relay_source_deed(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_source_deed")
            .if_not_exists()
            .col(columns::sequence("number"))
            .col(columns::id(backend, "source").not_null())
            .col(columns::id(backend, "deed").not_null())
            .col(columns::text(backend, "reason").not_null())
            .col(columns::text(backend, "actor").not_null())
            .col(columns::timestamp("at").not_null()),
    )
}

/// What is done, by whom, when and why.
#[derive(Clone, Debug)]
pub(super) struct Deed<'a> {
    pub(super) source: &'a str,
    pub(super) what: &'static str,
    pub(super) reason: &'a str,
    pub(super) actor: &'a Actor,
    pub(super) at: Timestamp,
}

/// A source as the list has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: String,
    /// The configuration; another one each time that it is sealed.
    pub(super) sealed: String,
    pub(super) is_paused: bool,
    pub(super) turn: i64,
}

impl Kept {
    /// One that is new.
    pub(super) fn new(name: &str, config: &Value, vault: &Vault) -> Self {
        let sealed = vault.seal(name, &config.to_string());
        Self { name: name.to_owned(), sealed, is_paused: false, turn: 0 }
    }

    /// Or why it cannot be read.
    pub(super) fn config(&self, vault: &Vault) -> Result<Value, String> {
        let text = vault.unseal(&self.name, &self.sealed).map_err(|why| why.to_string())?;
        serde_json::from_str(&text).map_err(|why| why.to_string())
    }

    /// Says which it is, where one of that name is made again and again.
    pub(super) fn mark(&self) -> String {
        hex(&Sha256::digest(self.sealed.as_bytes())[..8])
    }
}

/// The names of all of them, of a list that may be older.
pub(super) async fn names(db: &Db) -> Result<Vec<String>, DbError> {
    let query = Query::select().column("name").from("relay_source").order_by("name", Order::Asc).to_owned();
    db.read(async move |tx: &Tx| tx.fetch_all(&query).await?.iter().map(|row| row.get("name")).collect())
        .await
}

/// All of them, by their names.
pub(super) async fn all(db: &Db) -> Result<Vec<Kept>, DbError> {
    let query = Query::select()
        .columns(["name", "config", "is_paused", "turn"])
        .from("relay_source")
        .order_by("name", Order::Asc)
        .to_owned();
    let kept = |row: &Row| {
        let is_paused: i64 = row.get("is_paused")?;
        Ok(Kept {
            name: row.get("name")?,
            sealed: row.get("config")?,
            is_paused: is_paused != 0,
            turn: row.get("turn")?,
        })
    };
    db.read(async move |tx: &Tx| tx.fetch_all(&query).await?.iter().map(kept).collect()).await
}

/// Adds one that reads as that reader; false if there is one of that name, or one that does.
pub(super) async fn add(db: &Db, kept: &Kept, reader: &str, deed: &Deed<'_>) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table("relay_source")
        .columns(["name", "config", "is_paused", "created_at", "turn", "reader"])
        .values_panic([
            kept.name.as_str().into(),
            kept.sealed.as_str().into(),
            i64::from(kept.is_paused).into(),
            deed.at.as_micros().into(),
            kept.turn.into(),
            reader.into(),
        ])
        .to_owned();
    let note = noted(deed);
    db.write(async move |tx: &Tx| {
        let is_new = tx.insert_new(&insert, "name").await?;
        if is_new {
            tx.execute(&note).await?;
        }
        Ok(is_new)
    })
    .await
}

/// The name of the one that reads so.
pub(super) async fn read_by(db: &Db, reader: &str) -> Result<Option<String>, DbError> {
    let query = Query::select()
        .column("name")
        .from("relay_source")
        .and_where(Expr::col("reader").eq(reader))
        .to_owned();
    db.read(async move |tx: &Tx| tx.fetch_optional(&query).await?.map(|row| row.get("name")).transpose())
        .await
}

pub(super) async fn set_paused(db: &Db, is_paused: bool, deed: &Deed<'_>) -> Result<(), DbError> {
    let update = Query::update()
        .table("relay_source")
        .value("is_paused", i64::from(is_paused))
        .and_where(Expr::col("name").eq(deed.source))
        .to_owned();
    let note = noted(deed);
    db.write(async move |tx: &Tx| {
        tx.execute(&update).await?;
        tx.execute(&note).await.map(drop)
    })
    .await
}

pub(super) async fn remove(db: &Db, deed: &Deed<'_>) -> Result<(), DbError> {
    let delete =
        Query::delete().from_table("relay_source").and_where(Expr::col("name").eq(deed.source)).to_owned();
    let note = noted(deed);
    db.write(async move |tx: &Tx| {
        tx.execute(&delete).await?;
        tx.execute(&note).await.map(drop)
    })
    .await
}

/// Has it begun again wherever it runs, and gives its new turn.
pub(super) async fn begin_again(db: &Db, deed: &Deed<'_>) -> Result<i64, DbError> {
    let is_it = Expr::col("name").eq(deed.source);
    let update = Query::update()
        .table("relay_source")
        .value("turn", Expr::col("turn").add(1))
        .and_where(is_it.clone())
        .to_owned();
    let read = Query::select().column("turn").from("relay_source").and_where(is_it).to_owned();
    let note = noted(deed);
    db.write(async move |tx: &Tx| {
        tx.execute(&update).await?;
        tx.execute(&note).await?;
        tx.fetch_one(&read).await?.get("turn")
    })
    .await
}

/// What was done with a source of that name, newest first.
pub(super) async fn deeds(db: &Db, source: &str, limit: u64) -> Result<Vec<SourceDeed>, DbError> {
    let select = Query::select()
        .columns(["at", "actor", "deed", "reason"])
        .from("relay_source_deed")
        .and_where(Expr::col("source").eq(source))
        .order_by("number", Order::Desc)
        .limit(limit)
        .to_owned();
    let deed = |row: &Row| {
        Ok(SourceDeed {
            at: row.get("at")?,
            who: row.get("actor")?,
            what: row.get("deed")?,
            why: row.get("reason")?,
        })
    };
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(deed).collect()).await
}

fn noted(deed: &Deed<'_>) -> sea_query::InsertStatement {
    Query::insert()
        .into_table("relay_source_deed")
        .columns(["source", "deed", "reason", "actor", "at"])
        .values_panic([
            deed.source.into(),
            deed.what.into(),
            deed.reason.into(),
            deed.actor.as_str().into(),
            deed.at.as_micros().into(),
        ])
        .to_owned()
}

#[cfg(test)]
mod tests {
    use hexalpes_db::{DatabaseUrl, DbOptions};
    use hexalpes_engines::databases;

    use super::*;

    #[tokio::test]
    async fn of_two_that_would_read_as_one_the_second_is_not_added() {
        let actor = Actor::anonymous();
        let deed = |source| Deed {
            source,
            what: "create",
            reason: "",
            actor: &actor,
            at: Timestamp::from_micros(0).unwrap(),
        };
        let kept = |name: &str| Kept {
            name: name.to_owned(),
            sealed: "sealed".to_owned(),
            is_paused: false,
            turn: 0,
        };
        for database in databases() {
            let engine = database.engine();
            let url = DatabaseUrl::parse(database.url()).unwrap();
            let db = Db::open(&url, DbOptions::default()).await.unwrap();
            db.migrate(MIGRATIONS).await.unwrap();
            let add = async |name, reader| add(&db, &kept(name), reader, &deed(name)).await.unwrap();
            assert!(add("one", "r-1").await, "{engine}");
            assert!(!add("one", "r-2").await && !add("two", "r-1").await, "{engine}");
            assert_eq!(read_by(&db, "r-1").await.unwrap().as_deref(), Some("one"), "{engine}");
            // Nothing is left of what was not added, and what is removed is free.
            assert_eq!(
                (names(&db).await.unwrap(), deeds(&db, "two", 9).await.unwrap().len()),
                (vec!["one".to_owned()], 0)
            );
            remove(&db, &deed("one")).await.unwrap();
            assert!(add("two", "r-1").await, "{engine}");
        }
    }
}
