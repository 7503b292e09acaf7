//! The embedded broker with its two ports.

use anyhow::{Context as _, Result};
use hexalpes_broker::{Broker, BrokerOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    cli::Places,
    listen::{loopback, port_of},
};

/// A broker that serves.
pub(crate) struct Backbone {
    pub(crate) service_url: String,
    pub(crate) admin_url: String,
    broker: Broker,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Backbone {
    pub(crate) async fn start(places: &Places) -> Result<Self> {
        let protocol = loopback(places.backbone_port, "the backbone", "--backbone-port").await?;
        let admin = loopback(places.admin_port, "the backbone's REST", "--admin-port").await?;
        let service_url = format!("pulsar://127.0.0.1:{}", port_of(&protocol)?);
        let admin_url = format!("http://127.0.0.1:{}", port_of(&admin)?);
        let folder = places.data.join("backbone");
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let broker = Broker::open(BrokerOptions::new(folder, service_url.clone()))?;
        let stop = CancellationToken::new();
        let protocol = tokio::spawn({
            let (broker, stop) = (broker.clone(), stop.clone());
            async move { broker.serve(protocol, stop).await }
        });
        let admin = tokio::spawn({
            let (router, stop) = (hexalpes_admin::router(broker.clone()), stop.clone());
            async move {
                if let Err(problem) = hexalpes_http::serve(admin, router, stop).await {
                    error!(%problem, "the backbone's REST ended");
                }
            }
        });
        Ok(Self { service_url, admin_url, broker, stop, tasks: [protocol, admin] })
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
pub(crate) async fn alone(places: &Places, stop: CancellationToken) -> Result<()> {
    let backbone = Backbone::start(places).await?;
    println!(
        "backbone: {}, REST {}, data in {}",
        backbone.service_url,
        backbone.admin_url,
        places.data.display()
    );
    println!("authentication is off; it listens on loopback only");
    stop.cancelled().await;
    backbone.stop().await
}
