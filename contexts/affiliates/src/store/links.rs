//! Links as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::{TENANT, tables::Links};
use crate::domain::{AffiliateId, CampaignId, Destination, Link, LinkId, ProgramId};

/// Inserts a link unless its slug is taken; tells whether it did.
pub(crate) async fn insert_link(tx: &Tx, link: &Link) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Links::Table)
        .columns([
            Links::Tenant,
            Links::Id,
            Links::AffiliateId,
            Links::ProgramId,
            Links::CampaignId,
            Links::Slug,
            Links::Destination,
            Links::CreatedAt,
        ])
        .values_panic([
            TENANT.into(),
            link.id.as_str().into(),
            link.affiliate.as_str().into(),
            link.program.as_str().into(),
            link.campaign.as_ref().map(CampaignId::as_str).into(),
            link.slug.as_str().into(),
            link.destination.as_str().into(),
            link.created_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Links::Id).await
}

/// Those of an affiliate, by the time of their making.
pub(crate) async fn page_of_links(tx: &Tx, of: &AffiliateId, page: Keyset) -> Result<Vec<Link>, DbError> {
    let mut select = select().and_where(Expr::col(Links::AffiliateId).eq(of.as_str())).to_owned();
    page.apply(&mut select, Links::CreatedAt, Links::Id);
    tx.fetch_all(&select).await?.iter().map(link).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Links::Table)
        .and_where(Expr::col(Links::Tenant).eq(TENANT))
        .to_owned()
}

fn link(row: &Row) -> Result<Link, DbError> {
    Ok(Link {
        id: row.parsed("id", |id| LinkId::parse(id).ok())?,
        affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        campaign: row.parsed_if_any("campaign_id", |id| CampaignId::parse(id).ok())?,
        slug: row.get("slug")?,
        destination: row.parsed("destination", |url| Destination::parse(url).ok())?,
        created_at: row.get("created_at")?,
    })
}
