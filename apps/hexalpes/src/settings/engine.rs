//! Where the broker is, whoever runs it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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
    /// On this machine, where a backbone listens.
    pub(crate) fn at(host: IpAddr, port: u16, admin_port: u16) -> Self {
        let host = match host {
            IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            host => host,
        };
        Self {
            service: format!("pulsar://{}", SocketAddr::new(host, port)),
            admin: format!("http://{}", SocketAddr::new(host, admin_port)),
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
