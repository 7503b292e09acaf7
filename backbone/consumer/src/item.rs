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

    pub(crate) fn bytes(&self) -> usize {
        self.message.payload.len()
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
