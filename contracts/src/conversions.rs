//! What the conversions context tells others. Not here: what a conversion is, and how it was attributed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::events::events;

/// Where they are published, besides the topics of all events.
pub const TOPIC: &str = "persistent://public/default/conversiones.eventos";

/// Somebody bought, signed up or clicked, and an affiliate brought them.
///
/// What has a default came later; a producer of the seeds need not say it.
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
    /// RFC 3339 in UTC: when the customer did it.
    pub occurred_at: String,
    #[serde(default = "default_program")]
    pub program_id: String,
    /// `sale`, `lead`, `click` or `signup`.
    #[serde(default = "sale")]
    pub conversion_type: String,
    /// The revision of the program whose terms hold for it; 0: the newest that is known.
    #[serde(default)]
    pub program_revision: u32,
    /// The revision of the affiliate whose rates hold for it; 0: the newest that is known.
    #[serde(default)]
    pub affiliate_revision: u32,
    /// The product, where the whole conversion is about one.
    #[serde(default)]
    pub product_id: Option<String>,
    /// ISO 3166-1 alpha-2, of the customer.
    #[serde(default)]
    pub country: Option<String>,
    /// Whether the customer bought for the first time; null: nobody said.
    #[serde(default)]
    pub new_customer: Option<bool>,
    /// `explicit`, `code`, `last_click` or `first_click`: how the affiliate was found.
    #[serde(default = "explicit")]
    pub attribution: String,
    /// RFC 3339 in UTC: when it was recorded; empty: nobody said.
    #[serde(default)]
    pub recorded_at: String,
}

/// A customer got money back. The same refund twice is the same `refund_id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConversionRefunded {
    pub conversion_id: String,
    pub refund_id: String,
    pub affiliate_id: String,
    pub program_id: String,
    /// What was given back this time: a JSON number in major units, exact.
    pub refund_amount: Box<RawValue>,
    pub refund_amount_minor: i64,
    /// What was given back until now, this time included: what counts, in whatever order they come.
    pub refunded_total: Box<RawValue>,
    pub refunded_total_minor: i64,
    /// ISO 4217, the conversion's.
    pub currency: String,
    pub reason: Option<String>,
    /// RFC 3339 in UTC.
    pub refunded_at: String,
}

fn default_program() -> String {
    "default".to_owned()
}

fn sale() -> String {
    "sale".to_owned()
}

fn explicit() -> String {
    "explicit".to_owned()
}

impl ConversionRecorded {
    /// The CloudEvents `type`.
    pub const KIND: &'static str = "com.hexabuilders.conversions.ConversionRecorded";
}

impl ConversionRefunded {
    /// The CloudEvents `type`.
    pub const KIND: &'static str = "com.hexabuilders.conversions.ConversionRefunded";
}

events! { "com.hexabuilders.conversions.":
    ConversionRecorded(ConversionRecorded) by conversion_id;
    ConversionRefunded(ConversionRefunded) by conversion_id;
}
