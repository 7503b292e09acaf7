//! Texts of one's own, each version kept.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::TENANT;
use crate::domain::Language;

/// A version of the words for a type of events. Without title and body it takes those of one's own away again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) kind: String,
    pub(crate) language: Language,
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) written_by: String,
    pub(crate) created_at: Timestamp,
}

/// Adds a version; `false` if somebody else has added it meanwhile.
pub(crate) async fn add_version(tx: &Tx, version: &Version) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table("template")
        .columns(["tenant", "event_type", "language", "version", "title", "body", "written_by", "created_at"])
        .values_panic([
            TENANT.into(),
            version.kind.as_str().into(),
            version.language.name().into(),
            i64::from(version.number).into(),
            version.title.as_str().into(),
            version.body.as_str().into(),
            version.written_by.as_str().into(),
            version.created_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, "version").await
}

/// The newest version, if there ever was one.
pub(crate) async fn newest(tx: &Tx, kind: &str, language: Language) -> Result<Option<Version>, DbError> {
    let select = select(kind).and_where(Expr::col("language").eq(language.name())).limit(1).to_owned();
    tx.fetch_optional(&select).await?.map(|row| version(&row)).transpose()
}

/// The newest first; as many as are looked at.
pub(crate) async fn versions(tx: &Tx, kind: &str) -> Result<Vec<Version>, DbError> {
    let select = select(kind).order_by("language", Order::Asc).limit(200).to_owned();
    tx.fetch_all(&select).await?.iter().map(version).collect()
}

fn select(kind: &str) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from("template")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("event_type").eq(kind))
        .order_by("version", Order::Desc)
        .to_owned()
}

fn version(row: &Row) -> Result<Version, DbError> {
    Ok(Version {
        kind: row.get("event_type")?,
        language: row.parsed("language", Language::parse)?,
        number: row.get("version")?,
        title: row.get("title")?,
        body: row.get("body")?,
        written_by: row.get("written_by")?,
        created_at: row.get("created_at")?,
    })
}
