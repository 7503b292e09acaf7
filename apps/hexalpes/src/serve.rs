//! `hexalpes serve SERVICE…`: services without a backbone, each on its own ports, against one that runs elsewhere; and
//! what it has in common with `up`.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, anyhow};
use axum::Router;
use futures::future::join_all;
use hexalpes_client::Client;
use hexalpes_http::layers;
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_sources::Door;
use hexalpes_telemetry::Metrics;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    claims::{Claims, Part},
    event_health::{self, Hears, Limits},
    health::{Probe, health},
    listen::{listen, port_of},
    metrics::{self, DeadLetters},
    reach::Reach,
    services::{self, AuditTrail, Context, Ground, Running, RunningTrail, Service},
    settings::{Key, Settings},
    topology,
};

pub(crate) async fn serve(
    settings: &Settings,
    chosen: &[Service],
    with_relay: bool,
    stop: CancellationToken,
) -> Result<()> {
    let services: Vec<Service> =
        Service::ALL.into_iter().filter(|service| chosen.contains(service)).collect();
    services::databases(settings, &services)?;
    let own = topology::own(settings)?;
    let _claims = Claims::take(&settings.data(), services.iter().map(|service| Part::Of(*service)))?;
    let runs_sources = with_relay && services.contains(&Service::Commissions);
    let sources_place = services::sources_place(settings, runs_sources).await?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    let doors = Doors::open(settings, &services).await?;
    let engine = settings.engine()?;
    let reach = Reach::new(engine.clone(), own.clone())?;
    let metrics = metrics::install(settings)?;
    // As with `up`: all are looked through before one is brought up to date.
    let opened = Opened::open(settings, &services, &edge).await?;
    opened.update(settings).await?;
    let links_port = doors.port(Key::ConversionsPort).or_else(|_| settings.port(Key::ConversionsPort))?;
    let ground = Ground::open(settings, edge, links_port, own, Door::default())?;
    let running = opened.start(reach.client(), with_relay, &ground).await?;
    let sources = services::sources(sources_place, &ground, reach.client()).await?;
    for (service, key) in &doors.order {
        let port = doors.port(*key)?;
        println!("{}: http://127.0.0.1:{port}, broker {}", service.name(), engine.service);
    }
    println!("Authentication is off: it listens on {}. Ctrl-C stops it.", settings.api_place()?);

    let faces = Faces { metrics, ground, limits: Limits::of(settings)?, reach: &reach };
    let serving = faces.serve(doors, &running, &stop);
    let ended = reach.beside(serving, &running.dead_letters(), &stop).await;
    if let Some(sources) = sources {
        sources.stop().await;
    }
    running.stop().await;
    ended
}

/// The ports of some services, bound before anything is opened.
pub(crate) struct Doors {
    listeners: BTreeMap<Key, TcpListener>,
    order: Vec<(Service, Key)>,
    /// Contracts are behind the door of the commission API.
    are_shared: bool,
}

impl Doors {
    pub(crate) async fn open(settings: &Settings, services: &[Service]) -> Result<Self> {
        let both = [Service::Commissions, Service::Onboarding].iter().all(|one| services.contains(one));
        let are_shared = both && settings.shares_port()?;
        let mut doors = Self { listeners: BTreeMap::new(), order: Vec::new(), are_shared };
        for &service in services {
            for (key, what) in service.ports() {
                if are_shared && *key == Key::OnboardingPort {
                    doors.order.push((service, *key));
                    continue;
                }
                let port = if *key == service.port_key() {
                    settings.service_port(service, services.len() == 1)?
                } else {
                    settings.port(*key)?
                };
                let listener = listen(settings.api_host()?, port, what, key.flag()).await?;
                doors.listeners.insert(*key, listener);
                doors.order.push((service, *key));
            }
        }
        Ok(doors)
    }

    /// The port that was given to one that was asked for.
    pub(crate) fn port(&self, key: Key) -> Result<u16> {
        let key = if self.are_shared && key == Key::OnboardingPort { Key::CommissionsPort } else { key };
        let listener =
            self.listeners.get(&key).ok_or_else(|| anyhow!("nothing listens for {}", key.name()))?;
        Ok(port_of(listener)?)
    }
}

/// The databases of some services, open; nothing runs yet.
pub(crate) struct Opened {
    contexts: Vec<Context>,
    trail: Option<AuditTrail>,
}

impl Opened {
    pub(crate) async fn open(
        settings: &Settings,
        services: &[Service],
        edge: &Arc<dyn Edge>,
    ) -> Result<Self> {
        let mut opened = Self { contexts: Vec::new(), trail: None };
        for &service in services {
            match service {
                Service::Notifications => opened.trail = Some(AuditTrail::open(settings, edge).await?),
                context => opened.contexts.push(Context::open(settings, context).await?),
            }
        }
        Ok(opened)
    }

