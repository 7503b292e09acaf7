//! `hexalpes up`: the backbone and every service in one process, on loopback.

use std::sync::Arc;

use anyhow::Result;
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_sources::Door;
use tokio_util::sync::CancellationToken;

use crate::{
    backbone::Backbone,
    claims::{Claims, Part},
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
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let doors = Doors::open(settings, &Service::ALL).await?;

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
    let sources = services::sources(settings, &ground, reach.client(), with_relay).await?;
    banner(settings, &engine, backbone.is_some(), &doors)?;
    let faces = Faces { metrics, ground, limits: Limits::of(settings)?, reach: &reach };
    let serving = faces.serve(doors, &running, &stop);
    let ended = reach.beside(serving, &running.dead_letters(), &stop).await;

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

fn banner(settings: &Settings, engine: &Engine, is_ours: bool, doors: &Doors) -> Result<()> {
    let kind = if is_ours { "backbone" } else { "Pulsar  " };
    let at = |key| doors.port(key).map(|port| format!("http://127.0.0.1:{port}"));
    let (affiliates, conversions) = (at(Key::AffiliatesPort)?, at(Key::ConversionsPort)?);
    let (commissions, seed) = (at(Key::MarketingPort)?, at(Key::CommissionsPort)?);
    println!("hexalpes {}", env!("CARGO_PKG_VERSION"));
    println!("  {kind}       {}   REST {}", engine.service, engine.admin);
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
