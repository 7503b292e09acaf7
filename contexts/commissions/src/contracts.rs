//! What the onboarding context tells of contracts, read as rules of its partners, and as how they are paid.

use std::time::Duration;

use hexalpes_consumer::{Event, HandleError, Handler, field, word};
use hexalpes_contracts::onboarding::{
    self, CommissionStructure, CommissionTier, ContractActivated, PaymentTerms,
};
use hexalpes_db::Tx;
use hexalpes_kernel::{Amount, Cause, Currency, Money, Timestamp};
use serde_json::value::RawValue;

use crate::domain::{
    AffiliateId, Band, Basis, Earns, Formula, Frequency, Method, Mode, PartnerContract,
    PaymentTerms as Payment, Period, RuleId, RuleTerms, Tiers,
};
use crate::handlers::percent;
use crate::store::{contracts, payments};

const DAY: Duration = Duration::from_hours(24);

/// Keeps what contracts in force say of commissions, and when they ended.
pub(crate) struct Contracts;

impl Handler for Contracts {
    async fn handle(&self, tx: &Tx, event: &Event, _cause: &Cause) -> Result<(), HandleError> {
        let kind = event.full_kind(onboarding::NAMESPACE);
        // A type that this version does not know is none of its business.
        let Some(told) = onboarding::Event::read(&kind, &event.data) else { return Ok(()) };
        match told.map_err(HandleError::invalid_event)? {
            onboarding::Event::ContractActivated(activated) => {
                let payment: PaymentTerms = read("payment_terms", &activated.payment_terms)?;
                payments::learn(tx, &paid(&activated, &payment)?).await?;
                let Some(contract) = partner_contract(&activated, &payment)? else { return Ok(()) };
                Ok(contracts::learn_contract(tx, &contract).await?)
            }
            onboarding::Event::ContractEnded(ended) => {
                let partner = field("partner_id", AffiliateId::parse(&ended.partner_id))?;
                let id = field("contract_id", RuleId::parse(&ended.contract_id))?;
                let ended_at = field("ended_at", Timestamp::parse(&ended.ended_at))?;
                Ok(contracts::learn_end(tx, &partner, &id, ended_at).await?)
            }
            onboarding::Event::ContractSigned(_)
            | onboarding::Event::ContractExpiring(_)
            | onboarding::Event::EmploymentContractCreated(_)
            | onboarding::Event::EmploymentContractSigned(_)
            | onboarding::Event::EmploymentContractPending(_)
            | onboarding::Event::EmploymentContractEnded(_) => Ok(()),
        }
    }
}

/// A contract as a rule of its partner; `None` where it says nothing of commissions.
fn partner_contract(
    activated: &ContractActivated,
    payment: &PaymentTerms,
) -> Result<Option<PartnerContract>, HandleError> {
    if activated.commission_structure.is_empty() {
        return Ok(None);
    }
    let structure: CommissionStructure = read("commission_structure", &activated.commission_structure)?;
    let Times { from, until: valid_until, activated_at } = times(activated)?;
    let days = payment.hold_days.map(|days| field("hold_days", u32::try_from(days))).transpose()?;
    let terms = rule_terms(&structure)?;
    Ok(Some(PartnerContract {
        id: field("contract_id", RuleId::parse(&activated.contract_id))?,
        partner: field("partner_id", AffiliateId::parse(&activated.partner_id))?,
        contract_type: activated.contract_type.clone(),
        terms: RuleTerms { valid_from: Some(from), valid_until, ..terms },
        hold: days.map(|days| DAY * days),
        activated_at,
    }))
}

