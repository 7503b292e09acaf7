//! Figures as JSON. Amounts are JSON numbers in major units, exact; `*_minor` beside them are whole minor units.

use std::collections::BTreeMap;

use hexalpes_http::Record;
use hexalpes_http::openapi::Decimal;
use hexalpes_kernel::{Amount, Money, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::{AsOf, Campaign, CampaignId, Figures, Period};
use crate::store::{Line, Sum, Total, Whole};

/// The event that figures are of; of a sum, the newest that is in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AsOf)]
pub(crate) struct AsOfView {
    event_id: String,
    report_id: String,
    /// Of the report: counts from 1 for each period; 1 where somebody asked for it.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
}

impl From<AsOf> for AsOfView {
    fn from(as_of: AsOf) -> Self {
        let AsOf { event, report, version, occurred_at } = as_of;
        Self { event_id: event, report_id: report.to_string(), version, occurred_at }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Period)]
pub(crate) struct PeriodView {
    /// `2025-01-15`, `2025-W03`, `2025-01` or `2025-01-01--2025-01-08`.
    name: String,
    /// `DAILY`, `WEEKLY`, `MONTHLY` or `CUSTOM`.
    granularity: &'static str,
    /// The first day in UTC.
    start: String,
    /// The first day that is not in it.
    end: String,
    days: i64,
}

impl From<Period> for PeriodView {
    fn from(period: Period) -> Self {
        Self {
            name: period.name(),
            granularity: period.granularity().name(),
            start: period.start().to_string(),
            end: period.end().to_string(),
            days: period.days(),
        }
    }
}

/// Counts, sums, and what follows from them: ratios have four decimals, half to even, and are null where there is nothing
/// to divide by.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Figures)]
pub(crate) struct FiguresView {
    currency: &'static str,
    impressions: i64,
    clicks: i64,
    leads: i64,
    conversions: i64,
    #[schema(value_type = Decimal)]
    spend: Box<RawValue>,
    spend_minor: i64,
    #[schema(value_type = Decimal)]
    revenue: Box<RawValue>,
    revenue_minor: i64,
    /// Revenue less spend.
    #[schema(value_type = Decimal)]
    profit: Box<RawValue>,
    profit_minor: i64,
    /// Profit of spend.
    #[schema(value_type = Option<Decimal>)]
    roi_percent: Option<Box<RawValue>>,
    /// Revenue / spend.
    #[schema(value_type = Option<Decimal>)]
    roas: Option<Box<RawValue>>,
    /// Clicks of impressions.
    #[schema(value_type = Option<Decimal>)]
    ctr_percent: Option<Box<RawValue>>,
    /// Conversions of clicks.
    #[schema(value_type = Option<Decimal>)]
    cvr_percent: Option<Box<RawValue>>,
    /// What a click cost.
    #[schema(value_type = Option<Decimal>)]
    cpc: Option<Box<RawValue>>,
    /// What a conversion cost.
    #[schema(value_type = Option<Decimal>)]
    cpa: Option<Box<RawValue>>,
    /// What a lead cost.
    #[schema(value_type = Option<Decimal>)]
    cpl: Option<Box<RawValue>>,
    /// What a thousand impressions cost.
    #[schema(value_type = Option<Decimal>)]
    cpm: Option<Box<RawValue>>,
    /// What a conversion brought.
    #[schema(value_type = Option<Decimal>)]
    revenue_per_conversion: Option<Box<RawValue>>,
}

impl From<Figures> for FiguresView {
    fn from(figures: Figures) -> Self {
        let money = |minor| Money::from_minor(minor, figures.currency).amount().to_json();
        let json = |ratio: Option<Amount>| ratio.map(Amount::to_json);
        Self {
            currency: figures.currency.code(),
            impressions: figures.impressions,
            clicks: figures.clicks,
            leads: figures.leads,
            conversions: figures.conversions,
            spend: money(figures.spend_minor),
            spend_minor: figures.spend_minor,
            revenue: money(figures.revenue_minor),
            revenue_minor: figures.revenue_minor,
            profit: money(figures.profit_minor()),
            profit_minor: figures.profit_minor(),
            roi_percent: json(figures.roi_percent()),
            roas: json(figures.roas()),
            ctr_percent: json(figures.ctr_percent()),
            cvr_percent: json(figures.cvr_percent()),
            cpc: json(figures.cpc()),
            cpa: json(figures.cpa()),
            cpl: json(figures.cpl()),
            cpm: json(figures.cpm()),
            revenue_per_conversion: json(figures.revenue_per_conversion()),
        }
    }
}

/// The cells of what all lines have.
macro_rules! columns {
    ($($own:literal),*) => {
        &[
            $($own,)* "period", "start", "end", "currency", "impressions", "clicks", "leads", "conversions", "spend",
            "revenue", "profit", "roi_percent", "as_of_event_id", "as_of_version", "as_of_occurred_at",
        ]
    };
}

fn cells(own: Vec<String>, period: &PeriodView, figures: &FiguresView, as_of: &AsOfView) -> Vec<String> {
    let counts = [figures.impressions, figures.clicks, figures.leads, figures.conversions];
    let amounts = [&figures.spend, &figures.revenue, &figures.profit].map(|amount| amount.get().to_owned());
    let roi = figures.roi_percent.as_ref().map(|ratio| ratio.get().to_owned()).unwrap_or_default();
    let mut cells = own;
    cells.extend([&period.name, &period.start, &period.end].map(Clone::clone));
    cells.push(figures.currency.to_owned());
    cells.extend(counts.map(|count| count.to_string()));
    cells.extend(amounts);
    cells.extend([roi, as_of.event_id.clone(), as_of.version.to_string(), as_of.occurred_at.to_string()]);
    cells
}

/// What a campaign is called, in its own context's words, as far as that was heard.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(crate) struct CampaignView {
    name: String,
    campaign_type: String,
    channel: String,
    /// `DRAFT`, `SCHEDULED`, `ACTIVE`, `PAUSED`, `COMPLETED` or `CANCELLED`.
    status: String,
    start_date: Option<String>,
    end_date: Option<String>,
    /// Of the campaign: the highest that was heard.
    revision: i64,
}

