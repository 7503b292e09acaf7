//! A message, read as an event.
//!
//! Three shapes are taken: a structured `CloudEvent` in the payload; its binary form, with the attributes as
//! properties `ce_…`; and a bare payload of whoever knows neither. Data in Avro was made JSON before.

use std::borrow::Cow;

use bytes::Bytes;
use hexalpes_client::Message;
use hexalpes_kernel::{CloudEvent, CloudEventError, CorrelationId, Timestamp};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    HandleError,
    names::{self, ID_BYTES_MAX},
    payload::{Payload, Undecodable},
};

/// What a handler is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Unique among the events of a topic: `CloudEvents` `id`; of a message without `ce_id`
    /// `{topic}/{message id}`.
    pub id: String,
    /// `CloudEvents` `type`, or the bare name in the property `event_type`, or the topic's only event.
    pub kind: String,
    /// Where it happened.
    pub source: Option<String>,
    /// The aggregate's id.
    pub subject: Option<String>,
    pub time: Option<Timestamp>,
    pub correlation: Option<CorrelationId>,
    /// Who did it: the property `actor`.
    pub actor: Option<String>,
    /// `CloudEvents` `data`, to the letter.
    pub data: Bytes,
    /// What `data` is: `application/json` unless the message says otherwise.
    pub content_type: String,
}

/// Why a message is no event. It becomes a dead letter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnEvent {
    #[error("the payload {0}")]
    Envelope(#[from] CloudEventError),
    #[error("its data: {0}")]
    Data(#[from] Undecodable),
    #[error("it says no type: give the property ce_type or event_type, or send a structured CloudEvent")]
    NoType,
    #[error("its {attribute} is empty, longer than {ID_BYTES_MAX} bytes, or has control characters")]
    Name { attribute: &'static str },
}

const JSON: &str = "application/json";

impl Event {
    /// The name without its namespace.
    pub fn bare_kind(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or(&self.kind)
    }

    /// Whether it is of this type, given in full. A message that says the bare name means the same.
    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind || (!self.kind.contains('.') && kind.rsplit('.').next() == Some(&self.kind))
    }

    /// The type in full, also of a message that says the bare name: `namespace` is `com.hexabuilders.partners.`
    pub fn full_kind(&self, namespace: &str) -> Cow<'_, str> {
        if self.kind.contains('.') {
            (&*self.kind).into()
        } else {
            format!("{namespace}{}", self.kind).into()
        }
    }

    /// The data as JSON: [`HandleError::invalid_event`] where it is not what it is to be.
    pub fn data_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, HandleError> {
        serde_json::from_slice(&self.data).map_err(HandleError::invalid_event)
    }

    /// Reads a message; `only_kind` is the type of a topic that carries one.
    pub(crate) fn read(
        message: &Message,
        payload: &Payload,
        only_kind: Option<&str>,
    ) -> Result<Self, NotAnEvent> {
        let bytes = match payload {
            Payload::AsSent => &message.payload,
            Payload::Decoded(json) => json,
        };
        let event = if message.property("ce_type").is_some() {
            Self::binary(message, bytes)
        } else if let Some(event) = structured(bytes)? {
            Self::from(event)
        } else {
            Self::bare(message, bytes, only_kind)?
        };
        let event = event.completed(message, payload);
        for (attribute, name) in [("id", &event.id), ("type", &event.kind)] {
            if !names::is_storable(name) {
                return Err(NotAnEvent::Name { attribute });
            }
        }
        Ok(event)
    }

    fn binary(message: &Message, data: &Bytes) -> Self {
        let attribute = |name: &str| message.property(name).map(str::to_owned);
        Self {
            id: attribute("ce_id").unwrap_or_else(|| names::of_message(message)),
            kind: attribute("ce_type").unwrap_or_default(),
            source: attribute("ce_source"),
            subject: attribute("ce_subject"),
            time: message.property("ce_time").and_then(|time| Timestamp::parse(time).ok()),
            correlation: message.property("ce_correlationid").and_then(correlation),
            actor: None,
            data: data.clone(),
            content_type: attribute("ce_datacontenttype").unwrap_or_else(|| JSON.to_owned()),
        }
    }

    fn bare(message: &Message, data: &Bytes, only_kind: Option<&str>) -> Result<Self, NotAnEvent> {
        let kind = message.property("event_type").or(only_kind).ok_or(NotAnEvent::NoType)?;
        Ok(Self {
            id: message.property("ce_id").map_or_else(|| names::of_message(message), str::to_owned),
            kind: kind.to_owned(),
            source: None,
            subject: None,
            time: None,
            correlation: None,
            actor: None,
            data: data.clone(),
            content_type: JSON.to_owned(),
        })
    }

    /// What the properties of the seeds say, where the envelope is silent.
    fn completed(mut self, message: &Message, payload: &Payload) -> Self {
        if self.correlation.is_none() {
            self.correlation = message.property("correlation_id").and_then(correlation);
        }
        if let Payload::Decoded(json) = payload {
            JSON.clone_into(&mut self.content_type);
            if self.correlation.is_none() {
                let told = serde_json::from_slice::<Told>(json).ok().and_then(|told| told.correlation_id);
                self.correlation = told.as_deref().and_then(correlation);
            }
        }
        self.actor = message.property("actor").map(str::to_owned);
        self
    }
}

