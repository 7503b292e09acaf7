//! Reads frames out of whatever has arrived.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;

use super::{FRAME_OVERHEAD_BYTES, Payload};
use crate::proto::{BaseCommand, Command, CommandType};

/// How much the buffer may grow ahead of what has arrived, whatever a frame announces.
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub command: Command,
    /// Empty for everything but SEND and MESSAGE.
    pub payload: Payload,
}

/// A frame that cannot be answered, as it cannot be read. The connection is to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("frame of {bytes} bytes is larger than the {max_bytes} that are allowed")]
    TooLarge { bytes: usize, max_bytes: usize },
    #[error("frame of {bytes} bytes is too short for its command of {command_bytes}")]
    TooShort { bytes: usize, command_bytes: usize },
    #[error("command cannot be read: {0}")]
    Undecodable(#[from] prost::DecodeError),
    #[error("unknown command type {number}")]
    UnknownCommand { number: i32 },
    #[error("command type {kind:?} comes without its field")]
    MissingBody { kind: CommandType },
    #[error("command type {kind:?} comes with the field of {field:?}")]
    ForeignBody { kind: CommandType, field: CommandType },
}

/// Cuts frames off the front of a buffer. It keeps no state but its limit.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    max_frame_bytes: usize,
}

impl Decoder {
    /// For a peer whose largest message is `max_message_bytes`, which CONNECTED states.
    pub const fn new(max_message_bytes: usize) -> Self {
        Self { max_frame_bytes: max_message_bytes.saturating_add(FRAME_OVERHEAD_BYTES) }
    }

    /// Takes the next frame, or says that more bytes are needed (`None`) and makes room for them.
    ///
    /// The frame keeps the buffer's memory alive as long as its payload lives. After an error other than
    /// `TooLarge` the frame that caused it is gone from the buffer.
    pub fn decode(&self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(length) = buffer.first_chunk::<4>() else { return Ok(None) };
        let bytes = u32::from_be_bytes(*length) as usize;
        if bytes > self.max_frame_bytes {
            return Err(FrameError::TooLarge { bytes, max_bytes: self.max_frame_bytes });
        }
        if let Some(missing) = (4 + bytes).checked_sub(buffer.len()).filter(|missing| *missing > 0) {
            buffer.reserve(missing.min(READ_AHEAD_BYTES.max(buffer.len())));
            return Ok(None);
        }
        buffer.advance(4);
        read(buffer.split_to(bytes).freeze()).map(Some)
    }
}

/// Reads a frame of which the total was cut off.
fn read(mut frame: Bytes) -> Result<Frame, FrameError> {
    let bytes = frame.len();
    if bytes < 4 {
        return Err(FrameError::TooShort { bytes, command_bytes: 0 });
    }
    let command_bytes = frame.get_u32() as usize;
    if command_bytes > frame.len() {
        return Err(FrameError::TooShort { bytes, command_bytes });
    }
    let command = read_command(frame.split_to(command_bytes))?;
    let payload = match command {
        Command::Send(_) | Command::Message(_) => Payload::from_raw(frame),
        _ => Payload::default(),
    };
    Ok(Frame { command, payload })
}

fn read_command(bytes: Bytes) -> Result<Command, FrameError> {
    let base = BaseCommand::decode(bytes)?;
    let kind =
        CommandType::try_from(base.r#type).map_err(|_| FrameError::UnknownCommand { number: base.r#type })?;
    match (base.command, kind) {
        (Some(command), kind) if command.kind() == kind => Ok(command),
        (Some(command), kind) => Err(FrameError::ForeignBody { kind, field: command.kind() }),
        // Their fields are empty, and some clients leave them out.
        (None, CommandType::Ping) => Ok(Command::ping()),
        (None, CommandType::Pong) => Ok(Command::pong()),
        (None, kind) => Err(FrameError::MissingBody { kind }),
    }
}
