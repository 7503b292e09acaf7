//! `hexalpes up`: the backbone and every service in one process, on loopback.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_sources::Door;
use tokio_util::sync::CancellationToken;

use crate::{
    backbone::Backbone,
    claims::{Claims, Part},
    console::ConsoleDoor,
    event_health::Limits,
    metrics,
    reach::Reach,
    serve::{Doors, Faces, Opened},
    services::{self, EVENTS_FILE, Ground, Service},
    settings::{Engine, Key, Settings},
    topology,
};

pub(crate) async fn up(settings: &Settings, with_relay: bool, stop: CancellationToken) -> Result<()> {
    services::databases(settings, &Service::ALL)?;
    let cluster = settings.cluster()?;
    let own = topology::own(settings)?;
    if cluster.is_none() {
        settings.own_token_is_there()?;
        settings.authorization()?;
    }
    let _claims = Claims::take(&settings.data(), Part::all())?;
    let sources_place = services::sources_place(settings, with_relay).await?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let doors = Doors::open(settings, &Service::ALL).await?;
    let console = ConsoleDoor::open(settings, false).await?;

    let metrics = metrics::install(settings)?;
    let door = Door::default();
    // A start that is refused changes nothing: the databases are looked through first, then the backbone, which
    // does it for itself, and then they are brought up to date.
    let opened = Opened::open(settings, &Service::ALL, &edge).await?;
    let backbone = match &cluster {
        Some(_) => None,
        None => {
            Some(Backbone::start(settings, Some(&metrics), hexalpes_sources::routes(door.clone())).await?)
        }
    };
    opened.update(settings).await?;
    let engine = match (&backbone, cluster) {
        (Some(backbone), _) => backbone.engine.clone(),
        (None, Some(cluster)) => cluster,
        (None, None) => settings.engine()?,
    };
    let reach = Reach::new(engine.clone(), own.clone())?;
    if backbone.is_some() {
        // There is nothing to wait for: it runs.
        reach.prepare().await?;
    }
    let ground = Ground::open(settings, Arc::clone(&edge), doors.port(Key::ConversionsPort)?, own, door)?;
    let running = opened.start(reach.client(), with_relay, &ground).await?;
    let sources = services::sources(sources_place, &ground, reach.client()).await?;
    banner(settings, &engine, backbone.is_some(), &doors, console.as_ref())?;
    let console = match console {
        None => None,
        Some(console) => {
            let at = |service: Service| doors.port(service.port_key()).map(|port| (service, here(port)));
            let services = Service::ALL.into_iter().map(at).collect::<Result<_>>()?;
            Some(console.serve(settings, &engine, services, metrics.clone(), &edge, stop.clone())?)
        }
    };
    let faces = Faces { metrics, ground, limits: Limits::of(settings)?, reach: &reach };
    let serving = faces.serve(doors, &running, &stop);
    let ended = reach.beside(serving, &running.dead_letters(), &stop).await;

    if let Some(console) = console {
        console.await.context("the console panicked")?;
    }
    // What was accepted is finished: first who writes, then who carries, then where it is kept.
    if let Some(sources) = sources {
        sources.stop().await;
    }
    running.stop().await;
    if let Some(backbone) = backbone {
        backbone.stop().await?;
    }
    ended
}

fn here(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn banner(
    settings: &Settings,
    engine: &Engine,
    is_ours: bool,
    doors: &Doors,
    console: Option<&ConsoleDoor>,
) -> Result<()> {
    let kind = if is_ours { "backbone" } else { "Pulsar  " };
    let at = |key| doors.port(key).map(here);
    let (affiliates, conversions) = (at(Key::AffiliatesPort)?, at(Key::ConversionsPort)?);
    let (commissions, seed) = (at(Key::MarketingPort)?, at(Key::CommissionsPort)?);
    println!("hexalpes {}", env!("CARGO_PKG_VERSION"));
    println!("  {kind}       {}   REST {}", engine.service, engine.admin);
    if let Some(console) = console {
        println!("  console        {}   in a browser", here(console.port()?));
    }
    println!("  partners       {}   /docs /health /metrics", at(Key::PartnersPort)?);
    println!("  affiliates     {affiliates}   /docs /health /metrics");
    println!("  conversions    {conversions}   /docs /health /metrics");
    println!("  commissions    {commissions}   /docs /health /metrics");
    println!("                 {seed}   /health /metrics /debug/outbox /debug/relay /debug/consumers");
    println!("  onboarding     {}   /docs /health /metrics", at(Key::OnboardingPort)?);
    println!("  campaigns      {}   /docs /health /metrics", at(Key::CampaignsPort)?);
    println!("  recruitment    {}   /docs /health /metrics", at(Key::RecruitmentPort)?);
    println!("  analytics      {}   /docs /health /metrics", at(Key::AnalyticsPort)?);
    println!("  notifications  {}   /docs /health /metrics", at(Key::NotificationsPort)?);
    println!("  events         {}", settings.data().join(EVENTS_FILE).display());
    println!("{}. Ctrl-C stops it. Try:", settings.guard()?);
    println!(
        "  curl -s {}/v1/partners -H 'Content-Type: application/json' \
         -d '{{\"business_name\":\"TechSolutions Inc\",\"email\":\"contact@techsolutions.com\",\
         \"partner_type\":\"EMPRESA\"}}'",
        at(Key::PartnersPort)?
    );
    println!(
        "  curl -s {affiliates}/api/v1/afiliados -H 'Content-Type: application/json' \
         -d '{{\"nombre\":\"Juan Pérez\",\"email\":\"juan@email.com\",\"tipo_afiliado\":\"premium\",\
         \"configuracion_comisiones\":{{\"comision_base\":15.0,\"comision_premium\":20.0}}}}'"
    );
    println!(
        "  curl -s {seed}/commissions/calculate -H 'Content-Type: application/json' \
         -d '{{\"conversionId\":\"conv-000\",\"affiliateId\":\"aff-123\",\"campaignId\":\"camp-456\",\
         \"grossAmount\":1000.00,\"currency\":\"USD\"}}'"
    );
    Ok(())
}
