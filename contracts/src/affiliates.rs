//! What the affiliates context tells others: programs and their terms, affiliates and their rates, links.
//!
//! Each event carries the whole state after it, with a revision that counts up from 1: whoever keeps the highest has
//! the newest, in whatever order they come. Not here: names and e-mails, which stay where they are.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::events::events;

/// Where they are published, besides the topics of all events.
pub const TOPIC: &str = "persistent://public/default/afiliados.eventos";

/// The terms of a program, in one revision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    pub program_id: String,
    pub revision: u32,
    pub name: String,
    /// ISO 4217: what an amount is in when nobody says.
    pub currency: String,
    /// A JSON number: percent, for whom nothing else is agreed.
    pub default_rate: Box<RawValue>,
    /// How long a commission is held before it may be approved; 0 is not at all.
    pub hold_seconds: u64,
    /// Whether the commission of a conversion that was recorded needs nobody's approval.
    pub auto_approve: bool,
    /// `last_click`, `first_click` or `explicit`.
    pub attribution: String,
    /// For how long a click counts.
    pub attribution_window_seconds: u64,
    /// `ACTIVE` or `CLOSED`.
    pub status: String,
    /// RFC 3339 in UTC: from when on these terms hold.
    pub valid_from: String,
}

impl Program {
    /// The program that is there from the start, as nobody has to tell it: revision 1 of `default`.
    pub fn built_in() -> Self {
        Self {
            program_id: "default".to_owned(),
            revision: 1,
            name: "Programa por defecto".to_owned(),
            currency: "USD".to_owned(),
            default_rate: RawValue::from_string("10".to_owned()).expect("ten is JSON"),
            hold_seconds: 0,
            auto_approve: true,
            attribution: "last_click".to_owned(),
            attribution_window_seconds: 30 * 24 * 3600,
            status: "ACTIVE".to_owned(),
            valid_from: "1970-01-01T00:00:00Z".to_owned(),
        }
    }
}

/// An affiliate, in one revision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Affiliate {
    pub affiliate_id: String,
    pub revision: u32,
    pub program_id: String,
    /// `premium`, or whatever the program calls its kinds.
    pub affiliate_type: String,
    /// A JSON number: percent, for every type but `premium`; null: the program's.
    pub base_rate: Option<Box<RawValue>>,
    /// A JSON number: percent, for the type `premium`; null: the program's.
    pub premium_rate: Option<Box<RawValue>>,
    /// RFC 3339 in UTC: from when on type and rates hold.
    pub rates_valid_from: String,
    /// What customers and links name the affiliate by; unique in the program.
    pub code: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// `ACTIVE`, `SUSPENDED` or `TERMINATED`.
    pub status: String,
    /// Why it is suspended or terminated.
    pub reason: Option<String>,
    /// Where to pay to, sealed: whoever has the installation's key can read it. Null: nothing is known.
    pub payout_sealed: Option<String>,
    /// RFC 3339 in UTC.
    pub changed_at: String,
}

/// Where to pay to: what [`Affiliate::payout_sealed`] is, as JSON, once it is opened. The seal names the affiliate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum PayTo {
    Iban { holder: String, iban: String, bic: Option<String> },
    Account { holder: String, bank: String, account: String, country: String },
    Wallet { address: String },
}

/// A link that leads customers to a place and remembers whose it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Link {
    pub link_id: String,
    pub affiliate_id: String,
    pub program_id: String,
    pub campaign_id: Option<String>,
    /// The last part of the link's address; unique over all programs.
    pub slug: String,
    /// Where it leads: http or https.
    pub destination: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
}

events! { "com.hexabuilders.affiliates.":
    ProgramCreated(Program) by program_id;
    ProgramUpdated(Program) by program_id;
    AffiliateRegistered(Affiliate) by affiliate_id;
    AffiliateUpdated(Affiliate) by affiliate_id;
    AffiliateSuspended(Affiliate) by affiliate_id;
    AffiliateReactivated(Affiliate) by affiliate_id;
    AffiliateTerminated(Affiliate) by affiliate_id;
    /// In order with what else is told of the affiliate.
    LinkCreated(Link) by affiliate_id;
}

/// What an event tells, for whoever keeps the newest.
#[derive(Clone, Debug)]
pub enum Told {
    Program(Program),
    Affiliate(Affiliate),
    Link(Link),
}

impl Told {
    /// Reads the data of an event by its bare type; `None` for a type that this version does not know.
    pub fn read(bare_kind: &str, data: &[u8]) -> Option<Result<Self, serde_json::Error>> {
        match bare_kind {
            "ProgramCreated" | "ProgramUpdated" => Some(serde_json::from_slice(data).map(Self::Program)),
            "AffiliateRegistered"
            | "AffiliateUpdated"
            | "AffiliateSuspended"
            | "AffiliateReactivated"
            | "AffiliateTerminated" => Some(serde_json::from_slice(data).map(Self::Affiliate)),
            "LinkCreated" => Some(serde_json::from_slice(data).map(Self::Link)),
            _ => None,
        }
    }
}
