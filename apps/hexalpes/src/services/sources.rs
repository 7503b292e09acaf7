//! Outboxes that others write, published by whoever runs the commissions.

use anyhow::{Context as _, Result, ensure};
use hexalpes_client::Client;
use hexalpes_sources::{Sources, SourcesOptions, SourcesPlace};
use hexalpes_topology::{RouteOf, Topology};

use super::Ground;
use crate::settings::{Key, Settings};

/// In the data folder. What is sealed there, the installation's key alone opens.
pub(crate) const FOLDER: &str = "sources";

/// Where they are kept; none where nothing is published. Asked before anything is begun: those that a machine had before it shared
/// them are not forgotten silently.
pub(crate) async fn sources_place(settings: &Settings, with_relay: bool) -> Result<Option<SourcesPlace>> {
    let (place, before) = (settings.sources()?, settings.sources_beside_the_data());
    if !with_relay {
        return Ok(None);
    }
    let SourcesPlace::Server(url) = &place else { return Ok(Some(place)) };
    let left = before.names().await.context("the sources of before cannot be read")?;
    let SourcesPlace::Files(list) = before else { return Ok(Some(place)) };
    ensure!(
        left.is_empty(),
        "{} lists {}, and sources are kept in {url} now. To go on with those, set {}=sqlite:{}. To have them in {url}, start so \
         once, let all be published, delete them, start without it, and make them anew: with all rows once more, or with new ones \
         alone (\"snapshot.mode\": \"never\") if nothing was written meanwhile",
        list.display(),
        left.join(", "),
        Key::SourcesDatabaseUrl.variable(),
        list.display(),
    );
    Ok(Some(place))
}

/// Starts those that were made, and opens the door to them; none where there is no place of them.
pub(crate) async fn sources(
    place: Option<SourcesPlace>,
    ground: &Ground,
    client: Client,
) -> Result<Option<Sources>> {
    let Some(place) = place else { return Ok(None) };
    let routes = ground.topology.as_deref().into_iter().flat_map(Topology::routes);
    let rules = routes.filter_map(|(_, route)| match &route.of {
        RouteOf::Source(name) => Some((name.clone(), route.rule.clone())),
        RouteOf::Outbox(_) | RouteOf::Outboxes => None,
    });
    let options = SourcesOptions {
        place,
        vault: ground.vault.clone(),
        client,
        edge: ground.edge.clone(),
        rules: rules.collect(),
    };
    let sources = Sources::open(options).await.context("the sources cannot be opened")?;
    ground.sources.open(sources.clone());
    Ok(Some(sources))
}