/// How the partner is paid by a contract.
fn paid(activated: &ContractActivated, payment: &PaymentTerms) -> Result<Payment, HandleError> {
    let Times { from, until, activated_at } = times(activated)?;
    let currency = payment.currency.as_deref().map(|code| field("currency", Currency::parse(code)));
    let net = field("net_days", u32::try_from(payment.net_days.unwrap_or(0)))?;
    let known = |name: &str| Method::ALL.into_iter().find(|(one, _)| *one == name).map(|(_, method)| method);
    let method = payment.method.as_deref().map(|method| word("method", method, known));
    let frequency = payment.frequency.as_deref().map(|name| word("frequency", name, Frequency::parse));
    Ok(Payment {
        contract: field("contract_id", RuleId::parse(&activated.contract_id))?,
        partner: field("partner_id", AffiliateId::parse(&activated.partner_id))?,
        from,
        until,
        activated_at,
        currency: currency.transpose()?,
        net: DAY * net,
        method: method.transpose()?,
        frequency: frequency.transpose()?,
    })
}

struct Times {
    from: Timestamp,
    until: Option<Timestamp>,
    activated_at: Timestamp,
}

fn times(activated: &ContractActivated) -> Result<Times, HandleError> {
    let from = day("effective_date", &activated.effective_date)?;
    let until = match activated.expiration_date.as_str() {
        "" => None,
        until => Some(day("expiration_date", until)?),
    };
    let activated_at = match activated.activated_at.as_str() {
        "" => from,
        at => field("activated_at", Timestamp::parse(at))?,
    };
    Ok(Times { from, until, activated_at })
}

fn rule_terms(structure: &CommissionStructure) -> Result<RuleTerms, HandleError> {
    let currency = structure.currency.as_deref().map(|code| field("currency", Currency::parse(code)));
    let currency = currency.transpose()?;
    let money = |name: &str, number: &RawValue| -> Result<Money, HandleError> {
        let currency =
            currency.ok_or_else(|| HandleError::invalid_event(format!("{name}: its currency is missing")))?;
        field(name, Money::from_amount(field(name, Amount::parse(number.get()))?, currency))
    };
    let needed = |name: &str, number: &Option<Box<RawValue>>| -> Result<Box<RawValue>, HandleError> {
        number
            .clone()
            .ok_or_else(|| HandleError::invalid_event(format!("{name}: it is missing for this kind")))
    };
    let formula = match structure.kind.as_str() {
        "percentage" => Formula::Percentage(percent("rate", needed("rate", &structure.rate)?.get())?),
        "flat" => Formula::Flat(money("amount", &needed("amount", &structure.amount)?)?),
        "tiered" => {
            let band = |tier: &CommissionTier| -> Result<Band, HandleError> {
                let from = money("tiers", &tier.from)?.minor();
                Ok(Band { from, earns: Earns::Rate(percent("tiers", tier.rate.get())?) })
            };
            let bands = structure.tiers.iter().map(band).collect::<Result<Vec<_>, _>>()?;
            let mode = match structure.mode.as_deref() {
                None | Some("marginal") => Mode::Marginal,
                Some("retroactive") => Mode::Retroactive,
                Some(other) => {
                    return Err(HandleError::invalid_event(format!("mode: {other} is none that is known")));
                }
            };
            let name = structure.period.as_deref().unwrap_or("month");
            let period = Period::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, period)| period);
            let period = period
                .ok_or_else(|| HandleError::invalid_event(format!("period: {name} is none that is known")))?;
            Formula::Tiered(field("tiers", Tiers::new(Basis::Amount, mode, period, bands))?)
        }
        other => return Err(HandleError::invalid_event(format!("kind: {other} is none that is known"))),
    };
    let cap = structure.cap.as_deref().map(|cap| money("cap", cap)).transpose()?;
    let floor = structure.floor.as_deref().map(|floor| money("floor", floor)).transpose()?;
    Ok(RuleTerms { currency, cap, floor, ..RuleTerms::plain(formula) })
}

/// A day of UTC, or a time.
fn day(name: &str, text: &str) -> Result<Timestamp, HandleError> {
    let time = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    field(name, Timestamp::parse(&time))
}

fn read<T: serde::de::DeserializeOwned>(
    name: &str,
    dict: &hexalpes_contracts::Dict,
) -> Result<T, HandleError> {
    field(name, dict.read())
}
