//! Campaigns as rows, and what became of them.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Money, Timestamp};
use sea_query::{Alias, Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement, Value};
use serde::{Deserialize, Serialize};

use super::tables::{Campaigns, History};
use super::{TENANT, currency, day, money};
use crate::domain::{
    BarredBy, Barrier, Campaign, CampaignId, CampaignType, ContractId, Day, Fact, Hold, PartnerId, Plan,
    Stage, Status, Stored, Targets,
};

/// Targets as they are kept: money in minor units, percentages as the decimals that they were given as.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct KeptTargets {
    impressions: Option<i64>,
    clicks: Option<i64>,
    leads: Option<i64>,
    conversions: Option<i64>,
    revenue_minor: Option<i64>,
    roi_percent: Option<String>,
    ctr_percent: Option<String>,
}

/// Waits for its turn and loads it: whoever changes a campaign, its spend or its budgets does this first.
pub(crate) async fn claim_campaign(tx: &Tx, id: &CampaignId) -> Result<Option<Campaign>, DbError> {
    let update = Query::update()
        .table(Campaigns::Table)
        .value(Campaigns::Claims, Expr::col(Campaigns::Claims).add(1_i64))
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::Id).eq(id.as_str()))
        .to_owned();
    if tx.execute(&update).await? == 0 { Ok(None) } else { load_campaign(tx, id).await }
}

pub(crate) async fn insert_campaign(tx: &Tx, campaign: &Campaign) -> Result<(), DbError> {
    let parts = campaign.parts();
    let fixed: Vec<(Campaigns, Value)> = vec![
        (Campaigns::Tenant, TENANT.into()),
        (Campaigns::Id, parts.id.as_str().into()),
        (Campaigns::PartnerId, parts.partner.as_str().into()),
        (Campaigns::Kind, parts.kind.name().into()),
        (Campaigns::Currency, parts.currency.code().into()),
        (Campaigns::CreatedAt, parts.created_at.as_micros().into()),
        (Campaigns::Claims, 0_i64.into()),
        (Campaigns::Rights, 0_i64.into()),
        (Campaigns::LookedDay, Day::of(parts.created_at).number().into()),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = fixed.into_iter().chain(row_of(campaign)).unzip();
    let insert = Query::insert()
        .into_table(Campaigns::Table)
        .columns(columns)
        .values_panic(values.into_iter().map(Expr::from))
        .to_owned();
    tx.execute(&insert).await.map(drop)
}

/// Writes what can change. Whoever calls this has claimed the campaign.
pub(crate) async fn save_campaign(tx: &Tx, campaign: &Campaign) -> Result<(), DbError> {
    let update = Query::update()
        .table(Campaigns::Table)
        .values(row_of(campaign).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::Id).eq(campaign.id().as_str()))
        .to_owned();
    if tx.execute(&update).await? == 0 { Err(DbError::NoRow) } else { Ok(()) }
}

pub(crate) async fn load_campaign(tx: &Tx, id: &CampaignId) -> Result<Option<Campaign>, DbError> {
    let select = select().and_where(Expr::col(Campaigns::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| campaign(&row)).transpose()
}

/// In no order.
pub(crate) async fn load_campaigns(
    tx: &Tx,
    ids: impl IntoIterator<Item = &CampaignId>,
) -> Result<Vec<Campaign>, DbError> {
    let ids: Vec<&str> = ids.into_iter().map(CampaignId::as_str).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let select = select().and_where(Expr::col(Campaigns::Id).is_in(ids)).to_owned();
    tx.fetch_all(&select).await?.iter().map(campaign).collect()
}

/// What a list of campaigns is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct CampaignFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) status: Option<Status>,
    pub(crate) kind: Option<CampaignType>,
    pub(crate) channel: Option<String>,
    pub(crate) currency: Option<Currency>,
}

/// By the time of creation.
pub(crate) async fn page_of_campaigns(
    tx: &Tx,
    filter: CampaignFilter,
    page: Keyset,
) -> Result<Vec<Campaign>, DbError> {
    let CampaignFilter { partner, status, kind, channel, currency } = filter;
    let filters = [
        (Campaigns::PartnerId, partner.map(|id| id.to_string())),
        (Campaigns::Status, status.map(|status| status.name().to_owned())),
        (Campaigns::Kind, kind.map(|kind| kind.name().to_owned())),
        (Campaigns::Channel, channel),
        (Campaigns::Currency, currency.map(|currency| currency.code().to_owned())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    page.apply(&mut select, Campaigns::CreatedAt, Campaigns::Id);
    tx.fetch_all(&select).await?.iter().map(campaign).collect()
}

/// Of a partner, those that have not ended, but for one.
pub(super) fn open_besides(partner: &PartnerId, besides: &CampaignId) -> SelectStatement {
    Query::select()
        .from(Campaigns::Table)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::PartnerId).eq(partner.as_str()))
        .and_where(Expr::col(Campaigns::Stage).is_in(["DRAFT", "SCHEDULED", "RUNNING"]))
        .and_where(Expr::col(Campaigns::Id).ne(besides.as_str()))
        .to_owned()
}

