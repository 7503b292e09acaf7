//! What a client says of itself, and who it is then.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Identity, Passwords, PrincipalError, TokenError, TokenKey};

/// The methods, under the names that Pulsar's clients give them.
const TOKEN: &str = "token";
const BASIC: &str = "basic";
const TLS: &str = "tls";

/// All of them.
pub const METHODS: [&str; 3] = [TOKEN, BASIC, TLS];

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("user and password do not belong together, or there is no such user")]
    Password,
    #[error("no certificate was shown, or it names nobody: one of a trusted authority with a common name")]
    Certificate,
    #[error("authentication by {method:?} is not supported, only by {supported}")]
    Method { method: String, supported: String },
    #[error("authentication is required: connect with a {supported}")]
    Missing { supported: String },
    #[error(transparent)]
    Principal(#[from] PrincipalError),
}

/// How clients prove who they are; each way is open if its part is there.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// By tokens that this key checks.
    pub token: Option<TokenKey>,
    /// By user and password; the user is the role.
    pub passwords: Option<Passwords>,
    /// By a certificate of their own; its common name is the role.
    pub by_certificate: bool,
    /// The role of who shows nothing; none if nobody is let in without.
    pub anonymous_role: Option<String>,
}

impl Authentication {
    /// By tokens alone. Who shows none has the anonymous role, if there is one.
    pub fn by_token(key: TokenKey, anonymous_role: Option<String>) -> Self {
        Self { token: Some(key), anonymous_role, ..Self::default() }
    }

    /// Who says this of itself, as in CONNECT: the method's name, and what it takes. `common_name` is that of its
    /// certificate, if one was shown and found to be good. It is `now` since 1970.
    pub fn authenticate(
        &self,
        method: Option<&str>,
        data: &[u8],
        common_name: Option<&str>,
        now: Duration,
    ) -> Result<Identity, Refused> {
        match (method, &self.token, &self.passwords) {
            (Some(TOKEN), Some(key), _) => {
                let token = str::from_utf8(data).map_err(|_| TokenError::Malformed)?;
                Ok(key.verify(token.trim(), now)?)
            }
            (Some(BASIC), _, Some(passwords)) => {
                let both = str::from_utf8(data).ok().and_then(|both| both.split_once(':'));
                let (user, password) = both.ok_or(Refused::Password)?;
                if passwords.verifies(user, password) { Ok(lasting(user)) } else { Err(Refused::Password) }
            }
            (Some(TLS), ..) if self.by_certificate => common_name.map(lasting).ok_or(Refused::Certificate),
            // As with Pulsar, a method that nobody provides is none.
            (method, ..) => match (&self.anonymous_role, method) {
                (Some(role), _) => Ok(lasting(role)),
                (None, None | Some("" | "none")) => Err(Refused::Missing { supported: self.supported() }),
                (None, Some(method)) => {
                    Err(Refused::Method { method: method.to_owned(), supported: self.supported() })
                }
            },
        }
    }

    /// By which method somebody says who it is in a header `Authorization`, or beside it; none if by none that there is.
    pub fn method(authorization: Option<&str>, common_name: Option<&str>) -> Option<&'static str> {
        let Some(value) = authorization else { return common_name.map(|_| TLS) };
        let scheme = value.split_once(' ').map_or(value, |(scheme, _)| scheme);
        let ways = [("bearer", TOKEN), (BASIC, BASIC)];
        ways.iter().find(|(way, _)| scheme.eq_ignore_ascii_case(way)).map(|(_, method)| *method)
    }

    /// Who says this of itself in a header `Authorization`; without one, the certificate counts.
    pub fn authenticate_header(
        &self,
        authorization: Option<&str>,
        common_name: Option<&str>,
        now: Duration,
    ) -> Result<Identity, Refused> {
        let Some(value) = authorization else {
            let by_certificate = Some(TLS).filter(|_| self.by_certificate && common_name.is_some());
            return self.authenticate(by_certificate, &[], common_name, now);
        };
        let (scheme, said) = value.split_once(' ').unwrap_or((value, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            self.authenticate(Some(TOKEN), said.as_bytes(), None, now)
        } else if scheme.eq_ignore_ascii_case(BASIC) {
            let both = STANDARD.decode(said.trim()).unwrap_or_default();
            self.authenticate(Some(BASIC), &both, None, now)
        } else {
            self.authenticate(Some(scheme), &[], None, now)
        }
    }

    /// The ways that are open, for people to read.
    fn supported(&self) -> String {
        let ways = [
            (self.token.is_some(), TOKEN),
            (self.passwords.is_some(), "password (basic)"),
            (self.by_certificate, "certificate (tls)"),
        ];
        ways.iter().filter(|(is_open, _)| *is_open).map(|(_, way)| *way).collect::<Vec<_>>().join(", ")
    }
}

/// It does not end.
fn lasting(role: &str) -> Identity {
    Identity { role: role.to_owned(), ends: None }
}
