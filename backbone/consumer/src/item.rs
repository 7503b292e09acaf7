//! A message on its way through the consumer, with what is derived from it once.

use hexalpes_client::Message;
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge};

use crate::{
    event::{Event, NotAnEvent},
    names,
    payload::{Payload, Undecodable},
};

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) message: Message,
    pub(crate) event: Result<Event, NotAnEvent>,
    /// What the inbox calls it.
    pub(crate) id: String,
    pub(crate) digest: String,
    /// What it is in order with: the message's key, else the event's subject.
    pub(crate) key: Option<String>,
}

impl Item {
    pub(crate) fn of(
        message: Message,
        payload: Result<Payload, Undecodable>,
        only_kind: Option<&str>,
    ) -> Self {
        let event =
            payload.map_err(NotAnEvent::from).and_then(|payload| Event::read(&message, &payload, only_kind));
        let (id, digest, subject) = match &event {
            Ok(event) => (
                event.id.clone(),
                names::digest(&[event.kind.as_bytes(), &event.data]),
                event.subject.clone(),
            ),
            Err(_) => (names::of_message(&message), names::digest(&[&message.payload]), None),
        };
        let key = message.key.clone().or(subject).filter(|key| !key.is_empty());
        Self { message, event, id, digest, key }
    }

    /// Those of one lane run one after the other. An event without a key is in order with itself alone.
    pub(crate) fn lane(&self) -> String {
        match &self.key {
            Some(key) => format!("k{key}"),
            None => format!("e{}", self.id),
        }
    }

    /// What it takes in memory: the payload, and the event's data unless it is the payload's own bytes.
    pub(crate) fn bytes(&self) -> usize {
        let payload = &self.message.payload;
        let data = self.event.as_ref().map_or(&[][..], |event| &event.data);
        payload.len() + if data.as_ptr() == payload.as_ptr() { 0 } else { data.len() }
    }

    /// Who, when and why: the correlation goes on, and the event is the cause.
    pub(crate) fn cause(&self, edge: &dyn Edge) -> Cause {
        let event = self.event.as_ref().ok();
        let correlation = event.and_then(|event| event.correlation.clone());
        let actor = event.and_then(|event| Actor::parse(event.actor.as_deref()?).ok());
        Cause {
            correlation: correlation.unwrap_or_else(|| CorrelationId::new(edge.uuid())),
            // An id may be longer than a causation id.
            causation: CausationId::parse(&self.id).unwrap_or_else(|_| CausationId::of_command(edge.uuid())),
            actor: actor.unwrap_or_else(Actor::anonymous),
            at: edge.now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::event::tests::{STRUCTURED, a_message};

    #[test]
    fn what_was_decoded_takes_room_beside_its_payload() {
        let size =
            |payload: &str, read| Item::of(a_message(payload, &[]), Ok(read), Some("com.x.Sold")).bytes();
        assert_eq!(size("{}", Payload::AsSent), 2);
        assert_eq!(size("avro", Payload::Decoded(Bytes::from_static(b"{\"a\":1}"))), 4 + 7);
        assert!(size(STRUCTURED, Payload::AsSent) > STRUCTURED.len());
    }
}
