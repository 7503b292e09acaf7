//! Clicks as rows.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, JoinType, Order, Query};

use super::TENANT;
use super::tables::{Clicks, KnownAffiliates};
use crate::domain::{AffiliateId, CampaignId, Click, ClickId, KnownLink, ProgramId, VisitorId};

/// Of a visitor who clicks more often, the newest are looked at.
const CLICKS_MAX: u64 = 1_000;

pub(crate) async fn insert_click(
    tx: &Tx,
    id: &ClickId,
    visitor: &VisitorId,
    link: &KnownLink,
    at: Timestamp,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Clicks::Table)
        .columns([
            Clicks::Tenant,
            Clicks::Id,
            Clicks::VisitorId,
            Clicks::Slug,
            Clicks::AffiliateId,
            Clicks::ProgramId,
            Clicks::CampaignId,
            Clicks::At,
        ])
        .values_panic([
            TENANT.into(),
            id.as_str().into(),
            visitor.as_str().into(),
            link.slug.as_str().into(),
            link.affiliate.as_str().into(),
            link.program.as_str().into(),
            link.campaign.as_ref().map(CampaignId::as_str).into(),
            at.as_micros().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

/// Who clicked, and under which program.
pub(crate) async fn load_click(tx: &Tx, id: &ClickId) -> Result<Option<(VisitorId, ProgramId)>, DbError> {
    let select = Query::select()
        .columns([Clicks::VisitorId, Clicks::ProgramId])
        .from(Clicks::Table)
        .and_where(Expr::col(Clicks::Tenant).eq(TENANT))
        .and_where(Expr::col(Clicks::Id).eq(id.as_str()))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    let visitor = row.parsed("visitor_id", |id| VisitorId::parse(id).ok())?;
    Ok(Some((visitor, row.parsed("program_id", |id| ProgramId::parse(id).ok())?)))
}

/// The clicks of a visitor on links of a program, up to a time.
pub(crate) async fn clicks_of(
    tx: &Tx,
    visitor: &VisitorId,
    program: &ProgramId,
    until: Timestamp,
) -> Result<Vec<Click>, DbError> {
    let select = Query::select()
        .column((Clicks::Table, Asterisk))
        .column((KnownAffiliates::Table, KnownAffiliates::IsActive))
        .from(Clicks::Table)
        .join(
            JoinType::LeftJoin,
            KnownAffiliates::Table,
            Expr::col((KnownAffiliates::Table, KnownAffiliates::Tenant))
                .equals((Clicks::Table, Clicks::Tenant))
                .and(
                    Expr::col((KnownAffiliates::Table, KnownAffiliates::Id))
                        .equals((Clicks::Table, Clicks::AffiliateId)),
                ),
        )
        .and_where(Expr::col((Clicks::Table, Clicks::Tenant)).eq(TENANT))
        .and_where(Expr::col((Clicks::Table, Clicks::VisitorId)).eq(visitor.as_str()))
        .and_where(Expr::col((Clicks::Table, Clicks::ProgramId)).eq(program.as_str()))
        .and_where(Expr::col((Clicks::Table, Clicks::At)).lte(until.as_micros()))
        .order_by((Clicks::Table, Clicks::At), Order::Desc)
        .limit(CLICKS_MAX)
        .to_owned();
    let mut clicks = Vec::new();
    for row in tx.fetch_all(&select).await? {
        clicks.push(Click {
            id: row.parsed("id", |id| ClickId::parse(id).ok())?,
            affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
            campaign: row.parsed_if_any("campaign_id", |id| CampaignId::parse(id).ok())?,
            at: row.get("at")?,
            is_active: row.get::<Option<bool>>("is_active")?.unwrap_or(false),
        });
    }
    Ok(clicks)
}
