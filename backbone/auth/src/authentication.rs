//! What a client says of itself, and who it is then.

use std::time::Duration;

use crate::{Identity, PrincipalError, TokenError, TokenKey};

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
    #[error(transparent)]
    Principal(#[from] PrincipalError),
}

/// How clients prove who they are.
#[derive(Clone, Debug)]
pub struct Authentication {
    key: TokenKey,
    anonymous_role: Option<String>,
}

impl Authentication {
    /// By tokens that this key checks. Who shows none has the anonymous role, if there is one.
    pub fn by_token(key: TokenKey, anonymous_role: Option<String>) -> Self {
        Self { key, anonymous_role }
    }

    /// Who says this of itself, as in CONNECT: the method's name, and what it takes. It is `now` since 1970.
    pub fn authenticate(
        &self,
        method: Option<&str>,
        data: &[u8],
        now: Duration,
    ) -> Result<Identity, Refused> {
        match method {
            Some(TOKEN) => {
                let token = str::from_utf8(data).map_err(|_| TokenError::Malformed)?;
                Ok(self.key.verify(token.trim(), now)?)
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
    pub fn authenticate_header(
        &self,
        authorization: Option<&str>,
        now: Duration,
    ) -> Result<Identity, Refused> {
        let bearer = authorization.map(|value| value.split_once(' ').unwrap_or((value, "")));
        match bearer {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.authenticate(Some(TOKEN), token.as_bytes(), now)
            }
            Some((scheme, _)) => self.authenticate(Some(scheme), &[], now),
            None => self.authenticate(None, &[], now),
        }
    }
}
