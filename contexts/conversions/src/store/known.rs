//! What the affiliates context told last. A revision that is not newer than the kept one changes nothing, so that the
//! order in which events come does not matter.

use std::time::Duration;

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::Currency;
use sea_query::{Asterisk, Expr, ExprTrait as _, Query, SelectStatement};

use super::TENANT;
use super::tables::{KnownAffiliates, KnownLinks, KnownPrograms};
use crate::domain::{
    AffiliateCode, AffiliateId, CampaignId, KnownAffiliate, KnownLink, KnownProgram, Model, ProgramId, Slug,
};
use crate::handlers;

pub(crate) async fn learn_program(tx: &Tx, program: &KnownProgram) -> Result<(), DbError> {
    let window = i64::try_from(program.window.as_secs()).unwrap_or(i64::MAX);
    let revision = i64::from(program.revision);
    let insert = Query::insert()
        .into_table(KnownPrograms::Table)
        .columns([
            KnownPrograms::Tenant,
            KnownPrograms::Id,
            KnownPrograms::Revision,
            KnownPrograms::Currency,
            KnownPrograms::Model,
            KnownPrograms::WindowSeconds,
            KnownPrograms::IsActive,
        ])
        .values_panic([
            TENANT.into(),
            program.id.as_str().into(),
            revision.into(),
            program.currency.code().into(),
            program.model.name().into(),
            window.into(),
            program.is_active.into(),
        ])
        .to_owned();
    if tx.insert_new(&insert, KnownPrograms::Id).await? {
        return Ok(());
    }
    let update = Query::update()
        .table(KnownPrograms::Table)
        .value(KnownPrograms::Revision, revision)
        .value(KnownPrograms::Currency, program.currency.code())
        .value(KnownPrograms::Model, program.model.name())
        .value(KnownPrograms::WindowSeconds, window)
        .value(KnownPrograms::IsActive, program.is_active)
        .and_where(Expr::col(KnownPrograms::Tenant).eq(TENANT))
        .and_where(Expr::col(KnownPrograms::Id).eq(program.id.as_str()))
        .and_where(Expr::col(KnownPrograms::Revision).lt(revision))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

pub(crate) async fn learn_affiliate(tx: &Tx, affiliate: &KnownAffiliate) -> Result<(), DbError> {
    let revision = i64::from(affiliate.revision);
    let insert = Query::insert()
        .into_table(KnownAffiliates::Table)
        .columns([
            KnownAffiliates::Tenant,
            KnownAffiliates::Id,
            KnownAffiliates::Revision,
            KnownAffiliates::ProgramId,
            KnownAffiliates::Code,
            KnownAffiliates::IsActive,
        ])
        .values_panic([
            TENANT.into(),
            affiliate.id.as_str().into(),
            revision.into(),
            affiliate.program.as_str().into(),
            affiliate.code.as_str().into(),
            affiliate.is_active.into(),
        ])
        .to_owned();
    if tx.insert_new(&insert, KnownAffiliates::Id).await? {
        return Ok(());
    }
    let update = Query::update()
        .table(KnownAffiliates::Table)
        .value(KnownAffiliates::Revision, revision)
        .value(KnownAffiliates::Code, affiliate.code.as_str())
        .value(KnownAffiliates::IsActive, affiliate.is_active)
        .and_where(Expr::col(KnownAffiliates::Tenant).eq(TENANT))
        .and_where(Expr::col(KnownAffiliates::Id).eq(affiliate.id.as_str()))
        .and_where(Expr::col(KnownAffiliates::Revision).lt(revision))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

/// A link never changes.
pub(crate) async fn learn_link(tx: &Tx, link: &KnownLink) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(KnownLinks::Table)
        .columns([
            KnownLinks::Tenant,
            KnownLinks::Slug,
            KnownLinks::AffiliateId,
            KnownLinks::ProgramId,
            KnownLinks::CampaignId,
            KnownLinks::Destination,
        ])
        .values_panic([
            TENANT.into(),
            link.slug.as_str().into(),
            link.affiliate.as_str().into(),
            link.program.as_str().into(),
            link.campaign.as_ref().map(CampaignId::as_str).into(),
            link.destination.as_str().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, KnownLinks::Slug).await.map(|_| ())
}

pub(crate) async fn known_program(tx: &Tx, id: &ProgramId) -> Result<Option<KnownProgram>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(KnownPrograms::Table)
        .and_where(Expr::col(KnownPrograms::Tenant).eq(TENANT))
        .and_where(Expr::col(KnownPrograms::Id).eq(id.as_str()))
        .to_owned();
    let known = tx.fetch_optional(&select).await?.map(|row| program(&row)).transpose()?;
    Ok(known.or_else(|| built_in().filter(|program| program.id == *id)))
}

pub(crate) async fn known_affiliate(tx: &Tx, id: &AffiliateId) -> Result<Option<KnownAffiliate>, DbError> {
    let select = affiliates().and_where(Expr::col(KnownAffiliates::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| affiliate(&row)).transpose()
}

pub(crate) async fn affiliate_by_code(
    tx: &Tx,
    program: &ProgramId,
    code: &AffiliateCode,
) -> Result<Option<KnownAffiliate>, DbError> {
    let select = affiliates()
        .and_where(Expr::col(KnownAffiliates::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(KnownAffiliates::Code).eq(code.as_str()))
        .to_owned();
    tx.fetch_optional(&select).await?.map(|row| affiliate(&row)).transpose()
}

pub(crate) async fn known_link(tx: &Tx, slug: &Slug) -> Result<Option<KnownLink>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(KnownLinks::Table)
        .and_where(Expr::col(KnownLinks::Tenant).eq(TENANT))
        .and_where(Expr::col(KnownLinks::Slug).eq(slug.as_str()))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    Ok(Some(KnownLink {
        slug: row.parsed("slug", |slug| Slug::parse(slug).ok())?,
        affiliate: row.parsed("affiliate_id", |id| AffiliateId::parse(id).ok())?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        campaign: row.parsed_if_any("campaign_id", |id| CampaignId::parse(id).ok())?,
        destination: row.get("destination")?,
    }))
}

/// The program that nobody has to tell.
fn built_in() -> Option<KnownProgram> {
    handlers::of_program(&hexalpes_contracts::affiliates::Program::built_in()).ok()
}

fn affiliates() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(KnownAffiliates::Table)
        .and_where(Expr::col(KnownAffiliates::Tenant).eq(TENANT))
        .to_owned()
}

fn program(row: &Row) -> Result<KnownProgram, DbError> {
    let seconds: i64 = row.get("window_seconds")?;
    Ok(KnownProgram {
        id: row.parsed("id", |id| ProgramId::parse(id).ok())?,
        revision: row.get("revision")?,
        currency: row.parsed("currency", |code| Currency::parse(code).ok())?,
        model: row.parsed("model", Model::parse)?,
        window: u64::try_from(seconds)
            .map(Duration::from_secs)
            .map_err(|_| DbError::column("window_seconds", "it is below zero"))?,
        is_active: row.get("is_active")?,
    })
}

fn affiliate(row: &Row) -> Result<KnownAffiliate, DbError> {
    Ok(KnownAffiliate {
        id: row.parsed("id", |id| AffiliateId::parse(id).ok())?,
        revision: row.get("revision")?,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        code: row.parsed("code", |code| AffiliateCode::parse(code).ok())?,
        is_active: row.get("is_active")?,
    })
}
