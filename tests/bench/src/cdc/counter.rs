//! How many messages a topic has ever taken, as its broker's own statistics say; it is asked by a few bytes of HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

const PATIENCE: Duration = Duration::from_secs(10);

/// 0 of a topic that is not there yet. `topic` is a name in `public/default`.
pub(super) fn messages(admin_port: u16, topic: &str) -> Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", admin_port)).context("the broker does not listen")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let path = format!("/admin/v2/persistent/public/default/{topic}/stats");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{admin_port}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    read(&String::from_utf8_lossy(&answer)).with_context(|| format!("the statistics of {topic}"))
}

fn read(answer: &str) -> Result<u64> {
    let status = answer.get(9..12).context("an answer begins with its status")?;
    if status == "404" {
        return Ok(0);
    }
    ensure!(status == "200", "{answer}");
    let (_, number) = answer.split_once("\"msgInCounter\":").context("they count messages")?;
    let digits = number.trim_start();
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    Ok(digits[..end].parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_from_the_statistics() {
        assert_eq!(
            read("HTTP/1.1 200 OK\r\n\r\n{\"msgRateIn\":0.0,\"msgInCounter\":12,\"x\":3}").unwrap(),
            12
        );
        assert_eq!(read("HTTP/1.1 404 Not Found\r\n\r\n{\"reason\":\"Topic not found\"}").unwrap(), 0);
        assert!(read("HTTP/1.1 500 Internal Server Error\r\n\r\n").is_err());
    }
}
