//! What the namespaces must promise before anything is published.

use std::path::Path;

use anyhow::{Context as _, Result};
use axum::http::StatusCode;
use hexalpes_client::AdminClient;
use hexalpes_topology::{Plan, Topology};

use crate::settings::Engine;

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
    let product = built_in("product.toml", PRODUCT)?;
    let refused = || format!("the topics cannot be made ready, {NOTHING}");
    let plan = Plan::make(&product, &admin).await.with_context(refused)?;
    plan.apply(&admin, |step| tracing::info!(%step, "made ready")).await.with_context(refused)?;
    Ok(())
}

/// What `hexalpes up` needs.
const PRODUCT: &str = include_str!("../topologies/product.toml");
/// What the whole platform has.
const PLATFORM: &str = include_str!("../topologies/platform.toml");

/// The topics of the whole platform.
pub(crate) fn platform() -> Result<Topology> {
    built_in("platform.toml", PLATFORM)
}

fn built_in(name: &str, text: &str) -> Result<Topology> {
    Topology::parse(name, text, Path::new(".")).context("our own topics can be read")
}

#[cfg(test)]
mod tests {
    use hexalpes_commissions::{COMMANDS_TOPIC, CONVERSIONS_TOPIC};
    use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};

    use super::*;

    #[test]
    fn what_the_product_needs_is_in_its_file_and_the_platform_has_all_of_it() {
        let (product, platform) = (built_in("product.toml", PRODUCT).unwrap(), platform().unwrap());
        for topic in [EVENTS_TOPIC, RAW_TOPIC, COMMANDS_TOPIC, CONVERSIONS_TOPIC] {
            assert!(product.topics().any(|known| known == topic), "{topic}");
        }
        assert!(platform.contains(&product));
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
    /// S2-TOP-11, S2-TOP-12, S2-TOP-13, S2-TOP-14.
    #[test]
    fn the_platform_has_the_topics_of_the_seeds() {
        let platform = platform().unwrap();
        assert_eq!(platform.topics().count(), 28);
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
