//! How a client reaches its broker.

use std::fmt;
use std::time::Duration;

/// Everything a [`Client`](crate::Client) is told.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// `pulsar://host:port` or `pulsar+ssl://host:port`; more hosts after commas are tried in turn.
    pub service_url: String,
    pub token: Option<Token>,
    /// Counts for `pulsar+ssl` only.
    pub tls: TlsOptions,
    /// How long a request waits for its answer, and opening a producer or consumer for success.
    pub operation_timeout: Duration,
    /// How long a connection may take, handshakes included.
    pub connect_timeout: Duration,
    /// After that long without a byte a PING is sent; after as long again the connection is lost.
    pub keep_alive: Duration,
    /// How often producers and consumers look whether their topic has more partitions, or others match.
    pub discovery_interval: Duration,
    pub backoff: Backoff,
}

impl ClientOptions {
    pub fn new(service_url: impl Into<String>) -> Self {
        Self {
            service_url: service_url.into(),
            token: None,
            tls: TlsOptions::default(),
            operation_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
            discovery_interval: Duration::from_mins(1),
            backoff: Backoff::default(),
        }
    }
}

/// A secret that proves who the client is. It does not show in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whom to trust.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// Certificates in PEM form. Without any, the roots that browsers trust.
    pub roots_pem: Option<Vec<u8>>,
}

/// How long to wait between attempts to reconnect: doubling, without end, and each up to twice as long by chance.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub delay_min: Duration,
    pub delay_max: Duration,
}

impl Default for Backoff {
    /// However long a broker was away, it is found within a second of its return.
    fn default() -> Self {
        Self { delay_min: Duration::from_millis(50), delay_max: Duration::from_millis(500) }
    }
}

impl Backoff {
    pub(crate) fn delays(self) -> impl Iterator<Item = Duration> + Send {
        use backon::BackoffBuilder;
        backon::ExponentialBuilder::default()
            .with_min_delay(self.delay_min)
            .with_max_delay(self.delay_max)
            .with_jitter()
            .without_max_times()
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else all that lost one broker would come back to it together, again and again.
    #[test]
    fn no_two_wait_alike() {
        let delays = || Backoff::default().delays().take(8).collect::<Vec<_>>();
        assert_ne!(delays(), delays());
    }

    #[test]
    fn who_was_away_for_long_is_found_soon() {
        let longest = Backoff::default().delays().take(1_000).max();
        assert!(longest <= Some(Duration::from_secs(1)), "{longest:?}");
    }
}
