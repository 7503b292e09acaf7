//! What can be chosen when a broker is opened, and the limits it keeps.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hexalpes_auth::{Authentication, Authorization};
use hexalpes_files::{Files, RealFiles};
use hexalpes_log::Options;
use hexalpes_wire::DEFAULT_MAX_MESSAGE_BYTES;
use serde_json::{Map, Value};

use crate::clock::Clock;

/// So many sends of one connection may wait for their receipts; beyond it, nothing more is read from it.
pub(crate) const PENDING_SENDS_MAX: usize = 1000;
/// So much may wait to be written to one connection before nothing more is read from it, and no more messages are
/// delivered to it. What one read of the log found is delivered whole.
pub(crate) const OUTBOX_BYTES_MAX: usize = 8 << 20;
/// Messages are delivered again when less than this waits. Below the limit for reading, so that a peer is heard
/// between two rounds of messages.
pub(crate) const OUTBOX_BYTES_LOW: usize = OUTBOX_BYTES_MAX / 2;
/// How much is read from the log at once for one subscription.
pub(crate) const DISPATCH_BYTES: usize = 1 << 20;
/// So often in a row is read from the log for one subscription, before its connection looks at its socket again.
pub(crate) const DISPATCH_READS_MAX: u32 = 8;
/// A start reads no more entries of a topic than these, and what came in within [`CURSOR_FLUSH`].
pub(crate) const SNAPSHOT_ENTRIES: u64 = 1000;
/// How often cursors are written down.
pub(crate) const CURSOR_FLUSH: Duration = Duration::from_secs(1);

/// Over how long rates are taken.
pub(crate) const RATES_OVER: Duration = Duration::from_secs(10);

/// What a broker is opened with.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The folder that holds the log and the metadata.
    pub data: PathBuf,
    /// Where the log and the metadata lie.
    pub files: Arc<dyn Files>,
    /// Sizes and limits of the log, and when an entry counts as stored. A segment of a topic is what goes at once when
    /// it is not kept any more.
    pub log: Options,
    /// Headers and body of one entry, in bytes.
    pub max_message_bytes: usize,
    /// What a lookup answers: `pulsar://host:port`; none if nobody serves plainly.
    pub service_url: Option<String>,
    /// The same for clients that speak TLS: `pulsar+ssl://host:port`; none if nobody serves them.
    pub service_url_tls: Option<String>,
    /// How often a peer is asked whether it is there. One that has said nothing for twice as long, or has taken
    /// nothing of what waits for it, is gone.
    pub keep_alive: Duration,
    /// How often it is looked what is not to be kept any more, and what has expired or is over its quota.
    pub trim_every: Duration,
    /// A producer that was away so long is forgotten with its sequence ids, as Pulsar's
    /// `brokerDeduplicationProducerInactivityTimeoutMinutes` says.
    pub producer_absent_max: Duration,
    /// Whether a topic is deleted that nobody has used for as long as its policies say.
    pub delete_inactive_topics: bool,
    /// Whether backlog quotas count.
    pub checks_quotas: bool,
    pub clock: Clock,
    /// How clients prove who they are; none if nobody asks them.
    pub authentication: Option<Arc<Authentication>>,
    /// Which roles may do everything, and which speak for others; what is granted counts for the rest. None if
    /// whoever is let in may do everything.
    pub authorization: Option<Authorization>,
    /// What holds for a namespace that says nothing of its own: policies under their names, as a namespace has them.
    pub defaults: Map<String, Value>,
    /// Whether a new folder begins with the namespace `public/default`.
    pub makes_public: bool,
}

impl BrokerOptions {
    /// Real files, synced; Pulsar's message limit and keep-alive; the machine's clock.
    pub fn new(data: impl Into<PathBuf>, service_url: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            files: Arc::new(RealFiles),
            log: Options::default(),
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
            service_url: Some(service_url.into()),
            service_url_tls: None,
            keep_alive: Duration::from_secs(30),
            trim_every: Duration::from_mins(1),
            producer_absent_max: Duration::from_hours(6),
            delete_inactive_topics: true,
            checks_quotas: true,
            clock: Clock::system(),
            authentication: None,
            authorization: None,
            defaults: Map::new(),
            makes_public: true,
        }
    }

    /// The policies that are in force where a namespace says these.
    pub(crate) fn in_force(&self, said: Option<&Value>) -> Value {
        let mut all = self.defaults.clone();
        // Pulsar's word for nothing.
        let says = |value: &&Value| !value.is_null() && *value != "UNDEFINED";
        let said = said.and_then(Value::as_object).into_iter().flatten();
        all.extend(said.filter(|(_, value)| says(value)).map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(all)
    }
}
