//! Integration events: the contracts between contexts.
//!
//! One module per context that speaks. What is here is wire shape alone: fields are spelled as the events of
//! the seeds are (`snake_case`), amounts are JSON numbers written from exact decimals, each beside its
//! `*_minor` and a `currency`. The Avro twin of each struct is `schemas/{context}/{Event}.v{n}.avsc`.

pub mod affiliates;
pub mod campaigns;
pub mod commissions;
pub mod conversions;
mod dict;
mod events;
pub mod onboarding;
pub mod partners;
pub mod recruitment;
pub mod schemas;

pub use dict::{Dict, List};

/// The topic of an event's own, besides those of all events and of its context; by the CloudEvents `type`.
pub fn topic_of(kind: &str) -> Option<&'static str> {
    topics().find(|(known, _)| *known == kind).map(|(_, topic)| topic)
}

/// The type of a topic that carries one type alone: what a message there means that says none.
pub fn kind_on(topic: &str) -> Option<&'static str> {
    let mut kinds = topics().filter(|(_, of)| *of == topic).map(|(kind, _)| kind);
    kinds.next().filter(|_| kinds.next().is_none())
}

/// Every type that has a topic of its own, with it.
pub fn topics() -> impl Iterator<Item = (&'static str, &'static str)> {
    [partners::TOPICS, onboarding::TOPICS, recruitment::TOPICS, campaigns::TOPICS]
        .into_iter()
        .flatten()
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_of_several_types_says_none() {
        let hired = "com.hexabuilders.recruitment.CandidateHired";
        assert_eq!(kind_on(recruitment::HIRED_TOPIC), Some(hired));
        assert_eq!((kind_on(campaigns::MARKETING_TOPIC), kind_on(onboarding::TOPIC)), (None, None));
    }
}
