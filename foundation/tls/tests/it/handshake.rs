//! Handshakes without sockets: who is let in, with and without a certificate of its own.

use std::sync::Arc;

use hexalpes_tls::{ClientName, ServerTls, TlsFiles};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConnection, SupportedProtocolVersion,
    crypto::ring,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};

use crate::{AUTHORITY, Folder, NEW, OLD, ONE, TWO};

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Whether both ends come to terms, with either version of TLS: a client that trusts the first pair, and shows this one.
/// What the server knows it by then.
fn shakes_hands(
    server: &ServerTls,
    shown: Option<(&str, &str)>,
) -> Result<Option<ClientName>, rustls::Error> {
    let [name, again] = [&TLS12, &TLS13].map(|version| shakes_hands_by(version, server, shown));
    assert_eq!(name.is_ok(), again.is_ok(), "{name:?} {again:?}");
    name
}

fn shakes_hands_by(
    version: &'static SupportedProtocolVersion,
    server: &ServerTls,
    shown: Option<(&str, &str)>,
) -> Result<Option<ClientName>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(ONE.0)).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let client = match shown {
        None => client.with_no_client_auth(),
        Some((pem, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            // It looks at nothing, so that the server has to.
            let key = ring::sign::any_supported_type(&key).unwrap();
            let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate(pem)], key));
            client.with_client_cert_resolver(Arc::new(shown))
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(&server.watch().borrow())).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut &*bytes).unwrap();
        server.process_new_packets()?;
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut &*bytes).unwrap();
        client.process_new_packets()?;
    }
    Ok(ClientName::of(&server))
}

#[test]
fn a_server_without_trust_asks_nobody_for_a_certificate() {
    let server = ServerTls::open(Folder::with(ONE.0, ONE.1).files()).unwrap();
    shakes_hands(&server, None).unwrap();
    shakes_hands(&server, Some(TWO)).unwrap();
}

#[test]
fn a_server_with_trust_refuses_a_certificate_of_another_authority_and_lets_in_who_shows_none() {
    let folder = Folder::with(ONE.0, ONE.1);
    let trust = Some(folder.put("trust.pem", ONE.0));
    let server = ServerTls::open(TlsFiles { trust, ..folder.files() }).unwrap();
    shakes_hands(&server, None).unwrap();
    shakes_hands(&server, Some(ONE)).unwrap();
    let error = shakes_hands(&server, Some(TWO)).unwrap_err();
    assert!(matches!(error, rustls::Error::InvalidCertificate(_)), "{error}");
}

fn trusting(must_show: bool) -> (ServerTls, Folder) {
    let folder = Folder::with(ONE.0, ONE.1);
    let trust = Some(folder.put("trust.pem", AUTHORITY));
    let server = ServerTls::open(TlsFiles { trust, must_show, ..folder.files() }).unwrap();
    (server, folder)
}

#[test]
fn a_client_is_known_by_the_most_specific_name_in_its_certificate() {
    let (server, _folder) = trusting(false);
    assert_eq!(shakes_hands(&server, None).unwrap(), None);
    assert_eq!(shakes_hands(&server, Some(NEW)).unwrap(), Some(ClientName("special".to_owned())));
}

/// Those that the official clients' own tests show are of the first version, as OpenSSL made them until lately.
#[test]
fn a_certificate_of_the_first_version_counts_if_a_trusted_authority_signed_it() {
    let (server, _folder) = trusting(false);
    assert_eq!(shakes_hands(&server, Some(OLD)).unwrap(), Some(ClientName("robot".to_owned())));

    let folder = Folder::with(ONE.0, ONE.1);
    let trust = Some(folder.put("trust.pem", ONE.0));
    let other = ServerTls::open(TlsFiles { trust, ..folder.files() }).unwrap();
    assert!(shakes_hands(&other, Some(OLD)).is_err(), "another authority vouches for nothing here");
}

#[test]
fn a_certificate_of_the_first_version_that_was_changed_or_whose_key_is_anothers_is_refused() {
    let (server, _folder) = trusting(false);
    let mut der = certificate(OLD.0).to_vec();
    let at = der.windows(5).position(|window| window == b"robot").unwrap();
    der[at..at + 5].copy_from_slice(b"admin");
    let forged = pem(&der);
    assert!(shakes_hands(&server, Some((&forged, OLD.1))).is_err());
    // The client does not see that the key is another's, as it is of the same kind.
    assert!(shakes_hands(&server, Some((OLD.0, NEW.1))).is_err());
}

fn pem(der: &[u8]) -> String {
    let lines = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

#[test]
fn who_must_show_a_certificate_and_has_none_is_hung_up_on() {
    let (server, _folder) = trusting(true);
    assert!(shakes_hands(&server, None).is_err());
    assert!(shakes_hands(&server, Some(OLD)).is_ok());
}
