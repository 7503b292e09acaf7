//! What the namespaces must promise before anything is published.

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use hexalpes_client::{
    AdminClient, TopicName,
    admin::{InactiveTopics, Retention},
};
use hexalpes_commissions::{COMMANDS_TOPIC, CONVERSIONS_TOPIC};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};

use crate::settings::Engine;

/// The tenant of the dead letters; `public` is always there.
const TENANT: &str = "hexabuilders";
/// Where this product publishes: events, and dead letters of the service and of all services.
const NAMESPACES: [&str; 3] = ["public/default", "hexabuilders/commissions", "hexabuilders/system"];
const TOPICS: [&str; 4] = [EVENTS_TOPIC, RAW_TOPIC, COMMANDS_TOPIC, CONVERSIONS_TOPIC];

/// Published events stay: the raw topic is what an audit reads.
const FOR_EVER: Retention = Retention { time_minutes: -1, size_mb: -1 };

/// What a refusal comes to.
const NOTHING: &str = "so nothing is published: an event could be stored twice or vanish";

/// Makes what is not there, and sets deduplication, retention and the keeping of idle topics.
pub(crate) async fn ensure(engine: &Engine) -> Result<()> {
    let admin = AdminClient::new(engine.admin_options())?;
    if let Err(error) = admin.clusters().await {
        let context = match error.status() {
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                format!("the broker's REST at {} does not let us in, {NOTHING}", engine.admin)
            }
            Some(_) => format!("what answers at {} is no broker's REST that is ready", engine.admin),
            None => {
                format!(
                    "the broker's REST at {} does not answer: start it (`hexalpes backbone`)",
                    engine.admin
                )
            }
        };
        return Err(error).context(context);
    }
    admin
        .create_tenant(TENANT)
        .await
        .with_context(|| format!("the tenant {TENANT} cannot be made, {NOTHING}"))?;
    for namespace in NAMESPACES {
        ensure_namespace(&admin, namespace).await?;
    }
    for topic in TOPICS {
        let name = TopicName::parse(topic).context("our topics have names that Pulsar takes")?;
        admin.create_topic(&name).await.with_context(|| format!("{topic} cannot be made, {NOTHING}"))?;
    }
    Ok(())
}

async fn ensure_namespace(admin: &AdminClient, namespace: &str) -> Result<()> {
    admin
        .create_namespace(namespace)
        .await
        .with_context(|| format!("the namespace {namespace} cannot be made, {NOTHING}"))?;
    admin
        .set_deduplication(namespace, true)
        .await
        .with_context(|| format!("deduplication cannot be turned on for {namespace}, {NOTHING}"))?;
    admin
        .set_retention(namespace, FOR_EVER)
        .await
        .with_context(|| format!("retention cannot be set for {namespace}, {NOTHING}"))?;
    admin
        .set_inactive_topics(namespace, &InactiveTopics::kept())
        .await
        .with_context(|| format!("idle topics of {namespace} cannot be kept, {NOTHING}"))
}
