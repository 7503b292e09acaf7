//! A commission: what one conversion owes one affiliate, and what became of it.
//!
//! Not here: how the amount is derived (`rule`), how that is told (`explanation`), what can be done with a commission
//! (`lifecycle`), and how it is booked (`posting`).

use hexalpes_kernel::{Amount, Currency, Money, Rate, Timestamp};

use super::{
    AffiliateId, Approved, Bucket, Calculated, CampaignId, CommissionId, ConversionId, Explanation, PayoutId,
    Program, ProgramId, Rates, RuleError,
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

/// A conversion as somebody tells of it; what is not said is not compared with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub id: ConversionId,
    pub affiliate: AffiliateId,
    pub campaign: Option<CampaignId>,
    pub gross: Option<Amount>,
    pub currency: Option<Currency>,
}

impl From<Conversion> for Told {
    fn from(Conversion { id, affiliate, campaign, gross }: Conversion) -> Self {
        let (amount, currency) = (gross.amount(), gross.currency());
        Self { id, affiliate, campaign, gross: Some(amount), currency: Some(currency) }
    }
}

/// How a conversion came to be known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody asked for its commission.
    Request,
    /// The conversions context recorded it.
    Recorded,
}

/// Which of a conversion's commissions it is: the first, or one that a re-rating added because those before it had
/// left already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u32);

impl Slot {
    /// The commission that every conversion has.
    pub const FIRST: Self = Self(0);
    const ADDED: &'static str = "rerating-";

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// `default`, `rerating-1`, `rerating-2`, ….
    pub fn name(self) -> String {
        match self.0 {
            0 => "default".to_owned(),
            number => format!("{}{number}", Self::ADDED),
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix(Self::ADDED) {
            Some(number) => number.parse().ok().filter(|number| *number > 0).map(Self),
            None => (name == "default").then_some(Self::FIRST),
        }
    }
}

/// Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Calculated,
    /// It may not be approved before `until`, or before somebody releases it.
    Held {
        until: Option<Timestamp>,
        /// Whether it is approved with its release.
        approves: bool,
    },
    Approved {
        at: Timestamp,
    },
    Rejected {
        reason: String,
        at: Timestamp,
    },
    /// Before it was paid, all of it was taken back.
    Reversed {
        reason: String,
        at: Timestamp,
    },
    InPayout(Reservation),
    Paid {
        payment: Payment,
    },
    /// After it was paid, all of it was taken back.
    ClawedBack {
        payment: Payment,
        reason: String,
        at: Timestamp,
    },
}

/// What a commission is in a payout with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub payout: PayoutId,
    /// What was payable.
    pub amount: Money,
    /// What of it is set off against what the partner owes.
    pub netted: Money,
    pub approved_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub reservation: Reservation,
    pub at: Timestamp,
}

impl State {
    /// The state's name on every wire, as seed 3 and G-4 spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Calculated => "CALCULATED",
            Self::Held { .. } => "HELD",
            Self::Approved { .. } => "APPROVED",
            Self::Rejected { .. } => "REJECTED",
            Self::Reversed { .. } => "REVERSED",
            Self::InPayout(_) => "IN_PAYOUT",
            Self::Paid { .. } => "PAID",
            Self::ClawedBack { .. } => "CLAWED_BACK",
        }
    }

    /// Every name of a state.
    pub const NAMES: [&'static str; 8] =
        ["CALCULATED", "HELD", "APPROVED", "IN_PAYOUT", "PAID", "REJECTED", "REVERSED", "CLAWED_BACK"];

    pub fn reservation(&self) -> Option<&Reservation> {
        match self {
            Self::InPayout(reservation) => Some(reservation),
            Self::Paid { payment } | Self::ClawedBack { payment, .. } => Some(&payment.reservation),
            _ => None,
        }
    }

    /// When it was approved, if that still holds.
    pub fn approved_at(&self) -> Option<Timestamp> {
        match self {
            Self::Approved { at } => Some(*at),
            other => other.reservation().map(|reservation| reservation.approved_at),
        }
    }

    pub fn paid_at(&self) -> Option<Timestamp> {
        match self {
            Self::Paid { payment } | Self::ClawedBack { payment, .. } => Some(payment.at),
            _ => None,
        }
    }

    /// Why it is held back or over.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Rejected { reason, .. }
            | Self::Reversed { reason, .. }
            | Self::ClawedBack { reason, .. } => Some(reason),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    pub(super) id: CommissionId,
    pub(super) program: ProgramId,
    pub(super) slot: Slot,
    pub(super) conversion: Conversion,
    /// None where it is no plain percentage.
    pub(super) rate: Option<Rate>,
    pub(super) amount: Money,
    /// What of the amount was taken back; 0 to all of it.
    pub(super) reversed: Money,
    /// What customers got back of the gross amount, as far as was heard.
    pub(super) refunded: Money,
    pub(super) state: State,
    pub(super) created_at: Timestamp,
}

