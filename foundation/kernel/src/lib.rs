//! Money, ids, time and the event envelope: values that every part of the product shares.
//!
//! Not here: IO, async, and anything that decides. Clock and randomness are the traits [`Clock`] and [`Ids`];
//! only the edge of a program asks for the system's.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

mod amount;
mod cause;
mod currency;
mod edge;
mod email;
mod event;
mod id;
mod money;
mod rate;
mod timestamp;

pub use amount::{Amount, AmountError};
pub use cause::{Actor, CausationId, Cause, CorrelationId};
pub use currency::{Currency, CurrencyError};
pub use edge::{Clock, Edge, FixedEdge, Ids, SystemEdge};
pub use email::{Email, EmailError};
pub use event::{CloudEvent, CloudEventError};
pub use id::{IdError, parse_opaque};
pub use money::{Money, MoneyError};
pub use rate::{Rate, RateError, half_even};
pub use timestamp::{Timestamp, TimestampError};

#[doc(hidden)]
pub use uuid::Uuid;
