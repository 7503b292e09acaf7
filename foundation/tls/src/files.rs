//! The files: read, taken apart, and fitted together.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{NoClientAuth, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

use crate::{TlsError, clients::Clients};

/// Where they lie, all in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and after it those that lead from it to its authority.
    pub certificate: PathBuf,
    /// The certificate's private key, without a password.
    pub key: PathBuf,
    /// The authorities of clients. With it a client may show a certificate, and one that shows a wrong one is hung
    /// up on.
    pub trust: Option<PathBuf>,
    /// Whether a client must show one; with `trust`.
    pub must_show: bool,
}

/// What the files held when they were read.
#[derive(PartialEq, Eq)]
pub(crate) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    trust: Option<Vec<u8>>,
}

/// It holds a secret.
impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contents(…)")
    }
}

const CERTIFICATE: &str = "certificate";
const KEY: &str = "key";
const TRUST: &str = "trust";

impl TlsFiles {
    pub(crate) fn read(&self) -> Result<Contents, TlsError> {
        Ok(Contents {
            certificate: read(CERTIFICATE, &self.certificate)?,
            key: read(KEY, &self.key)?,
            trust: self.trust.as_deref().map(|path| read(TRUST, path)).transpose()?,
        })
    }

    pub(crate) fn config(&self, contents: &Contents) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let identity = self.identity(contents, &provider)?;
        let clients = match (&self.trust, &contents.trust) {
            (Some(path), Some(pem)) => clients(path, pem, self.must_show, &provider)?,
            _ => Arc::new(NoClientAuth),
        };
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the ciphers of every version that rustls does")
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        Ok(config)
    }

    fn identity(&self, contents: &Contents, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain = certificates(CERTIFICATE, &self.certificate, &contents.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::Empty {
                kind: KEY,
                path: self.key.clone(),
                hint: "; one with a password cannot be read, take the password off",
            },
            other => TlsError::NotPem { kind: KEY, path: self.key.clone(), reason: other.to_string() },
        })?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::Mismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            rustls::Error::InvalidCertificate(_) => {
                unusable(CERTIFICATE, &self.certificate, &error.to_string())
            }
            other => unusable(KEY, &self.key, &other.to_string()),
        })
    }
}

/// Who may show a certificate.
fn clients(
    path: &Path,
    pem: &[u8],
    must_show: bool,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(TRUST, path, pem)? {
        roots.add(certificate).map_err(|error| unusable(TRUST, path, &error.to_string()))?;
    }
    let clients = Clients::of(roots, must_show, provider);
    Ok(Arc::new(clients.map_err(|error| unusable(TRUST, path, &error.to_string()))?))
}

fn read(kind: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { kind, path: path.to_owned(), source })
}

fn certificates(
    kind: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all =
        all.map_err(|error| TlsError::NotPem { kind, path: path.to_owned(), reason: error.to_string() })?;
    if all.is_empty() {
        return Err(TlsError::Empty { kind, path: path.to_owned(), hint: "" });
    }
    Ok(all)
}

fn unusable(kind: &'static str, path: &Path, reason: &str) -> TlsError {
    TlsError::Unusable { kind, path: path.to_owned(), reason: reason.to_owned() }
}
