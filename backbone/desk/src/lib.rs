//! What an operator reads and decides from outside, over the ports of the running product: messages as people read them,
//! dead letters and what becomes of them, and what followed from one request.
//!
//! The command line and the console say the same, for they say it by this. Not here: how it is printed, and where the
//! product is.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

pub mod letters;
mod newest;
mod reading;
pub mod trace;

pub use newest::{NewestError, newest};
pub use reading::{Read, ReadError, Reading};

use hexalpes_client::admin::AdminError;

/// What a broker has; none where it says that there is no such thing.
pub fn found<T>(answered: Result<T, AdminError>) -> Result<Option<T>, AdminError> {
    match answered {
        Err(error) if error.status().is_some_and(|status| status.as_u16() == 404) => Ok(None),
        answered => answered.map(Some),
    }
}
