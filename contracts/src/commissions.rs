//! What the commissions context tells others, and what it can be told to do. Not here: what a commission is,
//! and when it says so.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::events::events;

/// Where they are published, besides the topics of all events.
pub const TOPIC: &str = "persistent://public/default/comisiones.eventos";
/// A command on the `commands` topic: `data` as the body of `POST /commissions/calculate`.
pub const CALCULATE_COMMISSION: &str = "com.hexabuilders.commissions.CalculateCommission";
/// A command on the `commands` topic: `data` as the body of `POST /commissions/approve`.
pub const APPROVE_COMMISSION: &str = "com.hexabuilders.commissions.ApproveCommission";

/// A conversion owes an affiliate this much.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommissionCalculated {
    pub commission_id: String,
    pub conversion_id: String,
    pub affiliate_id: String,
    pub campaign_id: Option<String>,
    /// A JSON number in major units, exact.
    pub gross_amount: Box<RawValue>,
    pub gross_amount_minor: i64,
    /// A JSON number in major units, exact.
    pub commission_amount: Box<RawValue>,
    pub commission_amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// A JSON number: percent; 0 where it is no plain percentage.
    pub rate: Box<RawValue>,
    /// `request`, `rule`, `contract`, `affiliate` or `program`.
    pub rate_source: String,
    /// The rule's id, or the program's name.
    pub rule: String,
    pub rule_version: u32,
    /// Which of the conversion's commissions it is: `default`, or `rerating-1`, … where a re-rating added it.
    #[serde(default = "default_slot")]
    pub rule_slot: String,
    /// `CALCULATED` or `HELD`.
    pub status: String,
    /// RFC 3339 in UTC.
    pub calculated_at: String,
}

fn default_slot() -> String {
    "default".to_owned()
}

/// A commission may be paid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommissionApproved {
    pub commission_id: String,
    pub conversion_id: String,
    pub affiliate_id: String,
    pub campaign_id: Option<String>,
    /// A JSON number in major units, exact.
    pub commission_amount: Box<RawValue>,
    pub commission_amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// `APPROVED`.
    pub status: String,
    /// RFC 3339 in UTC.
    pub approved_at: String,
}

/// What became of a commission after it was calculated, besides its approval.
///
/// An amount is what the change moved; what is left of the commission after it stands beside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommissionChange {
    pub commission_id: String,
    pub conversion_id: String,
    pub affiliate_id: String,
    pub campaign_id: Option<String>,
    /// A JSON number in major units, exact.
    pub amount: Box<RawValue>,
    pub amount_minor: i64,
    /// A JSON number in major units, exact.
    pub remaining_amount: Box<RawValue>,
    pub remaining_amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// The state after it: `HELD`, `PAID`, ….
    pub status: String,
    pub reason: Option<String>,
    /// RFC 3339 in UTC: when a hold ends; null: when somebody releases it.
    pub held_until: Option<String>,
    /// The payout that paid it.
    pub payout_id: Option<String>,
    /// RFC 3339 in UTC.
    pub changed_at: String,
}

/// A commission owes more or less than before: its conversion was rated anew, because a rule was wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommissionRerated {
    pub commission_id: String,
    pub conversion_id: String,
    pub affiliate_id: String,
    pub campaign_id: Option<String>,
    pub rerating_id: String,
    /// A JSON number in major units, exact: what the commission was.
    pub previous_amount: Box<RawValue>,
    pub previous_amount_minor: i64,
    /// What it is.
    pub commission_amount: Box<RawValue>,
    pub commission_amount_minor: i64,
    /// What of it the books get; less than zero where less is left.
    pub difference: Box<RawValue>,
    pub difference_minor: i64,
    /// What is left of the commission after it.
    pub remaining_amount: Box<RawValue>,
    pub remaining_amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// A JSON number: percent; 0 where it is no plain percentage.
    pub rate: Box<RawValue>,
    /// `rule`, `affiliate` or `program`.
    pub rate_source: String,
    /// The rule's id, or the program's name.
    pub rule: String,
    pub rule_version: u32,
    /// The state, which it does not change.
    pub status: String,
    pub reason: Option<String>,
    /// RFC 3339 in UTC.
    pub changed_at: String,
}

/// A payout after something happened to it, or to one of its lines.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PayoutChange {
    pub payout_id: String,
    pub program_id: String,
    /// ISO 4217.
    pub currency: String,
    /// `file` or `webhook`.
    pub method: String,
    /// `DRAFT`, `SENDING`, `SENT`, `SETTLED` or `FAILED`.
    pub status: String,
    /// A JSON number in major units, exact: what all lines come to.
    pub total_amount: Box<RawValue>,
    pub total_amount_minor: i64,
    /// What of it was paid.
    pub settled_amount: Box<RawValue>,
    pub settled_amount_minor: i64,
    /// What of it was not, and is payable again.
    pub failed_amount: Box<RawValue>,
    pub failed_amount_minor: i64,
    pub line_count: u32,
    pub reason: Option<String>,
    /// RFC 3339 in UTC.
    pub changed_at: String,
}

/// A line of a payout was paid: what one affiliate got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PayoutLineSettled {
    pub payout_id: String,
    pub program_id: String,
    pub affiliate_id: String,
    /// From 1 within the payout.
    pub line_number: u32,
    /// ISO 4217.
    pub currency: String,
    /// `file` or `webhook`.
    pub method: String,
    /// A JSON number in major units, exact.
    pub amount: Box<RawValue>,
    pub amount_minor: i64,
    /// How many commissions it is for.
    pub commission_count: u32,
    /// RFC 3339 in UTC.
    pub settled_at: String,
}

/// A line of a payout was not paid: what one affiliate was to get. It is payable again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PayoutLineFailed {
    pub payout_id: String,
    pub program_id: String,
    pub affiliate_id: String,
    /// From 1 within the payout.
    pub line_number: u32,
    /// ISO 4217.
    pub currency: String,
    /// `file` or `webhook`.
    pub method: String,
    /// A JSON number in major units, exact.
    pub amount: Box<RawValue>,
    pub amount_minor: i64,
    pub reason: String,
    /// RFC 3339 in UTC.
    pub failed_at: String,
}

events! { "com.hexabuilders.commissions.":
    CommissionCalculated(CommissionCalculated) by commission_id;
    CommissionApproved(CommissionApproved) by commission_id;
    /// It must wait before it may be approved.
    CommissionHeld(CommissionChange) by commission_id;
    /// It need not wait any longer.
    CommissionReleased(CommissionChange) by commission_id;
    /// It is not owed.
    CommissionRejected(CommissionChange) by commission_id;
    /// Before it was paid, all of it or a part is no longer owed.
    CommissionReversed(CommissionChange) by commission_id;
    CommissionPaid(CommissionChange) by commission_id;
    /// After it was paid, all of it or a part is owed back.
    CommissionClawedBack(CommissionChange) by commission_id;
    CommissionRerated(CommissionRerated) by commission_id;
    PayoutCreated(PayoutChange) by payout_id;
    /// Whom it paid is told by it; the payout as a whole tells of itself after it.
    PayoutLineSettled(PayoutLineSettled) by payout_id;
    /// All of it, or some of its lines.
    PayoutSettled(PayoutChange) by payout_id;
    /// Whom it was to pay is told by it; the payout as a whole tells of itself after it.
    PayoutLineFailed(PayoutLineFailed) by payout_id;
    /// All of it, or some of its lines.
    PayoutFailed(PayoutChange) by payout_id;
}
