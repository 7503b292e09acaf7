//! Spend as rows: entries are inserted, never changed.

use hexalpes_db::{DbError, Keyset, Row, Tx, columns};
use hexalpes_kernel::Money;
use sea_query::{Alias, Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::tables::Spend;
use super::{TENANT, currency, day, money};
use crate::domain::{CampaignId, Entry, EntryKind, SpendId};

/// Inserts an entry unless the campaign has one of its id; tells whether it did.
pub(crate) async fn insert_entry(tx: &Tx, entry: &Entry) -> Result<bool, DbError> {
    let (kind, corrects) = match &entry.kind {
        EntryKind::Spend => ("SPEND", None),
        EntryKind::Correction { of } => ("CORRECTION", Some(of.as_str())),
    };
    let insert = Query::insert()
        .into_table(Spend::Table)
        .columns([
            Spend::Tenant,
            Spend::CampaignId,
            Spend::Id,
            Spend::Kind,
            Spend::Corrects,
            Spend::StatedMinor,
            Spend::DifferenceMinor,
            Spend::Currency,
            Spend::OccurredAt,
            Spend::Day,
            Spend::IsLate,
            Spend::Note,
            Spend::RecordedAt,
        ])
        .values_panic([
            TENANT.into(),
            entry.campaign.as_str().into(),
            entry.id.as_str().into(),
            kind.into(),
            corrects.into(),
            entry.stated.minor().into(),
            entry.difference.minor().into(),
            entry.stated.currency().code().into(),
            entry.occurred_at.as_micros().into(),
            entry.day.number().into(),
            entry.is_late.into(),
            entry.note.as_deref().into(),
            entry.recorded_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Spend::Id).await
}

pub(crate) async fn load_entry(
    tx: &Tx,
    campaign: &CampaignId,
    id: &SpendId,
) -> Result<Option<Entry>, DbError> {
    let select = select(campaign).and_where(Expr::col(Spend::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| entry(&row)).transpose()
}

/// The sum of the differences by which a spend was corrected until now.
pub(crate) async fn corrections_of(tx: &Tx, spend: &Entry) -> Result<Money, DbError> {
    let select = Query::select()
        .expr_as(columns::sum(tx.backend(), Spend::DifferenceMinor), Alias::new("corrected"))
        .from(Spend::Table)
        .and_where(Expr::col(Spend::Tenant).eq(TENANT))
        .and_where(Expr::col(Spend::CampaignId).eq(spend.campaign.as_str()))
        .and_where(Expr::col(Spend::Corrects).eq(spend.id.as_str()))
        .to_owned();
    money(&tx.fetch_one(&select).await?, "corrected", spend.stated.currency())
}

/// By the time at which it was recorded.
pub(crate) async fn page_of_spend(
    tx: &Tx,
    campaign: &CampaignId,
    page: Keyset,
) -> Result<Vec<Entry>, DbError> {
    let mut select = select(campaign);
    page.apply(&mut select, Spend::RecordedAt, Spend::Id);
    tx.fetch_all(&select).await?.iter().map(entry).collect()
}

fn select(campaign: &CampaignId) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Spend::Table)
        .and_where(Expr::col(Spend::Tenant).eq(TENANT))
        .and_where(Expr::col(Spend::CampaignId).eq(campaign.as_str()))
        .to_owned()
}

fn entry(row: &Row) -> Result<Entry, DbError> {
    let currency = currency(row)?;
    let kind = match row.parsed_if_any("corrects", |id| SpendId::parse(id).ok())? {
        Some(of) => EntryKind::Correction { of },
        None => EntryKind::Spend,
    };
    Ok(Entry {
        campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
        id: row.parsed("spend_id", |id| SpendId::parse(id).ok())?,
        kind,
        stated: money(row, "stated_minor", currency)?,
        difference: money(row, "difference_minor", currency)?,
        occurred_at: row.get("occurred_at")?,
        day: day(row, "day")?,
        is_late: row.get("is_late")?,
        note: row.get("note")?,
        recorded_at: row.get("recorded_at")?,
    })
}
