//! Outboxes that others write, published by whoever runs the commissions.

use anyhow::{Context as _, Result};
use hexalpes_client::Client;
use hexalpes_sources::{Sources, SourcesOptions};
use hexalpes_topology::{RouteOf, Topology};

use super::Ground;
use crate::settings::Settings;

/// In the data folder. What is sealed there, the installation's key alone opens.
pub(crate) const FOLDER: &str = "sources";

/// Starts those that were made, and opens the door to them; none where nothing is published.
pub(crate) async fn sources(
    settings: &Settings,
    ground: &Ground,
    client: Client,
    with_relay: bool,
) -> Result<Option<Sources>> {
    if !with_relay {
        return Ok(None);
    }
    let routes = ground.topology.as_deref().into_iter().flat_map(Topology::routes);
    let rules = routes.filter_map(|(_, route)| match &route.of {
        RouteOf::Source(name) => Some((name.clone(), route.rule.clone())),
        RouteOf::Outbox(_) | RouteOf::Outboxes => None,
    });
    let options = SourcesOptions {
        folder: settings.data().join(FOLDER),
        vault: ground.vault.clone(),
        client,
        edge: ground.edge.clone(),
        rules: rules.collect(),
    };
    let sources = Sources::open(options).await.context("the sources cannot be opened")?;
    ground.sources.open(sources.clone());
    Ok(Some(sources))
}
