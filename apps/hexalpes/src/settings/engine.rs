//! Where the broker is, whoever runs it.

use anyhow::{Result, ensure};
use hexalpes_client::{AdminOptions, ClientOptions, TlsOptions, Token};

use super::Origin;

/// A broker's two addresses, and how to speak to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    /// `pulsar://host:port`
    pub(crate) service: String,
    /// `http://host:port`
    pub(crate) admin: String,
    /// Whom to trust over TLS, in PEM form; none: whom browsers do.
    pub(crate) trust: Option<Vec<u8>>,
    /// What proves who we are.
    pub(crate) token: Option<Token>,
}

impl Engine {
    pub(crate) fn on_loopback(port: u16, admin_port: u16) -> Self {
        Self {
            service: format!("pulsar://127.0.0.1:{port}"),
            admin: format!("http://127.0.0.1:{admin_port}"),
            trust: None,
            token: None,
        }
    }

    /// How our client reaches it.
    pub(crate) fn client_options(&self) -> ClientOptions {
        ClientOptions { tls: self.tls(), token: self.token.clone(), ..ClientOptions::new(&self.service) }
    }

    /// How our admin client reaches it.
    pub(crate) fn admin_options(&self) -> AdminOptions {
        AdminOptions { tls: self.tls(), token: self.token.clone(), ..AdminOptions::new(&self.admin) }
    }

    fn tls(&self) -> TlsOptions {
        TlsOptions { roots_pem: self.trust.clone() }
    }

    pub(super) fn parse(service: &str, admin: &str, of_service: &Origin, of_admin: &Origin) -> Result<Self> {
        ensure!(
            service.starts_with("pulsar://") || service.starts_with("pulsar+ssl://"),
            "pulsar_broker_url ({of_service}) is {service:?}: write pulsar://HOST:PORT or pulsar+ssl://HOST:PORT"
        );
        ensure!(
            admin.starts_with("http://") || admin.starts_with("https://"),
            "pulsar_admin_url ({of_admin}) is {admin:?}: write http://HOST:PORT or https://HOST:PORT"
        );
        Ok(Self { service: service.to_owned(), admin: admin.to_owned(), trust: None, token: None })
    }
}