/// What the seeds' schemas have in the data itself.
#[derive(Deserialize)]
struct Told {
    correlation_id: Option<String>,
}

fn correlation(raw: &str) -> Option<CorrelationId> {
    CorrelationId::parse(raw).ok()
}

impl From<CloudEvent> for Event {
    fn from(event: CloudEvent) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            source: Some(event.source),
            subject: event.subject,
            time: event.time,
            correlation: event.correlationid,
            actor: None,
            data: Bytes::from(Box::<str>::from(event.data).into_string()),
            content_type: event.datacontenttype,
        }
    }
}

/// None if the payload does not even try to be one.
fn structured(payload: &[u8]) -> Result<Option<CloudEvent>, CloudEventError> {
    #[derive(Deserialize)]
    struct Claim {
        #[serde(rename = "specversion")]
        _specversion: IgnoredAny,
    }
    match CloudEvent::parse(payload) {
        Ok(event) => Ok(Some(event)),
        Err(why) if serde_json::from_slice::<Claim>(payload).is_ok() => Err(why),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use hexalpes_client::MessageId;

    use super::*;

    const TOPIC: &str = "persistent://public/default/commands";

    pub(crate) fn a_message(payload: &str, properties: &[(&str, &str)]) -> Message {
        Message {
            id: MessageId::new(7, 3),
            topic: Arc::from(TOPIC),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            key: None,
            key_is_base64: false,
            ordering_key: None,
            properties: properties.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            event_time: None,
            publish_time: 0,
            sequence_id: 0,
            producer_name: String::new(),
            redelivery_count: 0,
            schema_version: None,
            is_null: false,
        }
    }

    pub(crate) const STRUCTURED: &str = r#"{"specversion":"1.0","type":"com.x.Sold","source":"//x/1","id":"e-1","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","subject":"1","data":{ "amount": 1.10 },"correlationid":"CORR-1"}"#;

    #[test]
    fn a_structured_event_keeps_its_data_to_the_letter() {
        let event =
            Event::read(&a_message(STRUCTURED, &[("ce_id", "other")]), &Payload::AsSent, None).unwrap();
        assert_eq!(
            (event.id.as_str(), event.kind.as_str(), event.bare_kind()),
            ("e-1", "com.x.Sold", "Sold")
        );
        assert_eq!(&event.data[..], br#"{ "amount": 1.10 }"#);
        assert_eq!(event.correlation.unwrap().as_str(), "CORR-1");
    }

    #[test]
    fn a_binary_event_has_its_attributes_in_properties() {
        let properties = [("ce_id", "e-1"), ("ce_type", "com.x.Sold"), ("ce_subject", "1"), ("actor", "ana")];
        let event = Event::read(&a_message("any bytes", &properties), &Payload::AsSent, None).unwrap();
        assert_eq!((event.id.as_str(), event.subject.as_deref()), ("e-1", Some("1")));
        assert_eq!((&event.data[..], event.actor.as_deref()), (&b"any bytes"[..], Some("ana")));
    }

    #[test]
    fn a_message_without_ce_id_is_named_after_its_place() {
        let event =
            Event::read(&a_message("{}", &[("event_type", "Sold")]), &Payload::AsSent, Some("com.x.Other"))
                .unwrap();
        assert_eq!(event.id, format!("{TOPIC}/7:3:-1"));
        assert!(event.is("com.x.Sold") && !event.is("com.x.Other"));
    }

    #[test]
    fn without_event_type_it_is_the_topics_only_event() {
        assert_eq!(
            Event::read(&a_message("{}", &[]), &Payload::AsSent, Some("com.x.Sold")).unwrap().kind,
            "com.x.Sold"
        );
        assert!(matches!(
            Event::read(&a_message("{}", &[]), &Payload::AsSent, None),
            Err(NotAnEvent::NoType)
        ));
    }

    #[test]
    fn an_envelope_that_is_broken_is_no_bare_payload() {
        let broken = STRUCTURED.replace("\"id\":\"e-1\",", "");
        let why = Event::read(&a_message(&broken, &[]), &Payload::AsSent, Some("com.x.Sold"))
            .unwrap_err()
            .to_string();
        assert!(why.contains("missing field `id`"), "{why}");
    }

    #[test]
    fn names_that_no_inbox_holds_are_refused() {
        for id in ["", "a\u{0}", &"x".repeat(256)] {
            let properties = [("ce_id", id), ("event_type", "Sold")];
            let why = Event::read(&a_message("{}", &properties), &Payload::AsSent, None).unwrap_err();
            assert!(matches!(why, NotAnEvent::Name { attribute: "id" }), "{id:?}");
        }
    }
}
