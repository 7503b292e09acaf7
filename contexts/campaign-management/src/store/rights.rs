//! What is known of partners: what their contracts grant until they end, how far they were validated, and which campaigns
//! have not been looked at since that changed. What is not newer than what is kept changes nothing, so that the order in
//! which events come does not matter.

use hexalpes_db::{DbError, Row, Tx};
use hexalpes_kernel::{Currency, Money};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, Value};
use serde::{Deserialize, Serialize};

use super::tables::{Campaigns, Ends, Grants, Partners};
use super::{TENANT, day, day_if_any};
use crate::domain::{
    CampaignId, ContractId, Day, End, Grant, Limits, Outcome, PartnerId, Rights, Validated, Validation,
};

/// Limits as they are kept: minor units beside the currency.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct KeptLimits {
    currency: Option<String>,
    campaigns_max: Option<u32>,
    campaign_budget_max: Option<i64>,
    daily_budget_max: Option<i64>,
    total_budget_max: Option<i64>,
}

/// Tells whether it was news, as the other two do.
pub(crate) async fn learn_grant(tx: &Tx, grant: &Grant) -> Result<bool, DbError> {
    let permissions = serde_json::to_string(&grant.permissions).expect("texts are always JSON");
    let row: Vec<(Grants, Value)> = vec![
        (Grants::Tenant, TENANT.into()),
        (Grants::ContractId, grant.contract.as_str().into()),
        (Grants::PartnerId, grant.partner.as_str().into()),
        (Grants::Revision, grant.revision.into()),
        (Grants::EffectiveDay, grant.effective.number().into()),
        (Grants::ExpiresDay, grant.expires.map(Day::number).into()),
        (Grants::Permissions, permissions.into()),
        (Grants::Limits, kept_limits(&grant.limits).into()),
        (Grants::ToldAt, grant.told_at.as_micros().into()),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = row.clone().into_iter().unzip();
    let insert = Query::insert()
        .into_table(Grants::Table)
        .columns(columns)
        .values_panic(values.into_iter().map(Expr::from))
        .to_owned();
    if tx.insert_new(&insert, Grants::ContractId).await? {
        return Ok(true);
    }
    let same = Expr::col(Grants::Revision).eq(grant.revision);
    let is_later = same.and(Expr::col(Grants::ToldAt).lt(grant.told_at.as_micros()));
    let update = Query::update()
        .table(Grants::Table)
        .values(row.into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Grants::Tenant).eq(TENANT))
        .and_where(Expr::col(Grants::ContractId).eq(grant.contract.as_str()))
        .and_where(Expr::col(Grants::Revision).lt(grant.revision).or(is_later))
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

pub(crate) async fn learn_end(tx: &Tx, end: &End) -> Result<bool, DbError> {
    let renewed_by = match &end.outcome {
        Outcome::Renewed { by } => by.as_ref().map(ContractId::as_str),
        Outcome::Expired | Outcome::Terminated => None,
    };
    let row: Vec<(Ends, Value)> = vec![
        (Ends::Tenant, TENANT.into()),
        (Ends::ContractId, end.contract.as_str().into()),
        (Ends::PartnerId, end.partner.as_str().into()),
        (Ends::Outcome, end.outcome.name().into()),
        (Ends::RenewedBy, renewed_by.into()),
        (Ends::EndedAt, end.at.as_micros().into()),
        (Ends::Revision, end.revision.into()),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = row.clone().into_iter().unzip();
    let insert = Query::insert()
        .into_table(Ends::Table)
        .columns(columns)
        .values_panic(values.into_iter().map(Expr::from))
        .to_owned();
    if tx.insert_new(&insert, Ends::ContractId).await? {
        return Ok(true);
    }
    let update = Query::update()
        .table(Ends::Table)
        .values(row.into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Ends::Tenant).eq(TENANT))
        .and_where(Expr::col(Ends::ContractId).eq(end.contract.as_str()))
        .and_where(Expr::col(Ends::Revision).lt(end.revision))
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

pub(crate) async fn learn_validated(tx: &Tx, told: &Validated) -> Result<bool, DbError> {
    insert_partner(tx, &told.partner).await?;
    let nothing = Expr::col(Partners::Validation).is_null();
    let same = Expr::col(Partners::Revision).eq(told.revision);
    let is_later = same.and(Expr::col(Partners::ToldAt).lt(told.at.as_micros()));
    let update = Query::update()
        .table(Partners::Table)
        .value(Partners::Validation, told.status.name())
        .value(Partners::IsBarred, told.is_barred)
        .value(Partners::Revision, told.revision)
        .value(Partners::ToldAt, told.at.as_micros())
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(told.partner.as_str()))
        .and_where(nothing.or(Expr::col(Partners::Revision).lt(told.revision)).or(is_later))
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

/// What a partner may is another thing now, and will be again on a day: all its campaigns are to be looked at.
pub(crate) async fn rights_changed(tx: &Tx, partner: &PartnerId, next: Option<Day>) -> Result<(), DbError> {
    let update = Query::update()
        .table(Partners::Table)
        .value(Partners::Rights, Expr::col(Partners::Rights).add(1_i64))
        .value(Partners::RightsDay, next.map(Day::number))
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(partner.as_str()))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        insert_partner(tx, partner).await?;
        tx.execute(&update).await?;
    }
    Ok(())
}

