//! A payout: what is paid at once to many partners, in one currency.
//!
//! [`plan`] says what could be paid; a [`Payout`] is what was decided, with one line for each partner. Not here: the
//! commissions, which know themselves that they are in a payout, and the way to the bank.

use std::collections::BTreeMap;

use hexalpes_kernel::{Currency, Money, Timestamp};

use super::{AffiliateId, CommissionId, PayoutId, ProgramId, Wait};

/// A commission that may be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub commission: CommissionId,
    pub partner: AffiliateId,
    /// What is left of it.
    pub amount: Money,
}

/// A commission in a line: what is payable of it, and what is set off against what the partner owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub commission: CommissionId,
    pub amount: Money,
    pub netted: Money,
}

/// What one partner would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLine {
    pub partner: AffiliateId,
    pub items: Vec<Item>,
    /// What is payable, before anything is set off.
    pub gross: Money,
    pub netted: Money,
    /// What is paid.
    pub amount: Money,
}

/// What could be paid now, and what has to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub lines: Vec<PlannedLine>,
    /// Below the minimum, or nothing after what the partner owes.
    pub carried: Vec<PlannedLine>,
    /// What the partners' contracts keep for another payout.
    pub waiting: Vec<Waiting>,
}

/// Commissions of a partner that wait for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub partner: AffiliateId,
    pub why: Wait,
    pub commissions: u32,
    pub amount: Money,
}

impl Waiting {
    /// Counts a commission to those that wait for the same reason; of what is not due yet, the first day counts.
    pub fn note(waiting: &mut Vec<Self>, partner: &AffiliateId, why: Wait, amount: Money) {
        let is_same = |one: &&mut Self| one.partner == *partner && one.why.name() == why.name();
        let Some(one) = waiting.iter_mut().find(is_same) else {
            waiting.push(Self { partner: partner.clone(), why, commissions: 1, amount });
            return;
        };
        if let (Wait::NotDue(first), Wait::NotDue(at)) = (one.why, why) {
            one.why = Wait::NotDue(first.min(at));
        }
        one.commissions += 1;
        let sum = one.amount.minor().saturating_add(amount.minor());
        one.amount = Money::from_minor(sum, amount.currency());
    }
}

/// Plans a payout of `candidates`: one line for each partner, what the partner owes set off first, nothing below the
/// minimum. Candidates in another currency are left out.
pub fn plan(
    currency: Currency,
    minimum: Money,
    candidates: Vec<Candidate>,
    owed: &BTreeMap<AffiliateId, Money>,
) -> Plan {
    let mut partners: BTreeMap<AffiliateId, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        if candidate.amount.currency() == currency && candidate.amount.minor() > 0 {
            partners.entry(candidate.partner.clone()).or_default().push(candidate);
        }
    }
    let mut plan = Plan::default();
    for (partner, candidates) in partners {
        let owes = owed.get(&partner).map_or(0, |money| money.minor().max(0));
        let line = line(partner, candidates, owes, currency);
        let is_enough = line.amount.minor() > 0 && line.amount.minor() >= minimum.minor();
        if is_enough { plan.lines.push(line) } else { plan.carried.push(line) }
    }
    plan
}

/// Sets `owes` off against the first items, and so on.
fn line(partner: AffiliateId, candidates: Vec<Candidate>, owes: i64, currency: Currency) -> PlannedLine {
    let mut left = owes;
    let (mut gross, mut netted) = (0_i64, 0_i64);
    let mut items = Vec::with_capacity(candidates.len());
    for Candidate { commission, amount, .. } in candidates {
        // What a number cannot hold is paid with another payout.
        let Some(sum) = gross.checked_add(amount.minor()) else { break };
        let off = left.min(amount.minor());
        gross = sum;
        netted += off;
        left -= off;
        items.push(Item { commission, amount, netted: Money::from_minor(off, currency) });
    }
    let money = |minor| Money::from_minor(minor, currency);
    PlannedLine { partner, items, gross: money(gross), netted: money(netted), amount: money(gross - netted) }
}

/// How the money leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Somebody takes a file to the bank.
    File,
    /// Each line is sent to an address, signed.
    Webhook,
}

impl Method {
    pub const ALL: [(&'static str, Self); 2] = [("file", Self::File), ("webhook", Self::Webhook)];

    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Webhook => "webhook",
        }
    }
}

/// Where a payout is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutStatus {
    /// Reserved, and nothing has left.
    Draft,
    /// On its way: some lines have left, perhaps.
    Sending,
    /// All lines have left; not all are settled or failed.
    Sent,
    /// Nothing is open, and something was paid.
    Settled,
    /// Nothing is open, and nothing was paid.
    Failed,
}

impl PayoutStatus {
    pub const ALL: [(&'static str, Self); 5] = [
        ("DRAFT", Self::Draft),
        ("SENDING", Self::Sending),
        ("SENT", Self::Sent),
        ("SETTLED", Self::Settled),
        ("FAILED", Self::Failed),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, status)| *status == self).map_or("", |(name, _)| name)
    }
}

/// Where a line is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineState {
    Reserved,
    /// It has left; nobody knows yet whether it arrived.
    Sent {
        at: Timestamp,
    },
    Settled {
        at: Timestamp,
    },
    Failed {
        at: Timestamp,
        reason: String,
    },
}

impl LineState {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Sent { .. } => "SENT",
            Self::Settled { .. } => "SETTLED",
            Self::Failed { .. } => "FAILED",
        }
    }
}

