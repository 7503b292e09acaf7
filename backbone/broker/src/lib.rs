//! Subscriptions, cursors and deduplication as state machines without IO, topics that read and append to the log for
//! them, and the driver that gives them sockets.
//!
//! A broker that speaks Pulsar's binary protocol, in one process with whoever opens it. [`Broker::open`],
//! then [`Broker::serve`] a listener; a client connects as to any Pulsar broker.
//!
//! Not here: where entries lie (`hexalpes-log`), how frames look (`hexalpes-wire`), and the REST interface,
//! which asks the [`Broker`] handle.

mod alarms;
mod broker;
mod clock;
mod clusters;
mod compaction;
mod connection;
mod counters;
mod cursor_store;
mod dedup;
mod distribution;
mod health;
mod lists;
mod managing;
mod metadata;
mod meter;
mod off_reactor;
mod open;
mod options;
mod pace;
mod partitions;
mod policy;
mod retention;
mod rights;
mod rules;
mod schemas;
mod settings;
pub mod subscription;
mod tenants;
mod topic;
mod upkeep;

pub use broker::{AdminError, Broker};
pub use clock::Clock;
pub use compaction::{CompactionStats, CompactionStatus};
pub use counters::{
    BrokerStats, LOOKUP_QUANTILES, OperationCounts, PUBLISH_QUANTILES, ProofCount, SchemaCounts,
};
pub use cursor_store::Properties;
pub use distribution::{Distribution, Summary};
pub use health::HealthError;
pub use managing::{Expired, StoredEntry, SubscriptionStart};
pub use metadata::MetadataError;
pub use open::OpenError;
pub use options::BrokerOptions;
pub use partitions::PARTITIONS_MAX;
pub use policy::Policy;
pub use rights::{Action, Forbidden, Grants, Right, Roles};
pub use schemas::SchemaError;
pub use tenants::TenantInfo;
pub use topic::{
    BacklogAnalysis, ClientStats, CompactedLedger, ConsumerStats, CursorStats, InternalStats, LedgerStats,
    PublisherStats, StorageStats, SubscriptionCounts, SubscriptionStats, TopicCounts, TopicStats,
};