/// Partners for whom a day has come on which what they may changes.
pub(crate) async fn partners_to_review(tx: &Tx, today: Day, limit: u64) -> Result<Vec<PartnerId>, DbError> {
    let select = Query::select()
        .column(Partners::Id)
        .from(Partners::Table)
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::RightsDay).lte(today.number()))
        .order_by(Partners::Id, Order::Asc)
        .limit(limit)
        .to_owned();
    let id = |row: &Row| row.parsed("id", |id| PartnerId::parse(id).ok());
    tx.fetch_all(&select).await?.iter().map(id).collect()
}

/// Campaigns that run and were not looked at since what their partner may changed; of one partner, or of all.
pub(crate) async fn to_review(
    tx: &Tx,
    partner: Option<&PartnerId>,
    limit: u64,
) -> Result<Vec<CampaignId>, DbError> {
    let column = |column: Campaigns| Expr::col((Campaigns::Table, column));
    let of_partner = |column: Partners| Expr::col((Partners::Table, column));
    let same = of_partner(Partners::Tenant).equals((Campaigns::Table, Campaigns::Tenant));
    let same = same.and(of_partner(Partners::Id).equals((Campaigns::Table, Campaigns::PartnerId)));
    let mut select = Query::select()
        .column((Campaigns::Table, Campaigns::Id))
        .from(Campaigns::Table)
        .inner_join(Partners::Table, same)
        .and_where(column(Campaigns::Tenant).eq(TENANT))
        .and_where(column(Campaigns::Stage).eq("RUNNING"))
        .and_where(column(Campaigns::Rights).lt(of_partner(Partners::Rights)))
        .order_by((Campaigns::Table, Campaigns::Id), Order::Asc)
        .limit(limit)
        .to_owned();
    select.and_where_option(partner.map(|partner| column(Campaigns::PartnerId).eq(partner.as_str())));
    let id = |row: &Row| row.parsed("id", |id| CampaignId::parse(id).ok());
    tx.fetch_all(&select).await?.iter().map(id).collect()
}

/// A campaign was looked at by what its partner may now.
pub(crate) async fn mark_reviewed(
    tx: &Tx,
    campaign: &CampaignId,
    partner: &PartnerId,
) -> Result<(), DbError> {
    let select = Query::select()
        .column(Partners::Rights)
        .from(Partners::Table)
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(partner.as_str()))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(()) };
    let update = Query::update()
        .table(Campaigns::Table)
        .value(Campaigns::Rights, row.get::<i64>("rights")?)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::Id).eq(campaign.as_str()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Waits for its turn: whoever adds to what a contract limits for a partner does this first.
pub(crate) async fn claim_partner(tx: &Tx, partner: &PartnerId) -> Result<(), DbError> {
    let update = Query::update()
        .table(Partners::Table)
        .value(Partners::Claims, Expr::col(Partners::Claims).add(1_i64))
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(partner.as_str()))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        insert_partner(tx, partner).await?;
    }
    Ok(())
}

