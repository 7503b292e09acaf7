//! `POST /commissions/calculate` on a connection that stays open.

use anyhow::{Context as _, Result};

use crate::request::{self, position};

/// Every request is as long as every other.
const CONVERSION_DIGITS: usize = 9;
/// What a conversion's id begins with, so that it is found in an event.
const MARK: &str = "conv-bench-";

pub(crate) struct Connection {
    inner: request::Connection,
    request: Vec<u8>,
    /// Where in the request the conversion's number stands.
    number_at: usize,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        let inner = request::Connection::open(port).await?;
        let body = format!(
            "{{\"conversionId\":\"{MARK}{:0CONVERSION_DIGITS$}\",\"affiliateId\":\"aff-123\",\
             \"campaignId\":\"camp-456\",\"grossAmount\":1000.00,\"currency\":\"USD\"}}",
            0
        );
        let request = inner.request("POST", "/commissions/calculate", &body);
        let number_at = position(&request, MARK.as_bytes()).context("the body names a conversion")?;
        Ok(Self { inner, request, number_at: number_at + MARK.len() })
    }

    /// Sends the command for a conversion of its own, and wants a 201.
    pub(crate) async fn calculate(&mut self, conversion: u32) -> Result<()> {
        let digits = format!("{conversion:0CONVERSION_DIGITS$}");
        self.request[self.number_at..][..CONVERSION_DIGITS].copy_from_slice(digits.as_bytes());
        self.inner.create(&self.request).await
    }
}

/// The number of the conversion that an event is about.
pub(crate) fn conversion_of(event: &[u8]) -> Option<u32> {
    let from = position(event, MARK.as_bytes())? + MARK.len();
    std::str::from_utf8(event.get(from..from + CONVERSION_DIGITS)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_its_conversion() {
        assert_eq!(conversion_of(br#"{"conversionId":"conv-bench-000000042","#), Some(42));
        assert_eq!(conversion_of(b"{}"), None);
    }
}
