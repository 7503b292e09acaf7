//! What is counted of the broker as a whole, since it was opened.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use hexalpes_auth::{Identity, METHODS, Refused};
use parking_lot::Mutex;

use crate::distribution::{Durations, Summary};

/// The quantiles that Pulsar tells of publishing.
pub const PUBLISH_QUANTILES: [f64; 7] = [0.0, 0.5, 0.95, 0.99, 0.999, 0.9999, 1.0];
/// Those of looking up.
pub const LOOKUP_QUANTILES: [f64; 4] = [0.5, 0.99, 0.999, 1.0];

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Connections,
    /// From when a message was read off its socket to when it is durable.
    pub(crate) publishing: Durations,
    pub(crate) looking_up: Durations,
    lookups_refused: AtomicU64,
    /// By method, and why not if so. Both are words of ours, and few.
    proofs: Mutex<BTreeMap<(&'static str, Option<&'static str>), u64>>,
    /// By namespace, and forgotten with it.
    schemas: Mutex<BTreeMap<String, SchemaCounts>>,
}

/// What was done with schemas in a namespace.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct SchemaCounts {
    /// Schemas that were given and taken, known ones too.
    pub compatible: u64,
    pub incompatible: u64,
    pub get: OperationCounts,
    pub put: OperationCounts,
    pub delete: OperationCounts,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct OperationCounts {
    pub done: u64,
    pub failed: u64,
    /// What those took that were done, in microseconds.
    pub took: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Connections {
    opened: AtomicU64,
    closed: AtomicU64,
    let_in: AtomicU64,
    refused: AtomicU64,
}

/// What is counted of the broker as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerStats {
    pub connections_opened: u64,
    pub connections_closed: u64,
    /// Those whose CONNECT was answered well.
    pub connections_let_in: u64,
    pub connections_refused: u64,
    pub publishing: Summary<{ PUBLISH_QUANTILES.len() }>,
    pub looking_up: Summary<{ LOOKUP_QUANTILES.len() }>,
    pub lookups_refused: u64,
    pub proofs: Vec<ProofCount>,
    pub schemas: BTreeMap<String, SchemaCounts>,
}

/// How often clients proved who they are, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofCount {
    pub method: &'static str,
    /// Why not, if so.
    pub refused: Option<&'static str>,
    pub times: u64,
}

impl Counters {
    pub(crate) fn lookup(&self, took: Duration, is_answered: bool) {
        if is_answered {
            self.looking_up.add(micros(took));
        } else {
            add_one(&self.lookups_refused);
        }
    }

    /// A client said something of itself, by that method.
    pub(crate) fn proof(&self, method: Option<&str>, outcome: &Result<Identity, Refused>) {
        // Clients call methods as they like: only those that there are have a number of their own.
        let known = METHODS.iter().find(|known| Some(**known) == method);
        let key = (known.copied().unwrap_or("none"), outcome.as_ref().err().map(reason));
        *self.proofs.lock().entry(key).or_default() += 1;
    }

    pub(crate) fn schema(&self, namespace: String, count: impl FnOnce(&mut SchemaCounts)) {
        count(self.schemas.lock().entry(namespace).or_default());
    }

    pub(crate) fn forget_namespace(&self, namespace: &str) {
        self.schemas.lock().remove(namespace);
    }

    pub(crate) fn tick(&self, elapsed: Duration) {
        self.publishing.tick(elapsed);
        self.looking_up.tick(elapsed);
    }

    pub(crate) fn stats(&self) -> BrokerStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Connections { opened, closed, let_in, refused } = &self.connections;
        let proofs = self.proofs.lock();
        BrokerStats {
            // First those that end, or there would be fewer open than none.
            connections_closed: of(closed),
            connections_opened: of(opened),
            connections_let_in: of(let_in),
            connections_refused: of(refused),
            publishing: self.publishing.summary(PUBLISH_QUANTILES),
            looking_up: self.looking_up.summary(LOOKUP_QUANTILES),
            lookups_refused: of(&self.lookups_refused),
            proofs: proofs
                .iter()
                .map(|((method, refused), times)| ProofCount { method, refused: *refused, times: *times })
                .collect(),
            schemas: self.schemas.lock().clone(),
        }
    }
}

impl OperationCounts {
    /// It was begun then, and is done or has failed.
    pub(crate) fn ended(&mut self, began: Instant, is_done: bool) {
        if is_done {
            self.done += 1;
            self.took += micros(began.elapsed());
        } else {
            self.failed += 1;
        }
    }
}

impl Connections {
    pub(crate) fn opened(&self) {
        add_one(&self.opened);
    }

    pub(crate) fn closed(&self) {
        add_one(&self.closed);
    }

    /// CONNECT was answered.
    pub(crate) fn answered(&self, well: bool) {
        add_one(if well { &self.let_in } else { &self.refused });
    }
}

/// What Pulsar's providers say of it.
const fn reason(refused: &Refused) -> &'static str {
    match refused {
        Refused::Token(_) => "INVALID_TOKEN",
        Refused::Password => "INVALID_AUTH_DATA",
        Refused::Certificate => "INVALID_CERTS",
        Refused::Method { .. } | Refused::Missing { .. } | Refused::Principal(_) => "UNKNOWN",
    }
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Whole microseconds; a duration of centuries is no worry.
pub(crate) fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}
