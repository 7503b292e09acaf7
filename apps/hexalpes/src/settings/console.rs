//! The admin UI: where it listens, and which services it shows where it runs alone.

use anyhow::{Result, ensure};

use super::{Given, Key, Origin, Settings};
use crate::services::Service;

/// What seed 1 calls the container with it, and what we do.
const NAMES: [&str; 2] = ["console", "pulsar-manager"];

impl Settings {
    /// Whether `SERVICE_NAME` says that the console is to run alone.
    pub(crate) fn names_console(&self) -> bool {
        self.given(Key::ServiceName).is_some_and(|name| NAMES.contains(&name))
    }

    /// Where it listens; none where it is to be off. `SERVICE_PORT` is for one that runs alone.
    pub(crate) fn console_port(&self, alone: bool) -> Result<Option<u16>> {
        match self.optional_port(Key::ServicePort)? {
            Some(port) if alone && *self.origin(Key::ConsolePort) == Origin::BuiltIn => Ok(Some(port)),
            _ => self.optional_port(Key::ConsolePort),
        }
    }

    /// The services that were named, with their addresses; all of this machine if none were.
    pub(crate) fn console_services(&self) -> Result<Vec<(Service, String)>> {
        let Some(Given { value, origin }) = self.given.get(&Key::ConsoleServices) else {
            let here = |service: Service| {
                Ok((service, format!("http://127.0.0.1:{}", self.service_port(service, false)?)))
            };
            return Service::ALL.into_iter().map(here).collect();
        };
        let mut named = Vec::new();
        for entry in value.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let parts =
                entry.split_once('=').map(|(name, url)| (name.trim(), url.trim().trim_end_matches('/')));
            let found = parts.and_then(|(name, url)| {
                let service = Service::ALL.into_iter().find(|service| service.name() == name)?;
                let is_url =
                    url.starts_with("http://") && url::Url::parse(url).is_ok_and(|url| url.path() == "/");
                is_url.then(|| (service, url.to_owned()))
            });
            ensure!(
                found.is_some(),
                "console_services ({origin}) has {entry:?}: write NAME=http://HOST:PORT, where NAME is one of {}",
                Service::ALL.map(Service::name).join(", ")
            );
            named.extend(found);
        }
        Ok(named)
    }
}
