//! What can be done with a commission:
//!
//! ```text
//!  CALCULATED ⇄ HELD ─ approve ─▶ APPROVED ─ reserve ─▶ IN_PAYOUT ─ settle ─▶ PAID ─ claw back ─▶ CLAWED_BACK
//!      └─ reject ─▶ REJECTED         │ ▲ └── fail ◀─────────┘
//!      └─ reverse ─▶ REVERSED ◀──────┘ └ hold, release ▶ HELD
//! ```
//!
//! Each verb gives the fact, nothing if it was so already, or what stands in its way.

use hexalpes_kernel::{Money, Timestamp};

use super::{Approved, Bucket, Change, Commission, Fact, Payment, PayoutId, Reservation, Share, State};

/// Why something cannot be done with a commission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it is held{}", until.map(|until| format!(" until {until}")).unwrap_or_default())]
    Held { until: Option<Timestamp> },
    #[error("it is not approved")]
    NotApproved,
    #[error("it is approved: reverse it instead")]
    Approved,
    #[error("it was rejected: {reason}")]
    Rejected { reason: String },
    #[error("it was reversed: {reason}")]
    Reversed { reason: String },
    #[error("it is in payout {payout}, which must settle or fail first")]
    InPayout { payout: PayoutId },
    #[error("it was paid: what is owed back is clawed back")]
    Paid,
    #[error("it was paid and clawed back: {reason}")]
    ClawedBack { reason: String },
    #[error("it was not paid: reverse it instead")]
    NotPaid,
    #[error("no more than {left} is left of it")]
    MoreThanLeft { left: Money },
    #[error("it must be more than zero")]
    NotPositive,
    #[error("the hold would end before it begins")]
    InThePast,
    #[error("nothing is left of it to be paid")]
    NothingLeft,
    #[error("it is not in payout {payout}")]
    OtherPayout { payout: PayoutId },
}

impl Commission {
    /// Approves once; approving again is no news (`Ok(None)`).
    pub fn approve(&mut self, at: Timestamp) -> Result<Option<Approved>, Refusal> {
        let from = match &self.state {
            State::Calculated => Bucket::Pending,
            State::Held { until: Some(until), .. } if *until <= at => Bucket::Held,
            State::Held { until, .. } => return Err(Refusal::Held { until: *until }),
            State::Approved { .. } | State::InPayout(_) | State::Paid { .. } => return Ok(None),
            over => return Err(over_for_good(over)),
        };
        self.state = State::Approved { at };
        let (commission, conversion) = (self.id.clone(), self.conversion.clone());
        Ok(Some(Approved { commission, conversion, amount: self.remaining(), from, at }))
    }

    /// Holds it back until a time, or until somebody releases it; one that was approved is approved again then.
    pub fn hold(
        &mut self,
        until: Option<Timestamp>,
        reason: Option<String>,
        at: Timestamp,
    ) -> Result<Option<Fact>, Refusal> {
        if until.is_some_and(|until| until <= at) {
            return Err(Refusal::InThePast);
        }
        let (from, approves) = match &self.state {
            State::Calculated => (Bucket::Pending, false),
            State::Held { until: known, .. } if *known == until => return Ok(None),
            State::Held { approves, .. } => (Bucket::Held, *approves),
            State::Approved { .. } => (Bucket::Payable, true),
            over => return Err(over_for_good(over)),
        };
        self.state = State::Held { until, approves };
        Ok(Some(Fact::Held { change: self.change(self.remaining(), reason, at), from, until }))
    }

    /// Ends a hold, whether or not its time has come.
    pub fn release(&mut self, reason: Option<String>, at: Timestamp) -> Result<Option<Fact>, Refusal> {
        let approves = match &self.state {
            State::Held { approves, .. } => *approves,
            State::Calculated | State::Approved { .. } => return Ok(None),
            over => return Err(over_for_good(over)),
        };
        self.state = State::Calculated;
        Ok(Some(Fact::Released { change: self.change(self.remaining(), reason, at), approves }))
    }

