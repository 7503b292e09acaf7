//! A commission: what one conversion owes one affiliate, and what became of it.
//!
//! Not here: how the amount is derived (`rule`), and how that is told (`explanation`).

use hexalpes_kernel::{Money, Rate, Timestamp};

use super::{
    AffiliateId, CampaignId, CommissionId, ConversionId, Explanation, Program, RateSource, Rates, RuleError,
};

/// What is known of a conversion when its commission is calculated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    pub id: ConversionId,
    pub affiliate: AffiliateId,
    pub campaign: Option<CampaignId>,
    /// What the customer paid.
    pub gross: Money,
}

/// How a conversion came to be known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody asked for its commission.
    Request,
    /// The conversions context recorded it.
    Recorded,
}

/// Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Calculated,
    /// It may not be approved before `until`: the refund window is open.
    Held {
        until: Timestamp,
    },
    Approved {
        at: Timestamp,
    },
    Rejected {
        reason: String,
    },
}

impl State {
    /// The state's name on every wire, as seed 3 and G-4 spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Calculated => "CALCULATED",
            Self::Held { .. } => "HELD",
            Self::Approved { .. } => "APPROVED",
            Self::Rejected { .. } => "REJECTED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    id: CommissionId,
    conversion: Conversion,
    rate: Rate,
    amount: Money,
    state: State,
    created_at: Timestamp,
}

/// The parts of a commission as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: CommissionId,
    pub conversion: Conversion,
    pub rate: Rate,
    pub amount: Money,
    pub state: State,
    pub created_at: Timestamp,
}

/// A commission was calculated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculated {
    pub commission: CommissionId,
    pub conversion: Conversion,
    pub amount: Money,
    pub rate: Rate,
    pub source: RateSource,
    pub rule: &'static str,
    pub rule_version: u32,
    /// As [`State::name`].
    pub status: &'static str,
    pub at: Timestamp,
}

/// A commission was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    pub commission: CommissionId,
    pub conversion: Conversion,
    pub amount: Money,
    pub at: Timestamp,
}

/// A new commission, with everything that there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub commission: Commission,
    /// To be kept with the commission.
    pub explanation: Explanation,
    pub calculated: Calculated,
    /// If the program did not want anybody to look at it first.
    pub approved: Option<Approved>,
}

/// Whatever can happen to a commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    Calculated(Calculated),
    Approved(Approved),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApproveError {
    #[error("it is held until {until}")]
    Held { until: Timestamp },
    #[error("it was rejected: {reason}")]
    Rejected { reason: String },
}

impl Commission {
    /// Derives what `conversion` owes under `program`, and approves it where the program says so.
    pub fn calculate(
        id: CommissionId,
        conversion: Conversion,
        program: &Program,
        rates: &Rates,
        origin: Origin,
        at: Timestamp,
    ) -> Result<Made, RuleError> {
        let explanation = program.apply(conversion.gross, rates)?;
        let state = match program.hold {
            None => State::Calculated,
            Some(hold) => State::Held { until: at.after(hold) },
        };
        let calculated = Calculated {
            commission: id.clone(),
            conversion: conversion.clone(),
            amount: explanation.rounding.to,
            rate: explanation.rate,
            source: explanation.source,
            rule: explanation.rule,
            rule_version: explanation.rule_version,
            status: state.name(),
            at,
        };
        let (rate, amount) = (explanation.rate, calculated.amount);
        let mut commission = Self { id, conversion, rate, amount, state, created_at: at };
        // One that is held is approved when its time has come.
        let approved = if program.approves(origin) { commission.approve(at).ok().flatten() } else { None };
        Ok(Made { commission, explanation, calculated, approved })
    }

