//! The embedded broker with its two ports.

use anyhow::{Context as _, Result, anyhow};
use hexalpes_broker::{Broker, BrokerOptions};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::{
    claims::{Claims, Part},
    listen::{listen, port_of},
    settings::{Engine, Key, Settings},
};

/// A broker that serves.
pub(crate) struct Backbone {
    pub(crate) engine: Engine,
    broker: Broker,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Backbone {
    /// The part of the data folder must be claimed already.
    pub(crate) async fn start(settings: &Settings) -> Result<Self> {
        let protocol = listen(settings.port(Key::BackbonePort)?, "the backbone", "--backbone-port").await?;
        let admin = listen(settings.port(Key::AdminPort)?, "the backbone's REST", "--admin-port").await?;
        let engine = Engine::on_loopback(port_of(&protocol)?, port_of(&admin)?);
        let options = BrokerOptions::new(settings.data().join("backbone"), engine.service.clone());
        let broker =
            spawn_blocking(|| Broker::open(options)).await.context("opening the backbone panicked")?;
        let broker = broker.map_err(|error| anyhow!("the backbone cannot start: {error}"))?;
        let stop = CancellationToken::new();
        let protocol = tokio::spawn({
            let (broker, stop) = (broker.clone(), stop.clone());
            async move { broker.serve(protocol, stop).await }
        });
        let admin =
            tokio::spawn(hexalpes_http::serve(admin, hexalpes_admin::router(broker.clone()), stop.clone()));
        Ok(Self { engine, broker, stop, tasks: [protocol, admin] })
    }

    /// Closes connections, then what lies on the disk.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        for task in self.tasks {
            task.await.context("the backbone panicked")?;
        }
        self.broker.close().await.context("the backbone could not close its log")
    }
}

/// `hexalpes backbone`.
pub(crate) async fn alone(settings: &Settings, stop: CancellationToken) -> Result<()> {
    let _claims = Claims::take(&settings.data(), [Part::Backbone])?;
    let backbone = Backbone::start(settings).await?;
    let Engine { service, admin } = &backbone.engine;
    println!("backbone: {service}, REST {admin}, data in {}", settings.data().display());
    println!("Authentication is off: it listens on loopback only. Ctrl-C stops it.");
    stop.cancelled().await;
    backbone.stop().await
}
