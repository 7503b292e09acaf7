//! Outboxes that others write: made by seed 3's own commands, taken from what was there on, each row once.

mod beside_debezium;
mod first_snapshot;
mod lost;
mod once;
mod operated;
mod parked;
mod pulsar_admin;
mod routed;
mod seed_file;
mod shapes;
mod shared;
mod table;
