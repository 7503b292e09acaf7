//! The real Pulsar of a test run, for one product at a time.

use hexalpes_engines::{PulsarUrls, pulsar};
use tokio::sync::{Mutex, MutexGuard};

static IN_USE: Mutex<()> = Mutex::const_new(());

/// Nobody else's until it is dropped, which is after the product.
#[derive(Debug)]
pub struct RealPulsar {
    pub urls: PulsarUrls,
    _others_wait: MutexGuard<'static, ()>,
}

/// Where it is, if there is one, once no other test has a product on it: two of them would take each other's events, for
/// they have the same subscriptions.
pub async fn real_pulsar() -> Option<RealPulsar> {
    let urls = pulsar()?;
    Some(RealPulsar { urls, _others_wait: IN_USE.lock().await })
}
