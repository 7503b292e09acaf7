//! What the other contexts told: matches, hires, campaigns and alerts, each once by its own id. They are kept whether
//! the partner is known or not.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Actor, Currency, Money, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement};

use super::tables::{Alerts, Campaigns, Hires, Matches};
use super::{TENANT, actor, currency};
use crate::domain::{
    Alert, AlertId, AlertType, BudgetAt, CampaignId, CandidateId, Day, Figures, Hire, HiringId, JobId, Json,
    Match, MatchId, PartnerId, ReportId, RequestId,
};

/// `false`: it was there.
pub(crate) async fn insert_match(tx: &Tx, found: &Match) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Matches::Table)
        .columns([
            Matches::Tenant,
            Matches::Id,
            Matches::PartnerId,
            Matches::RequestId,
            Matches::JobId,
            Matches::CandidateId,
            Matches::ScoreBp,
            Matches::RankInJob,
            Matches::Explanation,
            Matches::MatchedAt,
        ])
        .values_panic([
            TENANT.into(),
            found.id.as_str().into(),
            found.partner.as_str().into(),
            found.request.as_ref().map(RequestId::as_str).into(),
            found.job.as_str().into(),
            found.candidate.as_str().into(),
            found.score_bp.into(),
            found.rank.into(),
            found.explanation.as_str().into(),
            found.at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Matches::Id).await
}

