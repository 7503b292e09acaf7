//! Calculates the commission of a conversion, once.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Money, MoneyError, Rate, Timestamp, Uuid};

use super::agreed::{self, Agreed, Agreement};
use super::book::book;
use crate::domain::{
    self, AffiliateId, Commission, CommissionId, Conversion, ConversionId, Explanation, Fact, Facts, Formula,
    Made, Origin, PartnerContract, Program, ProgramId, Rates, Refunded, RuleError, Ruled, Told,
};
use crate::store::{self, Kept, contracts, rated, refunds, rules};
use crate::views;

#[derive(Clone, Debug)]
pub struct CalculateCommission {
    /// The id that the commission gets if it is new.
    pub id: CommissionId,
    /// The ids of the events that say so: calculated, and perhaps approved, and perhaps refunded already.
    pub events: [Uuid; 3],
    /// Without an amount, only a commission that is there can be answered with.
    pub conversion: Told,
    pub agreement: Agreement,
    pub about: About,
    /// What the request asks for. It counts only if the commission is new.
    pub wanted: Option<Wanted>,
    pub origin: Origin,
}

/// What rules look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `sale` where nobody says.
    pub kind: Option<String>,
    pub product: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub new_customer: Option<bool>,
    /// When the customer did it; now where nobody says.
    pub occurred_at: Option<Timestamp>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Percentage(Rate),
    /// In the conversion's currency.
    Flat(Amount),
}

