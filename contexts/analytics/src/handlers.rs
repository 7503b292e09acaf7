//! What this context hears: reports of campaigns, each version of each period; and what the campaigns are called.
//!
//! Of a campaign's period what was made last stays, and of a campaign the highest revision, in whatever order they come.
//! Not here: inbox, retries and dead letters, which are the consumer's.

use std::fmt;
use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler, field};
use hexalpes_contracts::campaigns::{self, CampaignPerformanceReport};
use hexalpes_contracts::{Dict, kind_on};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Edge, Money, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::{
    AsOf, Campaign, CampaignId, Day, FIGURE_MAX, Figures, Granularity, PartnerId, Period, Report, ReportId,
};
use crate::store;

/// This context's name on the wire.
const SERVICE: &str = "analytics";

const REPORT: &str = "com.hexabuilders.campaigns.CampaignPerformanceReport";
const CAMPAIGN: [&str; 2] =
    ["com.hexabuilders.campaigns.CampaignCreated", "com.hexabuilders.campaigns.CampaignUpdated"];

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers': dead letters leave
/// through an outbox.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 2], OpenError> {
    let options = |handler, topic| -> Result<ConsumerOptions, OpenError> {
        let only_kind = kind_on(topic);
        Ok(ConsumerOptions { only_kind, ..ConsumerOptions::new(SERVICE, handler, TopicName::parse(topic)?) })
    };
    let (db, client, edge) = (|| db.clone(), || client.clone(), || Arc::clone(edge));
    let reports = options("performance-report", campaigns::REPORT_TOPIC)?;
    let names = options("campaigns", campaigns::MARKETING_TOPIC)?;
    Ok([
        EventConsumer::start(db(), client(), edge(), Reports, reports)?,
        EventConsumer::start(db(), client(), edge(), Campaigns, names)?,
    ])
}

/// Takes in what campaigns are called, and where they stand.
#[derive(Clone, Copy, Debug)]
pub struct Campaigns;

impl Handler for Campaigns {
    async fn handle(&self, tx: &Tx, event: &Event, _cause: &Cause) -> Result<(), HandleError> {
        if !CAMPAIGN.into_iter().any(|kind| event.is(kind)) {
            return Ok(());
        }
        let told: campaigns::Campaign = event.data_as()?;
        let day = |name: &str, told: Option<&str>| {
            told.filter(|day| !day.is_empty()).map(|day| field(name, Day::parse(day))).transpose()
        };
        let campaign = Campaign {
            id: field("campaign_id", CampaignId::parse(&told.campaign_id))?,
            partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
            revision: told.revision,
            start: day("start_date", told.start_date.as_deref())?,
            end: day("end_date", told.end_date.as_deref())?,
            name: told.name,
            kind: told.campaign_type,
            channel: told.channel,
            status: told.status,
        };
        Ok(store::learn(tx, &campaign).await?)
    }
}

/// Takes in what campaigns tell of how they did.
#[derive(Clone, Copy, Debug)]
pub struct Reports;

impl Handler for Reports {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if !event.is(REPORT) {
            return Ok(());
        }
        let report = reported(event, cause.at)?;
        Ok(store::keep(tx, &report, cause).await?)
    }
}

fn reported(event: &Event, now: Timestamp) -> Result<Report, HandleError> {
    let told: CampaignPerformanceReport = event.data_as()?;
    let generated_at = match told.generated_at.as_str() {
        // A producer of the seeds does not say it.
        "" => event.time.unwrap_or(now),
        text => field("generated_at", Timestamp::parse(text))?,
    };
    Ok(Report {
        campaign: field("campaign_id", CampaignId::parse(&told.campaign_id))?,
        partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
        period: period(&told.reporting_period)?,
        figures: figures(&told.performance_summary)?,
        generated_at,
        as_of: AsOf {
            event: event.id.clone(),
            report: field("report_id", ReportId::parse(&told.report_id))?,
            version: told.version,
            occurred_at: event.time.unwrap_or(generated_at),
        },
        data: event.data_as::<&RawValue>()?.get().to_owned(),
    })
}

fn period(told: &Dict) -> Result<Period, HandleError> {
    #[derive(Deserialize)]
    struct Told {
        start: String,
        end: String,
        granularity: Option<String>,
    }
    let told: Told = field("reporting_period", told.read())?;
    let start = field("reporting_period/start", Day::parse(&told.start))?;
    let end = field("reporting_period/end", Day::parse(&told.end))?;
    field(
        "reporting_period",
        Period::of(Granularity::parse(&told.granularity.unwrap_or_default()), start, end),
    )
}

/// What a report does not count, or counts as null, is zero in its sums; what was told stays beside them.
fn figures(told: &Dict) -> Result<Figures, HandleError> {
    #[derive(Deserialize)]
    struct Told {
        currency: String,
        impressions: Option<i64>,
        clicks: Option<i64>,
        leads: Option<i64>,
        conversions: Option<i64>,
        spend: Option<Box<RawValue>>,
        spend_minor: Option<i64>,
        revenue: Option<Box<RawValue>>,
        revenue_minor: Option<i64>,
    }
    let told: Told = field("performance_summary", told.read())?;
    let currency = field("performance_summary/currency", Currency::parse(&told.currency))?;
    let count = |name, told: Option<i64>| summable(name, told.unwrap_or_default());
    let figures = Figures {
        currency,
        impressions: count("impressions", told.impressions)?,
        clicks: count("clicks", told.clicks)?,
        leads: count("leads", told.leads)?,
        conversions: count("conversions", told.conversions)?,
        spend_minor: summable("spend", minor("spend", told.spend_minor, told.spend.as_deref(), currency)?)?,
        revenue_minor: summable(
            "revenue",
            minor("revenue", told.revenue_minor, told.revenue.as_deref(), currency)?,
        )?,
    };
    Ok(figures)
}

/// Whole minor units; of who tells an amount alone, that amount, exactly.
fn minor(
    name: &str,
    minor: Option<i64>,
    amount: Option<&RawValue>,
    currency: Currency,
) -> Result<i64, HandleError> {
    let amount = match (minor, amount) {
        (Some(minor), _) => return Ok(minor),
        (None, None) => return Ok(0),
        (None, Some(amount)) => of_summary(name, Amount::parse(amount.get()))?,
    };
    Ok(of_summary(name, Money::from_amount(amount, currency))?.minor())
}

fn summable(name: &str, figure: i64) -> Result<i64, HandleError> {
    let is_fine = figure.unsigned_abs() <= FIGURE_MAX.unsigned_abs();
    of_summary(name, is_fine.then_some(figure).ok_or("is too much to be added up"))
}

fn of_summary<T, E: fmt::Display>(name: &str, value: Result<T, E>) -> Result<T, HandleError> {
    field(&format!("performance_summary/{name}"), value)
}
