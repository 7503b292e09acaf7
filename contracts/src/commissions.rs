//! What the commissions context tells others, and what it can be told to do. Not here: what a commission is,
//! and when it says so.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the types of this context begin with.
pub const NAMESPACE: &str = "com.hexabuilders.commissions.";
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
    /// A JSON number: percent.
    pub rate: Box<RawValue>,
    /// `request`, `campaign`, `affiliate` or `program`.
    pub rate_source: String,
    pub rule: String,
    pub rule_version: u32,
    /// `CALCULATED` or `HELD`.
    pub status: String,
    /// RFC 3339 in UTC.
    pub calculated_at: String,
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

/// Any event of this context.
#[derive(Clone, Debug)]
pub enum Event {
    CommissionCalculated(CommissionCalculated),
    CommissionApproved(CommissionApproved),
}

impl Event {
    /// The CloudEvents `type`: `com.hexabuilders.commissions.CommissionCalculated`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CommissionCalculated(_) => "com.hexabuilders.commissions.CommissionCalculated",
            Self::CommissionApproved(_) => "com.hexabuilders.commissions.CommissionApproved",
        }
    }

    /// The id of the commission that the event is about.
    pub fn commission_id(&self) -> &str {
        match self {
            Self::CommissionCalculated(event) => &event.commission_id,
            Self::CommissionApproved(event) => &event.commission_id,
        }
    }

    /// The CloudEvents `data`.
    pub fn data(&self) -> Box<RawValue> {
        match self {
            Self::CommissionCalculated(event) => serde_json::value::to_raw_value(event),
            Self::CommissionApproved(event) => serde_json::value::to_raw_value(event),
        }
        .expect("strings and numbers are always JSON")
    }
}
