//! A server's certificate, key and trust from files, read again when they change.
//!
//! [`ServerTls::open`] reads and checks them, [`ServerTls::watch`] hands out what a listener serves with, and
//! [`ServerTls::keep_fresh`] looks at the files from time to time: a pair that was renewed is served without a
//! restart, and one that is broken changes nothing.
//!
//! A client that shows a certificate is known by its [`ClientName`].
//!
//! Not here: sockets, and whom a client trusts.

mod certificate;
mod clients;
mod error;
mod files;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use certificate::common_name;
pub use error::TlsError;
use files::Contents;
pub use files::TlsFiles;

/// How often [`ServerTls::keep_fresh`] looks at the files.
pub const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// What a listener serves with at the moment: for each connection it takes the newest.
pub type Current = watch::Receiver<Arc<ServerConfig>>;

/// The common name of the certificate that a client has shown and that was found to be good, for whoever answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName(pub String);

impl ClientName {
    /// Of a connection whose handshake is over; none if the client showed no certificate, or one without a name.
    pub fn of(connection: &rustls::ServerConnection) -> Option<Self> {
        common_name(connection.peer_certificates()?.first()?).map(Self)
    }
}

/// A server's side of TLS, out of files.
#[derive(Debug)]
pub struct ServerTls {
    files: TlsFiles,
    /// What was last seen, be it good or broken, so that a broken pair is told of once.
    seen: Mutex<Option<Contents>>,
    current: watch::Sender<Arc<ServerConfig>>,
}

impl ServerTls {
    /// Reads the files, and fails unless they make a server.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = files.read()?;
        let config = files.config(&contents)?;
        Ok(Self { files, seen: Mutex::new(Some(contents)), current: watch::Sender::new(Arc::new(config)) })
    }

    pub fn watch(&self) -> Current {
        self.current.subscribe()
    }

    /// Looks at the files once: whether something new is served from now on. What is broken is an error once, and
    /// what was good before it stays.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let mut seen = self.seen.lock();
        let contents = match self.files.read() {
            Ok(contents) if seen.as_ref() == Some(&contents) => return Ok(false),
            Ok(contents) => contents,
            // Files that are gone are as new as other contents, once.
            Err(error) => return if seen.take().is_some() { Err(error) } else { Ok(false) },
        };
        let config = self.files.config(&contents);
        *seen = Some(contents);
        self.current.send_replace(Arc::new(config?));
        Ok(true)
    }

    /// [Refreshes](Self::refresh) until `stop` is cancelled, and logs what came of it.
    pub async fn keep_fresh(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOKS_EVERY)).await.is_some() {
            match self.refresh() {
                Ok(false) => {}
                Ok(true) => {
                    tracing::info!(file = %self.files.certificate.display(), "serving a new certificate");
                }
                Err(error) => {
                    tracing::error!(%error, "the certificate from before stays, as the new one is broken");
                }
            }
        }
    }
}
