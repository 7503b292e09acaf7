//! The way to a broker that may not be there yet: services start without it, and begin once its topics are
//! ready.

use std::{pin::pin, sync::Arc, time::Duration};

use anyhow::Result;
use hexalpes_client::{AdminClient, Client, admin::AdminError};
use hexalpes_http::Check;
use hexalpes_topology::{Topology, TopologyError};
use tokio::{sync::watch, time};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{health::Probe, metrics::DeadLetters, settings::Engine, topology};

/// Between two tries.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// Between two looks whether a broker is still there and can write.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A broker's address, a client of it, and whether its topics are ready.
#[derive(Debug)]
pub(crate) struct Reach {
    engine: Engine,
    /// What there is to be besides the topics of the platform.
    own: Option<Arc<Topology>>,
    admin: AdminClient,
    client: Client,
    ready: CancellationToken,
    told: watch::Sender<Check>,
}

impl Reach {
    pub(crate) fn new(engine: Engine, own: Option<Arc<Topology>>) -> Result<Self> {
        let ready = CancellationToken::new();
        let client = Client::gated(engine.client_options(), ready.clone())?;
        let told = watch::Sender::new(Check::degraded(format!("asking the broker at {}", engine.admin)));
        let admin = AdminClient::new(engine.admin_options())?;
        Ok(Self { engine, own, admin, client, ready, told })
    }

    /// What it opens waits until the topics are ready, so that nothing is published before.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(crate) fn admin(&self) -> AdminClient {
        self.admin.clone()
    }

    pub(crate) fn probe(&self) -> Probe {
        let told = self.told.subscribe();
        ("broker", Box::new(move || told.borrow().clone()))
    }

    /// Makes the topics ready. Fails where the broker is away, as where it refuses.
    pub(crate) async fn prepare(&self) -> Result<()> {
        topology::ensure(&self.engine, self.own.as_deref()).await?;
        self.told.send_replace(Check::ok());
        self.ready.cancel();
        Ok(())
    }

    /// Serves, and meanwhile waits for the broker and looks at it, and at the dead letters that it has. What the broker refuses ends the serving: without its
    /// promises nothing may be published, and waiting would not change them.
    pub(crate) async fn beside(
        &self,
        serving: impl Future<Output = Result<()>>,
        letters: &[DeadLetters],
        stop: &CancellationToken,
    ) -> Result<()> {
        let mut serving = pin!(serving);
        let refusal = tokio::select! {
            served = &mut serving => return served,
            refusal = self.refusal(letters) => refusal,
        };
        stop.cancel();
        serving.await?;
        Err(refusal)
    }

    /// Waits for the broker, then looks whether it is still there; ends with what it refuses, else never.
    async fn refusal(&self, letters: &[DeadLetters]) -> anyhow::Error {
        while !self.ready.is_cancelled() {
            let Err(error) = self.prepare().await else {
                info!(broker = self.engine.service, "the broker is there");
                break;
            };
            if is_final(&error) {
                return error;
            }
            self.tell(&Check::degraded(format!("waits for the broker: {error:#}")));
            time::sleep(RETRY_DELAY).await;
        }
        loop {
            DeadLetters::measure(letters, &self.admin).await;
            time::sleep(LOOK_EVERY).await;
            self.tell(&match self.admin.health().await {
                Err(error) if !answers(&error) => {
                    Check::degraded(format!("the broker is away, or cannot write: {error}"))
                }
                Ok(()) | Err(_) => Check::ok(),
            });
        }
    }

    /// Into the log only what is news.
    fn tell(&self, check: &Check) {
        let before = self.told.send_replace(check.clone());
        if before == *check {
            debug!("still: {}", check.detail);
        } else if *check == Check::ok() {
            info!(broker = self.engine.service, "the broker is there");
        } else {
            warn!("{}", check.detail);
        }
    }
}

/// Whether a broker is there that refuses: that it does not tell us how it is, is its right.
pub(crate) fn answers(error: &AdminError) -> bool {
    error.status().is_some_and(|status| status.is_client_error())
}

/// What no waiting changes: it is not allowed, or not possible, or the address is none. Other answers are those
/// of a broker that is still starting.
fn is_final(error: &anyhow::Error) -> bool {
    let refused = match error.downcast_ref::<TopologyError>() {
        Some(TopologyError::Admin { why, .. }) => Some(why),
        _ => error.downcast_ref::<AdminError>(),
    };
    let Some(error) = refused else { return true };
    error.status().map_or(!error.is_transient(), |status| matches!(status.as_u16(), 401 | 403 | 409))
}