impl From<&Campaign> for CampaignView {
    fn from(campaign: &Campaign) -> Self {
        Self {
            name: campaign.name.clone(),
            campaign_type: campaign.kind.clone(),
            channel: campaign.channel.clone(),
            status: campaign.status.clone(),
            start_date: campaign.start.map(|day| day.to_string()),
            end_date: campaign.end.map(|day| day.to_string()),
            revision: campaign.revision,
        }
    }
}

/// How a campaign did in a period.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignFigures)]
pub(crate) struct LineView {
    campaign_id: String,
    partner_id: String,
    /// Null: nothing was heard of it but reports.
    campaign: Option<CampaignView>,
    period: PeriodView,
    figures: FiguresView,
    as_of: AsOfView,
}

impl LineView {
    pub(crate) fn of(line: Line, known: &BTreeMap<CampaignId, Campaign>) -> Self {
        Self {
            campaign_id: line.campaign.to_string(),
            partner_id: line.partner.to_string(),
            campaign: known.get(&line.campaign).map(CampaignView::from),
            period: line.period.into(),
            figures: line.figures.into(),
            as_of: line.as_of.into(),
        }
    }
}

impl Record for LineView {
    const COLUMNS: &'static [&'static str] = columns!("campaign_id", "campaign_name", "partner_id");

    fn cells(&self) -> Vec<String> {
        let name = self.campaign.as_ref().map(|campaign| campaign.name.clone()).unwrap_or_default();
        let own = vec![self.campaign_id.clone(), name, self.partner_id.clone()];
        cells(own, &self.period, &self.figures, &self.as_of)
    }
}

/// The report of a campaign's period, whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = HeardReport)]
pub(crate) struct ReportView {
    campaign_id: String,
    partner_id: String,
    /// Null: nothing was heard of it but reports.
    campaign: Option<CampaignView>,
    period: PeriodView,
    figures: FiguresView,
    as_of: AsOfView,
    /// Counts what was heard of this period. The `ETag` is this and, where it is known, the campaign's revision: `"2-5"`.
    revision: u32,
    correlation_id: String,
    #[schema(value_type = String, format = DateTime)]
    heard_at: Timestamp,
    /// The data of the event, as it was told: `CampaignPerformanceReport`, with whatever else its producer says, and
    /// without what it leaves out.
    #[schema(value_type = Object)]
    report: Box<RawValue>,
}

