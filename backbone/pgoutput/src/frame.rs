//! Messages of the server, cut out of the bytes that come.
//!
//! A message is a letter, the length of what follows (itself counted), and its body:
//! <https://www.postgresql.org/docs/15/protocol-message-formats.html>.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::failure::{Failure, Said};

/// Room that is made for reads, and what is left of it when more is made. Rows are parts of it until they are sent: with
/// each read in a piece of its own, a small row would keep all of that.
const READ_BYTES: usize = 64 * 1024;
const ROOM_BYTES_MIN: usize = 8 * 1024;
/// What a large message made room for is kept up to here.
const KEPT_BYTES: usize = 1024 * 1024;
/// The largest message that a server can make.
const MESSAGE_BYTES_MAX: usize = 1 << 30;
const HEAD_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) tag: u8,
    pub(crate) body: Bytes,
}

/// What comes from the server and has not been looked at yet.
pub(crate) struct Incoming<R> {
    reader: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, buffer: BytesMut::new() }
    }

    /// The next message, if all of it is here.
    pub(crate) fn take(&mut self) -> Result<Option<Frame>, Failure> {
        let &[tag, a, b, c, d, ..] = &*self.buffer else { return Ok(None) };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(LENGTH_BYTES..=MESSAGE_BYTES_MAX).contains(&length) {
            return Err(Failure::Protocol(format!("a message of {length} bytes")));
        }
        let whole = HEAD_BYTES - LENGTH_BYTES + length;
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let mut message = self.buffer.split_to(whole);
        message.advance(HEAD_BYTES);
        Ok(Some(Frame { tag, body: message.freeze() }))
    }

    /// Waits for more bytes. Dropped while it waits, it loses none.
    pub(crate) async fn fill(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BYTES {
            self.buffer = BytesMut::new();
        }
        if self.buffer.capacity() - self.buffer.len() < ROOM_BYTES_MIN {
            self.buffer.reserve(READ_BYTES);
        }
        match self.reader.read_buf(&mut self.buffer).await? {
            0 => Err(Failure::Broken("the server hung up".to_owned())),
            _ => Ok(()),
        }
    }

    /// Waits for the next message; an error that the server reports is one.
    pub(crate) async fn message(&mut self) -> Result<Frame, Failure> {
        let frame = self.any_message().await?;
        if frame.tag == b'E' { Err(Failure::Said(Said::parse(&frame.body))) } else { Ok(frame) }
    }

    pub(crate) async fn any_message(&mut self) -> Result<Frame, Failure> {
        loop {
            match self.take()? {
                Some(frame) => return Ok(frame),
                None => self.fill().await?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(bytes: &[u8]) -> Incoming<&[u8]> {
        let mut incoming = Incoming::new(&[] as &[u8]);
        incoming.buffer.extend_from_slice(bytes);
        incoming
    }

    #[test]
    fn a_message_is_taken_once_all_of_it_is_here() {
        let mut half = incoming(b"d\0\0\0\x07ab");
        assert!(half.take().unwrap().is_none());
        half.buffer.extend_from_slice(b"cC\0\0\0\x04");
        let frame = half.take().unwrap().unwrap();
        assert_eq!((frame.tag, &*frame.body), (b'd', &b"abc"[..]));
        let frame = half.take().unwrap().unwrap();
        assert_eq!((frame.tag, &*frame.body), (b'C', &b""[..]));
        assert!(half.take().unwrap().is_none());
    }

    #[test]
    fn a_length_that_cannot_be_is_an_error() {
        for bytes in [b"d\0\0\0\x03", b"d\xff\xff\xff\xff"] {
            assert!(matches!(incoming(bytes).take(), Err(Failure::Protocol(_))));
        }
    }
}
