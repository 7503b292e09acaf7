//! Tokens: ours and the official client's, on a backbone that wants them.

use std::sync::Arc;

use hexalpes_auth::{Authentication, Claims, SecretKey, TokenKey};
use hexalpes_broker::{Broker, BrokerOptions};
use hexalpes_client::{
    AdminClient, AdminOptions, Client, ClientError, ClientOptions, ConnectError, Outgoing, ProducerOptions,
    Token,
};
use hexalpes_wire::proto::ServerError;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::foreign::python;

/// Sends a message with a token, and says what comes of another.
const PRODUCE: &str = r"
import pulsar, sys
url, token = sys.argv[1:]
client = pulsar.Client(url, authentication=pulsar.AuthenticationToken(token))
client.create_producer('t').send(b'hello')
client.close()
print('>', 'sent', flush=True)
client = pulsar.Client(url, authentication=pulsar.AuthenticationToken('nonsense'), operation_timeout_seconds=3)
try:
    client.create_producer('t')
# It tries until it has no more time, whatever it is told.
except pulsar.PulsarException:
    print('>', 'refused', flush=True)
client.close()
";

struct Guarded {
    broker: Broker,
    url: String,
    admin_url: String,
    _folder: TempDir,
}

fn secret() -> SecretKey {
    SecretKey::new(vec![7; 32]).unwrap()
}

fn token() -> String {
    Claims { sub: Some("me".to_owned()), ..Claims::default() }.sign(&secret())
}

impl Guarded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [listener, admin] = [
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        ];
        let url = format!("pulsar://{}", listener.local_addr().unwrap());
        let admin_url = format!("http://{}", admin.local_addr().unwrap());
        let authentication = Authentication::by_token(TokenKey::secret(secret()), None);
        let options = BrokerOptions {
            authentication: Some(Arc::new(authentication)),
            ..BrokerOptions::new(folder.path(), &url)
        };
        let broker = Broker::open(options).unwrap();
        let serving = broker.clone();
        tokio::spawn(async move { serving.serve(listener, CancellationToken::new()).await });
        let router = hexalpes_admin::router(broker.clone());
        tokio::spawn(async move { axum::serve(admin, router).await });
        Self { broker, url, admin_url, _folder: folder }
    }

    fn admin(&self, token: Option<&str>) -> AdminClient {
        let token = token.map(Token::new);
        AdminClient::new(AdminOptions { token, ..AdminOptions::new(&self.admin_url) }).unwrap()
    }
}

#[tokio::test]
async fn our_client_is_let_in_with_its_token_and_told_why_not_without() {
    let guarded = Guarded::start().await;
    let options = ClientOptions { token: Some(Token::new(token())), ..ClientOptions::new(&guarded.url) };
    let client = Client::connect(options).await.unwrap();
    let producer = client.producer("t", ProducerOptions::default()).await.unwrap();
    producer.send(Outgoing::new("hello")).await.unwrap();

    let error = Client::connect(ClientOptions::new(&guarded.url)).await.unwrap_err();
    let ClientError::Connect(ConnectError::Refused { refusal, .. }) = error else { panic!("{error}") };
    assert_eq!(refusal.error, ServerError::AuthenticationError);
    guarded.broker.close().await.unwrap();
}

#[tokio::test]
async fn rest_calls_want_the_token_too_and_metrics_are_open() {
    let guarded = Guarded::start().await;
    assert_eq!(guarded.admin(Some(&token())).clusters().await.unwrap(), ["standalone"]);
    for wrong in [None, Some("nonsense")] {
        let error = guarded.admin(wrong).clusters().await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(401), "{wrong:?}: {error}");
    }
    let error = guarded.admin(None).health().await.unwrap_err().to_string();
    assert!(error.contains("connect with a token"), "{error}");
    let port = guarded.admin_url.rsplit(':').next().unwrap().parse().unwrap();
    let metrics = tokio::task::spawn_blocking(move || hexalpes_engines::status_of(port, "/metrics"));
    assert_eq!(metrics.await.unwrap(), Some(200));
    guarded.broker.close().await.unwrap();
}

#[tokio::test]
async fn the_official_client_is_let_in_with_its_token_alone() {
    let Some(interpreter) = hexalpes_engines::python() else { return };
    let guarded = Guarded::start().await;
    let said = python(&interpreter, PRODUCE, &[&guarded.url, &token()]).await;
    assert_eq!(said, ["sent", "refused"]);
    guarded.broker.close().await.unwrap();
}
