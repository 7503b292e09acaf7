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

/// Whose token it is, if it can still be used: a place among the signatories.
pub(super) fn holder(signatories: &[Signatory], token_hash: &str) -> Result<usize, SignError> {
    let index = signatories.iter().position(|one| one.token_hash() == Some(token_hash));
    // Whoever has no token learns nothing of the contract but what everybody may read.
    let index = index.ok_or(SignError::UnknownToken)?;
    match &signatories[index].signing {
        Signing::Signed { at, .. } => Err(SignError::Used { at: *at }),
        Signing::NotAsked => Err(SignError::UnknownToken),
        Signing::Asked { .. } => Ok(index),
    }
}

/// Signs for one of them, in their order; tells position and name. `seen` is the digest of what was seen, if that was
/// said, and `sent` that of what was sent.
pub(super) fn sign(
    signatories: &mut [Signatory],
    index: usize,
    signed_as: Option<String>,
    (seen, sent): (Option<&str>, &str),
    at: Timestamp,
) -> Result<(u32, String), SignError> {
    let signatory = &signatories[index];
    let Signing::Asked { token_hash, until } = &signatory.signing else {
        return Err(SignError::UnknownToken);
    };
    if *until <= at {
        return Err(SignError::Expired { at: *until });
    }
    let is_before = |one: &&Signatory| !one.is_signed() && one.position < signatory.position;
    if let Some(first) = signatories.iter().find(is_before) {
        return Err(SignError::NotYourTurn { position: first.position, name: first.name.clone() });
    }
    if seen.is_some_and(|seen| seen != sent) {
        return Err(SignError::OtherDocument { hash: sent.to_owned() });
    }
    let (token_hash, position) = (token_hash.clone(), signatory.position);
    let signed_as = signed_as.unwrap_or_else(|| signatory.name.clone());
    signatories[index].signing = Signing::Signed { token_hash, at, signed_as: signed_as.clone() };
    Ok((position, signed_as))
}

/// Gives one who has still to sign another token; tells whether there is one at that position.
pub(super) fn ask_again(
    signatories: &mut [Signatory],
    position: u32,
    token_hash: String,
    at: Timestamp,
) -> bool {
    let mut waiting = signatories.iter_mut().filter(|one| !one.is_signed());
    let Some(signatory) = waiting.find(|one| one.position == position) else { return false };
    signatory.signing = Signing::Asked { token_hash, until: at.after(TOKEN_LIFETIME) };
    true
}

/// Asks all of them to sign; `token_hashes` are in their order.
pub(super) fn ask(signatories: &mut [Signatory], token_hashes: Vec<String>, at: Timestamp) {
    for (signatory, token_hash) in signatories.iter_mut().zip(token_hashes) {
        signatory.signing = Signing::Asked { token_hash, until: at.after(TOKEN_LIFETIME) };
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
