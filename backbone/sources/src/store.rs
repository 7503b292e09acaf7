//! The sources that were made, kept in a database of their own: whoever starts the process again finds them.

use hexalpes_db::{Backend, Db, DbError, Migration, Row, Tx, columns};
use hexalpes_kernel::{Actor, Timestamp};
use hexalpes_vault::Vault;
use sea_query::{Expr, ExprTrait as _, Order, Query, Table};
use serde_json::Value;

use super::SourcesError;
use crate::deeds::SourceDeed;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration::new("sources", 1, "create relay_source", |backend| vec![relay_source(backend)]),
    Migration::new("sources", 2, "create relay_source_deed", |backend| vec![relay_source_deed(backend)]),
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

pub(super) struct Kept {
    pub(super) name: String,
    pub(super) config: Value,
    pub(super) is_paused: bool,
}

/// All of them, by their names.
pub(super) async fn all(db: &Db, vault: &Vault) -> Result<Vec<Kept>, SourcesError> {
    let query = Query::select()
        .columns(["name", "config", "is_paused"])
        .from("relay_source")
        .order_by("name", Order::Asc)
        .to_owned();
    let rows = db.read(async move |tx: &Tx| tx.fetch_all(&query).await).await?;
    let kept = rows.into_iter().map(|row| {
        let (name, sealed): (String, String) = (row.get("name")?, row.get("config")?);
        let unreadable = |why: String| SourcesError::Unreadable { source_name: name.clone(), why };
        let text = vault.unseal(&name, &sealed).map_err(|why| unreadable(why.to_string()))?;
        let config = serde_json::from_str(&text).map_err(|why| unreadable(why.to_string()))?;
        let is_paused: i64 = row.get("is_paused")?;
        Ok(Kept { name, config, is_paused: is_paused != 0 })
    });
    kept.collect()
}

/// Adds one; false if there is one of that name.
pub(super) async fn add(db: &Db, vault: &Vault, config: &Value, deed: &Deed<'_>) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table("relay_source")
        .columns(["name", "config", "is_paused", "created_at"])
        .values_panic([
            deed.source.into(),
            vault.seal(deed.source, &config.to_string()).into(),
            0_i64.into(),
            deed.at.as_micros().into(),
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

/// Writes down what is done elsewhere.
pub(super) async fn note(db: &Db, deed: &Deed<'_>) -> Result<(), DbError> {
    let note = noted(deed);
    db.write(async move |tx: &Tx| tx.execute(&note).await.map(drop)).await
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