/// Those of a partner, by when they were found.
pub(crate) async fn page_of_matches(
    tx: &Tx,
    of: &PartnerId,
    request: Option<RequestId>,
    page: Keyset,
) -> Result<Vec<Match>, DbError> {
    let mut select = Query::select()
        .column(Asterisk)
        .from(Matches::Table)
        .and_where(Expr::col(Matches::Tenant).eq(TENANT))
        .and_where(Expr::col(Matches::PartnerId).eq(of.as_str()))
        .to_owned();
    select.and_where_option(request.map(|id| Expr::col(Matches::RequestId).eq(id.as_str())));
    page.apply(&mut select, Matches::MatchedAt, Matches::Id);
    let read = |row: &Row| {
        Ok(Match {
            id: row.parsed("id", |id| MatchId::parse(id).ok())?,
            partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            request: row.parsed_if_any("request_id", |id| RequestId::parse(id).ok())?,
            job: row.parsed("job_id", |id| JobId::parse(id).ok())?,
            candidate: row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?,
            score_bp: row.get("score_bp")?,
            rank: row.get("rank_in_job")?,
            explanation: Json::kept(row.get::<String>("explanation")?),
            at: row.get("matched_at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// `false`: it was there.
pub(crate) async fn insert_hire(tx: &Tx, hire: &Hire) -> Result<bool, DbError> {
    let insert = Query::insert()
        .into_table(Hires::Table)
        .columns([
            Hires::Tenant,
            Hires::Id,
            Hires::PartnerId,
            Hires::RequestId,
            Hires::JobId,
            Hires::CandidateId,
            Hires::JobTitle,
            Hires::EmploymentType,
            Hires::StartDate,
            Hires::Days,
            Hires::CostMinor,
            Hires::CostCurrency,
            Hires::HiredAt,
        ])
        .values_panic([
            TENANT.into(),
            hire.id.as_str().into(),
            hire.partner.as_str().into(),
            hire.request.as_ref().map(RequestId::as_str).into(),
            hire.job.as_str().into(),
            hire.candidate.as_str().into(),
            hire.job_title.as_str().into(),
            hire.employment_type.as_str().into(),
            hire.start_date.as_str().into(),
            hire.days.map(i64::from).into(),
            hire.cost.minor().into(),
            hire.cost.currency().code().into(),
            hire.at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Hires::Id).await
}

/// Those of a partner, by when they were hired.
pub(crate) async fn page_of_hires(tx: &Tx, of: &PartnerId, page: Keyset) -> Result<Vec<Hire>, DbError> {
    let mut select = Query::select()
        .column(Asterisk)
        .from(Hires::Table)
        .and_where(Expr::col(Hires::Tenant).eq(TENANT))
        .and_where(Expr::col(Hires::PartnerId).eq(of.as_str()))
        .to_owned();
    page.apply(&mut select, Hires::HiredAt, Hires::Id);
    let read = |row: &Row| {
        Ok(Hire {
            id: row.parsed("id", |id| HiringId::parse(id).ok())?,
            partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            request: row.parsed_if_any("request_id", |id| RequestId::parse(id).ok())?,
            job: row.parsed("job_id", |id| JobId::parse(id).ok())?,
            candidate: row.parsed("candidate_id", |id| CandidateId::parse(id).ok())?,
            job_title: row.get("job_title")?,
            employment_type: row.get("employment_type")?,
            start_date: row.get("start_date")?,
            days: row.get("days")?,
            cost: money(row, "cost_minor", "cost_currency")?,
            at: row.get("hired_at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Keeps the figures of a campaign unless newer ones are there; tells whether it did.
pub(crate) async fn save_figures(tx: &Tx, figures: &Figures) -> Result<bool, DbError> {
    let (end, start, at, report) = figures.newness();
    let values = [
        (Campaigns::PartnerId, figures.partner.as_str()),
        (Campaigns::ReportId, report.as_str()),
        (Campaigns::PeriodStart, start.as_str()),
        (Campaigns::PeriodEnd, end.as_str()),
        (Campaigns::Summary, figures.summary.as_str()),
        (Campaigns::Kpis, figures.kpis.as_str()),
        (Campaigns::Roi, figures.roi.as_str()),
    ];
    let columns = [Campaigns::Tenant, Campaigns::CampaignId, Campaigns::ReportedAt];
    let ours = [TENANT.into(), figures.campaign.as_str().into(), at.as_micros().into()];
    let insert = Query::insert()
        .into_table(Campaigns::Table)
        .columns(columns.into_iter().chain(values.map(|(column, _)| column)))
        .values_panic(ours.into_iter().chain(values.map(|(_, value)| Expr::from(value))))
        .to_owned();
    if tx.insert_new(&insert, Campaigns::CampaignId).await? {
        return Ok(true);
    }
    let [of_end, of_start, of_at, of_report] =
        [Campaigns::PeriodEnd, Campaigns::PeriodStart, Campaigns::ReportedAt, Campaigns::ReportId]
            .map(|column| move || Expr::col(column));
    let same_end = || of_end().eq(end.as_str());
    let same_period = || same_end().and(of_start().eq(start.as_str()));
    let same_time = same_period().and(of_at().eq(at.as_micros()));
    let is_older = of_end()
        .lt(end.as_str())
        .or(same_end().and(of_start().lt(start.as_str())))
        .or(same_period().and(of_at().lt(at.as_micros())))
        .or(same_time.and(of_report().lt(report.as_str())));
    let update = Query::update()
        .table(Campaigns::Table)
        .values(values.map(|(column, value)| (column, Expr::from(value))))
        .value(Campaigns::ReportedAt, at.as_micros())
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::CampaignId).eq(figures.campaign.as_str()))
        .and_where(is_older)
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

/// The newest of each campaign of a partner, in the order of their names.
pub(crate) async fn figures_of(tx: &Tx, of: &PartnerId) -> Result<Vec<Figures>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Campaigns::Table)
        .and_where(Expr::col(Campaigns::Tenant).eq(TENANT))
        .and_where(Expr::col(Campaigns::PartnerId).eq(of.as_str()))
        .order_by(Campaigns::CampaignId, Order::Asc)
        .to_owned();
    let day = |text: &str| Day::parse(text).ok();
    let read = |row: &Row| {
        Ok(Figures {
            campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
            partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            report: row.parsed("report_id", |id| ReportId::parse(id).ok())?,
            start: row.parsed("period_start", day)?,
            end: row.parsed("period_end", day)?,
            summary: Json::kept(row.get::<String>("summary")?),
            kpis: Json::kept(row.get::<String>("kpis")?),
            roi: Json::kept(row.get::<String>("roi")?),
            at: row.get("reported_at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// An alert, and whether it is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownAlert {
    pub(crate) alert: Alert,
    pub(crate) is_overtaken: bool,
    pub(crate) acknowledged: Option<Acknowledged>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) at: Timestamp,
    pub(crate) by: Actor,
}

impl KnownAlert {
    pub(crate) fn is_open(&self) -> bool {
        !self.is_overtaken && self.acknowledged.is_none()
    }
}

/// Keeps an alert, and marks those that it overtakes; `false`: it was there.
pub(crate) async fn insert_alert(tx: &Tx, alert: &Alert) -> Result<bool, DbError> {
    let BudgetAt { kind, version, day } = &alert.budget;
    let of_budget = || {
        Expr::col(Alerts::Tenant)
            .eq(TENANT)
            .and(Expr::col(Alerts::CampaignId).eq(alert.campaign.as_str()))
            .and(Expr::col(Alerts::BudgetKind).eq(kind.as_str()))
    };
    let (of_version, of_day) = (|| Expr::col(Alerts::BudgetVersion), || Expr::col(Alerts::BudgetDay));
    let is_later = of_version().gt(*version).or(of_version().eq(*version).and(of_day().gt(day.as_str())));
    let later = Query::select()
        .column(Alerts::Id)
        .from(Alerts::Table)
        .and_where(of_budget())
        .and_where(is_later)
        .limit(1)
        .to_owned();
    let is_overtaken = tx.fetch_optional(&later).await?.is_some();
    let insert = Query::insert()
        .into_table(Alerts::Table)
        .columns([
            Alerts::Tenant,
            Alerts::Id,
            Alerts::PartnerId,
            Alerts::CampaignId,
            Alerts::AlertType,
            Alerts::BudgetKind,
            Alerts::BudgetVersion,
            Alerts::BudgetDay,
            Alerts::ReachedBp,
            Alerts::SpendMinor,
            Alerts::LimitMinor,
            Alerts::Currency,
            Alerts::AlertedAt,
            Alerts::IsOvertaken,
        ])
        .values_panic([
            TENANT.into(),
            alert.id.as_str().into(),
            alert.partner.as_str().into(),
            alert.campaign.as_str().into(),
            alert.kind.name().into(),
            kind.as_str().into(),
            (*version).into(),
            day.as_str().into(),
            alert.reached_bp.into(),
            alert.spend.minor().into(),
            alert.limit.minor().into(),
            alert.spend.currency().code().into(),
            alert.at.as_micros().into(),
            is_overtaken.into(),
        ])
        .to_owned();
    if !tx.insert_new(&insert, Alerts::Id).await? {
        return Ok(false);
    }
    let is_earlier = of_version().lt(*version).or(of_version().eq(*version).and(of_day().lt(day.as_str())));
    let overtake = Query::update()
        .table(Alerts::Table)
        .value(Alerts::IsOvertaken, true)
        .and_where(of_budget())
        .and_where(is_earlier)
        .to_owned();
    tx.execute(&overtake).await?;
    Ok(true)
}

pub(crate) async fn alert_of(tx: &Tx, of: &PartnerId, id: &AlertId) -> Result<Option<KnownAlert>, DbError> {
    let select = alerts(of).and_where(Expr::col(Alerts::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| known_alert(&row)).transpose()
}

/// Those of a partner, by when they came; of the open ones, or of the others.
pub(crate) async fn page_of_alerts(
    tx: &Tx,
    of: &PartnerId,
    open: Option<bool>,
    page: Keyset,
) -> Result<Vec<KnownAlert>, DbError> {
    let mut select = alerts(of);
    select.and_where_option(open.map(|open| {
        let is_open =
            Expr::col(Alerts::IsOvertaken).eq(false).and(Expr::col(Alerts::AcknowledgedAt).is_null());
        if open { is_open } else { is_open.not() }
    }));
    page.apply(&mut select, Alerts::AlertedAt, Alerts::Id);
    tx.fetch_all(&select).await?.iter().map(known_alert).collect()
}

/// Acknowledging again is no news (`false`).
pub(crate) async fn acknowledge(tx: &Tx, id: &AlertId, by: &Actor, at: Timestamp) -> Result<bool, DbError> {
    let update = Query::update()
        .table(Alerts::Table)
        .value(Alerts::AcknowledgedAt, at.as_micros())
        .value(Alerts::AcknowledgedBy, by.as_str())
        .and_where(Expr::col(Alerts::Tenant).eq(TENANT))
        .and_where(Expr::col(Alerts::Id).eq(id.as_str()))
        .and_where(Expr::col(Alerts::AcknowledgedAt).is_null())
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

fn alerts(of: &PartnerId) -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Alerts::Table)
        .and_where(Expr::col(Alerts::Tenant).eq(TENANT))
        .and_where(Expr::col(Alerts::PartnerId).eq(of.as_str()))
        .to_owned()
}

fn known_alert(row: &Row) -> Result<KnownAlert, DbError> {
    let at: Option<Timestamp> = row.get("acknowledged_at")?;
    let by = row.parsed_if_any("acknowledged_by", actor)?;
    Ok(KnownAlert {
        alert: Alert {
            id: row.parsed("id", |id| AlertId::parse(id).ok())?,
            partner: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
            campaign: row.parsed("campaign_id", |id| CampaignId::parse(id).ok())?,
            kind: row.parsed("alert_type", AlertType::parse)?,
            budget: BudgetAt {
                kind: row.get("budget_kind")?,
                version: row.get("budget_version")?,
                day: row.get("budget_day")?,
            },
            reached_bp: row.get("reached_bp")?,
            spend: money(row, "spend_minor", "currency")?,
            limit: money(row, "limit_minor", "currency")?,
            at: row.get("alerted_at")?,
        },
        is_overtaken: row.get("is_overtaken")?,
        acknowledged: at.zip(by).map(|(at, by)| Acknowledged { at, by }),
    })
}

fn money(row: &Row, minor: &str, code: &str) -> Result<Money, DbError> {
    let currency: Currency = row.parsed(code, currency)?;
    Ok(Money::from_minor(row.get(minor)?, currency))
}