    /// Says before its approval that it is not owed.
    pub fn reject(&mut self, reason: String, at: Timestamp) -> Result<Option<Fact>, Refusal> {
        let from = match &self.state {
            State::Calculated => Bucket::Pending,
            State::Held { .. } => Bucket::Held,
            State::Rejected { .. } => return Ok(None),
            State::Approved { .. } => return Err(Refusal::Approved),
            over => return Err(over_for_good(over)),
        };
        let amount = self.take_back_all();
        self.state = State::Rejected { reason: reason.clone(), at };
        Ok(Some(Fact::Rejected { change: self.change(amount, Some(reason), at), from }))
    }

    /// Takes all of it back before it is paid.
    pub fn reverse(&mut self, reason: String, at: Timestamp) -> Result<Option<Fact>, Refusal> {
        let from = match &self.state {
            State::Calculated => Bucket::Pending,
            State::Held { .. } => Bucket::Held,
            State::Approved { .. } => Bucket::Payable,
            State::Reversed { .. } => return Ok(None),
            over => return Err(over_for_good(over)),
        };
        let amount = self.take_back_all();
        self.state = State::Reversed { reason: reason.clone(), at };
        Ok(Some(Fact::Reversed { change: self.change(amount, Some(reason), at), from }))
    }

    /// Asks back after it was paid: all that is left, or a part.
    pub fn claw_back(
        &mut self,
        amount: Option<Money>,
        reason: String,
        at: Timestamp,
    ) -> Result<Option<Fact>, Refusal> {
        match &self.state {
            State::Paid { .. } => {}
            State::ClawedBack { .. } if amount.is_none() => return Ok(None),
            State::Calculated | State::Held { .. } | State::Approved { .. } => return Err(Refusal::NotPaid),
            over => return Err(over_for_good(over)),
        }
        let left = self.remaining();
        let amount = amount.unwrap_or(left);
        if amount.minor() <= 0 {
            return Err(Refusal::NotPositive);
        }
        if amount.currency() != left.currency() || amount.minor() > left.minor() {
            return Err(Refusal::MoreThanLeft { left });
        }
        self.take_back(amount);
        self.end_if_nothing_is_left(&reason, at);
        Ok(Some(Fact::ClawedBack { change: self.change(amount, Some(reason), at) }))
    }

    /// Whether it may be put into a payout, and why not.
    pub fn is_payable(&self) -> Result<(), Refusal> {
        match &self.state {
            State::Approved { .. } if self.remaining().minor() > 0 => Ok(()),
            State::Approved { .. } => Err(Refusal::NothingLeft),
            State::Calculated => Err(Refusal::NotApproved),
            other => Err(over_for_good(other)),
        }
    }

    /// Puts it into a payout; `netted` of it is set off against what the partner owes.
    pub fn reserve(&mut self, payout: PayoutId, netted: Money, at: Timestamp) -> Result<Fact, Refusal> {
        self.is_payable()?;
        let State::Approved { at: approved_at } = self.state else { return Err(Refusal::NotApproved) };
        let amount = self.remaining();
        if netted.minor() < 0 || netted.currency() != amount.currency() || netted.minor() > amount.minor() {
            return Err(Refusal::MoreThanLeft { left: amount });
        }
        let reservation = Reservation { payout, amount, netted, approved_at };
        let share = share(&reservation);
        self.state = State::InPayout(reservation);
        Ok(Fact::Reserved { change: self.change(amount, None, at), share })
    }

    /// Its payout was paid.
    pub fn settle(&mut self, payout: &PayoutId, at: Timestamp) -> Result<Option<Fact>, Refusal> {
        let reservation = match &self.state {
            State::InPayout(reservation) if reservation.payout == *payout => reservation.clone(),
            State::Paid { payment } | State::ClawedBack { payment, .. }
                if payment.reservation.payout == *payout =>
            {
                return Ok(None);
            }
            _ => return Err(Refusal::OtherPayout { payout: payout.clone() }),
        };
        let (share, amount) = (share(&reservation), reservation.amount);
        self.state = State::Paid { payment: Payment { reservation, at } };
        // What was refunded on the way is owed back at once.
        self.end_if_nothing_is_left(REFUNDED, at);
        Ok(Some(Fact::Paid { change: self.change(amount, None, at), share }))
    }

