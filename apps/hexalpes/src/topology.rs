//! What the namespaces must promise before anything is published.

use anyhow::{Context as _, Result};
use hexalpes_client::{
    AdminClient, AdminOptions, TopicName,
    admin::{InactiveTopics, Retention},
};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};

use crate::settings::Engine;

const NAMESPACE: &str = "public/default";

/// Published events stay: the raw topic is what an audit reads.
const FOR_EVER: Retention = Retention { time_minutes: -1, size_mb: -1 };

/// Sets deduplication, retention and the keeping of idle topics, and makes the outbox's topics.
pub(crate) async fn ensure(engine: &Engine) -> Result<()> {
    let admin = AdminClient::new(AdminOptions::new(&engine.admin))?;
    admin.clusters().await.with_context(|| {
        format!("the broker's REST at {} does not answer: start it (`hexalpes backbone`)", engine.admin)
    })?;
    let refused = "so nothing is published: an event could be stored twice or vanish";
    admin
        .set_deduplication(NAMESPACE, true)
        .await
        .with_context(|| format!("deduplication cannot be turned on for {NAMESPACE}, {refused}"))?;
    admin
        .set_retention(NAMESPACE, FOR_EVER)
        .await
        .with_context(|| format!("retention cannot be set for {NAMESPACE}, {refused}"))?;
    admin
        .set_inactive_topics(NAMESPACE, &InactiveTopics::kept())
        .await
        .with_context(|| format!("idle topics of {NAMESPACE} cannot be kept, {refused}"))?;
    for topic in [EVENTS_TOPIC, RAW_TOPIC] {
        let name = TopicName::parse(topic).context("our topics have names that Pulsar takes")?;
        admin.create_topic(&name).await.with_context(|| format!("{topic} cannot be made"))?;
    }
    Ok(())
}
