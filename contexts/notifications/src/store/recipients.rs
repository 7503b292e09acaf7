//! Recipients as rows, and whom payouts paid.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement, Value};

use super::TENANT;
use crate::domain::{Digest, Kind, Language, QuietHours, Recipient, RecipientId, Zone};

/// What a list of recipients is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecipientFilter {
    pub(crate) kind: Option<Kind>,
    pub(crate) is_known: Option<bool>,
}

/// Inserts a recipient unless the id is there; tells whether it did.
pub(crate) async fn insert_recipient(tx: &Tx, recipient: &Recipient) -> Result<bool, DbError> {
    let (columns, values): (Vec<_>, Vec<_>) = row_of(recipient).into_iter().unzip();
    let first: [Value; 3] =
        [TENANT.into(), recipient.id.as_str().into(), recipient.created_at.as_micros().into()];
    let insert = Query::insert()
        .into_table("recipient")
        .columns(["tenant", "id", "created_at"].into_iter().chain(columns))
        .values_panic(first.into_iter().chain(values).map(Expr::from))
        .to_owned();
    tx.insert_new(&insert, "id").await
}

pub(crate) async fn save_recipient(tx: &Tx, recipient: &Recipient) -> Result<(), DbError> {
    let values = row_of(recipient).into_iter().map(|(column, value)| (column, value.into()));
    let update = Query::update()
        .table("recipient")
        .values(values)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").eq(recipient.id.as_str()))
        .to_owned();
    if tx.execute(&update).await? == 0 { Err(DbError::NoRow) } else { Ok(()) }
}

pub(crate) async fn load_recipient(tx: &Tx, id: &RecipientId) -> Result<Option<Recipient>, DbError> {
    let select = select().and_where(Expr::col("id").eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| recipient(&row)).transpose()
}

/// By the time since when they are known.
pub(crate) async fn page_of_recipients(
    tx: &Tx,
    filter: RecipientFilter,
    page: Keyset,
) -> Result<Vec<Recipient>, DbError> {
    let mut select = select();
    select
        .and_where_option(filter.kind.map(|kind| Expr::col("kind").eq(kind.name())))
        .and_where_option(filter.is_known.map(|is_known| Expr::col("is_known").eq(is_known)));
    page.apply(&mut select, "created_at", "id");
    tx.fetch_all(&select).await?.iter().map(recipient).collect()
}

fn select() -> SelectStatement {
    Query::select().column(Asterisk).from("recipient").and_where(Expr::col("tenant").eq(TENANT)).to_owned()
}

fn row_of(recipient: &Recipient) -> Vec<(&'static str, Value)> {
    vec![
        ("kind", recipient.kind.name().into()),
        ("name", recipient.name.clone().into()),
        ("email", recipient.email.clone().into()),
        ("language", recipient.language.name().into()),
        ("zone", recipient.zone.name().into()),
        ("quiet_from", recipient.quiet.map(|quiet| i64::from(quiet.from)).into()),
        ("quiet_to", recipient.quiet.map(|quiet| i64::from(quiet.to)).into()),
        ("digest", recipient.digest.name().into()),
        ("is_known", recipient.is_known.into()),
        ("revision", i64::from(recipient.revision).into()),
        ("updated_at", recipient.updated_at.as_micros().into()),
    ]
}

fn recipient(row: &Row) -> Result<Recipient, DbError> {
    let quiet = match (row.get::<Option<u16>>("quiet_from")?, row.get::<Option<u16>>("quiet_to")?) {
        (Some(from), Some(to)) => Some(QuietHours { from, to }),
        _ => None,
    };
    Ok(Recipient {
        id: row.parsed("id", |id| RecipientId::parse(id).ok())?,
        kind: row.parsed("kind", Kind::parse)?,
        name: row.get("name")?,
        email: row.get("email")?,
        language: row.parsed("language", Language::parse)?,
        zone: row.parsed("zone", Zone::parse)?,
        quiet,
        digest: row.parsed("digest", Digest::parse)?,
        is_known: row.get("is_known")?,
        revision: row.get("revision")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}