    /// Its payout was not paid: it is payable again, but for what was refunded in the meantime.
    pub fn fail(&mut self, payout: &PayoutId, reason: String, at: Timestamp) -> Result<Fact, Refusal> {
        let reservation = match &self.state {
            State::InPayout(reservation) if reservation.payout == *payout => reservation.clone(),
            _ => return Err(Refusal::OtherPayout { payout: payout.clone() }),
        };
        let refunded = self.refunded_on_its_way();
        let share = share(&reservation);
        self.state = State::Approved { at: reservation.approved_at };
        self.end_if_nothing_is_left(REFUNDED, at);
        let change = self.change(reservation.amount, Some(reason), at);
        Ok(Fact::Returned { change, share, refunded })
    }

    /// What was taken back since it went into the payout that it is in: the partner owes it only once that has settled.
    pub fn refunded_on_its_way(&self) -> Money {
        match &self.state {
            State::InPayout(reservation) => reservation
                .amount
                .checked_sub(self.remaining())
                .expect("what is left only shrinks while it is in a payout"),
            _ => Money::zero(self.amount.currency()),
        }
    }

    pub(super) fn change(&self, amount: Money, reason: Option<String>, at: Timestamp) -> Change {
        Change {
            commission: self.id.clone(),
            conversion: self.conversion.clone(),
            amount,
            remaining: self.remaining(),
            status: self.state.name(),
            reason,
            at,
        }
    }

    fn take_back_all(&mut self) -> Money {
        let amount = self.remaining();
        self.take_back(amount);
        amount
    }

    pub(super) fn take_back(&mut self, amount: Money) {
        self.reversed = self.reversed.checked_add(amount).expect("no more is taken back than is left");
    }

    /// The state after all was taken back: before the payment or after it. In a payout it is for later.
    pub(super) fn end_if_nothing_is_left(&mut self, reason: &str, at: Timestamp) {
        if self.remaining().minor() > 0 || self.reversed.minor() == 0 {
            return;
        }
        let reason = reason.to_owned();
        match &self.state {
            State::Calculated | State::Held { .. } | State::Approved { .. } => {
                self.state = State::Reversed { reason, at };
            }
            State::Paid { payment } => {
                self.state = State::ClawedBack { payment: payment.clone(), reason, at };
            }
            State::InPayout(_)
            | State::Rejected { .. }
            | State::Reversed { .. }
            | State::ClawedBack { .. } => {}
        }
    }
}

/// The reason where a refund took the whole.
pub(super) const REFUNDED: &str = "refunded";

fn share(reservation: &Reservation) -> Share {
    let Reservation { payout, amount, netted, .. } = reservation;
    let paid = amount.checked_sub(*netted).expect("no more is set off than is payable");
    Share { payout: payout.clone(), paid, netted: *netted }
}

/// Why nothing can be done in a state that ends, or that waits for a payout.
fn over_for_good(state: &State) -> Refusal {
    match state {
        State::Rejected { reason, .. } => Refusal::Rejected { reason: reason.clone() },
        State::Reversed { reason, .. } => Refusal::Reversed { reason: reason.clone() },
        State::InPayout(reservation) => Refusal::InPayout { payout: reservation.payout.clone() },
        State::Paid { .. } => Refusal::Paid,
        State::ClawedBack { reason, .. } => Refusal::ClawedBack { reason: reason.clone() },
        State::Held { until, .. } => Refusal::Held { until: *until },
        State::Approved { .. } => Refusal::Approved,
        State::Calculated => Refusal::NotApproved,
    }
}
