//! Who did something, when, and because of what.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{IdError, Timestamp, Uuid, parse_opaque};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn parse(raw: &str) -> Result<Self, IdError> {
                parse_opaque(raw).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Leads through everything that follows from one request: born at the first HTTP request
    /// (`X-Correlation-Id`) and carried to every event, log line and notification.
    CorrelationId
}

text_id! {
    /// The id of the event or command that caused this one.
    CausationId
}

text_id! {
    /// Who asked for it: `X-Actor`, or `anonymous` until there is authentication.
    Actor
}

impl CorrelationId {
    pub fn new(uuid: Uuid) -> Self {
        Self(format!("CORR-{uuid}"))
    }
}

impl CausationId {
    /// The id of a command that came without one.
    pub fn of_command(uuid: Uuid) -> Self {
        Self(format!("CMD-{uuid}"))
    }
}

impl Actor {
    pub fn anonymous() -> Self {
        Self("anonymous".to_owned())
    }
}

/// Made once, at the edge, and handed to every command and event that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub correlation: CorrelationId,
    pub causation: CausationId,
    pub actor: Actor,
    pub at: Timestamp,
}