/// How many campaigns of a partner have not ended, but for one.
pub(crate) async fn count_open(tx: &Tx, partner: &PartnerId, besides: &CampaignId) -> Result<i64, DbError> {
    let select = open_besides(partner, besides)
        .expr_as(Expr::col(Campaigns::Id).count(), Alias::new("campaigns"))
        .to_owned();
    tx.fetch_one(&select).await?.get("campaigns")
}

/// It was looked today whether a new day frees it.
pub(crate) async fn mark_looked(tx: &Tx, id: &CampaignId, today: Day) -> Result<(), DbError> {
    let update = Query::update()
        .table(Campaigns::Table)
        .value(Campaigns::LookedDay, today.number())
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::Id).eq(id.as_str()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Campaigns that time may change today: that begin, that end, and that were exhausted when another day began.
pub(crate) async fn due_for_a_look(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<CampaignId>, DbError> {
    let today = Day::of(now);
    let stage = |name: &'static str| Expr::col(Campaigns::Stage).eq(name);
    let begins = stage("SCHEDULED").and(Expr::col(Campaigns::StartDay).lte(today.number()));
    let ends = stage("RUNNING").and(Expr::col(Campaigns::EndDay).lt(today.number()));
    let exhausted = stage("RUNNING")
        .and(Expr::col(Campaigns::ExhaustedAt).is_not_null())
        .and(Expr::col(Campaigns::LookedDay).lt(today.number()));
    let select = Query::select()
        .column(Campaigns::Id)
        .from(Campaigns::Table)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(begins.or(ends).or(exhausted))
        .order_by(Campaigns::Id, Order::Asc)
        .limit(limit)
        .to_owned();
    let id = |row: &Row| row.parsed("id", |id| CampaignId::parse(id).ok());
    tx.fetch_all(&select).await?.iter().map(id).collect()
}

/// What became of a campaign in one revision.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) revision: u32,
    pub(crate) fact: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) actor: String,
    pub(crate) correlation: String,
    pub(crate) at: Timestamp,
}