impl ReportView {
    /// Another for whatever else is shown: the campaign's name and state change without its reports.
    pub(crate) fn tag(&self) -> String {
        match &self.campaign {
            None => format!("\"{}\"", self.revision),
            Some(campaign) => format!("\"{}-{}\"", self.revision, campaign.revision),
        }
    }

    pub(crate) fn of(whole: Whole, known: &BTreeMap<CampaignId, Campaign>) -> Self {
        let Whole { line, revision, correlation, heard_at, data } = whole;
        let LineView { campaign_id, partner_id, campaign, period, figures, as_of } =
            LineView::of(line, known);
        Self {
            campaign_id,
            partner_id,
            campaign,
            period,
            figures,
            as_of,
            revision,
            correlation_id: correlation,
            heard_at,
            report: RawValue::from_string(data).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

/// What all periods of one granularity come to, in one currency. Periods of the granularity `CUSTOM` may overlap and are
/// not added up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Total)]
pub(crate) struct TotalView {
    /// `DAILY`, `WEEKLY` or `MONTHLY`.
    granularity: &'static str,
    /// How many have a report.
    periods: i64,
    /// The first day of the first.
    start: String,
    /// The first day after the last.
    end: String,
    figures: FiguresView,
    as_of: AsOfView,
}

impl From<(Total, AsOf)> for TotalView {
    fn from((total, as_of): (Total, AsOf)) -> Self {
        Self {
            granularity: total.granularity.name(),
            periods: total.periods,
            start: total.start.to_string(),
            end: total.end.to_string(),
            figures: total.figures.into(),
            as_of: as_of.into(),
        }
    }
}

/// A campaign: what its periods come to, and a page of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CampaignPeriods)]
pub(crate) struct CampaignPeriodsView {
    pub(crate) campaign_id: String,
    pub(crate) totals: Vec<TotalView>,
    pub(crate) items: Vec<LineView>,
    /// Leads to the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// How a partner's campaigns did together in a period, in one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PartnerFigures)]
pub(crate) struct PartnerLineView {
    partner_id: String,
    period: PeriodView,
    /// How many have a report.
    campaigns: i64,
    figures: FiguresView,
    as_of: AsOfView,
}

impl From<(Sum, AsOf)> for PartnerLineView {
    fn from((sum, as_of): (Sum, AsOf)) -> Self {
        Self {
            partner_id: sum.partner.map(|id| id.to_string()).unwrap_or_default(),
            period: sum.period.into(),
            campaigns: sum.campaigns,
            figures: sum.figures.into(),
            as_of: as_of.into(),
        }
    }
}

impl Record for PartnerLineView {
    const COLUMNS: &'static [&'static str] = columns!("partner_id", "campaigns");

    fn cells(&self) -> Vec<String> {
        let own = vec![self.partner_id.clone(), self.campaigns.to_string()];
        cells(own, &self.period, &self.figures, &self.as_of)
    }
}

/// A partner: what its periods come to, and a page of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PartnerPeriods)]
pub(crate) struct PartnerView {
    pub(crate) partner_id: String,
    pub(crate) totals: Vec<TotalView>,
    pub(crate) items: Vec<PartnerLineView>,
    /// Leads to the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// How all campaigns did together in a period, in one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Overview)]
pub(crate) struct OverviewView {
    period: PeriodView,
    /// How many have a report.
    campaigns: i64,
    /// Whose they are.
    partners: i64,
    figures: FiguresView,
    as_of: AsOfView,
}

impl From<(Sum, AsOf)> for OverviewView {
    fn from((sum, as_of): (Sum, AsOf)) -> Self {
        Self {
            period: sum.period.into(),
            campaigns: sum.campaigns,
            partners: sum.partners,
            figures: sum.figures.into(),
            as_of: as_of.into(),
        }
    }
}

impl Record for OverviewView {
    const COLUMNS: &'static [&'static str] = columns!("campaigns", "partners");

    fn cells(&self) -> Vec<String> {
        let own = vec![self.campaigns.to_string(), self.partners.to_string()];
        cells(own, &self.period, &self.figures, &self.as_of)
    }
}
