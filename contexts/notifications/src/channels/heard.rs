//! An event as it is told: what it says of itself, and what of it can be shown.

use std::collections::BTreeMap;

use hexalpes_kernel::{CloudEvent, Timestamp};
use serde_json::value::RawValue;

use crate::domain::{Kind, Known, known};

/// What an id's column holds on every database.
const ID_BYTES_MAX: usize = 255;
/// Events that tell who somebody is, in which field, and of which kind.
const INTRODUCTIONS: [(&str, &str, Kind); 6] = [
    ("com.hexabuilders.partners.PartnerRegistrationCompleted", "partner_id", Kind::Partner),
    ("com.hexabuilders.affiliates.AffiliateRegistered", "affiliate_id", Kind::Affiliate),
    ("com.hexabuilders.affiliates.AffiliateUpdated", "affiliate_id", Kind::Affiliate),
    ("com.hexabuilders.affiliates.AffiliateSuspended", "affiliate_id", Kind::Affiliate),
    ("com.hexabuilders.affiliates.AffiliateReactivated", "affiliate_id", Kind::Affiliate),
    ("com.hexabuilders.affiliates.AffiliateTerminated", "affiliate_id", Kind::Affiliate),
];
/// Where to pay somebody to: sealed, and still nothing for an inbox or somebody's webhook.
const SECRET: &str = "payout_sealed";

#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) id: String,
    /// The `CloudEvents` `type`.
    pub(crate) kind: String,
    /// What is told of it, if anything.
    pub(crate) known: Option<&'static Known>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) correlation: Option<String>,
    pub(crate) causation: Option<String>,
    /// Any text in an event; here one that a column holds.
    pub(crate) subject: Option<String>,
    /// `data`, to the letter; without where to pay somebody to.
    pub(crate) data: String,
    values: BTreeMap<String, String>,
}

impl Heard {
    /// Reads a message. `None`: it is no event, which the audit trail says, or one that is told to nobody.
    pub(crate) fn read(payload: &[u8]) -> Option<Result<Self, String>> {
        let event = CloudEvent::parse(payload).ok()?;
        let known = known(&event.kind).filter(|known| known.kind == event.kind);
        if known.is_none() && introduced(&event.kind).is_none() {
            return None;
        }
        if !fits(&event.id) {
            return None;
        }
        let mut fields: BTreeMap<String, Box<RawValue>> = match serde_json::from_str(event.data.get()) {
            Ok(fields) => fields,
            Err(error) => {
                return Some(Err(format!("event {} has data that is no object: {error}", event.id)));
            }
        };
        let data = match fields.remove(SECRET) {
            Some(_) => serde_json::to_string(&fields).expect("names and JSON are JSON"),
            None => Box::<str>::from(event.data).into_string(),
        };
        let values = fields.into_iter().filter_map(|(name, value)| Some((name, shown(&value)?))).collect();
        Some(Ok(Self {
            id: event.id,
            known,
            kind: event.kind,
            time: event.time,
            correlation: event.correlationid.map(|id| id.to_string()),
            causation: event.causationid.map(|id| id.to_string()),
            subject: event.subject.filter(|subject| fits(subject)),
            data,
            values,
        }))
    }

    /// Whom it introduces: the field that names them, and what they are.
    pub(crate) fn introduces(&self) -> Option<(&'static str, Kind)> {
        introduced(&self.kind)
    }

    /// What a field holds, if that is a text, a number or a truth value.
    pub(crate) fn value(&self, field: &str) -> Option<String> {
        self.values.get(field).cloned()
    }
}

/// Whether a text can be written as an id on every database: what is refused there would stop the channels for good.
fn fits(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.contains(char::is_control)
}

fn introduced(kind: &str) -> Option<(&'static str, Kind)> {
    INTRODUCTIONS.into_iter().find(|(known, ..)| *known == kind).map(|(_, field, kind)| (field, kind))
}

fn shown(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.get().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(written: &str) -> Option<String> {
        let event = format!(
            r#"{{"specversion":"1.0","id":"e-1","source":"//x","type":"com.hexabuilders.campaigns.BudgetAlert","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","subject":"{written}","data":{{}}}}"#
        );
        Heard::read(event.as_bytes()).unwrap().unwrap().subject
    }

    #[test]
    fn where_to_pay_somebody_to_is_not_told() {
        let event = r#"{"specversion":"1.0","id":"e-1","source":"//x","type":"com.hexabuilders.affiliates.AffiliateSuspended","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","data":{"affiliate_id":"af_1","payout_sealed":"v1.AAAA","reason":null}}"#;
        let heard = Heard::read(event.as_bytes()).unwrap().unwrap();
        assert_eq!(heard.data, r#"{"affiliate_id":"af_1","reason":null}"#);
        assert_eq!(heard.value("payout_sealed"), None);
    }

    #[test]
    fn a_subject_that_no_column_holds_is_left_out() {
        assert_eq!(subject("camp-1").as_deref(), Some("camp-1"));
        assert_eq!(subject(&"s".repeat(255)).as_deref(), Some("s".repeat(255).as_str()));
        assert_eq!(subject(&"s".repeat(256)), None);
        assert_eq!(subject("a\\u0000b"), None);
    }
}