pub(crate) async fn insert_change(
    tx: &Tx,
    campaign: &Campaign,
    fact: &Fact,
    cause: &Cause,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(History::Table)
        .columns([
            History::Tenant,
            History::CampaignId,
            History::Revision,
            History::Fact,
            History::Status,
            History::Reason,
            History::Actor,
            History::Correlation,
            History::At,
        ])
        .values_panic([
            TENANT.into(),
            campaign.id().as_str().into(),
            i64::from(campaign.parts().revision).into(),
            fact.name().into(),
            campaign.status().name().into(),
            campaign.reason().into(),
            cause.actor.as_str().into(),
            cause.correlation.as_str().into(),
            cause.at.as_micros().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(drop)
}

/// All of them, the oldest first.
pub(crate) async fn history(tx: &Tx, id: &CampaignId) -> Result<Vec<Change>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(History::Table)
        .and_where(Expr::col(History::Tenant).eq(TENANT))
        .and_where(Expr::col(History::CampaignId).eq(id.as_str()))
        .order_by(History::Revision, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        Ok(Change {
            revision: row.get("revision")?,
            fact: row.get("fact")?,
            status: row.get("status")?,
            reason: row.get("reason")?,
            actor: row.get("actor")?,
            correlation: row.get("correlation")?,
            at: row.get("at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Campaigns::Table)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .to_owned()
}

/// What a change may change.
fn row_of(campaign: &Campaign) -> Vec<(Campaigns, Value)> {
    let Stored { contract, plan, stage, hold, barrier, exhausted, spent, .. } = campaign.parts();
    let Stored { revision, changed_at, .. } = campaign.parts();
    let (stage, since, ended_at, cancel_reason) = match stage {
        Stage::Draft => ("DRAFT", None, None, None),
        Stage::Scheduled => ("SCHEDULED", None, None, None),
        Stage::Running { since } => ("RUNNING", Some(*since), None, None),
        Stage::Completed { since, at } => ("COMPLETED", Some(*since), Some(*at), None),
        Stage::Cancelled { since, at, reason } => ("CANCELLED", *since, Some(*at), Some(reason.as_str())),
    };
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    vec![
        (Campaigns::ContractId, contract.as_ref().map(ContractId::as_str).into()),
        (Campaigns::Name, plan.name.as_str().into()),
        (Campaigns::Channel, plan.channel.as_str().into()),
        (Campaigns::StartDay, plan.start.number().into()),
        (Campaigns::EndDay, plan.end.number().into()),
        (Campaigns::Targets, kept_targets(&plan.targets).into()),
        (Campaigns::Stage, stage.into()),
        (Campaigns::RunningSince, micros(since).into()),
        (Campaigns::EndedAt, micros(ended_at).into()),
        (Campaigns::CancelReason, cancel_reason.into()),
        (Campaigns::HoldReason, hold.as_ref().map(|hold| hold.reason.as_str()).into()),
        (Campaigns::HeldAt, micros(hold.as_ref().map(|hold| hold.at)).into()),
        (Campaigns::BarredBy, barrier.as_ref().map(|barrier| barrier.by.name()).into()),
        (Campaigns::BarredReason, barrier.as_ref().map(|barrier| barrier.reason.as_str()).into()),
        (Campaigns::BarredAt, micros(barrier.as_ref().map(|barrier| barrier.at)).into()),
        (Campaigns::ExhaustedAt, micros(*exhausted).into()),
        (Campaigns::Status, campaign.status().name().into()),
        (Campaigns::SpentMinor, spent.minor().into()),
        (Campaigns::Revision, i64::from(*revision).into()),
        (Campaigns::ChangedAt, changed_at.as_micros().into()),
    ]
}

fn kept_targets(targets: &Targets) -> String {
    let kept = KeptTargets {
        impressions: targets.impressions,
        clicks: targets.clicks,
        leads: targets.leads,
        conversions: targets.conversions,
        revenue_minor: targets.revenue.map(Money::minor),
        roi_percent: targets.roi_percent.map(|percent| percent.to_string()),
        ctr_percent: targets.ctr_percent.map(|percent| percent.to_string()),
    };
    serde_json::to_string(&kept).expect("numbers and texts are always JSON")
}

fn targets(json: &str, currency: Currency) -> Option<Targets> {
    let kept: KeptTargets = serde_json::from_str(json).ok()?;
    let percent = |text: Option<String>| text.map(|text| Amount::parse(&text).ok());
    Some(Targets {
        impressions: kept.impressions,
        clicks: kept.clicks,
        leads: kept.leads,
        conversions: kept.conversions,
        revenue: kept.revenue_minor.map(|minor| Money::from_minor(minor, currency)),
        roi_percent: percent(kept.roi_percent).unwrap_or_default(),
        ctr_percent: percent(kept.ctr_percent).unwrap_or_default(),
    })
}

fn stage(row: &Row) -> Result<Stage, DbError> {
    Ok(match row.get::<String>("stage")?.as_str() {
        "DRAFT" => Stage::Draft,
        "SCHEDULED" => Stage::Scheduled,
        "RUNNING" => Stage::Running { since: row.get("running_since")? },
        "COMPLETED" => Stage::Completed { since: row.get("running_since")?, at: row.get("ended_at")? },
        "CANCELLED" => Stage::Cancelled {
            since: row.get("running_since")?,
            at: row.get("ended_at")?,
            reason: row.get("cancel_reason")?,
        },
        _ => return Err(DbError::column("stage", "it is no stage of a campaign")),
    })
}

fn campaign(row: &Row) -> Result<Campaign, DbError> {
    let currency = currency(row)?;
    let hold = match row.get::<Option<Timestamp>>("held_at")? {
        Some(at) => Some(Hold { reason: row.get("hold_reason")?, at }),
        None => None,
    };
    let barrier = match row.parsed_if_any("barred_by", BarredBy::parse)? {
        Some(by) => Some(Barrier { by, reason: row.get("barred_reason")?, at: row.get("barred_at")? }),
        None => None,
    };
    Ok(Campaign::restore(Stored {
        id: row.parsed("id", |id| CampaignId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
        contract: row.parsed_if_any("contract_id", |id| ContractId::parse(id).ok())?,
        kind: row.parsed("kind", CampaignType::parse)?,
        currency,
        plan: Plan {
            name: row.get("name")?,
            channel: row.get("channel")?,
            start: day(row, "start_day")?,
            end: day(row, "end_day")?,
            targets: row.parsed("targets", |json| targets(json, currency))?,
        },
        stage: stage(row)?,
        hold,
        barrier,
        exhausted: row.get("exhausted_at")?,
        spent: money(row, "spent_minor", currency)?,
        revision: row.get("revision")?,
        created_at: row.get("created_at")?,
        changed_at: row.get("changed_at")?,
    }))
}
