//! What the conversions context tells others. Not here: what a conversion is, and who brought it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Somebody bought, signed up or clicked, and an affiliate brought them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversionRecorded {
    pub conversion_id: String,
    pub affiliate_id: String,
    pub campaign_id: Option<String>,
    /// What the customer paid: a JSON number in major units, exact.
    pub gross_amount: Box<RawValue>,
    pub gross_amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// RFC 3339 in UTC.
    pub occurred_at: String,
}

impl ConversionRecorded {
    /// The CloudEvents `type`.
    pub const KIND: &'static str = "com.hexabuilders.conversions.ConversionRecorded";
}
