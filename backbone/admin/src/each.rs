//! What is asked of a topic that has partitions, asked of each of them.

use hexalpes_broker::{AdminError, Broker};
use hexalpes_wire::TopicName;

use crate::refusal::Refusal;

/// The partitions of a topic, or itself.
pub(crate) fn parts(broker: &Broker, topic: &TopicName) -> Vec<TopicName> {
    match broker.partitions(topic, false) {
        Ok(partitions @ 1..) => (0..partitions).map(|number| topic.with_partition(number)).collect(),
        _ => vec![topic.clone()],
    }
}

/// Asks every part, also after one refused. The answer of a topic with partitions is a refusal only if all refuse with
/// what `is_absent` means, or one refuses for another reason.
pub(crate) fn every(
    broker: &Broker,
    topic: &TopicName,
    is_absent: fn(&AdminError) -> bool,
    ask: impl Fn(&TopicName) -> Result<(), AdminError>,
) -> Result<(), Refusal> {
    let (mut done, mut absent, mut refused) = (false, None, None);
    for part in parts(broker, topic) {
        match ask(&part) {
            Ok(()) => done = true,
            Err(error) if is_absent(&error) => absent = Some(error),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (refused, absent) {
        (Some(error), _) => Err(error.into()),
        (None, Some(error)) if !done => Err(error.into()),
        _ => Ok(()),
    }
}

/// Refuses what makes sense of one part only.
pub(crate) fn whole(broker: &Broker, topic: &TopicName) -> Result<(), Refusal> {
    match broker.partitions(topic, false) {
        Ok(1..) => Err(Refusal::Partitioned(topic.clone())),
        _ => Ok(()),
    }
}

pub(crate) fn no_subscription(error: &AdminError) -> bool {
    matches!(error, AdminError::NoSubscription { .. })
}