/// The parts of a commission as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: CommissionId,
    pub program: ProgramId,
    pub slot: Slot,
    pub conversion: Conversion,
    pub rate: Option<Rate>,
    pub amount: Money,
    pub reversed: Money,
    pub refunded: Money,
    pub state: State,
    pub created_at: Timestamp,
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
        let approves = program.approves(origin);
        let (state, into) = match program.hold {
            None => (State::Calculated, Bucket::Pending),
            Some(hold) => (State::Held { until: Some(at.after(hold)), approves }, Bucket::Held),
        };
        let calculated = Calculated {
            commission: id.clone(),
            conversion: conversion.clone(),
            slot: Slot::FIRST,
            amount: explanation.amount,
            rate: explanation.formula.rate(),
            source: explanation.source,
            rule: explanation.rule_id.as_ref().map_or_else(|| explanation.rule.clone(), ToString::to_string),
            rule_version: explanation.rule_version,
            status: state.name(),
            into,
            at,
        };
        let mut commission = Self {
            id,
            program: program.id(),
            slot: Slot::FIRST,
            rate: calculated.rate,
            amount: calculated.amount,
            reversed: Money::zero(calculated.amount.currency()),
            refunded: Money::zero(conversion.gross.currency()),
            conversion,
            state,
            created_at: at,
        };
        // One that is held is approved when its time has come.
        let approved = if approves { commission.approve(at).ok().flatten() } else { None };
        Ok(Made { commission, explanation, calculated, approved })
    }

    /// Whether the conversion that this commission is for is told a second time, in the same words (C-9).
    pub fn is_for(&self, told: &Told) -> bool {
        let Conversion { id, affiliate, campaign, gross } = &self.conversion;
        *id == told.id
            && *affiliate == told.affiliate
            && told.campaign.as_ref().is_none_or(|told| campaign.as_ref() == Some(told))
            && told.gross.is_none_or(|told| gross.amount() == told)
            && told.currency.is_none_or(|told| gross.currency() == told)
    }

    /// Takes a commission out of its store.
    pub fn restore(stored: Stored) -> Self {
        let Stored { id, program, slot, conversion, rate, amount, reversed, refunded, state, created_at } =
            stored;
        Self { id, program, slot, conversion, rate, amount, reversed, refunded, state, created_at }
    }

    pub fn id(&self) -> &CommissionId {
        &self.id
    }

    pub fn program(&self) -> &ProgramId {
        &self.program
    }

    pub fn slot(&self) -> Slot {
        self.slot
    }

    pub fn conversion(&self) -> &Conversion {
        &self.conversion
    }

    /// None where it is no plain percentage.
    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    /// As it was calculated, or rated anew, whatever was taken back since.
    pub fn amount(&self) -> Money {
        self.amount
    }

    pub fn reversed(&self) -> Money {
        self.reversed
    }

    pub fn refunded(&self) -> Money {
        self.refunded
    }

    /// What is left: the amount less what was taken back.
    pub fn remaining(&self) -> Money {
        self.amount.checked_sub(self.reversed).expect("no more is taken back than was owed")
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
    use crate::domain::Refusal;

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
        assert_eq!(commission.approve(noon()), Err(Refusal::Held { until: Some(until) }));
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
        commission.state = State::Rejected { reason: "refunded".into(), at: noon() };
        assert!(matches!(commission.approve(noon()), Err(Refusal::Rejected { .. })));
        assert_eq!(commission.state().name(), "REJECTED");
    }
}
