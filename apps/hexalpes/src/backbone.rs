//! The embedded broker with its ports.

use std::{net::IpAddr, sync::Arc};

use anyhow::{Context as _, Result, anyhow};
use axum::{Extension, Router};
use hexalpes_admin::Beside;
use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_telemetry::Metrics;
use hexalpes_tls::ServerTls;
use tokio::{
    net::TcpListener,
    task::{JoinSet, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use crate::{
    claims::{Claims, Part},
    listen::{listen, port_of},
    settings::{Engine, Key, Settings},
};

/// A broker that serves.
pub(crate) struct Backbone {
    pub(crate) engine: Engine,
    /// The same two for clients that speak TLS.
    tls_urls: Option<[String; 2]>,
    broker: Broker,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// The ports of TLS, and what is served on them.
struct TlsFace {
    tls: Arc<ServerTls>,
    protocol: TcpListener,
    admin: TcpListener,
    urls: [String; 2],
}

impl Backbone {
    /// The part of the data folder must be claimed already. With `metrics`, its own are followed by those; `others` are
    /// routes that stand beside its own.
    pub(crate) async fn start(
        settings: &Settings,
        metrics: Option<&Metrics>,
        others: Router,
    ) -> Result<Self> {
        let authentication = settings.authentication()?.map(Arc::new);
        let tls = TlsFace::of(settings).await?;
        let host = settings.host()?;
        let conf = settings.broker().clone();
        let tls_urls = tls.as_ref().map(|face| face.urls.clone());
        let (protocol, admin) = plain(settings, host).await?;
        let ports = [&protocol, &admin].map(|listener| listener.as_ref().map(port_of).transpose());
        let [port, admin_port] = ports;
        let (port, admin_port) = (port?, admin_port?);
        let mut engine = Engine::at(host, port.unwrap_or(0), admin_port.unwrap_or(0));
        engine.token = settings.token()?;
        if let Some([service, admin]) = &tls_urls {
            // Where there is nothing else.
            if port.is_none() {
                engine.service.clone_from(service);
            }
            if admin_port.is_none() {
                engine.admin.clone_from(admin);
            }
        }
        let advertised = settings.advertised_address()?;
        let url = port.map(|port| format!("pulsar://{advertised}:{port}"));
        let built_in = BrokerOptions::new(settings.data().join("backbone"), "");
        let options = BrokerOptions {
            authentication,
            authorization: settings.authorization()?,
            service_url: url,
            service_url_tls: tls_urls.clone().map(|[service, _]| service),
            max_message_bytes: conf.max_message_bytes.unwrap_or(built_in.max_message_bytes),
            keep_alive: conf.keep_alive.unwrap_or(built_in.keep_alive),
            trim_every: conf.trim_every.unwrap_or(built_in.trim_every),
            producer_absent_max: conf.producer_absent_max.unwrap_or(built_in.producer_absent_max),
            delete_inactive_topics: !conf.keeps_inactive_topics,
            checks_quotas: !conf.ignores_quotas,
            defaults: conf.defaults,
            makes_public: !conf.lacks_public,
            ..built_in
        };
        let broker =
            spawn_blocking(|| Broker::open(options)).await.context("opening the backbone panicked")?;
        let broker = broker.map_err(|error| anyhow!("the backbone cannot start: {error}"))?;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        if let Some(protocol) = protocol {
            let (broker, stop) = (broker.clone(), stop.clone());
            tasks.spawn(async move { broker.serve(protocol, stop).await });
        }
        let metrics = metrics.cloned();
        let beside =
            Extension(Beside::new(move || metrics.as_ref().map_or_else(String::new, Metrics::render)));
        if let Some(admin) = admin {
            let router = hexalpes_admin::router_with(broker.clone(), others.clone()).layer(beside.clone());
            tasks.spawn(hexalpes_http::serve(admin, router, stop.clone()));
        }
        if let Some(face) = tls {
            face.serve(&broker, others, beside, &stop, &mut tasks);
        }
        Ok(Self { engine, tls_urls, broker, stop, tasks })
    }

    /// Closes connections, then what lies on the disk.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(task) = self.tasks.join_next().await {
            task.context("the backbone panicked")?;
        }
        self.broker.close().await.context("the backbone could not close its log")
    }
}

/// The ports without TLS, as far as there are to be any.
async fn plain(settings: &Settings, host: IpAddr) -> Result<(Option<TcpListener>, Option<TcpListener>)> {
    let (mut protocol, mut admin) = (None, None);
    if let Some(port) = settings.plain_port(Key::BackbonePort)? {
        protocol = Some(listen(host, port, "the backbone", "--backbone-port").await?);
    }
    if let Some(port) = settings.plain_port(Key::AdminPort)? {
        admin = Some(listen(host, port, "the backbone's REST", "--admin-port").await?);
    }
    Ok((protocol, admin))
}

impl TlsFace {
    async fn of(settings: &Settings) -> Result<Option<Self>> {
        let Some(files) = settings.tls_files()? else { return Ok(None) };
        let tls = ServerTls::open(files).context("the backbone cannot speak TLS")?;
        let (protocol, admin) = (settings.port(Key::BackboneTlsPort)?, settings.port(Key::AdminTlsPort)?);
        let bound = settings.host()?;
        let protocol = listen(bound, protocol, "the backbone's TLS", "--backbone-tls-port").await?;
        let admin = listen(bound, admin, "the backbone's REST over TLS", "--admin-tls-port").await?;
        let host = settings.advertised_address()?;
        let urls = [
            format!("pulsar+ssl://{host}:{}", port_of(&protocol)?),
            format!("https://{host}:{}", port_of(&admin)?),
        ];
        Ok(Some(Self { tls: Arc::new(tls), protocol, admin, urls }))
    }

    fn serve(
        self,
        broker: &Broker,
        others: Router,
        beside: Extension<Beside>,
        stop: &CancellationToken,
        tasks: &mut JoinSet<()>,
    ) {
        let router = hexalpes_admin::tls_router_with(broker.clone(), others).layer(beside);
        let current = self.tls.watch();
        tasks.spawn(hexalpes_http::serve_tls(self.admin, router, current.clone(), stop.clone()));
        tasks.spawn({
            let (broker, stop) = (broker.clone(), stop.clone());
            async move { broker.serve_tls(self.protocol, current, stop).await }
        });
        let stop = stop.clone();
        tasks.spawn(async move { self.tls.keep_fresh(stop).await });
    }
}

/// `hexalpes backbone`.
pub(crate) async fn alone(settings: &Settings, stop: CancellationToken) -> Result<()> {
    settings.authorization()?;
    for note in settings.notes() {
        eprintln!("hexalpes: {note}");
    }
    let _claims = Claims::take(&settings.data(), [Part::Backbone])?;
    let backbone = Backbone::start(settings, None, Router::new()).await?;
    let Engine { service, admin, .. } = &backbone.engine;
    println!("backbone: {service}, REST {admin}, data in {}", settings.data().display());
    if let Some([service, admin]) = &backbone.tls_urls {
        println!("over TLS: {service}, REST {admin}");
    }
    println!("{}. Ctrl-C stops it.", settings.guard()?);
    stop.cancelled().await;
    backbone.stop().await
}
