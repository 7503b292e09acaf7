//! `/health`: what each part that works in the background says of itself.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use hexalpes_http::{Check, Health};

/// Asks one part.
pub(crate) type Probe = (&'static str, Box<dyn Fn() -> Check + Send + Sync>);

pub(crate) fn health(service: &'static str, probes: Vec<Probe>) -> Health {
    Health::new(service, env!("CARGO_PKG_VERSION"), move || {
        let checks: BTreeMap<_, _> = probes.iter().map(|(name, probe)| (*name, probe())).collect();
        std::future::ready(checks).boxed()
    })
}

/// A part with an alarm is down, or does its work with difficulty.
pub(crate) fn check(is_running: bool, alarm: Option<String>) -> Check {
    match alarm {
        Some(alarm) if is_running => Check::degraded(alarm),
        Some(alarm) => Check::down(alarm),
        None => Check::ok(),
    }
}
