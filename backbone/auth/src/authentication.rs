//! What a client says of itself, and who it is then.

use std::{fmt, sync::Arc, time::Duration};

use crate::{Identity, TokenError, TokenKey};

/// Says how long it is since 1970.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The one method there is, under the name that Pulsar's clients give it.
const TOKEN: &str = "token";

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("authentication by {method:?} is not supported, only by token")]
    Method { method: String },
    #[error("authentication is required: connect with a token")]
    Missing,
}

/// How clients prove who they are.
#[derive(Clone)]
pub struct Authentication {
    key: TokenKey,
    anonymous_role: Option<String>,
    clock: Clock,
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Authentication");
        shown.field("key", &self.key).field("anonymous_role", &self.anonymous_role).finish_non_exhaustive()
    }
}

impl Authentication {
    /// By tokens that this key checks. Who shows none has the anonymous role, if there is one.
    pub fn by_token(key: TokenKey, anonymous_role: Option<String>, clock: Clock) -> Self {
        Self { key, anonymous_role, clock }
    }

    /// Who says this of itself, as in CONNECT: the method's name, and what it takes.
    pub fn authenticate(&self, method: Option<&str>, data: &[u8]) -> Result<Identity, Refused> {
        match method {
            Some(TOKEN) => {
                let token = str::from_utf8(data).map_err(|_| TokenError::Malformed)?;
                Ok(self.key.verify(token.trim(), (self.clock)())?)
            }
            // As with Pulsar, a method that nobody provides is none.
            method => match (&self.anonymous_role, method) {
                (Some(role), _) => Ok(Identity { role: role.clone(), ends: None }),
                (None, None | Some("" | "none")) => Err(Refused::Missing),
                (None, Some(method)) => Err(Refused::Method { method: method.to_owned() }),
            },
        }
    }

    /// Who says this of itself in a header `Authorization`.
    pub fn authenticate_header(&self, authorization: Option<&str>) -> Result<Identity, Refused> {
        let bearer = authorization.map(|value| value.split_once(' ').unwrap_or((value, "")));
        match bearer {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.authenticate(Some(TOKEN), token.as_bytes())
            }
            Some((scheme, _)) => self.authenticate(Some(scheme), &[]),
            None => self.authenticate(None, &[]),
        }
    }

    /// How long somebody stays who that is; none: for ever.
    pub fn remaining(&self, identity: &Identity) -> Option<Duration> {
        identity.ends.map(|ends| ends.saturating_sub((self.clock)()))
    }
}
