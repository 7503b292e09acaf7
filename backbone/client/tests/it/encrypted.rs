//! TLS: the broker's certificate is checked, and the fast ways are not taken around it.

use std::path::Path;
use std::sync::Arc;

use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{
    Client, ClientError, ClientOptions, ConnectError, ConsumerOptions, Outgoing, ProducerOptions, TlsOptions,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::engine::{DEADLINE, next, send_all};
use crate::fake::{Fake, Reply};
use crate::foreign::python;

/// Sends and receives over TLS, checking the broker's name.
const ROUND_TRIP: &str = r"
import pulsar, sys
url, trust = sys.argv[1:]
client = pulsar.Client(url, tls_trust_certs_file_path=trust, tls_validate_hostname=True)
consumer = client.subscribe('t', 'python', initial_position=pulsar.InitialPosition.Earliest)
producer = client.create_producer('t')
for n in range(20):
    producer.send_async(bytes([n]) * 500000, lambda *_: None)
producer.flush()
for n in range(20):
    message = consumer.receive(20000)
    assert message.data() == bytes([n]) * 500000, n
    consumer.acknowledge(message)
print('>', '20 of 500000', flush=True)
client.close()
";

/// Made for these tests, for `localhost` and `127.0.0.1`, and for nothing else.
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

fn server_config() -> Arc<rustls::ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
    Arc::new(config)
}

async fn encrypted_broker() -> Fake {
    Fake::start_tls(|_| Reply::Usual, TlsAcceptor::from(server_config())).await
}

/// A backbone with both ports; its URLs, the plain one first.
async fn encrypted_backbone(folder: &Path) -> (Broker, [String; 2]) {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let encrypted = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [
        format!("pulsar://{}", plain.local_addr().unwrap()),
        format!("pulsar+ssl://{}", encrypted.local_addr().unwrap()),
    ];
    let options = BrokerOptions {
        service_url_tls: Some(urls[1].clone()),
        ..BrokerOptions::new(folder, urls[0].clone())
    };
    let broker = Broker::open(options).unwrap();
    let (serving, encrypting) = (broker.clone(), broker.clone());
    tokio::spawn(async move { serving.serve(plain, CancellationToken::new()).await });
    let tls = watch::Sender::new(server_config()).subscribe();
    tokio::spawn(async move { encrypting.serve_tls(encrypted, tls, CancellationToken::new()).await });
    (broker, urls)
}

fn trusting(url: &str) -> ClientOptions {
    let tls = TlsOptions { roots_pem: Some(CERTIFICATE.to_vec()) };
    ClientOptions { tls, ..ClientOptions::new(url) }
}

#[tokio::test]
async fn a_topic_is_written_over_tls_and_read_over_tls_and_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, [plain, encrypted]) = encrypted_backbone(folder.path()).await;
    let client = Client::connect(trusting(&encrypted)).await.unwrap();
    let producer = client.producer("t", ProducerOptions::default()).await.unwrap();
    // More than a socket and TLS hold together, in both directions.
    let large = |n: u8| vec![n; 3_000_000];
    send_all(&producer, (0..10).map(|n| Outgoing::new(large(n)))).await;
    for (name, options) in [("encrypted", trusting(&encrypted)), ("plain", ClientOptions::new(&plain))] {
        let client = Client::connect(options).await.unwrap();
        let consumer = client.consumer("t", ConsumerOptions::new(name).from_earliest()).await.unwrap();
        for n in 0..10 {
            let message = next(&consumer).await;
            assert!(message.payload == large(n), "{name}: message {n} is another");
            consumer.ack(&message.id).await.unwrap();
        }
    }
    broker.close().await.unwrap();
}

#[tokio::test]
async fn the_official_client_speaks_tls_with_the_backbone() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (broker, [_, encrypted]) = encrypted_backbone(folder.path()).await;
    let trust = folder.path().join("trust.pem");
    std::fs::write(&trust, CERTIFICATE).unwrap();
    let said = python(&interpreter, ROUND_TRIP, &[&encrypted, trust.to_str().unwrap()]).await;
    assert_eq!(said, ["20 of 500000"]);
    broker.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_tls_and_who_does_not_trust_the_broker_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, [_, encrypted]) = encrypted_backbone(folder.path()).await;
    let address = encrypted.trim_start_matches("pulsar+ssl://");
    let mut stranger = TcpStream::connect(address).await.unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    // An alert, or nothing: what matters is that it is hung up on.
    let _ = timeout(DEADLINE, stranger.read_to_end(&mut heard)).await.expect("it is hung up on");
    let _silent = TcpStream::connect(address).await.unwrap();
    assert!(Client::connect(ClientOptions::new(&encrypted)).await.is_err());
    Client::connect(trusting(&encrypted)).await.unwrap();
    broker.close().await.unwrap();
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
