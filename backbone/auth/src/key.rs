//! Keys: what tokens are checked with, and signed with.

use std::fmt;

use ring::{hmac, rand, rand::SecureRandom as _, signature};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject as _};

use crate::spki::{self, Family};

/// As many bytes as HS256 wants (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Why bytes are no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("a secret key of {bytes} bytes is too short: it has {SECRET_BYTES_MIN} at least")]
    Short { bytes: usize },
    #[error("it is no public key in PEM or DER form, of RSA or of the curves P-256 and P-384")]
    NotPublic,
    #[error("the system gives no random numbers")]
    NoRandom,
}

/// What the broker checks tokens with.
#[derive(Clone)]
pub struct TokenKey(Kind);

#[derive(Clone)]
enum Kind {
    Secret(SecretKey),
    Public(Family, Vec<u8>),
}

/// A key that signs and checks: HS256, HS384 and HS512.
#[derive(Clone)]
pub struct SecretKey(Vec<u8>);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Secret(_) => f.write_str("TokenKey(secret)"),
            Kind::Public(family, _) => write!(f, "TokenKey({family:?})"),
        }
    }
}

impl SecretKey {
    pub fn new(bytes: Vec<u8>) -> Result<Self, KeyError> {
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(KeyError::Short { bytes: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// The bytes of a new one.
    pub fn random() -> Result<[u8; SECRET_BYTES_MIN], KeyError> {
        let mut bytes = [0; SECRET_BYTES_MIN];
        rand::SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::NoRandom)?;
        Ok(bytes)
    }

    pub(crate) fn sign(&self, signed: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), signed).as_ref().to_vec()
    }

    fn verifies(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let (algorithm, bytes_min) = match algorithm {
            "HS256" => (hmac::HMAC_SHA256, 32),
            "HS384" => (hmac::HMAC_SHA384, 48),
            "HS512" => (hmac::HMAC_SHA512, 64),
            _ => return false,
        };
        self.0.len() >= bytes_min
            && hmac::verify(&hmac::Key::new(algorithm, &self.0), signed, signature).is_ok()
    }
}

impl TokenKey {
    pub fn secret(key: SecretKey) -> Self {
        Self(Kind::Secret(key))
    }

    /// A public key: PEM, or the same in DER form.
    pub fn public(bytes: &[u8]) -> Result<Self, KeyError> {
        let der = match SubjectPublicKeyInfoDer::from_pem_slice(bytes) {
            Ok(der) => der.to_vec(),
            Err(_) => bytes.to_vec(),
        };
        let (family, key) = spki::open(&der).ok_or(KeyError::NotPublic)?;
        Ok(Self(Kind::Public(family, key.to_vec())))
    }

    /// Whether the signature is this key's. An algorithm of another family than the key's never is: who has only a public
    /// key must not make it a secret.
    pub(crate) fn verifies(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let (family, key) = match &self.0 {
            Kind::Secret(secret) => return secret.verifies(algorithm, signed, signature),
            Kind::Public(family, key) => (*family, key),
        };
        let parameters: &dyn signature::VerificationAlgorithm = match (family, algorithm) {
            (Family::Rsa, "RS256") => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Family::Rsa, "RS384") => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Family::Rsa, "RS512") => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Family::Rsa, "PS256") => &signature::RSA_PSS_2048_8192_SHA256,
            (Family::Rsa, "PS384") => &signature::RSA_PSS_2048_8192_SHA384,
            (Family::Rsa, "PS512") => &signature::RSA_PSS_2048_8192_SHA512,
            (Family::P256, "ES256") => &signature::ECDSA_P256_SHA256_FIXED,
            (Family::P384, "ES384") => &signature::ECDSA_P384_SHA384_FIXED,
            _ => return false,
        };
        signature::UnparsedPublicKey::new(parameters, key).verify(signed, signature).is_ok()
    }
}
