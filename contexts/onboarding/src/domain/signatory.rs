//! Who signs, in which order, and with which token. Of a token there is only its digest here.

use std::time::Duration;

use hexalpes_kernel::Timestamp;

use super::Party;

/// For so long a token is good for signing.
pub const TOKEN_LIFETIME: Duration = Duration::from_hours(14 * 24);
/// Signatories that a contract has at most.
pub const SIGNATORIES_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatory {
    /// Counts from 1: nobody signs before those with lower ones.
    pub position: u32,
    pub party: Party,
    pub name: String,
    pub email: String,
    pub signing: Signing,
}

/// How far somebody's signature is. Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// The contract was not sent.
    NotAsked,
    Asked {
        token_hash: String,
        until: Timestamp,
    },
    /// `signed_as` is the name that was given with the signature.
    Signed {
        token_hash: String,
        at: Timestamp,
        signed_as: String,
    },
}

impl Signatory {
    pub fn is_signed(&self) -> bool {
        matches!(self.signing, Signing::Signed { .. })
    }

    pub fn token_hash(&self) -> Option<&str> {
        match &self.signing {
            Signing::NotAsked => None,
            Signing::Asked { token_hash, .. } | Signing::Signed { token_hash, .. } => Some(token_hash),
        }
    }

    /// The name of the state on the wire.
    pub fn status(&self) -> &'static str {
        match self.signing {
            Signing::NotAsked => "NOT_ASKED",
            Signing::Asked { .. } => "PENDING",
            Signing::Signed { .. } => "SIGNED",
        }
    }
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Never given, or replaced by a newer one.
    #[error("it is no token of this contract")]
    UnknownToken,
    #[error("the token was used at {at}")]
    Used { at: Timestamp },
    #[error("the token expired at {at}")]
    Expired { at: Timestamp },
    #[error("{name} signs before")]
    NotYourTurn { position: u32, name: String },
    #[error("the document that was sent is {hash}")]
    OtherDocument { hash: String },
}