/// What one partner gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1 within the payout.
    pub number: u32,
    pub partner: AffiliateId,
    pub items: Vec<Item>,
    pub netted: Money,
    pub amount: Money,
    pub state: LineState,
}

impl Line {
    /// The same however often the line is sent: whoever pays it knows it again. Unique over all payouts.
    pub fn key(&self, payout: &PayoutId) -> String {
        format!("{payout}-{}", self.number)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    pub id: PayoutId,
    pub program: ProgramId,
    pub currency: Currency,
    pub method: Method,
    pub status: PayoutStatus,
    pub created_at: Timestamp,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayoutError {
    #[error(
        "nothing is payable, or not as much as the minimum of {minimum}; POST /v1/payouts/preview says what waits, and why"
    )]
    NothingToPay { minimum: Money },
    #[error("there is no line {number}")]
    NoLine { number: u32 },
    #[error("line {number} was not sent")]
    NotSent { number: u32 },
    #[error("line {number} is settled")]
    Settled { number: u32 },
    #[error("line {number} failed: {reason}")]
    Failed { number: u32, reason: String },
}

impl Payout {
    /// Decides what was planned.
    pub fn create(
        id: PayoutId,
        program: ProgramId,
        method: Method,
        minimum: Money,
        planned: Vec<PlannedLine>,
        at: Timestamp,
    ) -> Result<Self, PayoutError> {
        if planned.is_empty() {
            return Err(PayoutError::NothingToPay { minimum });
        }
        let line = |(number, line): (u32, PlannedLine)| {
            let PlannedLine { partner, items, netted, amount, .. } = line;
            Line { number, partner, items, netted, amount, state: LineState::Reserved }
        };
        let lines = (1..).zip(planned).map(line).collect();
        let currency = minimum.currency();
        Ok(Self { id, program, currency, method, status: PayoutStatus::Draft, created_at: at, lines })
    }

    /// Lets it leave; tells whether that is news. A file has left when somebody may have it.
    pub fn send(&mut self, at: Timestamp) -> bool {
        if self.status != PayoutStatus::Draft {
            return false;
        }
        self.status = PayoutStatus::Sending;
        if self.method == Method::File {
            for line in &mut self.lines {
                if line.state == LineState::Reserved {
                    line.state = LineState::Sent { at };
                }
            }
        }
        self.follow_lines();
        true
    }

    /// A line has left; tells whether that is news.
    pub fn line_sent(&mut self, number: u32, at: Timestamp) -> Result<bool, PayoutError> {
        let line = self.line(number)?;
        if line.state != LineState::Reserved {
            return Ok(false);
        }
        line.state = LineState::Sent { at };
        self.follow_lines();
        Ok(true)
    }

    /// A line was paid; tells whether that is news.
    pub fn settle_line(&mut self, number: u32, at: Timestamp) -> Result<bool, PayoutError> {
        let line = self.line(number)?;
        match &line.state {
            LineState::Sent { .. } => {}
            LineState::Settled { .. } => return Ok(false),
            LineState::Reserved => return Err(PayoutError::NotSent { number }),
            LineState::Failed { reason, .. } => {
                return Err(PayoutError::Failed { number, reason: reason.clone() });
            }
        }
        line.state = LineState::Settled { at };
        self.follow_lines();
        Ok(true)
    }

    /// A line was not paid and will not be; tells whether that is news.
    pub fn fail_line(&mut self, number: u32, reason: String, at: Timestamp) -> Result<bool, PayoutError> {
        let line = self.line(number)?;
        match &line.state {
            LineState::Reserved | LineState::Sent { .. } => {}
            LineState::Failed { .. } => return Ok(false),
            LineState::Settled { .. } => return Err(PayoutError::Settled { number }),
        }
        line.state = LineState::Failed { at, reason };
        self.follow_lines();
        Ok(true)
    }

    /// What all lines come to.
    pub fn total(&self) -> Money {
        self.sum(|_| true)
    }

    pub fn settled(&self) -> Money {
        self.sum(|line| matches!(line.state, LineState::Settled { .. }))
    }

    pub fn failed(&self) -> Money {
        self.sum(|line| matches!(line.state, LineState::Failed { .. }))
    }

    fn sum(&self, which: impl Fn(&Line) -> bool) -> Money {
        let lines = self.lines.iter().filter(|line| which(line));
        let minor = lines.fold(0_i64, |sum, line| sum.saturating_add(line.amount.minor()));
        Money::from_minor(minor, self.currency)
    }

    fn line(&mut self, number: u32) -> Result<&mut Line, PayoutError> {
        self.lines.iter_mut().find(|line| line.number == number).ok_or(PayoutError::NoLine { number })
    }

    /// What the lines say together.
    fn follow_lines(&mut self) {
        let is = |wanted: fn(&LineState) -> bool| self.lines.iter().any(|line| wanted(&line.state));
        let (reserved, sent, settled) = (
            is(|state| matches!(state, LineState::Reserved)),
            is(|state| matches!(state, LineState::Sent { .. })),
            is(|state| matches!(state, LineState::Settled { .. })),
        );
        self.status = match (reserved, sent, settled) {
            (true, _, _) => self.status,
            (false, true, _) => PayoutStatus::Sent,
            (false, false, true) => PayoutStatus::Settled,
            (false, false, false) => PayoutStatus::Failed,
        };
    }
}
