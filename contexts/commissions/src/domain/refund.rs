//! What a refund takes back of a commission.
//!
//! What counts is how much was refunded in all, and of two such totals the higher: refunds may come twice and in any
//! order.

use hexalpes_kernel::{Money, MoneyError, Timestamp};

use super::lifecycle::REFUNDED;
use super::{Bucket, Commission, Fact, State};

/// What a refund did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// As much was known to be refunded, or more.
    Known,
    /// It is noted, and takes nothing more back.
    Noted,
    Reversed(Box<Fact>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    #[error("the refund {0}")]
    Money(#[from] MoneyError),
    #[error("must not be negative")]
    Negative,
    #[error("is more than the gross amount of {gross}")]
    MoreThanGross { gross: Money },
}

impl Commission {
    /// Takes back what follows from `total`, the whole that was refunded until now.
    pub fn refund(
        &mut self,
        total: Money,
        reason: Option<String>,
        at: Timestamp,
    ) -> Result<Refunded, RefundError> {
        let target = self.reversal(total)?;
        if total.minor() <= self.refunded.minor() {
            return Ok(Refunded::Known);
        }
        self.refunded = total;
        let missing = target.checked_sub(self.reversed)?;
        if missing.minor() <= 0 {
            return Ok(Refunded::Noted);
        }
        let from = match &self.state {
            State::Calculated => Bucket::Pending,
            State::Held { .. } => Bucket::Held,
            State::Approved { .. } => Bucket::Payable,
            // What is on its way cannot be stopped: the partner owes it back.
            State::InPayout(_) | State::Paid { .. } => Bucket::Receivable,
            State::Rejected { .. } | State::Reversed { .. } | State::ClawedBack { .. } => {
                return Ok(Refunded::Noted);
            }
        };
        let was_paid = matches!(self.state, State::Paid { .. });
        let reason = reason.unwrap_or_else(|| REFUNDED.to_owned());
        self.take_back(missing);
        self.end_if_nothing_is_left(&reason, at);
        let change = self.change(missing, Some(reason), at);
        let fact = if was_paid { Fact::ClawedBack { change } } else { Fact::Reversed { change, from } };
        Ok(Refunded::Reversed(Box::new(fact)))
    }

    /// What is to be taken back in all once `refunded` was: of a plain percentage its part of the refund, of anything
    /// else (flat, capped, tiered) the same share as of the gross amount. All of it for all of it, and never more.
    pub fn reversal(&self, refunded: Money) -> Result<Money, RefundError> {
        let gross = self.conversion.gross;
        if refunded.minor() < 0 {
            return Err(RefundError::Negative);
        }
        // Tells when it is another currency.
        if gross.checked_sub(refunded)?.minor() < 0 {
            return Err(RefundError::MoreThanGross { gross });
        }
        if refunded == gross {
            return Ok(self.amount);
        }
        if let Some(rate) = self.rate
            && rate.of(gross) == Ok(self.amount)
        {
            return Ok(rate.of(refunded)?);
        }
        Ok(self.amount.share(refunded.minor(), gross.minor())?)
    }
}
