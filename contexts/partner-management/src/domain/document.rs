//! A document of a partner: what it shows, until when, and what somebody who looked at it said.
//!
//! Not here: the file itself, which lies where its reference says; its hash tells whether it is still the same.

use hexalpes_kernel::{Actor, Timestamp};

use super::{Day, DocumentId, DocumentKind, DocumentStatus};

/// SHA-256 in hexadecimal, in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256 in hexadecimal: 64 digits")]
pub struct HashError;

impl Hash {
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(HashError)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is said of a document that is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentDetails {
    pub kind: DocumentKind,
    /// Where it lies, or its number.
    pub reference: String,
    pub hash: Hash,
    pub issued_on: Option<Day>,
    /// The last day on which it is valid.
    pub expires_on: Option<Day>,
}

/// What became of it. Each state carries what is true only in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Submitted,
    Verified { at: Timestamp, by: Actor },
    Rejected { at: Timestamp, by: Actor, reason: String },
    Expired { at: Timestamp },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub id: DocumentId,
    pub details: DocumentDetails,
    pub standing: Standing,
    pub added_at: Timestamp,
    pub added_by: Actor,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("there is no document {0} of the partner")]
    NotFound(DocumentId),
    #[error("the partner has this document already, as {0}")]
    There(DocumentId),
    #[error("a partner has {0} documents at most")]
    TooMany(usize),
    #[error("it expired on {0}: add a newer one")]
    Over(Day),
    #[error("it is {0}, and that is final: add another")]
    Final(DocumentStatus),
}

impl Document {
    pub fn status(&self) -> DocumentStatus {
        match self.standing {
            Standing::Submitted => DocumentStatus::Submitted,
            Standing::Verified { .. } => DocumentStatus::Verified,
            Standing::Rejected { .. } => DocumentStatus::Rejected,
            Standing::Expired { .. } => DocumentStatus::Expired,
        }
    }

    /// When it is no longer valid.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.details.expires_on.as_ref().map(Day::ends)
    }

    /// Whether it is the same paper as another.
    pub fn is_same(&self, details: &DocumentDetails) -> bool {
        (self.details.kind, &self.details.hash) == (details.kind, &details.hash)
    }

    /// Verifying again is no news (`false`).
    pub(super) fn verify(&mut self, by: &Actor, at: Timestamp) -> Result<bool, DocumentError> {
        match self.standing {
            Standing::Verified { .. } => return Ok(false),
            Standing::Submitted => {}
            Standing::Rejected { .. } | Standing::Expired { .. } => {
                return Err(DocumentError::Final(self.status()));
            }
        }
        if let Some(day) = &self.details.expires_on
            && day.ends() <= at
        {
            return Err(DocumentError::Over(day.clone()));
        }
        self.standing = Standing::Verified { at, by: by.clone() };
        Ok(true)
    }

    /// Also one that was verified: somebody found out. Rejecting again is no news (`false`).
    pub(super) fn reject(&mut self, reason: &str, by: &Actor, at: Timestamp) -> Result<bool, DocumentError> {
        match self.standing {
            Standing::Rejected { .. } => return Ok(false),
            Standing::Expired { .. } => return Err(DocumentError::Final(self.status())),
            Standing::Submitted | Standing::Verified { .. } => {}
        }
        self.standing = Standing::Rejected { at, by: by.clone(), reason: reason.to_owned() };
        Ok(true)
    }

    /// Ends what was verified and is no longer valid; tells whether it did.
    pub(super) fn expire(&mut self, at: Timestamp) -> bool {
        let is_over = self.valid_until().is_some_and(|until| until <= at);
        let ends = is_over && matches!(self.standing, Standing::Verified { .. });
        if ends {
            self.standing = Standing::Expired { at };
        }
        ends
    }
}
