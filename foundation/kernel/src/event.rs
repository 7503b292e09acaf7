//! The envelope of every event: CloudEvents 1.0 in structured JSON, as the seeds write it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{CausationId, CorrelationId, Timestamp};

/// What stands around the data, about.
const AROUND_DATA_BYTES: usize = 512;

/// One fact, as people and other programs read it. `data` is kept as the text that it was, so that no number
/// in it ever passes through a float.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloudEvent {
    specversion: SpecVersion,
    /// Reverse-DNS name of the fact: `com.hexabuilders.commissions.CommissionCalculated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it happened: `//commissions/{aggregate id}`.
    pub source: String,
    /// Unique together with `source`.
    pub id: String,
    /// Ours always say; others need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// JSON where nothing is said.
    #[serde(default = "json")]
    pub datacontenttype: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataschema: Option<String>,
    /// The aggregate's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub data: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<CorrelationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<CausationId>,
}

fn json() -> String {
    "application/json".to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

#[derive(Debug, thiserror::Error)]
#[error("is no structured CloudEvent 1.0: {0}")]
pub struct CloudEventError(#[from] serde_json::Error);

impl CloudEvent {
    /// An event with JSON data and nothing optional.
    pub fn new(kind: String, source: String, id: String, time: Timestamp, data: Box<RawValue>) -> Self {
        Self {
            specversion: SpecVersion::V1,
            kind,
            source,
            id,
            time: Some(time),
            datacontenttype: json(),
            dataschema: None,
            subject: None,
            data,
            correlationid: None,
            causationid: None,
        }
    }

    pub fn parse(json: &[u8]) -> Result<Self, CloudEventError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// The name without its namespace: what the seeds' property `event_type` holds.
    pub fn bare_kind(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or(&self.kind)
    }

    /// One line of JSON.
    pub fn to_json(&self) -> String {
        let mut json = Vec::with_capacity(self.data.get().len() + AROUND_DATA_BYTES);
        serde_json::to_writer(&mut json, self).expect("an event has nothing that JSON cannot hold");
        String::from_utf8(json).expect("JSON is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = r#"{"specversion":"1.0","type":"com.hexabuilders.partners.PartnerRegistrationCompleted","source":"//partners/550e8400-e29b-41d4-a716-446655440000","id":"A234-1234-1234","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","subject":"550e8400-e29b-41d4-a716-446655440000","data":{"business_name":"Ñandú & Cía 📡","big":12345678901234567890.10},"correlationid":"CORR-123-456-789","causationid":"CMD-987-654-321"}"#;

    /// Accepts S2-CE-1, S2-CE-2, S2-CE-3, S2-CE-4, S2-CE-5, S2-CE-6, S2-CE-7, S2-CE-8, S2-CE-9, S2-CE-10.
    #[test]
    fn the_seeds_event_comes_back_to_the_letter() {
        let event = CloudEvent::parse(SEED.as_bytes()).unwrap();
        assert_eq!(event.to_json(), SEED);
        assert_eq!(event.bare_kind(), "PartnerRegistrationCompleted");
    }

    #[test]
    fn what_the_standard_leaves_out_may_be_left_out() {
        let short = r#"{"specversion":"1.0","type":"com.x.Sold","source":"/shop","id":"1","data":{}}"#;
        let event = CloudEvent::parse(short.as_bytes()).unwrap();
        assert_eq!((event.time, event.datacontenttype.as_str()), (None, "application/json"));
    }

    #[test]
    fn another_version_of_the_envelope_is_refused() {
        let other = SEED.replacen("1.0", "0.3", 1);
        assert!(CloudEvent::parse(other.as_bytes()).unwrap_err().to_string().contains("0.3"));
    }
}
