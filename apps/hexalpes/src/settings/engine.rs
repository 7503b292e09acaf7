//! Where the broker is, whoever runs it.

use anyhow::{Result, ensure};

use super::Origin;

/// A broker's two addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    /// `pulsar://host:port`
    pub(crate) service: String,
    /// `http://host:port`
    pub(crate) admin: String,
}

impl Engine {
    pub(crate) fn on_loopback(port: u16, admin_port: u16) -> Self {
        Self {
            service: format!("pulsar://127.0.0.1:{port}"),
            admin: format!("http://127.0.0.1:{admin_port}"),
        }
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
        Ok(Self { service: service.to_owned(), admin: admin.to_owned() })
    }
}