async fn insert_partner(tx: &Tx, partner: &PartnerId) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Partners::Table)
        .columns([
            Partners::Tenant,
            Partners::Id,
            Partners::IsBarred,
            Partners::Revision,
            Partners::Claims,
            Partners::Rights,
            Partners::RightsDay,
        ])
        .values_panic([
            TENANT.into(),
            partner.as_str().into(),
            false.into(),
            0_i64.into(),
            0_i64.into(),
            0_i64.into(),
            Option::<i64>::None.into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Partners::Id).await.map(drop)
}

pub(crate) async fn rights_of(tx: &Tx, partner: &PartnerId) -> Result<Rights, DbError> {
    let grants = Query::select()
        .column(Asterisk)
        .from(Grants::Table)
        .and_where(Expr::col(Grants::Tenant).eq(TENANT))
        .and_where(Expr::col(Grants::PartnerId).eq(partner.as_str()))
        .order_by(Grants::EffectiveDay, Order::Asc)
        .order_by(Grants::ContractId, Order::Asc)
        .to_owned();
    let grants: Result<Vec<Grant>, DbError> = tx.fetch_all(&grants).await?.iter().map(grant).collect();
    let ends = Query::select()
        .column(Asterisk)
        .from(Ends::Table)
        .and_where(Expr::col(Ends::Tenant).eq(TENANT))
        .and_where(Expr::col(Ends::PartnerId).eq(partner.as_str()))
        .order_by(Ends::ContractId, Order::Asc)
        .to_owned();
    let ends: Result<Vec<End>, DbError> = tx.fetch_all(&ends).await?.iter().map(end).collect();
    let known = Query::select()
        .column(Asterisk)
        .from(Partners::Table)
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(partner.as_str()))
        .and_where(Expr::col(Partners::Validation).is_not_null())
        .to_owned();
    let validated = match tx.fetch_optional(&known).await? {
        Some(row) => Some(Validated {
            partner: partner.clone(),
            status: row.parsed("validation", Validation::parse)?,
            is_barred: row.get("is_barred")?,
            revision: row.get("revision")?,
            at: row.get("told_at")?,
        }),
        None => None,
    };
    Ok(Rights { partner: partner.clone(), grants: grants?, ends: ends?, validated })
}

fn kept_limits(limits: &Limits) -> String {
    let Limits { campaigns_max, campaign_budget_max, daily_budget_max, total_budget_max } = limits;
    let money = [campaign_budget_max, daily_budget_max, total_budget_max];
    let currency = money.iter().find_map(|money| money.map(Money::currency));
    let kept = KeptLimits {
        currency: currency.map(|currency| currency.code().to_owned()),
        campaigns_max: *campaigns_max,
        campaign_budget_max: campaign_budget_max.map(Money::minor),
        daily_budget_max: daily_budget_max.map(Money::minor),
        total_budget_max: total_budget_max.map(Money::minor),
    };
    serde_json::to_string(&kept).expect("numbers and texts are always JSON")
}

fn limits(json: &str) -> Option<Limits> {
    let kept: KeptLimits = serde_json::from_str(json).ok()?;
    let currency = match kept.currency {
        Some(code) => Some(Currency::parse(&code).ok()?),
        None => None,
    };
    let money = |minor: Option<i64>| minor.zip(currency).map(|(minor, of)| Money::from_minor(minor, of));
    Some(Limits {
        campaigns_max: kept.campaigns_max,
        campaign_budget_max: money(kept.campaign_budget_max),
        daily_budget_max: money(kept.daily_budget_max),
        total_budget_max: money(kept.total_budget_max),
    })
}

fn end(row: &Row) -> Result<End, DbError> {
    let renewed_by = row.parsed_if_any("renewed_by", |id| ContractId::parse(id).ok())?;
    Ok(End {
        contract: row.parsed("contract_id", |id| ContractId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        outcome: row.parsed("outcome", |name| Outcome::parse(name, renewed_by.clone()))?,
        at: row.get("ended_at")?,
        revision: row.get("revision")?,
    })
}

fn grant(row: &Row) -> Result<Grant, DbError> {
    Ok(Grant {
        contract: row.parsed("contract_id", |id| ContractId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        revision: row.get("revision")?,
        effective: day(row, "effective_day")?,
        expires: day_if_any(row, "expires_day")?,
        permissions: row.parsed("permissions", |json| serde_json::from_str(json).ok())?,
        limits: row.parsed("limits", limits)?,
        told_at: row.get("told_at")?,
    })
}
