//! `hexalpes up`: backbone, relay, commissions and notifications in one process, on loopback.

use std::sync::Arc;

use anyhow::Result;
use futures::FutureExt as _;
use hexalpes_kernel::{Edge, SystemEdge};
use tokio_util::sync::CancellationToken;

use crate::{
    backbone::Backbone,
    claims::{Claims, Part},
    health::health,
    listen::{listen, port_of},
    metrics,
    reach::Reach,
    services::{self, AuditTrail, Commissions, EVENTS_FILE, Service},
    settings::{Engine, Key, Settings},
};

pub(crate) async fn up(settings: &Settings, with_relay: bool, stop: CancellationToken) -> Result<()> {
    services::databases(settings, &Service::ALL, with_relay)?;
    let cluster = settings.cluster()?;
    if cluster.is_none() {
        settings.own_token_is_there()?;
        settings.authorization()?;
    }
    let _claims = Claims::take(&settings.data(), Part::ALL)?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let api = listen(
        settings.api_host()?,
        settings.port(Key::CommissionsPort)?,
        "the commission API",
        "--commissions-port",
    )
    .await?;

    let metrics = metrics::install(settings)?;
    // A start that is refused changes nothing: the databases are looked through first, then the backbone, which
    // does it for itself, and then they are brought up to date.
    let (commissions, trail) =
        tokio::try_join!(Commissions::open(settings), AuditTrail::open(settings, &edge))?;
    let backbone = match &cluster {
        Some(_) => None,
        None => Some(Backbone::start(settings, Some(&metrics)).await?),
    };
    tokio::try_join!(commissions.update(settings), trail.update(settings))?;
    let engine = match (&backbone, cluster) {
        (Some(backbone), _) => backbone.engine.clone(),
        (None, Some(cluster)) => cluster,
        (None, None) => settings.engine()?,
    };
    let reach = Reach::new(engine.clone())?;
    if backbone.is_some() {
        // There is nothing to wait for: it runs.
        reach.prepare().await?;
    }
    // The trail first, for it may refuse to start, and what the relay publishes cannot be taken back.
    let trail = trail.start(reach.client(), &edge).await?;
    let commissions = commissions.start(reach.client(), with_relay, &edge)?;

    let mut probes = commissions.probes();
    probes.extend([trail.probe(), reach.probe()]);
    let health = health(Service::Commissions.name(), probes);
    let router = commissions.router(&edge).merge(trail.router()).merge(health.routes(metrics));
    banner(settings, &engine, backbone.is_some(), port_of(&api)?)?;
    let serving = hexalpes_http::serve(api, hexalpes_http::layers(router, edge), stop.clone());
    let ended = reach.beside(serving.map(Ok), &commissions.dead_letters(), &stop).await;

    // What was accepted is finished: first who writes, then who carries, then where it is kept.
    commissions.stop().await;
    trail.stop().await;
    if let Some(backbone) = backbone {
        backbone.stop().await?;
    }
    ended
}

fn banner(settings: &Settings, engine: &Engine, is_ours: bool, port: u16) -> Result<()> {
    let kind = if is_ours { "backbone" } else { "Pulsar  " };
    println!("hexalpes {}", env!("CARGO_PKG_VERSION"));
    println!("  {kind}     {}   REST {}", engine.service, engine.admin);
    println!(
        "  commissions  http://127.0.0.1:{port}   /health /metrics /debug/outbox /debug/relay /debug/consumers"
    );
    println!("  events       {}", settings.data().join(EVENTS_FILE).display());
    println!("{}. Ctrl-C stops it. Try:", settings.guard()?);
    println!(
        "  curl -s http://127.0.0.1:{port}/commissions/calculate -H 'Content-Type: application/json' \
         -d '{{\"conversionId\":\"conv-000\",\"affiliateId\":\"aff-123\",\"campaignId\":\"camp-456\",\
         \"grossAmount\":1000.00,\"currency\":\"USD\"}}'"
    );
    Ok(())
}
