//! The admin UI: beside everything, or alone against a broker and services that run elsewhere.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use axum::Router;
use hexalpes_client::{AdminOptions, ClientOptions};
use hexalpes_console::{ConsoleOptions, router};
use hexalpes_kernel::{Edge, SystemEdge};
use hexalpes_outbox::EVENTS_TOPIC;
use hexalpes_telemetry::Metrics;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    health::health,
    listen::{listen, port_of},
    metrics,
    services::Service,
    settings::{Engine, Key, Settings},
};

/// For so long whoever looks at a page waits for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Its port, bound before anything is opened.
pub(crate) struct ConsoleDoor(TcpListener);

impl ConsoleDoor {
    /// None where it is to be off.
    pub(crate) async fn open(settings: &Settings, alone: bool) -> Result<Option<Self>> {
        let Some(port) = settings.console_port(alone)? else { return Ok(None) };
        let listener = listen(settings.api_host()?, port, "the console", Key::ConsolePort.flag()).await?;
        Ok(Some(Self(listener)))
    }

    pub(crate) fn port(&self) -> Result<u16> {
        Ok(port_of(&self.0)?)
    }

    /// Serves until it is to stop. `services` are those that it shows, with their addresses.
    pub(crate) fn serve(
        self,
        settings: &Settings,
        engine: &Engine,
        services: Vec<(Service, String)>,
        metrics: Metrics,
        edge: &Arc<dyn Edge>,
        stop: CancellationToken,
    ) -> Result<JoinHandle<()>> {
        let shown = |(service, url): (Service, String)| hexalpes_console::Service {
            name: service.name().to_owned(),
            url,
            desk: service.desk(),
            has_outbox: Service::CONTEXTS.contains(&service),
            has_sources: service == Service::Commissions,
        };
        let options = ConsoleOptions {
            admin: AdminOptions { timeout: PATIENCE, ..engine.admin_options() },
            client: ClientOptions { operation_timeout: PATIENCE, ..engine.client_options() },
            services: services.into_iter().map(shown).collect(),
            http: http()?,
            events_topic: EVENTS_TOPIC.to_owned(),
            names: settings.given(Key::AdvertisedAddress).map(str::to_owned).into_iter().collect(),
        };
        let own: Router = health("console", Vec::new()).routes(metrics);
        let router = router(options, Arc::clone(edge), own)?;
        Ok(tokio::spawn(hexalpes_http::serve(self.0, router, stop)))
    }
}

fn http() -> Result<reqwest::Client> {
    // One TLS provider for the process; that somebody has set it is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(PATIENCE).build()?)
}

/// `hexalpes console`.
pub(crate) async fn alone(settings: &Settings, stop: CancellationToken) -> Result<()> {
    let engine = settings.engine()?;
    let off = "console_port is off, and the console is what is to run: give it a port";
    let door = ConsoleDoor::open(settings, true).await?.context(off)?;
    let metrics = metrics::install(settings)?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
    println!("console: http://127.0.0.1:{}, broker {}, REST {}", door.port()?, engine.service, engine.admin);
    println!("It has no rights of its own: it listens on {}. Ctrl-C stops it.", settings.api_place()?);
    let services = settings.console_services()?;
    let serving = door.serve(settings, &engine, services, metrics, &edge, stop)?;
    serving.await.context("the console panicked")
}
