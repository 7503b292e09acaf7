//! Topics that come with others: where messages go that could not be handled, or are tried again later.
//!
//! Consumers make them when they need them, and nobody writes them down; they are not for pruning.

use crate::names::{Namespace, Topic};

/// Of a namespace as a whole.
const OF_A_NAMESPACE: &str = "dead-letters";
/// Of one topic and one subscription or service: `{topic}-{subscription}-DLQ`, as Pulsar's clients call it.
const ENDINGS: [&str; 2] = ["-dlq", "-retry"];

/// Whether a topic holds letters of one of these, or of all that its namespace has.
pub(crate) fn are_in<'a>(topic: &Topic, mut planned: impl Iterator<Item = &'a Topic>) -> bool {
    let local = topic.0.local();
    let lower = local.to_lowercase();
    let of_one = |other: &Topic| {
        Namespace::of(&other.0) == Namespace::of(&topic.0)
            && local.strip_prefix(other.0.local()).is_some_and(|rest| rest.starts_with('-'))
    };
    lower == OF_A_NAMESPACE || ENDINGS.iter().any(|ending| lower.ends_with(ending)) && planned.any(of_one)
}

#[cfg(test)]
mod tests {
    use hexalpes_client::TopicName;

    use super::*;

    #[test]
    fn letters_are_told_by_the_topic_that_they_are_of() {
        let topic = |name: &str| Topic(TopicName::parse(name).unwrap());
        let planned = [topic("acme/eu/orders"), topic("acme/eu/bills")];
        let are_in = |name: &str| are_in(&topic(name), planned.iter());
        for name in
            ["orders-billing-DLQ", "orders-billing-RETRY", "bills-a-b-dlq", "orders-dlq", "dead-letters"]
        {
            assert!(are_in(&format!("acme/eu/{name}")), "{name}");
        }
        for name in [
            "acme/us/orders-billing-DLQ",
            "acme/eu/others-billing-DLQ",
            "acme/eu/orders-billing",
            "acme/eu/ordersdlq",
        ] {
            assert!(!are_in(name), "{name}");
        }
    }
}
