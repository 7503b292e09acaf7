//! What recipients said that they want to be told, and by which way.

use hexalpes_db::{DbError, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query};

use super::TENANT;
use crate::domain::{Channel, Kind, RecipientId};

/// Whether a recipient wants events of a type, by its bare name, by a channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preference {
    pub(crate) kind: String,
    pub(crate) channel: Channel,
    pub(crate) is_on: bool,
}

pub(crate) async fn preferences_of(tx: &Tx, recipient: &RecipientId) -> Result<Vec<Preference>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from("preference")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("recipient_id").eq(recipient.as_str()))
        .to_owned();
    let read = |row: &Row| {
        Ok(Preference {
            kind: row.get("event_type")?,
            channel: row.parsed("channel", Channel::parse)?,
            is_on: row.get("is_on")?,
        })
    };
    let mut all: Vec<Preference> =
        tx.fetch_all(&select).await?.iter().map(read).collect::<Result<_, DbError>>()?;
    all.sort();
    Ok(all)
}

/// All of them, in place of those that are there.
pub(crate) async fn replace_preferences(
    tx: &Tx,
    recipient: &RecipientId,
    preferences: &[Preference],
) -> Result<(), DbError> {
    let delete = Query::delete()
        .from_table("preference")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("recipient_id").eq(recipient.as_str()))
        .to_owned();
    tx.execute(&delete).await?;
    for Preference { kind, channel, is_on } in preferences {
        let insert = Query::insert()
            .into_table("preference")
            .columns(["tenant", "recipient_id", "event_type", "channel", "is_on"])
            .values_panic([
                TENANT.into(),
                recipient.as_str().into(),
                kind.as_str().into(),
                channel.name().into(),
                (*is_on).into(),
            ])
            .to_owned();
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// The operators who asked for a type of events, or for all (`*`), by any channel.
pub(crate) async fn operators_of(tx: &Tx, kind: &str) -> Result<Vec<RecipientId>, DbError> {
    let select = Query::select()
        .distinct()
        .column(("recipient", "id"))
        .from("preference")
        .inner_join(
            "recipient",
            Expr::col(("recipient", "id"))
                .equals(("preference", "recipient_id"))
                .and(Expr::col(("recipient", "tenant")).equals(("preference", "tenant"))),
        )
        .and_where(Expr::col(("preference", "tenant")).eq(TENANT))
        .and_where(Expr::col(("preference", "event_type")).is_in([kind, "*"]))
        .and_where(Expr::col(("preference", "is_on")).eq(true))
        .and_where(Expr::col(("recipient", "kind")).eq(Kind::Operator.name()))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| row.parsed("id", |id| RecipientId::parse(id).ok())).collect()
}