    /// Brings them up to date.
    pub(crate) async fn update(&self, settings: &Settings) -> Result<()> {
        for context in &self.contexts {
            context.update(settings).await?;
        }
        match &self.trail {
            Some(trail) => trail.update(settings).await,
            None => Ok(()),
        }
    }

    /// The trail first, for it may refuse to start, and what the relays publish cannot be taken back.
    pub(crate) async fn start(self, client: Client, with_relay: bool, ground: &Ground) -> Result<Services> {
        let trail = match self.trail {
            Some(trail) => Some(trail.start(client.clone(), ground).await?),
            None => None,
        };
        let mut contexts = Vec::new();
        for context in self.contexts {
            contexts.push(context.start(client.clone(), with_relay, ground).await?);
        }
        Ok(Services { contexts, trail })
    }
}

/// Services at work.
pub(crate) struct Services {
    contexts: Vec<Running>,
    trail: Option<RunningTrail>,
}

impl Services {
    /// Where those messages are that nobody could handle.
    pub(crate) fn dead_letters(&self) -> Vec<DeadLetters> {
        self.contexts.iter().map(Running::dead_letters).collect()
    }

    /// What a service hears of others.
    fn hears(&self, service: Service) -> Hears {
        let context = self.contexts.iter().find(|context| context.service() == service);
        context.map_or_else(
            || self.trail.as_ref().map_or_else(Hears::default, RunningTrail::hears),
            Running::hears,
        )
    }

    /// What was accepted is finished: first those who write, then the trail of it.
    pub(crate) async fn stop(self) {
        join_all(self.contexts.into_iter().map(Running::stop)).await;
        if let Some(trail) = self.trail {
            trail.stop().await;
        }
    }
}

/// What all APIs of a process share.
pub(crate) struct Faces<'a> {
    pub(crate) metrics: Metrics,
    pub(crate) ground: Ground,
    pub(crate) limits: Limits,
    pub(crate) reach: &'a Reach,
}

impl Faces<'_> {
    /// Serves each API on its port, until one ends, which takes the others with it.
    pub(crate) async fn serve(
        self,
        mut doors: Doors,
        running: &Services,
        stop: &CancellationToken,
    ) -> Result<()> {
        let mut serving = JoinSet::new();
        for Shown { services, key, router, mut probes } in self.all(running, doors.are_shared, stop) {
            let Some(listener) = doors.listeners.remove(&key) else { continue };
            probes.push(self.reach.probe());
            let (client, admin) = (self.reach.client(), self.reach.admin());
            let mut hears = Hears::default();
            for service in &services {
                hears.and(running.hears(*service));
            }
            let router = router.merge(event_health::routes(client, admin, hears, self.limits));
            let router = router.merge(health(services[0].name(), probes).routes(self.metrics.clone()));
            let router = layers(router, Arc::clone(&self.ground.edge));
            serving.spawn(hexalpes_http::serve(listener, router, stop.clone()));
        }
        all(serving, stop).await
    }

    /// The trail is told of on its own port, and with the commissions too.
    fn all(&self, running: &Services, are_shared: bool, stop: &CancellationToken) -> Vec<Shown> {
        let face_of = |service| {
            let context = running.contexts.iter().find(|context| context.service() == service)?;
            Some((context.faces(&self.ground).pop()?, context.probes()))
        };
        let mut faces = Vec::new();
        for context in &running.contexts {
            if are_shared && context.service() == Service::Onboarding {
                continue;
            }
            for mut face in context.faces(&self.ground) {
                let (key, mut services, mut probes) = (face.key, vec![context.service()], context.probes());
                if are_shared
                    && key == Key::CommissionsPort
                    && let Some((contracts, theirs)) = face_of(Service::Onboarding)
                {
                    face = face.with_contracts(contracts);
                    services.push(Service::Onboarding);
                    let named =
                        |(name, probe): Probe| (if name == "relay" { ONBOARDING_RELAY } else { name }, probe);
                    probes.extend(theirs.into_iter().map(named));
                }
                let mut router = face.router();
                if key == Key::CommissionsPort {
                    router = router.merge(hexalpes_sources::routes(self.ground.sources.clone()));
                }
                if let Some(trail) = running.trail.as_ref().filter(|_| key == Key::CommissionsPort) {
                    router = router.merge(trail.router());
                    probes.push(trail.probe());
                }
                faces.push(Shown { services, key, router, probes });
            }
        }
        if let Some(trail) = &running.trail {
            let (services, router) = (vec![Service::Notifications], trail.api(stop));
            let probes = vec![trail.probe(), trail.channels_probe()];
            faces.push(Shown { services, key: Key::NotificationsPort, router, probes });
        }
        faces
    }
}

/// What the relay of the contracts is called where the commissions' is on the same port.
const ONBOARDING_RELAY: &str = "onboarding-relay";

/// What is behind a door, and whose it is.
struct Shown {
    /// The first gives its name.
    services: Vec<Service>,
    key: Key,
    router: Router,
    probes: Vec<Probe>,
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
