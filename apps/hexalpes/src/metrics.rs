//! The metrics of events, as the seeds name them: what they are, and under which other names they are shown if
//! somebody wants them.

use std::collections::BTreeSet;

use anyhow::Result;
use hexalpes_client::{AdminClient, TopicName, admin::AdminError};
use hexalpes_desk::{
    found,
    letters::{DECISIONS, waiting_in},
};
use hexalpes_telemetry::Metrics;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use tracing::debug;

use crate::settings::{Key, Settings};

const PUBLISHED: &str = "pulsar_events_published_total";
const PUBLISHED_BY_TYPE: &str = "pulsar_events_published_by_type_total";
const PUBLISH_DURATION: &str = "pulsar_event_publish_duration_seconds";
const PUBLISH_ERRORS: &str = "pulsar_event_publish_errors_total";
const CONSUMED: &str = "pulsar_events_consumed_total";
const CONSUMED_BY_TYPE: &str = "pulsar_events_consumed_by_type_total";
const PROCESSING_DURATION: &str = "pulsar_event_processing_duration_seconds";
const PROCESSING_ERRORS: &str = "pulsar_event_processing_errors_total";
const LAG: &str = "pulsar_consumer_lag";
const DEAD_LETTERS: &str = "pulsar_dead_letter_queue_size";

/// Their names in seed 2.
const ALIASES: &[(&str, &str)] = &[
    (PUBLISHED, "events_published_total"),
    (PUBLISHED_BY_TYPE, "events_published_by_type"),
    (PUBLISH_DURATION, "event_publish_duration"),
    (PUBLISH_ERRORS, "event_publish_errors"),
    (CONSUMED, "events_consumed_total"),
    (CONSUMED_BY_TYPE, "events_consumed_by_type"),
    (PROCESSING_DURATION, "event_processing_duration"),
    (PROCESSING_ERRORS, "event_processing_errors"),
    (LAG, "consumer_lag"),
    (DEAD_LETTERS, "dead_letter_queue_size"),
];

/// Before anything is counted.
pub(crate) fn install(settings: &Settings) -> Result<Metrics> {
    let metrics = Metrics::install()?;
    describe_counter!(PUBLISHED, "Total events published");
    describe_counter!(PUBLISHED_BY_TYPE, "Total events published, by their type");
    describe_histogram!(PUBLISH_DURATION, "Event publish duration");
    describe_counter!(PUBLISH_ERRORS, "Failures to publish");
    describe_counter!(CONSUMED, "Total events consumed");
    describe_counter!(CONSUMED_BY_TYPE, "Total events consumed, by their type");
    describe_histogram!(PROCESSING_DURATION, "Event processing duration");
    describe_counter!(PROCESSING_ERRORS, "Runs of handlers that failed");
    describe_gauge!(LAG, "Consumer lag in messages");
    describe_gauge!(DEAD_LETTERS, "Dead letters that wait");
    let twice = settings.is_on(Key::SeedMetricNames)?.unwrap_or(false);
    Ok(if twice { metrics.with_aliases(ALIASES) } else { metrics })
}

/// The topics with the dead letters of a service.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    pub(crate) service: &'static str,
    pub(crate) topics: BTreeSet<TopicName>,
}

impl DeadLetters {
    /// Asks the broker how many there are, of each topic once, also of one that services share. What it does not tell
    /// stays as it was.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and 2^53 letters are no queue")]
    pub(crate) async fn measure(all: &[Self], admin: &AdminClient) {
        let topics: BTreeSet<&TopicName> = all.iter().flat_map(|letters| &letters.topics).collect();
        for topic in topics {
            let letters = match kept(admin, topic).await {
                Ok(letters) => letters,
                Err(error) => {
                    debug!(%topic, %error, "how many dead letters wait is not known");
                    continue;
                }
            };
            for service in all.iter().filter(|letters| letters.topics.contains(topic)) {
                let labels = [("service", service.service.to_owned()), ("topic", topic.to_string())];
                metrics::gauge!(DEAD_LETTERS, &labels).set(letters as f64);
            }
        }
    }
}

/// How many wait. Dead letters of one consumer stay until somebody decides, whatever the retention of their namespace: a
/// subscription keeps them. Those of the topics to look at go with time.
async fn kept(admin: &AdminClient, topic: &TopicName) -> Result<u64, AdminError> {
    // Otherwise there have never been any.
    let Some(stats) = found(admin.stats(topic).await)? else { return Ok(0) };
    if topic.local().ends_with("-dlq")
        && stats["subscriptions"].get(DECISIONS).is_none()
        && let Err(error) = admin.create_subscription(topic, DECISIONS).await
    {
        debug!(%topic, %error, "dead letters have no subscription yet that keeps them");
    }
    waiting_in(admin, topic, &stats).await
}
