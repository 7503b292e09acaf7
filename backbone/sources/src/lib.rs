//! Outboxes that others write: tables of another program, read from their database's log and published as our own are.
//!
//! [`SourceConfig`] is what Pulsar's `sources create` and Debezium's connectors are told, read and checked. A
//! [`Mapping`] says which columns of a table make an event, and [`change`] is what Debezium would write of a row.
//!
//! An outbox is append-only: rows that are changed or deleted are no events.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod config;
mod deeds;
mod envelope;
mod key;
mod log;
mod mapping;
mod place;
mod reader;
mod rest;
mod shape;
mod sources;
mod store;
mod temporal;
mod value;

pub use config::{BinaryMode, ConfigError, Connector, DecimalMode, Modes, SourceConfig, TimeMode, TlsMode};
pub use deeds::SourceDeed;
pub use envelope::change;
pub use mapping::{Column, Mapped, Mapping, RowError};
pub use place::SourcesPlace;
pub use rest::{Door, routes};
pub use sources::{By, OfParked, SourceStatus, Sources, SourcesError, SourcesOptions};
pub use value::text;
