//! Signs and sends webhooks as Standard Webhooks say (<https://www.standardwebhooks.com>).
//!
//! A message has an id that stays the same however often it is sent: whoever receives it twice can know that. Not here:
//! what is sent to whom, and when it is tried again.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hexalpes_kernel::Timestamp;
use reqwest::{StatusCode, redirect::Policy};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// What a signing secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes that a signing secret has.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of a secret that is made here.
const MADE_BYTES: usize = 32;
/// How long an endpoint may take to answer.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// What signs, and what those who receive check signatures with.
#[derive(Clone)]
pub struct Secret(Arc<hmac::Key>);

/// A text that is no signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is whsec_ and then 24 to 64 bytes in base64")]
pub struct SecretError;

/// No client for HTTP could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no client for HTTP could be made: {0}")]
pub struct SenderError(String);

/// Why a message did not arrive, as far as one can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the endpoint says that it is gone (410)")]
    Gone,
    #[error("the endpoint answered {0}")]
    Answered(u16),
    #[error("the endpoint did not answer in time")]
    Silent,
    #[error("the endpoint cannot be reached")]
    Unreachable,
    #[error("the endpoint cannot be asked: {0}")]
    Other(String),
}

impl Secret {
    /// Reads `whsec_…`.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let bytes = text.trim().strip_prefix(SECRET_PREFIX).and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len())).ok_or(SecretError)?;
        Ok(Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
    }

    /// A new one, as text.
    pub fn make() -> String {
        let mut bytes = [0; MADE_BYTES];
        SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
        format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))
    }

    /// What `webhook-signature` says of a message.
    fn signature(&self, id: &str, seconds: i64, body: &str) -> String {
        let signed = hmac::sign(&self.0, format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(signed))
    }
}

/// Tells nothing of the key.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Sends messages. Clones share connections.
#[derive(Clone, Debug)]
pub struct Sender(reqwest::Client);

impl Sender {
    pub fn new() -> Result<Self, SenderError> {
        let failed = |error: &dyn fmt::Display| SenderError(error.to_string());
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(ANSWER_TIME_MAX)
            // Who moves says so where the endpoint is set: a message does not follow where an answer leads.
            .redirect(Policy::none())
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self(http))
    }

    /// Sends a message of JSON, once. `id` stands in `webhook-id` and in `Idempotency-Key`.
    pub async fn send(
        &self,
        endpoint: &str,
        secret: &Secret,
        id: &str,
        body: String,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let seconds = now.as_millis().div_euclid(1_000);
        let answer = self
            .0
            .post(endpoint)
            .header("content-type", "application/json")
            .header("idempotency-key", id)
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", secret.signature(id, seconds, &body))
            .body(body)
            .send()
            .await;
        match answer.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(()),
            Ok(StatusCode::GONE) => Err(Trouble::Gone),
            Ok(status) => Err(Trouble::Answered(status.as_u16())),
            Err(error) if error.is_timeout() => Err(Trouble::Silent),
            Err(error) if error.is_connect() => Err(Trouble::Unreachable),
            Err(error) => Err(Trouble::Other(error.without_url().to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    #[test]
    fn a_message_is_signed_as_the_standard_does_it() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_was_made_is_one() {
        let made = Secret::make();
        assert!(Secret::parse(&made).is_ok() && made != Secret::make());
        for wrong in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert_eq!(Secret::parse(wrong).unwrap_err(), SecretError, "{wrong}");
        }
    }
}