/// The commission of the conversion, made now or found.
#[derive(Clone, Debug)]
pub struct Calculation {
    pub(crate) kept: Kept,
    /// It was there already, for the same conversion, told in the same words.
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalculateError {
    #[error("the conversion has commission {existing}, which was calculated from other values")]
    DuplicateConversion { existing: CommissionId },
    /// It may be on its way: whoever asks may wait for it.
    #[error("there is no conversion {0}")]
    NoConversion(ConversionId),
    /// As [`CalculateError::NoConversion`].
    #[error("there is no program {0}")]
    NoProgram(ProgramId),
    /// As [`CalculateError::NoConversion`].
    #[error("{what} is not known here")]
    NotYetKnown { what: String },
    #[error("affiliate {affiliate} works under the program {program}")]
    OtherProgram { affiliate: AffiliateId, program: ProgramId },
    #[error("the flat amount {0}")]
    Flat(MoneyError),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Two that arrive together are told apart by the unique key: one inserts, the other finds. `built_in` is the program
/// that holds under its name until something is heard of it.
pub async fn calculate(
    tx: &Tx,
    command: CalculateCommission,
    built_in: &Program,
    cause: &Cause,
) -> Result<Calculation, CalculateError> {
    let CalculateCommission { id, events, conversion: told, agreement, about, wanted, origin } = command;
    let Some(gross) = told.gross else {
        let found = again(tx, &told).await?;
        return found.ok_or(CalculateError::NoConversion(told.id));
    };
    let at = about.occurred_at.unwrap_or(cause.at);
    let Agreed { mut program, kind, rate } =
        agreed::find(tx, &agreement, &told.affiliate, at, built_in).await?;
    let currency = told.currency.unwrap_or(program.currency);
    let gross = Money::from_amount(gross, currency).map_err(RuleError::from)?;
    let request = wanted.map(|wanted| formula(wanted, gross)).transpose()?;
    let Told { id: conversion, affiliate, campaign, .. } = told.clone();
    let conversion = Conversion { id: conversion, affiliate, campaign, gross };
    let facts = facts(about, kind, at);
    let contract = domain::contract_at(contracts::of_partner(tx, &conversion.affiliate).await?, at);
    if let Some(hold) = contract.as_ref().and_then(|contract| contract.hold) {
        program.hold = (!hold.is_zero()).then_some(hold);
    }
    let ruled = ruled(tx, &program.id(), &conversion, &facts, contract.as_ref()).await?;
    let rates = Rates { request, rule: ruled, affiliate: rate };
    let Made { commission, explanation, calculated, approved } =
        Commission::calculate(id, conversion, &program, &rates, origin, cause.at)?;
    let mut kept = Kept { commission, explanation: views::explanation(&explanation) };
    if store::insert(tx, &kept).await? {
        rated::insert(tx, &kept.commission, &facts, &explanation, &program, rate).await?;
        count(tx, &explanation, &rates, &kept.commission).await?;
        let mut facts = vec![Fact::Calculated(calculated)];
        facts.extend(approved.map(Fact::Approved));
        facts.extend(refunded_before(tx, &mut kept.commission, cause).await?);
        book(tx, events.into_iter().zip(facts).collect(), cause).await?;
        return Ok(Calculation { kept, duplicate: false });
    }
    again(tx, &told).await?.ok_or_else(|| unseen().into())
}

fn facts(about: About, affiliate_type: Option<String>, occurred_at: Timestamp) -> Facts {
    let About { kind, product, country, new_customer, .. } = about;
    let kind = kind.unwrap_or_else(|| "sale".to_owned());
    Facts { affiliate_type, kind, product, country, new_customer, occurred_at }
}

/// The rules that hold, and the partner's contract after them, with what the tiers of the one that counts have counted.
async fn ruled(
    tx: &Tx,
    program: &ProgramId,
    conversion: &Conversion,
    facts: &Facts,
    contract: Option<&PartnerContract>,
) -> Result<Option<Ruled>, DbError> {
    let in_force = rules::in_force(tx, program).await?;
    let rules = domain::holding(&in_force, conversion, facts).cloned();
    let contract = contract.filter(|contract| contract.is_for(conversion.gross.currency(), facts));
    let mut holding = rules.chain(contract.map(PartnerContract::rule));
    let Some(rule) = holding.next() else { return Ok(None) };
    let counted = match rule.terms.period(facts.occurred_at) {
        None => None,
        Some(period) => {
            let currency = conversion.gross.currency();
            let tally = rules::tally(tx, &rule.id, &conversion.affiliate, &period, currency).await?;
            Some((period, tally))
        }
    };
    Ok(Some(Ruled { rule, counted, passed_over: holding.collect() }))
}

/// Counts the conversion in the period of the rule, if it was the rule that counted.
async fn count(
    tx: &Tx,
    explanation: &Explanation,
    rates: &Rates,
    commission: &Commission,
) -> Result<(), DbError> {
    if let Some(Ruled { rule, counted: Some((period, _)), .. }) = &rates.rule
        && explanation.source.is_rule()
    {
        let conversion = commission.conversion();
        rules::count(tx, &rule.id, &conversion.affiliate, period, conversion.gross).await?;
    }
    Ok(())
}

/// The commission that is there, if the conversion is told in the same words.
async fn again(tx: &Tx, told: &Told) -> Result<Option<Calculation>, CalculateError> {
    let Some(kept) = store::load_by_conversion(tx, &told.id).await? else { return Ok(None) };
    if kept.commission.is_for(told) {
        Ok(Some(Calculation { kept, duplicate: true }))
    } else {
        Err(CalculateError::DuplicateConversion { existing: kept.commission.id().clone() })
    }
}

fn formula(wanted: Wanted, gross: Money) -> Result<Formula, CalculateError> {
    match wanted {
        Wanted::Percentage(rate) => Ok(Formula::Percentage(rate)),
        Wanted::Flat(amount) => match Money::from_amount(amount, gross.currency()) {
            Ok(amount) => Ok(Formula::Flat(amount)),
            Err(error) => Err(CalculateError::Flat(error)),
        },
    }
}

/// What a refund takes back that came before its conversion.
async fn refunded_before(
    tx: &Tx,
    commission: &mut Commission,
    cause: &Cause,
) -> Result<Option<Fact>, DbError> {
    let Some(told) = refunds::of(tx, &commission.conversion().id).await? else { return Ok(None) };
    // A refund that does not fit the conversion (another currency, more than was paid) is not one of it.
    let Ok(refunded) = commission.refund(told.total, told.reason, cause.at) else { return Ok(None) };
    store::save(tx, commission).await?;
    Ok(match refunded {
        Refunded::Reversed(fact) => Some(*fact),
        Refunded::Known | Refunded::Noted => None,
    })
}

/// Serializable writes see the row that was in their way; should one not, it may be tried again.
fn unseen() -> DbError {
    DbError::Conflict("the conversion was calculated a moment ago".to_owned())
}
