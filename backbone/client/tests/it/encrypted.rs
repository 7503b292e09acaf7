//! TLS: the broker's certificate is checked, and the fast ways are not taken around it.

use std::sync::Arc;

use hexalpes_client::{
    Client, ClientError, ClientOptions, ConnectError, Outgoing, ProducerOptions, TlsOptions,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::fake::{Fake, Reply};

/// Made for these tests, for `localhost` and `127.0.0.1`, and for nothing else.
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

async fn encrypted_broker() -> Fake {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    Fake::start_tls(|_| Reply::Usual, TlsAcceptor::from(Arc::new(config))).await
}

#[tokio::test]
async fn messages_are_sent_over_tls_to_a_broker_that_is_trusted() {
    let fake = encrypted_broker().await;
    let tls = TlsOptions { roots_pem: Some(CERTIFICATE.to_vec()) };
    let client = Client::connect(ClientOptions { tls, ..fake.options() }).await.unwrap();
    let producer = client.producer("t", ProducerOptions::default()).await.unwrap();
    let large = vec![7; 3_000_000];
    let sends: Vec<_> = (0..20).map(|_| producer.send(Outgoing::new(large.clone()))).collect();
    for sent in sends {
        sent.await.unwrap();
    }
}

#[tokio::test]
async fn a_broker_that_is_not_trusted_is_not_spoken_to() {
    let fake = encrypted_broker().await;
    let error = Client::connect(fake.options()).await.unwrap_err();
    assert!(matches!(error, ClientError::Connect(ConnectError::Io { .. })), "{error}");
}

#[test]
fn roots_that_are_none_are_refused() {
    let tls = TlsOptions { roots_pem: Some(b"no certificate".to_vec()) };
    let options = ClientOptions { tls, ..ClientOptions::new("pulsar+ssl://localhost:1") };
    assert!(matches!(Client::new(options), Err(ClientError::Tls { .. })));
}
