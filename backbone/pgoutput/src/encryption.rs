//! TLS, asked for in PostgreSQL's way: a request first, and a letter for the answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::BytesMut;
use hexalpes_capture::LogError;
use postgres_protocol::message::frontend;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::address::{Encryption, Mode};
use crate::connection::Stream;
use crate::failure::refused;

const MEND: &str = "see sslmode, sslrootcert, sslcert and sslkey in the address";

/// The socket itself, or TLS over it.
pub(crate) async fn wrap(
    mut socket: TcpStream,
    host: &str,
    encryption: &Encryption,
) -> Result<Stream, LogError> {
    let broken = |error: std::io::Error| LogError::Unreachable(error.to_string());
    if encryption.mode == Mode::Off {
        return Ok(Box::new(socket));
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).await.map_err(broken)?;
    match (socket.read_u8().await.map_err(broken)?, encryption.mode) {
        (b'S', _) => {}
        (b'N', Mode::Offered) => return Ok(Box::new(socket)),
        (b'N', _) => {
            return Err(refused(
                "the server has no TLS",
                "ALTER SYSTEM SET ssl = on; with ssl_cert_file and ssl_key_file, and reload the server",
            ));
        }
        _ => return Err(LogError::Unreachable("what answers is no PostgreSQL".to_owned())),
    }
    let config = Arc::new(config(encryption)?);
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| failed("the host cannot stand in a certificate"))?;
    match TlsConnector::from(config).connect(name, socket).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>) => {
            Err(failed(&error.to_string()))
        }
        Err(error) => Err(broken(error)),
    }
}

fn failed(why: &str) -> LogError {
    refused(format!("no TLS with the server: {why}"), MEND)
}

fn config(encryption: &Encryption) -> Result<ClientConfig, LogError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error.to_string()))?;
    let lenient = |issuers| {
        let verifier = Lenient { issuers, provider: Arc::clone(&provider) };
        builder.clone().dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let builder = match encryption.mode {
        Mode::Full => builder.with_root_certificates(roots(encryption)?),
        Mode::Trusted => {
            let roots = Arc::new(roots(encryption)?);
            let issuers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            lenient(Some(issuers.map_err(|error| failed(&error.to_string()))?))
        }
        Mode::Off | Mode::Offered | Mode::Required => lenient(None),
    };
    match &encryption.certificate {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let key =
                PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| failed(&error.to_string()))?;
            let chain = certificates(certificate)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| failed(&error.to_string()))
        }
    }
}

fn roots(encryption: &Encryption) -> Result<RootCertStore, LogError> {
    let mut roots = RootCertStore::empty();
    match &encryption.roots {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| failed(&error.to_string()))?;
            }
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LogError> {
    let pem = read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(failed(&format!("{} holds no certificate", path.display()))),
        Err(error) => Err(failed(&format!("{}: {error}", path.display()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, LogError> {
    fs::read(path).map_err(|error| failed(&format!("{}: {error}", path.display())))
}

/// Asks less of a server than that its certificate be trusted for its host: `sslmode=require` keeps others from
/// listening and asks nobody who he is, `verify-ca` wants a certificate from whom we trust, for whatever host.
#[derive(Debug)]
struct Lenient {
    /// None: nobody is asked.
    issuers: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(issuers) = &self.issuers else { return Ok(ServerCertVerified::assertion()) };
        match issuers.verify_server_cert(certificate, between, host, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
