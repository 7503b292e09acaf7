//! Who may show a certificate: nobody needs to, unless that is asked for, but one that is shown must be good.
//!
//! webpki looks through it, but for those of the first version, which it does not read and which are still made. Such a
//! one must be signed by a trusted authority itself, and can be nobody's authority.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, UnixTime},
    server::{
        VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use crate::certificate::Parsed;

#[derive(Debug)]
pub(crate) struct Clients {
    webpki: Arc<dyn ClientCertVerifier>,
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Clients {
    /// Those of these authorities. With `must_show`, who shows no certificate is hung up on.
    pub(crate) fn of(
        roots: RootCertStore,
        must_show: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let roots = Arc::new(roots);
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider));
        let builder = if must_show { builder } else { builder.allow_unauthenticated() };
        let algorithms = provider.signature_verification_algorithms;
        Ok(Self { webpki: builder.build()?, roots, algorithms })
    }
}

/// A certificate of the first version; none if it is another, or none.
fn of_first_version<'a>(certificate: &'a CertificateDer<'_>) -> Option<Parsed<'a>> {
    Parsed::of(certificate).filter(Parsed::is_first_version)
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Some(parsed) = of_first_version(certificate) else {
            return self.webpki.verify_client_cert(certificate, between, now);
        };
        if !parsed.counts_at(std::time::Duration::from_secs(now.as_secs())) {
            return Err(CertificateError::Expired.into());
        }
        if !parsed.is_signed_by(&self.roots, self.algorithms.all) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(parsed) = of_first_version(certificate) else {
            return self.webpki.verify_tls12_signature(message, certificate, signed);
        };
        let (kind, key) =
            parsed.key_parts().ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let possible = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, possible) = possible.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let is_good = possible.iter().any(|algorithm| {
            algorithm.public_key_alg_id() == kind
                && algorithm.verify_signature(key, message, signed.signature()).is_ok()
        });
        if is_good {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match of_first_version(certificate) {
            None => self.webpki.verify_tls13_signature(message, certificate, signed),
            Some(parsed) => {
                verify_tls13_signature_with_raw_key(message, &parsed.key(), signed, &self.algorithms)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
