//! What becomes of a conversion's commissions when it is rated anew, because a rule was wrong.
//!
//! As long as money of a commission has not left, the commission itself is worth more or less; the books get the
//! difference. Once it has left, what is more is a commission of its own, in the next slot, and what is less is owed back.
//! Where somebody decided about one of them, or all was given back to the customer, all stay as they are.
//!
//! Not here: what the conversion owes by which rules (`trial`, `rule`).

use hexalpes_kernel::{Money, Rate, Timestamp};

use super::lifecycle::REFUNDED;
use super::{
    Bucket, Calculated, Commission, CommissionId, Explanation, Fact, RateSource, Refunded, Rerated,
    ReratingId, State,
};

/// What a conversion owes in all, by the rules that count now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rating {
    pub amount: Money,
    /// None where it is no plain percentage.
    pub rate: Option<Rate>,
    pub source: RateSource,
    /// The rule's id, or the program's name.
    pub rule: String,
    pub rule_version: u32,
}

impl Rating {
    pub fn of(explanation: &Explanation) -> Self {
        let rule_id = explanation.rule_id.as_ref();
        Self {
            amount: explanation.amount,
            rate: explanation.formula.rate(),
            source: explanation.source,
            rule: rule_id.map_or_else(|| explanation.rule.clone(), ToString::to_string),
            rule_version: explanation.rule_version,
        }
    }
}

/// Which re-rating says so, and why it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub rerating: ReratingId,
    pub reason: String,
}

/// Why a conversion's commissions stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They come to what is owed.
    Same,
    /// The customer got everything back: nothing is owed, whatever rules say.
    Refunded,
    /// Somebody rejected, reversed or clawed back one of them.
    Decided,
}

/// The commissions of one conversion, in the order of their slots. There is one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots(Vec<Commission>);

impl Slots {
    pub fn of(mut commissions: Vec<Commission>) -> Option<Self> {
        commissions.sort_by_key(Commission::slot);
        (!commissions.is_empty()).then_some(Self(commissions))
    }

    pub fn commissions(&self) -> &[Commission] {
        &self.0
    }

    pub fn into_commissions(self) -> Vec<Commission> {
        self.0
    }

    /// What they come to, whatever was taken back of it.
    pub fn owed(&self) -> Money {
        let currency = self.0[0].amount.currency();
        Money::from_minor(self.0.iter().map(|one| one.amount.minor()).sum(), currency)
    }

    /// What is left of them.
    pub fn left(&self) -> Money {
        let currency = self.0[0].amount.currency();
        Money::from_minor(self.0.iter().map(|one| one.remaining().minor()).sum(), currency)
    }

    /// Makes them come to what the conversion owes, and tells how; `added` is the id of a commission that it takes.
    pub fn rerate(
        &mut self,
        rating: &Rating,
        added: &CommissionId,
        why: &Why,
        at: Timestamp,
    ) -> Result<Vec<Fact>, Standing> {
        let first = &self.0[0];
        if first.refunded == first.conversion.gross {
            return Err(Standing::Refunded);
        }
        if self.0.iter().any(Commission::is_decided) {
            return Err(Standing::Decided);
        }
        match rating.amount.minor() - self.owed().minor() {
            0 => Err(Standing::Same),
            by if by > 0 => Ok(self.raise(by, rating, added, why, at)),
            by => Ok(self.lower(-by, rating, why, at)),
        }
    }

    fn raise(
        &mut self,
        by: i64,
        rating: &Rating,
        added: &CommissionId,
        why: &Why,
        at: Timestamp,
    ) -> Vec<Fact> {
        let last = self.0.last_mut().expect("there is one at least");
        let amount = |minor| Money::from_minor(minor, rating.amount.currency());
        if let State::Calculated | State::Held { .. } | State::Approved { .. } = last.state {
            return vec![last.rerate(amount(last.amount.minor() + by), rating, why, at)];
        }
        let (next, first) = (last.slot.next(), &self.0[0]);
        let mut commission = Commission {
            id: added.clone(),
            program: first.program.clone(),
            slot: next,
            conversion: first.conversion.clone(),
            // It owes a difference, which is no percentage of what the customer paid.
            rate: None,
            amount: amount(by),
            reversed: amount(0),
            refunded: Money::zero(first.refunded.currency()),
            state: State::Calculated,
            created_at: at,
        };
        let mut facts = vec![Fact::Calculated(Calculated {
            commission: added.clone(),
            conversion: first.conversion.clone(),
            slot: next,
            amount: commission.amount,
            rate: None,
            source: rating.source,
            rule: rating.rule.clone(),
            rule_version: rating.rule_version,
            status: commission.state.name(),
            into: Bucket::Pending,
            at,
        })];
        if let Ok(Refunded::Reversed(fact)) = commission.refund(first.refunded, Some(REFUNDED.to_owned()), at)
        {
            facts.push(*fact);
        }
        // It corrects one that nobody has to look at any more.
        if first.state.approved_at().is_some() {
            facts.extend(commission.approve(at).ok().flatten().map(Fact::Approved));
        }
        self.0.push(commission);
        facts
    }

    /// What was added last is taken first.
    fn lower(&mut self, mut by: i64, rating: &Rating, why: &Why, at: Timestamp) -> Vec<Fact> {
        let mut facts = Vec::new();
        for one in self.0.iter_mut().rev() {
            let less = by.min(one.amount.minor());
            if less > 0 {
                let amount = Money::from_minor(one.amount.minor() - less, rating.amount.currency());
                facts.push(one.rerate(amount, rating, why, at));
                by -= less;
            }
        }
        facts
    }
}

impl Commission {
    /// Whether somebody ended it, and not the customer's refunds alone.
    fn is_decided(&self) -> bool {
        match self.state {
            State::Rejected { .. } => true,
            State::Reversed { .. } | State::ClawedBack { .. } => {
                self.reversal(self.refunded) != Ok(self.amount)
            }
            _ => false,
        }
    }

    /// Gives it another amount. What follows from refunds follows from the new one, and what somebody clawed back stays
    /// clawed back; of what has left no more is owed than before.
    fn rerate(&mut self, amount: Money, rating: &Rating, why: &Why, at: Timestamp) -> Fact {
        let (before, left) = (self.amount, self.remaining().minor());
        let due = |one: &Self| one.reversal(one.refunded).expect("what was refunded was of the conversion");
        let by_hand = (self.reversed.minor() - due(self).minor()).max(0);
        self.amount = amount;
        self.rate = rating.rate.filter(|_| amount == rating.amount);
        let reversed = (due(self).minor() + by_hand).min(amount.minor());
        let (bucket, reversed) = match self.state {
            State::Calculated => (Bucket::Pending, reversed),
            State::Held { .. } => (Bucket::Held, reversed),
            State::Approved { .. } => (Bucket::Payable, reversed),
            _ => (Bucket::Receivable, reversed.max(amount.minor() - left)),
        };
        self.reversed = Money::from_minor(reversed, amount.currency());
        let by = Money::from_minor(self.remaining().minor() - left, amount.currency());
        let change = self.change(by, Some(why.reason.clone()), at);
        let (rerating, rating) = (why.rerating.clone(), rating.clone());
        Fact::Rerated(Rerated { change, rerating, before, amount, rating, bucket })
    }
}
