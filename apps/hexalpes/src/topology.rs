//! What the namespaces must promise before anything is published.

use std::{io, path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use axum::http::StatusCode;
use hexalpes_client::AdminClient;
use hexalpes_contracts::{campaigns, schemas};
use hexalpes_outbox::{EventSchema, EventTopic};
use hexalpes_routing::Rule;
use hexalpes_topology::{Plan, RouteOf, Topology};

use crate::{
    services::Service,
    settings::{Engine, Key, Settings, Usage},
};

/// What a refusal comes to.
const NOTHING: &str = "so nothing is published: an event could be stored twice or vanish";

/// Makes what is not there, and sets deduplication, retention and the keeping of idle topics; then what the topology
/// of the installation says.
pub(crate) async fn ensure(engine: &Engine, own: Option<&Topology>) -> Result<()> {
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
    let platform = platform()?;
    let refused = || format!("the topics cannot be made ready, {NOTHING}");
    let plan = Plan::make(&platform, &admin).await.with_context(refused)?.keeping_kinds();
    plan.apply(&admin, |step| tracing::info!(%step, "made ready")).await.with_context(refused)?;
    if let Some(own) = own {
        let plan = Plan::make(own, &admin).await.with_context(refused)?;
        plan.apply(&admin, |step| tracing::info!(%step, "made ready")).await.with_context(refused)?;
    }
    Ok(())
}

/// The installation's own topology, if it has one.
pub(crate) fn own(settings: &Settings) -> Result<Option<Arc<Topology>>> {
    let Some(file) = settings.given(Key::TopologyFile) else { return Ok(None) };
    let own = Topology::read(Path::new(file)).map_err(|error| Usage(error.to_string()))?;
    for (name, route) in own.routes() {
        if let RouteOf::Outbox(service) = &route.of {
            let is_one = Service::CONTEXTS.iter().any(|context| context.name() == service);
            let known = Service::CONTEXTS.map(Service::name).join(", ");
            ensure!(
                is_one,
                Usage(format!("{file}: routes.{name}: {service} has no outbox; these have: {known}"))
            );
        }
    }
    Ok(Some(Arc::new(own)))
}

/// The rules for the outbox of a service.
pub(crate) fn rules(own: Option<&Topology>, service: Service) -> Arc<[Rule]> {
    let is_for = |of: &RouteOf| match of {
        RouteOf::Outboxes => true,
        RouteOf::Outbox(name) => name == service.name(),
        RouteOf::Source(_) => false,
    };
    let routes = own.into_iter().flat_map(Topology::routes);
    routes.filter(|(_, route)| is_for(&route.of)).map(|(_, route)| route.rule.clone()).collect()
}

const PLATFORM: &str = include_str!("../topologies/platform.toml");

/// The topics of the whole platform.
pub(crate) fn platform() -> Result<Topology> {
    Topology::parse_with("platform.toml", PLATFORM, &schema).context("our own topics can be read")
}

/// A file under `schemas/`, which is part of the binary.
fn schema(file: &Path) -> io::Result<String> {
    let known = schemas::SCHEMAS.iter().find(|schema| Path::new(schema.file) == file);
    known.map(|schema| schema.definition.to_owned()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The topic of a type's own, and what its data is written with.
pub(crate) fn of_kind(kind: &str) -> Option<EventTopic> {
    let topic = hexalpes_contracts::topic_of(kind)?;
    let newest = schemas::newest(kind).filter(|_| topic != campaigns::MARKETING_TOPIC);
    let schema = newest.map(|newest| EventSchema { definition: newest.definition, version: newest.version });
    Some(EventTopic { topic, schema })
}

#[cfg(test)]
mod tests {
    use hexalpes_commissions::{COMMANDS_TOPIC, CONVERSIONS_TOPIC};
    use hexalpes_contracts::{onboarding, partners, recruitment};
    use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};

    use super::*;

    #[test]
    fn the_platform_has_every_topic_that_is_published_to_or_consumed() {
        let platform = platform().unwrap();
        let contexts = [partners::TOPIC, onboarding::TOPIC, recruitment::TOPIC, campaigns::TOPIC];
        let own = hexalpes_contracts::topics().map(|(_, topic)| topic);
        for topic in [EVENTS_TOPIC, RAW_TOPIC, COMMANDS_TOPIC, CONVERSIONS_TOPIC]
            .into_iter()
            .chain(contexts)
            .chain(own)
        {
            assert!(platform.topics().any(|known| known == topic), "{topic}");
        }
    }

    #[test]
    fn every_event_with_a_topic_of_its_own_has_a_schema_for_it() {
        for (kind, topic) in hexalpes_contracts::topics() {
            let found = of_kind(kind).unwrap();
            assert_eq!((found.topic, found.schema.is_some()), (topic, topic != campaigns::MARKETING_TOPIC));
        }
        assert_eq!(
            of_kind("com.hexabuilders.partners.PartnerRegistrationCompleted")
                .unwrap()
                .schema
                .unwrap()
                .version,
            2
        );
        assert!(of_kind("com.hexabuilders.conversions.ConversionRecorded").is_none());
    }

    /// Accepts S0-NS-1, S0-NS-2, S0-NS-3, S0-NS-4, S0-NS-5, S0-NS-6, G-1.
    #[test]
    fn the_platform_has_the_namespaces_of_the_seeds() {
        let platform = platform().unwrap();
        for namespace in [
            "partner-management",
            "onboarding",
            "recruitment",
            "campaign-management",
            "notifications",
            "system",
        ] {
            let name = format!("hexabuilders/{namespace}");
            assert!(platform.namespaces().any(|known| known == name), "{name}");
        }
    }

    /// Accepts S0-TOP-1, S0-TOP-2, S0-TOP-3, S0-TOP-4, S0-TOP-5, S0-TOP-6, S0-TOP-7, S0-TOP-8, S0-TOP-9, S0-TOP-10.
    /// Accepts S2-TOP-1, S2-TOP-2, S2-TOP-3, S2-TOP-4, S2-TOP-5, S2-TOP-6, S2-TOP-7, S2-TOP-8, S2-TOP-9, S2-TOP-10,
    /// S2-TOP-11, S2-TOP-12, S2-TOP-13, S2-TOP-14. Accepts S3-TOP-3.
    #[test]
    fn the_platform_has_the_topics_of_the_seeds() {
        let platform = platform().unwrap();
        // Those of the seeds, and ours: commands, and the dead letters of four more services.
        assert_eq!(platform.topics().count(), 28 + 5);
        for (namespace, topic) in [
            ("partner-management", "partner-events"),
            ("partner-management", "partner-registration"),
            ("partner-management", "partner-validation"),
            ("partner-management", "recruitment-requests"),
            ("partner-management", "metrics-snapshots"),
            ("onboarding", "contract-activated"),
            ("onboarding", "employment-contract"),
            ("recruitment", "candidate-hired"),
            ("recruitment", "recruitment-completed"),
            ("campaign-management", "budget-alerts"),
            ("campaign-management", "campaign-insights"),
            ("campaign-management", "optimization-suggestions"),
            ("onboarding", "contract-events"),
            ("onboarding", "contract-signed"),
            ("recruitment", "candidate-events"),
            ("recruitment", "candidate-matched"),
            ("campaign-management", "campaign-events"),
            ("campaign-management", "performance-report"),
            ("system", "dead-letters"),
            ("system", "health-check"),
        ] {
            let name = format!("persistent://hexabuilders/{namespace}/{topic}");
            assert!(platform.topics().any(|known| known == name), "{name}");
        }
    }
}
