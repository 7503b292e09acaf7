//! `hexalpes migrate`: the databases up to date before anything is started.

use anyhow::Result;
use hexalpes_sources::SourcesPlace;

use super::output::line;
use crate::{
    claims::{Claims, Part},
    services::{self, Service},
    settings::Settings,
};

pub(super) async fn run(settings: &Settings) -> Result<()> {
    services::databases(settings, &Service::ALL)?;
    let _claims = Claims::take(&settings.data(), Service::ALL.map(Part::Of))?;
    for service in Service::ALL {
        let place = services::migrate(settings, service).await?;
        line(&format!("{}: {place} is up to date", service.name()))?;
    }
    // In files they are of who runs them, and made when there are some.
    if let place @ SourcesPlace::Server(url) = &settings.sources()? {
        place.migrate().await?;
        line(&format!("sources: {url} has their list, up to date"))?;
    }
    Ok(())
}
