//! Whom rights know by name: superusers, proxies, and on whose behalf somebody calls.

use std::collections::BTreeSet;

/// Why a role may not speak for another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    #[error("a proxy must say for whom it speaks: original_principal is missing")]
    Missing,
    #[error("a proxy cannot speak for a proxy")]
    OfProxy,
    #[error("role {role:?} is no proxy, and cannot speak for another: leave original_principal out")]
    NoProxy { role: String },
}

/// The roles that are more than others: which may do everything, and which speak for others.
#[derive(Clone, Debug, Default)]
pub struct Authorization {
    superusers: BTreeSet<String>,
    proxies: BTreeSet<String>,
}

/// Who calls: by its own word, or by that of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    role: String,
    original: Option<String>,
}

impl Caller {
    /// All of these must have a right for the caller to have it: a proxy does nothing for others that it may not
    /// do itself, and others get nothing through it that is not theirs.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.role).chain(self.original.as_deref())
    }
}

impl Authorization {
    pub fn new(
        superusers: impl IntoIterator<Item = String>,
        proxies: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { superusers: superusers.into_iter().collect(), proxies: proxies.into_iter().collect() }
    }

    pub fn is_superuser(&self, role: &str) -> bool {
        self.superusers.contains(role)
    }

    /// Who calls with this role, and says to do so for `original`. A proxy must say that of somebody, and nobody
    /// else may, by Pulsar's rules; but over REST anybody may name itself.
    pub fn caller(
        &self,
        role: String,
        original: Option<&str>,
        may_name_itself: bool,
    ) -> Result<Caller, PrincipalError> {
        let original = original.filter(|original| !original.trim().is_empty());
        let original = match (self.proxies.contains(&role), original) {
            (true, None) => return Err(PrincipalError::Missing),
            (true, Some(original)) if self.proxies.contains(original) => return Err(PrincipalError::OfProxy),
            (true, Some(original)) => Some(original.to_owned()),
            (false, None) => None,
            (false, Some(original)) if may_name_itself && original == role => None,
            (false, Some(_)) => return Err(PrincipalError::NoProxy { role }),
        };
        Ok(Caller { role, original })
    }
}
