//! What this context does with messages: it keeps what partners may, and counts what campaigns led to.

use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{ConsumerOptions, Event, EventConsumer, HandleError, Handler, KeyOrder, field, word};
use hexalpes_contracts::conversions::{self, ConversionRecorded, ConversionRefunded};
use hexalpes_contracts::onboarding::{self, BudgetLimits, ContractActivated, ContractEnded};
use hexalpes_contracts::partners::{self, PartnerValidationCompleted};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Amount, Cause, Currency, Edge, Money, Timestamp};
use serde_json::value::RawValue;

use crate::commands::{self, Conversion, Refund};
use crate::domain::{
    CampaignId, ContractId, Day, End, Grant, Limits, Outcome, PartnerId, Validated, Validation,
};

/// This context's name on the wire.
const SERVICE: &str = "campaign-management";
const WORDS_MAX: usize = 100;

const ACTIVATED: &str = "com.hexabuilders.onboarding.ContractActivated";
const ENDED: &str = "com.hexabuilders.onboarding.ContractEnded";
const VALIDATED: &str = "com.hexabuilders.partners.PartnerValidationCompleted";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 4], OpenError> {
    let options = |handler, topic| -> Result<ConsumerOptions, OpenError> {
        // Each event carries all there is to know, with its revision: none needs those before it.
        let order = KeyOrder::Independent;
        Ok(ConsumerOptions { order, ..ConsumerOptions::new(SERVICE, handler, TopicName::parse(topic)?) })
    };
    let (db, client, edge) = (|| db.clone(), || client.clone(), || Arc::clone(edge));
    let contracts = ConsumerOptions {
        only_kind: Some(ACTIVATED),
        ..options("contract-activated", onboarding::ACTIVATED_TOPIC)?
    };
    // That a contract ended is told there alone, among all that onboarding tells.
    let ends = options("contract-ended", onboarding::TOPIC)?;
    let validations = ConsumerOptions {
        only_kind: Some(VALIDATED),
        ..options("partner-validation", partners::VALIDATION_TOPIC)?
    };
    let conversions = ConsumerOptions {
        only_kind: Some(ConversionRecorded::KIND),
        ..options("conversions", conversions::TOPIC)?
    };
    Ok([
        EventConsumer::start(db(), client(), edge(), Contracts { edge: edge() }, contracts)?,
        EventConsumer::start(db(), client(), edge(), Ends { edge: edge() }, ends)?,
        EventConsumer::start(db(), client(), edge(), Validations { edge: edge() }, validations)?,
        EventConsumer::start(db(), client(), edge(), Conversions, conversions)?,
    ])
}

/// Lets partners run campaigns as their contracts say.
#[derive(Clone, Debug)]
pub struct Contracts {
    pub edge: Arc<dyn Edge>,
}

impl Handler for Contracts {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if !event.is(ACTIVATED) {
            return Ok(());
        }
        let told: ContractActivated = event.data_as()?;
        let grant = of_contract(&told, event.time.unwrap_or(cause.at))?;
        Ok(commands::enable_campaigns(tx, &grant, &*self.edge, cause).await?)
    }
}

/// Stops what contracts allowed until they ended.
#[derive(Clone, Debug)]
pub struct Ends {
    pub edge: Arc<dyn Edge>,
}

impl Handler for Ends {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if !event.is(ENDED) {
            return Ok(());
        }
        let told: ContractEnded = event.data_as()?;
        let renewed_by = told.renewed_by.as_deref().map(|id| field("renewed_by", ContractId::parse(id)));
        let renewed_by = renewed_by.transpose()?;
        let end = End {
            contract: field("contract_id", ContractId::parse(&told.contract_id))?,
            partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
            outcome: word("outcome", &told.outcome, |name| Outcome::parse(name, renewed_by.clone()))?,
            at: field("ended_at", Timestamp::parse(&told.ended_at))?,
            revision: told.revision,
        };
        Ok(commands::end_contract(tx, &end, &*self.edge, cause).await?)
    }
}

/// Keeps how far partners were validated, and whether they were stopped.
#[derive(Clone, Debug)]
pub struct Validations {
    pub edge: Arc<dyn Edge>,
}