    /// Approves once; approving again is no news (`Ok(None)`).
    pub fn approve(&mut self, at: Timestamp) -> Result<Option<Approved>, ApproveError> {
        match &self.state {
            State::Calculated => {}
            State::Held { until } if *until <= at => {}
            State::Held { until } => return Err(ApproveError::Held { until: *until }),
            State::Approved { .. } => return Ok(None),
            State::Rejected { reason } => return Err(ApproveError::Rejected { reason: reason.clone() }),
        }
        self.state = State::Approved { at };
        Ok(Some(Approved {
            commission: self.id.clone(),
            conversion: self.conversion.clone(),
            amount: self.amount,
            at,
        }))
    }

    /// Whether `conversion` is the one that this commission is for, told a second time.
    pub fn is_for(&self, conversion: &Conversion) -> bool {
        self.conversion == *conversion
    }

    /// Takes a commission out of its store.
    pub fn restore(stored: Stored) -> Self {
        let Stored { id, conversion, rate, amount, state, created_at } = stored;
        Self { id, conversion, rate, amount, state, created_at }
    }

    pub fn id(&self) -> &CommissionId {
        &self.id
    }

    pub fn conversion(&self) -> &Conversion {
        &self.conversion
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    pub fn amount(&self) -> Money {
        self.amount
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hexalpes_kernel::Currency;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn noon() -> Timestamp {
        Timestamp::parse("2025-01-15T12:00:00Z").unwrap()
    }

    fn made(program: &Program, origin: Origin) -> Made {
        let conversion = Conversion {
            id: ConversionId::parse("conv-1").unwrap(),
            affiliate: AffiliateId::parse("aff-1").unwrap(),
            campaign: None,
            gross: Money::from_minor(12_050, Currency::USD),
        };
        let id = CommissionId::parse("com_1").unwrap();
        Commission::calculate(id, conversion, program, &Rates::default(), origin, noon()).unwrap()
    }

    fn calculated(program: &Program) -> (Commission, Calculated) {
        let Made { commission, calculated, approved, .. } = made(program, Origin::Request);
        assert_eq!(approved, None);
        (commission, calculated)
    }

    #[test]
    fn a_calculated_commission_says_what_it_owes() {
        let (commission, fact) = calculated(&Program::default());
        assert_eq!(commission.amount(), Money::from_minor(1_205, Currency::USD));
        assert_eq!((fact.amount, fact.status, fact.at), (commission.amount(), "CALCULATED", noon()));
    }

    #[test]
    fn approving_twice_is_no_news() {
        let (mut commission, _) = calculated(&Program::default());
        assert_eq!(commission.approve(noon()).unwrap().unwrap().amount, commission.amount());
        assert_eq!(commission.approve(noon().after(HOUR)), Ok(None));
        assert_eq!(commission.state(), &State::Approved { at: noon() });
    }

    #[test]
    fn a_held_commission_is_approved_when_its_time_has_come() {
        let until = noon().after(HOUR);
        let (mut commission, fact) = calculated(&Program { hold: Some(HOUR), ..Program::default() });
        assert_eq!(fact.status, "HELD");
        assert_eq!(commission.approve(noon()), Err(ApproveError::Held { until }));
        assert!(commission.approve(until).unwrap().is_some());
    }

    /// Accepts S4-BEH-6.
    #[test]
    fn a_recorded_conversion_is_approved_at_once_if_the_program_says_so_and_does_not_hold_it() {
        let approved = |program: &Program| made(program, Origin::Recorded).approved.is_some();
        let program = Program::default();
        assert!(approved(&program));
        assert!(!approved(&Program { approves_recorded: false, ..program.clone() }));
        assert!(!approved(&Program { hold: Some(HOUR), ..program }));
    }

    #[test]
    fn a_rejected_commission_stays_rejected() {
        let (mut commission, _) = calculated(&Program::default());
        commission.state = State::Rejected { reason: "refunded".into() };
        assert!(matches!(commission.approve(noon()), Err(ApproveError::Rejected { .. })));
        assert_eq!(commission.state().name(), "REJECTED");
    }
}
