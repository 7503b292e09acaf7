//! `POST /commissions/calculate` on a connection that stays open.
//!
//! By hand, for what generates load shares two cores with what it loads. It knows of HTTP what our own server
//! says: a status line, heads, a `content-length`; anything else is an error.

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Every request is as long as every other.
const CONVERSION_DIGITS: usize = 9;
/// What a conversion's id begins with, so that it is found in an event.
const MARK: &str = "conv-bench-";

pub(crate) struct Connection {
    socket: TcpStream,
    request: Vec<u8>,
    /// Where in the request the conversion's number stands.
    number_at: usize,
    answer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        let body = format!(
            "{{\"conversionId\":\"{MARK}{:0CONVERSION_DIGITS$}\",\"affiliateId\":\"aff-123\",\
             \"campaignId\":\"camp-456\",\"grossAmount\":1000.00,\"currency\":\"USD\"}}",
            0
        );
        let length = body.len();
        let head = format!(
            "POST /commissions/calculate HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        let request = (head + &body).into_bytes();
        let number_at = position(&request, MARK.as_bytes()).context("the body names a conversion")?;
        Ok(Self { socket, request, number_at: number_at + MARK.len(), answer: Vec::new() })
    }

    /// Sends the command for a conversion of its own, and wants a 201.
    pub(crate) async fn calculate(&mut self, conversion: u32) -> Result<()> {
        let digits = format!("{conversion:0CONVERSION_DIGITS$}");
        self.request[self.number_at..][..CONVERSION_DIGITS].copy_from_slice(digits.as_bytes());
        self.socket.write_all(&self.request).await?;
        self.answer.clear();
        let end = loop {
            ensure!(self.socket.read_buf(&mut self.answer).await? > 0, "the server hung up");
            if let Some(end) = end_of(&self.answer)? {
                break end;
            }
        };
        ensure!(self.answer.len() == end, "more was answered than was asked for");
        if !self.answer.starts_with(b"HTTP/1.1 201 ") {
            bail!("not a 201: {}", String::from_utf8_lossy(&self.answer));
        }
        Ok(())
    }
}

/// The number of the conversion that an event is about.
pub(crate) fn conversion_of(event: &[u8]) -> Option<u32> {
    let from = position(event, MARK.as_bytes())? + MARK.len();
    std::str::from_utf8(event.get(from..from + CONVERSION_DIGITS)?).ok()?.parse().ok()
}

/// Where the answer ends, as soon as its heads are there and its body is.
fn end_of(answer: &[u8]) -> Result<Option<usize>> {
    let Some(heads) = position(answer, b"\r\n\r\n") else {
        ensure!(answer.len() <= ANSWER_BYTES_MAX, "heads without an end");
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..heads])?;
    let length = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    let length: usize = length.context("the answer has no content-length")?.parse()?;
    let end = heads + 4 + length;
    Ok((answer.len() >= end).then_some(end))
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(end_of(answer).unwrap(), Some(answer.len()));
        assert_eq!(end_of(&answer[..answer.len() - 1]).unwrap(), None);
        assert_eq!(end_of(&answer[..20]).unwrap(), None);
        assert!(end_of(b"HTTP/1.1 201 Created\r\n\r\n").is_err());
    }

    #[test]
    fn an_event_names_its_conversion() {
        assert_eq!(conversion_of(br#"{"conversionId":"conv-bench-000000042","#), Some(42));
        assert_eq!(conversion_of(b"{}"), None);
    }
}
