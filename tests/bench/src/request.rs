//! A request that is sent again and again on a connection that stays open.
//!
//! By hand, for what generates load shares two cores with what it loads. It knows of HTTP what our own server
//! says: a status line, heads, a `content-length`; anything else is an error.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const ANSWER_BYTES_MAX: usize = 1 << 20;

pub(crate) struct Connection {
    socket: TcpStream,
    port: u16,
    answer: Vec<u8>,
    /// Where the body begins.
    body_at: usize,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, port, answer: Vec::new(), body_at: 0 })
    }

    /// The bytes of a request.
    pub(crate) fn request(&self, verb: &str, path: &str, body: &str) -> Vec<u8> {
        let (port, length) = (self.port, body.len());
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        (head + body).into_bytes()
    }

    /// Sends a request, and gives the status of its answer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<u16> {
        self.socket.write_all(request).await?;
        self.answer.clear();
        let end = loop {
            ensure!(self.socket.read_buf(&mut self.answer).await? > 0, "the server hung up");
            if let Some((body_at, end)) = end_of(&self.answer)? {
                self.body_at = body_at;
                break end;
            }
        };
        ensure!(self.answer.len() == end, "more was answered than was asked for");
        let status = self.answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        Ok(status.context("an answer begins with its status")?.parse()?)
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.answer[self.body_at..]
    }

    /// Sends a request that must end well, and gives the JSON of its answer.
    pub(crate) async fn json(&mut self, verb: &str, path: &str, body: &str) -> Result<Value> {
        let request = self.request(verb, path, body);
        match self.send(&request).await? {
            200..300 => Ok(serde_json::from_slice(self.body())?),
            status => bail!("{path}: {status} {}", String::from_utf8_lossy(self.body())),
        }
    }

    /// As [`send`](Self::send), where anything but a 201 is an error.
    pub(crate) async fn create(&mut self, request: &[u8]) -> Result<()> {
        match self.send(request).await? {
            201 => Ok(()),
            _ => bail!("not a 201: {}", String::from_utf8_lossy(&self.answer)),
        }
    }
}

/// Where the body of the answer begins and ends, as soon as its heads are there and its body is.
fn end_of(answer: &[u8]) -> Result<Option<(usize, usize)>> {
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
    let (body_at, end) = (heads + 4, heads + 4 + length);
    Ok((answer.len() >= end).then_some((body_at, end)))
}

pub(crate) fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(end_of(answer).unwrap(), Some((answer.len() - 2, answer.len())));
        assert_eq!(end_of(&answer[..answer.len() - 1]).unwrap(), None);
        assert_eq!(end_of(&answer[..20]).unwrap(), None);
        assert!(end_of(b"HTTP/1.1 201 Created\r\n\r\n").is_err());
    }
}