impl Handler for Validations {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if !event.is(VALIDATED) {
            return Ok(());
        }
        let told: PartnerValidationCompleted = event.data_as()?;
        let status = Validation::parse(&told.validation_status);
        let status = field("validation_status", status.ok_or("must be PENDING, PARTIAL or COMPLETE"))?;
        let validated = Validated {
            partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
            status,
            is_barred: matches!(told.partner_status.as_str(), "SUSPENDED" | "TERMINATED"),
            revision: told.revision,
            at: Timestamp::parse(&told.validated_at).ok().or(event.time).unwrap_or(cause.at),
        };
        Ok(commands::learn_validation(tx, &validated, &*self.edge, cause).await?)
    }
}

/// Counts conversions and refunds of campaigns.
#[derive(Clone, Copy, Debug)]
pub struct Conversions;

impl Handler for Conversions {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if event.is(ConversionRecorded::KIND) {
            let told: ConversionRecorded = event.data_as()?;
            let Some(campaign) = &told.campaign_id else { return Ok(()) };
            let conversion = Conversion {
                id: told.conversion_id,
                campaign: field("campaign_id", CampaignId::parse(campaign))?,
                kind: told.conversion_type,
                gross: minor(told.gross_amount_minor, &told.currency)?,
                at: field("occurred_at", Timestamp::parse(&told.occurred_at))?,
            };
            return Ok(commands::converted(tx, conversion, cause).await?);
        }
        if event.is(ConversionRefunded::KIND) {
            let told: ConversionRefunded = event.data_as()?;
            let refund = Refund {
                id: told.refund_id,
                conversion: told.conversion_id,
                amount: minor(told.refund_amount_minor, &told.currency)?,
                at: field("refunded_at", Timestamp::parse(&told.refunded_at))?,
            };
            return Ok(commands::refunded(tx, refund, cause).await?);
        }
        // A type that this version does not know is none of its business.
        Ok(())
    }
}

fn of_contract(told: &ContractActivated, told_at: Timestamp) -> Result<Grant, HandleError> {
    let expires = told.expiration_date.trim();
    let words: Vec<Box<RawValue>> = field("campaign_permissions", told.campaign_permissions.read())?;
    let limits: BudgetLimits = field("budget_limits", told.budget_limits.read())?;
    Ok(Grant {
        contract: field("contract_id", ContractId::parse(&told.contract_id))?,
        partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
        revision: told.revision,
        effective: field("effective_date", Day::parse(&told.effective_date))?,
        expires: match expires {
            "" => None,
            date => Some(field("expiration_date", Day::parse(date))?),
        },
        // What is no text is a permission that this version does not know.
        permissions: words
            .iter()
            .filter_map(|raw| serde_json::from_str(raw.get()).ok())
            .take(WORDS_MAX)
            .collect(),
        limits: of_limits(&limits)?,
        told_at,
    })
}

fn of_limits(told: &BudgetLimits) -> Result<Limits, HandleError> {
    let currency =
        told.currency.as_deref().map(|code| field("currency", Currency::parse(code))).transpose()?;
    let currency = currency.unwrap_or(Currency::USD);
    let money =
        |name: &str, minor: Option<i64>, major: Option<&RawValue>| -> Result<Option<Money>, HandleError> {
            match (minor, major) {
                (Some(minor), _) => Ok(Some(Money::from_minor(minor, currency))),
                (None, Some(raw)) if raw.get() != "null" => {
                    let amount = field(name, Amount::parse(raw.get().trim_matches('"')))?;
                    Ok(Some(field(name, Money::from_amount(amount, currency))?))
                }
                (None, _) => Ok(None),
            }
        };
    let count = |max: i64| field("max_campaigns", u32::try_from(max).map_err(|_| "is out of range"));
    Ok(Limits {
        campaigns_max: told.max_campaigns.map(count).transpose()?,
        campaign_budget_max: money(
            "max_campaign_budget",
            told.max_campaign_budget_minor,
            told.max_campaign_budget.as_deref(),
        )?,
        daily_budget_max: money(
            "max_daily_budget",
            told.max_daily_budget_minor,
            told.max_daily_budget.as_deref(),
        )?,
        total_budget_max: money(
            "max_total_budget",
            told.max_total_budget_minor,
            told.max_total_budget.as_deref(),
        )?,
    })
}

fn minor(minor: i64, currency: &str) -> Result<Money, HandleError> {
    Ok(Money::from_minor(minor, field("currency", Currency::parse(currency))?))
}
