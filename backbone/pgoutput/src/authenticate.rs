//! Who we are: the server asks, and a password is proved in the way that it asks for.
//!
//! The kinds of `R` messages: <https://www.postgresql.org/docs/15/protocol-message-formats.html>.

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::address::Address;
use crate::failure::{Failure, Said};
use crate::frame::Incoming;

const OK: u32 = 0;
const CLEARTEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// Answers until the server is content.
pub(crate) async fn authenticate<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    incoming: &mut Incoming<R>,
    outgoing: &mut W,
    address: &Address,
) -> Result<(), Failure> {
    let mut scram: Option<ScramSha256> = None;
    loop {
        let frame = incoming.message().await?;
        let (kind, rest) = match (frame.tag, frame.body.split_first_chunk::<4>()) {
            (b'R', Some((kind, rest))) => (u32::from_be_bytes(*kind), rest),
            // It may say first which protocol it takes, and give notices.
            (b'v' | b'N', _) => continue,
            (tag, _) => return Err(unexpected(tag)),
        };
        let mut answer = BytesMut::new();
        match kind {
            OK => return Ok(()),
            CLEARTEXT => frontend::password_message(password(address)?, &mut answer)?,
            MD5 => {
                let salt = rest.first_chunk::<4>().copied().ok_or_else(|| unexpected(b'R'))?;
                let hash = md5_hash(address.user.as_bytes(), password(address)?, salt);
                frontend::password_message(hash.as_bytes(), &mut answer)?;
            }
            SASL if rest.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes()) => {
                let proof = scram.insert(ScramSha256::new(password(address)?, ChannelBinding::unsupported()));
                frontend::sasl_initial_response(SCRAM_SHA_256, proof.message(), &mut answer)?;
            }
            SASL_CONTINUE => {
                let proof = scram.as_mut().ok_or_else(|| unexpected(b'R'))?;
                proof.update(rest).map_err(|_| denied("the server's part of SCRAM is not right"))?;
                frontend::sasl_response(proof.message(), &mut answer)?;
            }
            SASL_FINAL => {
                let proof = scram.as_mut().ok_or_else(|| unexpected(b'R'))?;
                proof.finish(rest).map_err(|_| denied("the server does not know the password itself"))?;
                continue;
            }
            _ => return Err(denied("the server asks for a proof other than a password or a certificate")),
        }
        outgoing.write_all(&answer).await?;
        outgoing.flush().await?;
    }
}

fn password(address: &Address) -> Result<&[u8], Failure> {
    let password = address.password.as_deref().map(str::as_bytes);
    password.ok_or_else(|| denied("the server asks for a password, and the address has none"))
}

/// As if the server had said it.
fn denied(why: &str) -> Failure {
    Failure::Said(Said { code: "28000".to_owned(), message: why.to_owned() })
}

fn unexpected(tag: u8) -> Failure {
    Failure::Protocol(format!("a message {:?} while connecting", char::from(tag)))
}
