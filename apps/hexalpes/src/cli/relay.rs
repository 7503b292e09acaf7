//! `hexalpes relay status` and `hexalpes relay once`.

use anyhow::{Result, bail};
use clap::Subcommand;
use hexalpes_client::Client;
use tokio::time::{self, Instant};

use super::{
    apis::{Api, Apis, LOOK_EVERY, PATIENCE, pending},
    ask,
    output::{Output, line},
};
use crate::{
    services::{self, LoneRelay, Service},
    settings::Settings,
};

#[derive(Subcommand)]
pub(super) enum Relay {
    /// Whether it runs, what it has carried, what is left
    Status {
        #[command(flatten)]
        output: Output,
    },
    /// Publish what is pending in the outbox of each context, and say how many rows went from 0 to 1
    ///
    /// Where the product publishes by itself, it waits until nothing is pending; where it was started with --no-relay,
    /// it does the publishing, from the databases on this machine.
    Once,
}

impl Relay {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Status { output } => output.object(&ask::commissions(settings, "/debug/relay").await?),
            Self::Once => once(settings).await,
        }
    }
}

pub(super) async fn once(settings: &Settings) -> Result<()> {
    let apis = Apis::of(settings)?;
    let mut published = 0;
    for (service, api) in Service::CONTEXTS.into_iter().zip(Api::CONTEXTS) {
        let name = service.name();
        let found = pending(&apis, api).await?;
        let relay = apis.get(api, &format!("{}/debug/relay", api.desk())).await?.expect(&[200])?;
        let who = if relay["running"] == true { "its relay" } else { "this command" };
        if found > 0 {
            if relay["running"] == true {
                until_published(&apis, api, None).await?;
            } else {
                carry(settings, service, &apis, api, ask::broker(settings).await?).await?;
            }
        }
        match found {
            0 => line(&format!("{name}: nothing is pending"))?,
            rows => line(&format!("{name}: {rows} rows went from published 0 to 1, carried by {who}"))?,
        }
        published += found;
    }
    line(&format!("published {published}, pending 0"))
}

/// Publishes in the place of a relay that does not run.
async fn carry(settings: &Settings, service: Service, apis: &Apis, api: Api, client: Client) -> Result<()> {
    let relay = services::relay_alone(settings, service, client).await?;
    let published = until_published(apis, api, Some(&relay)).await;
    relay.stop().await;
    published
}

/// Waits until no row is pending, as long as some go out.
async fn until_published(apis: &Apis, api: Api, ours: Option<&LoneRelay>) -> Result<()> {
    let (mut left, mut since) = (usize::MAX, Instant::now());
    loop {
        let rows = pending(apis, api).await?;
        if rows == 0 {
            return Ok(());
        }
        if rows < left {
            (left, since) = (rows, Instant::now());
        }
        let alarm = if let Some(relay) = ours {
            relay.alarm()
        } else {
            let relay = apis.get(api, &format!("{}/debug/relay", api.desk())).await?.expect(&[200])?;
            relay["alarm"].as_str().map(str::to_owned)
        };
        if since.elapsed() > PATIENCE {
            let why = alarm.unwrap_or_else(|| "is the broker there?".to_owned());
            bail!("{rows} rows stay pending, and none went out for {PATIENCE:?}: {why}");
        }
        time::sleep(LOOK_EVERY).await;
    }
}
