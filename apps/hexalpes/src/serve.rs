//! `hexalpes serve SERVICE…`: services without a backbone, each on its own port, against one that runs
//! elsewhere.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use hexalpes_kernel::{Edge, SystemEdge};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    claims::{Claims, Part},
    health::health,
    listen::{listen, port_of},
    metrics::{self, DeadLetters},
    reach::Reach,
    services::{self, AuditTrail, Commissions, Service},
    settings::Settings,
};

pub(crate) async fn serve(
    settings: &Settings,
    chosen: &[Service],
    with_relay: bool,
    stop: CancellationToken,
) -> Result<()> {
    let services: Vec<Service> =
        Service::ALL.into_iter().filter(|service| chosen.contains(service)).collect();
    services::databases(settings, &services, with_relay)?;
    let _claims = Claims::take(&settings.data(), services.iter().map(|service| Part::Of(*service)))?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let mut listeners = Vec::new();
    for &service in &services {
        let port = settings.service_port(service, services.len() == 1)?;
        listeners.push((
            service,
            listen(settings.api_host()?, port, service.name(), service.port_key().flag()).await?,
        ));
    }

    let engine = settings.engine()?;
    let reach = Reach::new(engine.clone())?;
    let metrics = metrics::install(settings)?;
    // As with `up`: all are looked through before one is brought up to date, and the trail starts first.
    let (mut commissions, mut trail) = (None, None);
    for service in &services {
        match service {
            Service::Commissions => commissions = Some(Commissions::open(settings).await?),
            Service::Notifications => trail = Some(AuditTrail::open(settings, &edge).await?),
        }
    }
    if let Some(commissions) = &commissions {
        commissions.update(settings).await?;
    }
    let trail = match trail {
        Some(trail) => {
            trail.update(settings).await?;
            Some(trail.start(reach.client(), &edge).await?)
        }
        None => None,
    };
    let commissions =
        commissions.map(|opened| opened.start(reach.client(), with_relay, &edge)).transpose()?;

    let mut faces = JoinSet::new();
    // In the order of the listeners.
    let routers = [
        commissions.as_ref().map(|running| (running.router(&edge), running.probes())),
        trail.as_ref().map(|running| (running.router(), vec![running.probe()])),
    ];
    for ((service, listener), (router, mut probes)) in
        listeners.into_iter().zip(routers.into_iter().flatten())
    {
        println!("{}: http://127.0.0.1:{}, broker {}", service.name(), port_of(&listener)?, engine.service);
        probes.push(reach.probe());
        let router = router.merge(health(service.name(), probes).routes(metrics.clone()));
        let router = hexalpes_http::layers(router, Arc::clone(&edge));
        faces.spawn(hexalpes_http::serve(listener, router, stop.clone()));
    }
    println!("Authentication is off: it listens on loopback only. Ctrl-C stops it.");

    let letters = match &commissions {
        Some(running) => running.dead_letters(),
        None => DeadLetters::default(),
    };
    let ended = reach.beside(all(faces, &stop), &letters, &stop).await;
    if let Some(commissions) = commissions {
        commissions.stop().await;
    }
    if let Some(trail) = trail {
        trail.stop().await;
    }
    ended
}

async fn all(mut faces: JoinSet<()>, stop: &CancellationToken) -> Result<()> {
    let mut ended = Ok(());
    while let Some(face) = faces.join_next().await {
        if let Err(panic) = face {
            ended = Err(anyhow!("a service panicked: {panic}"));
        }
        // One that ends by itself takes the others with it: half of what was asked for is not running well.
        stop.cancel();
    }
    ended
}
