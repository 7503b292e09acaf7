//! Service URLs: where brokers listen.

use std::fmt;

/// Where one broker listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

/// A service URL that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("service url {url:?} is not pulsar://host:port or pulsar+ssl://host:port")]
pub struct ServiceUrlError {
    pub url: String,
}

impl Address {
    /// Reads a URL of one or more hosts: `pulsar://a:6650,b:6650`.
    pub(crate) fn parse_all(url: &str) -> Result<Vec<Self>, ServiceUrlError> {
        parse_all(url).ok_or_else(|| ServiceUrlError { url: url.to_owned() })
    }

    pub(crate) fn host_and_port(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }
}

fn parse_all(url: &str) -> Option<Vec<Address>> {
    let (scheme, hosts) = url.split_once("://")?;
    let (tls, default_port) = match scheme {
        "pulsar" => (false, 6650),
        "pulsar+ssl" => (true, 6651),
        _ => return None,
    };
    hosts
        .trim_end_matches('/')
        .split(',')
        .map(|one| {
            // The `url` crate knows IPv6 brackets and ports; the scheme is ours.
            let parsed = url::Url::parse(&format!("pulsar://{one}")).ok()?;
            let plain = parsed.path().trim_matches('/').is_empty() && parsed.username().is_empty();
            let host = parsed.host_str()?.trim_start_matches('[').trim_end_matches(']');
            let address = Address { host: host.to_owned(), port: parsed.port().unwrap_or(default_port), tls };
            (plain && !address.host.is_empty()).then_some(address)
        })
        .collect()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "pulsar+ssl" } else { "pulsar" };
        write!(f, "{scheme}://{}", self.host_and_port())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
    use super::*;

    #[test]
    fn a_url_names_one_host_or_several() {
        let shown =
            |url| Address::parse_all(url).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown("pulsar://localhost"), ["pulsar://localhost:6650"]);
        assert_eq!(shown("pulsar+ssl://broker:7000/"), ["pulsar+ssl://broker:7000"]);
        assert_eq!(shown("pulsar://a:1,b"), ["pulsar://a:1", "pulsar://b:6650"]);
        assert_eq!(shown("pulsar://[::1]:9"), ["pulsar://[::1]:9"]);
    }

    #[test]
    fn what_is_no_service_url_is_refused() {
        for url in [
            "",
            "localhost:6650",
            "http://a:1",
            "pulsar://",
            "pulsar://a:b",
            "pulsar://a/topic",
            "pulsar://a,,b",
        ] {
            assert!(Address::parse_all(url).is_err(), "{url}");
        }
    }
}
