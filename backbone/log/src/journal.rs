//! The journal: what was acknowledged and is not in the segments yet, for all topics together.
//!
//! It is a sequence of groups, each written and synced at once, that runs through files of bounded size.
//! An *offset* counts the bytes of that sequence from the day the folder was made; file headers are not
//! counted. Files behind the last checkpoint are used again.

pub(crate) mod file;
pub(crate) mod group;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod recovery;
pub(crate) mod writer;
