//! Integration events: the contracts between contexts.
//!
//! One module per context that speaks. What is here is wire shape alone: fields are spelled as the events of
//! the seeds are (`snake_case`), amounts are JSON numbers written from exact decimals, each beside its
//! `*_minor` and a `currency`. The Avro twin of each struct is `schemas/{context}/{Event}.v{n}.avsc`.

pub mod affiliates;
pub mod commissions;
pub mod conversions;
