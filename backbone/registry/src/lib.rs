//! Which schemas a topic has, and which may follow which.
//!
//! A topic's schemas are a [`History`]: versions counted from 0, of which each new one must be compatible with the
//! newest, or with all, as a [`Strategy`] says. An equal schema is the version that there is. A refusal names the
//! field and the reason.
//!
//! Pure: no IO, no async, no clock. Not here: who may register, where versions are kept, and how messages are
//! encoded, which only clients do.

mod avro;
mod compatibility;
mod definition;
mod history;
mod key_value;
mod strategy;

pub use avro::Mismatch;
pub use compatibility::Incompatible;
pub use definition::{Definition, InvalidDefinition, kind_name, parse_kind};
pub use history::{History, Judged, RegisterError, Version};
pub use key_value::KeyValue;
pub use strategy::{Strategy, UnknownStrategy};
