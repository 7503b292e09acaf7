//! `hexalpes demo ready`: whether all four APIs are there and well.

use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::{self, Instant};

use super::super::{
    apis::{Api, Apis},
    output::line,
};
use crate::settings::Settings;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn run(settings: &Settings, wait: Duration) -> Result<()> {
    let (apis, begun) = (Apis::of(settings)?, Instant::now());
    loop {
        match well(&apis).await {
            Ok(()) => return line("ready: every API is well"),
            Err(why) if begun.elapsed() >= wait => return Err(why),
            Err(_) => time::sleep(LOOK_EVERY).await,
        }
    }
}

async fn well(apis: &Apis) -> Result<()> {
    for api in Api::ALL {
        let health = apis.get(api, "/health").await?;
        if health.status != 200 || health.body["status"] != "ok" {
            return Err(anyhow!("{} is not well: {}", apis.address(api), health.body));
        }
    }
    Ok(())
}
