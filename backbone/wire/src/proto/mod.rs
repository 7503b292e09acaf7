//! The messages of protocol version 21, hand-written for prost, split by what they are about.
//!
//! The protocol is proto2: a required field is plain here, an optional one an `Option` whose accessor
//! (`partition()` for `partition`) answers the protocol's default. prost does not notice a required
//! field that is missing; it reads as its type's zero. Repeated numbers are not packed.
//!
//! [`Command`] is what both ends work with. How it is wrapped on the wire is in [`command`].

pub mod answers;
pub mod command;
mod connection;
mod consume;
mod consumer_control;
mod lookup;
mod metadata;
mod produce;
mod schema;
mod shared;
mod topics;
mod transactions;

pub use prost::DecodeError;

pub use command::{BaseCommand, Command, CommandType};
pub use connection::*;
pub use consume::*;
pub use consumer_control::*;
pub use lookup::*;
pub use metadata::*;
pub use produce::*;
pub use schema::*;
pub use shared::*;
pub use topics::*;
pub use transactions::*;
