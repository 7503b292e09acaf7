//! Handshakes without sockets: who is let in, with and without a certificate of its own.

use std::sync::Arc;

use hexalpes_tls::{ServerTls, TlsFiles};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};

use crate::{Folder, ONE, TWO};

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Whether both ends come to terms: a client that trusts the first pair, and shows this one.
fn shakes_hands(server: &ServerTls, shown: Option<(&str, &str)>) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(ONE.0)).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let client = match shown {
        None => client.with_no_client_auth(),
        Some((pem, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            client.with_client_auth_cert(vec![certificate(pem)], key).unwrap()
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
    Ok(())
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
