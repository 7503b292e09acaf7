//! What a broker is to have, from a file: tenants, namespaces and their policies, topics with partitions, schemas and
//! subscriptions; and the rules by which rows of outboxes go to topics of their own.
//!
//! [`Topology`] is the file, read and checked. [`Plan`] is how the broker differs from it; applied, it differs no more.
//! All of it goes over Pulsar's Admin REST, so it is the same on the backbone and on a cluster.
//!
//! Nothing is ever deleted unless the caller asks for it with the plan in hand, and partitions are never taken away.
//! What the file does not say stays as it is.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod apply;
mod file;
mod letters;
mod names;
mod plan;
mod policies;
mod refusal;
mod routes;
mod there;

pub use apply::Applied;
pub use file::{FileError, Topology};
pub use plan::{Change, Plan, Step};
pub use refusal::TopologyError;
pub use routes::{OUTBOX_FIELDS, Route, RouteOf};
