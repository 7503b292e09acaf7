//! JSON Web Tokens (RFC 7519, in the compact form of RFC 7515): three parts in base64, with dots between.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{SecretKey, TokenKey};

/// Who a client is, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub role: String,
    /// Since 1970; none if it does not end.
    pub ends: Option<Duration>,
}

/// What a token says, of that which counts here. Times are in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<f64>,
}

/// Why a token proves nothing. None of it tells anything of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("it is no JSON Web Token")]
    Malformed,
    #[error("the token's signature is not that of the broker's key")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    Early,
    #[error("the token has no subject")]
    NoSubject,
}

impl Claims {
    /// The token that says so.
    pub fn sign(&self, key: &SecretKey) -> String {
        let claims = serde_json::to_vec(self).expect("texts and numbers become JSON");
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

impl TokenKey {
    /// Who the bearer of a token is at this time (since 1970).
    pub fn verify(&self, token: &str, now: Duration) -> Result<Identity, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Value = part(header)?;
        let algorithm = header["alg"].as_str().ok_or(TokenError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        if !self.verifies(algorithm, signed.as_bytes(), &signature) {
            return Err(TokenError::Signature);
        }
        // What nobody could show, nobody is let in by: a claim that does not count may be a number that is none.
        part::<Value>(claims)?;
        let claims: Claims = part(claims)?;
        let ends = claims.exp.map(since_1970);
        if ends.is_some_and(|ends| ends <= now) {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|begins| since_1970(begins) > now) {
            return Err(TokenError::Early);
        }
        let role = claims.sub.filter(|role| !role.is_empty()).ok_or(TokenError::NoSubject)?;
        Ok(Identity { role, ends })
    }
}

/// Header and claims as they stand in a token, for people to read: nothing is checked.
pub fn decode_unverified(token: &str) -> Result<Value, TokenError> {
    let mut parts = token.trim().split('.');
    let mut next = || parts.next().ok_or(TokenError::Malformed);
    let (header, claims): (Value, Value) = (part(next()?)?, part(next()?)?);
    Ok(json!({ "header": header, "claims": claims }))
}

fn part<T: for<'de> Deserialize<'de>>(encoded: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

/// Before 1970 is at once, and what no clock will show is the end of time.
fn since_1970(seconds: f64) -> Duration {
    if seconds > 0.0 { Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX) } else { Duration::ZERO }
}
