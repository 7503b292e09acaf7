//! Tokens and public keys.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hexalpes_auth::{SecretKey, TokenKey, decode_unverified};
use ring::hmac;

const SECRET: [u8; 64] = [7; 64];
const NOW: Duration = Duration::from_secs(1_700_000_000);

/// A token as it is; claims under a signature that fits, for behind a wrong one nothing is read; a key.
pub(crate) fn token(data: &[u8]) {
    let key = TokenKey::secret(SecretKey::new(SECRET.to_vec()).unwrap());
    let (headers, claims) = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (&br#"{"alg":"HS256"}"#[..], data),
    };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(headers), URL_SAFE_NO_PAD.encode(claims));
    let algorithms = [hmac::HMAC_SHA256, hmac::HMAC_SHA384, hmac::HMAC_SHA512];
    for algorithm in algorithms {
        let signature = hmac::sign(&hmac::Key::new(algorithm, &SECRET), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        if let Ok(identity) = key.verify(&token, NOW) {
            assert!(!identity.role.is_empty());
            assert!(identity.ends.is_none_or(|ends| ends > NOW), "{identity:?} has ended");
            decode_unverified(&token).expect("it was verified");
        }
        let forged = format!("{signed}x.{}", URL_SAFE_NO_PAD.encode(signature));
        key.verify(&forged, NOW).expect_err("another text is signed");
    }
    if let Ok(text) = std::str::from_utf8(data) {
        key.verify(text, NOW).expect_err("nobody signed it");
        let _ = decode_unverified(text);
    }
    if let Ok(key) = TokenKey::public(data) {
        let _ = format!("{key:?}");
        key.verify(&format!("{signed}.AAAA"), NOW).expect_err("nobody signed it");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    /// The public key of the examples in RFC 8410 is not of a family that tokens have; this one of P-256 is.
    const P256: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n\
        q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n\
        -----END PUBLIC KEY-----\n";
    let texts = [
        r#"{"sub":"alice"}"#,
        r#"{"sub":"alice","exp":1700000001,"nbf":1699999999}"#,
        r#"{"sub":"","exp":1e300}"#,
        "{\"alg\":\"HS512\"}\n{\"sub\":\"alice\",\"exp\":1.7e9}",
        "{\"alg\":\"none\"}\n{\"sub\":\"alice\"}",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.AAAA",
        P256,
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
