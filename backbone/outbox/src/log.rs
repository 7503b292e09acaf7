//! What a relay reads where the order of the commits is in the database's log, and not in the table.
//!
//! A row's ordinal is its number in the order of the log, counted from a [`Place`](place::Place) that is kept in the
//! database: reading on from there gives the same rows the same ordinals again, however often.

pub(crate) mod decode;
pub(crate) mod feed;
pub(crate) mod given;
pub(crate) mod marks;
pub(crate) mod place;
pub(crate) mod runs;
pub(crate) mod servers;
pub(crate) mod snapshot;
pub(crate) mod source;
