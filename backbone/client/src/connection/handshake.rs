//! Dials a broker, with TLS if its address says so, and exchanges CONNECT and CONNECTED.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hexalpes_wire::frame::{self, Decoder};
use hexalpes_wire::proto::{Command, CommandConnect, CommandConnected, FeatureFlags};
use hexalpes_wire::{DEFAULT_MAX_MESSAGE_BYTES, PROTOCOL_VERSION};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::outgoing::Outgoing;
use super::routes::Routes;
use super::task::{self, Ends, Writer};
use super::{Connection, Shared};
use crate::address::Address;
use crate::error::{ClientError, ConnectError, Refusal};
use crate::options::{ClientOptions, TlsOptions, Token};

pub(super) const CLIENT_VERSION: &str = concat!("hexalpes-client-", env!("CARGO_PKG_VERSION"));

/// Opens connections, all in the same way.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    token: Option<Token>,
    tls: Option<Arc<rustls::ClientConfig>>,
    connect_timeout: Duration,
    operation_timeout: Duration,
    keep_alive: Duration,
}

/// Who is to be trusted, for this client and for the admin client.
pub(crate) fn tls_config(options: &TlsOptions) -> Result<rustls::ClientConfig, ClientError> {
    let failed = |reason: String| ClientError::Tls { reason };
    let mut roots = rustls::RootCertStore::empty();
    match &options.roots_pem {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|e| failed(format!("certificates in PEM form: {e}")))?;
                roots.add(certificate).map_err(|e| failed(e.to_string()))?;
            }
        }
    }
    if roots.is_empty() {
        return Err(failed("there is no certificate among those given".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

impl Dialer {
    pub(crate) fn new(options: &ClientOptions, tls: bool) -> Result<Self, ClientError> {
        Ok(Self {
            token: options.token.clone(),
            tls: if tls { Some(Arc::new(tls_config(&options.tls)?)) } else { None },
            connect_timeout: options.connect_timeout,
            operation_timeout: options.operation_timeout,
            keep_alive: options.keep_alive,
        })
    }

    pub(crate) const fn uses_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Connects to `dial` and speaks to `broker`: they differ when a proxy is between.
    pub(crate) async fn connect(&self, dial: &Address, broker: &Address) -> Result<Connection, ConnectError> {
        let timeout = self.connect_timeout;
        tokio::time::timeout(timeout, self.connect_unhurried(dial, broker))
            .await
            .unwrap_or_else(|_| Err(ConnectError::TimedOut { address: dial.to_string(), timeout }))
    }

    async fn connect_unhurried(&self, dial: &Address, broker: &Address) -> Result<Connection, ConnectError> {
        let failed = |why| ConnectError::Io { address: dial.to_string(), why };
        let socket = TcpStream::connect((dial.host.as_str(), dial.port)).await.map_err(failed)?;
        socket.set_nodelay(true).map_err(failed)?;
        let proxied = (dial != broker).then(|| broker.host_and_port());
        let Some(tls) = self.tls.as_ref().filter(|_| dial.tls) else {
            let (mut reader, mut writer) = socket.into_split();
            let met = self.greet(&mut reader, &mut writer, proxied, dial).await?;
            let writer = Arc::new(writer);
            let direct = Some(Arc::clone(&writer));
            return Ok(self.start(met, dial, Box::new(reader), Writer::Plain(writer), direct));
        };
        let name = ServerName::try_from(dial.host.clone())
            .map_err(|_| ConnectError::ServerName { address: dial.to_string() })?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, socket).await.map_err(failed)?;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let met = self.greet(&mut reader, &mut writer, proxied, dial).await?;
        Ok(self.start(met, dial, Box::new(reader), Writer::Tls(Box::new(writer)), None))
    }

    async fn greet(
        &self,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
        proxied: Option<String>,
        address: &Address,
    ) -> Result<Met, ConnectError> {
        let failed = |why| ConnectError::Io { address: address.to_string(), why };
        let mut out = BytesMut::new();
        frame::encode(&Command::Connect(self.connect_command(proxied)), &mut out);
        writer.write_all(&out).await.map_err(failed)?;
        writer.flush().await.map_err(failed)?;

        let foreign = |reason: String| ConnectError::Protocol { address: address.to_string(), reason };
        let decoder = Decoder::new(DEFAULT_MAX_MESSAGE_BYTES);
        let mut buffer = BytesMut::with_capacity(4096);
        loop {
            if let Some(frame) = decoder.decode(&mut buffer).map_err(|e| foreign(e.to_string()))? {
                return match frame.command {
                    Command::Connected(connected) => Ok(Met { connected, buffer }),
                    Command::Error(error) => Err(ConnectError::Refused {
                        address: address.to_string(),
                        refusal: Refusal::new(error.error, error.message),
                    }),
                    other => Err(foreign(format!("it answers CONNECT with {:?}", other.kind()))),
                };
            }
            if reader.read_buf(&mut buffer).await.map_err(failed)? == 0 {
                return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    fn connect_command(&self, proxy_to_broker_url: Option<String>) -> CommandConnect {
        CommandConnect {
            client_version: CLIENT_VERSION.to_owned(),
            auth_method_name: self.token.as_ref().map(|_| "token".to_owned()),
            auth_data: self.token.as_ref().map(|token| Bytes::copy_from_slice(token.secret().as_bytes())),
            protocol_version: Some(PROTOCOL_VERSION),
            proxy_to_broker_url,
            feature_flags: Some(FeatureFlags {
                supports_auth_refresh: Some(true),
                supports_broker_entry_metadata: Some(true),
                supports_topic_watchers: Some(true),
                supports_get_partitioned_metadata_without_auto_creation: Some(true),
                ..FeatureFlags::default()
            }),
            ..CommandConnect::default()
        }
    }

    fn start(
        &self,
        met: Met,
        address: &Address,
        reader: Box<dyn AsyncRead + Send + Unpin>,
        writer: Writer,
        direct: Option<Arc<tokio::net::tcp::OwnedWriteHalf>>,
    ) -> Connection {
        let stated = met.connected.max_message_size.and_then(|bytes| usize::try_from(bytes).ok());
        let max_message_bytes = stated.filter(|bytes| *bytes > 0).unwrap_or(DEFAULT_MAX_MESSAGE_BYTES);
        let flags = met.connected.feature_flags.as_ref();
        let shared = Arc::new(Shared {
            outgoing: Outgoing::new(direct),
            routes: Routes::default(),
            next_id: AtomicU64::new(1),
            max_message_bytes,
            watches_topics: flags.is_some_and(FeatureFlags::supports_topic_watchers),
            operation_timeout: self.operation_timeout,
            token: self.token.clone(),
        });
        let ends = Ends {
            reader,
            writer,
            buffer: met.buffer,
            decoder: Decoder::new(max_message_bytes),
            keep_alive: self.keep_alive,
            address: address.to_string(),
        };
        let closing = CancellationToken::new();
        tokio::spawn(task::run(Arc::clone(&shared), ends, closing.clone()));
        tracing::debug!(broker.address = %address, broker.version = met.connected.server_version, "connected");
        Connection { shared, closing }
    }
}

/// What the handshake brought.
struct Met {
    connected: CommandConnected,
    /// What came after CONNECTED in the same read.
    buffer: BytesMut,
}
