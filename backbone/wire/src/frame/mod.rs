//! Frames: how a command, and what it carries, lies on the wire. All numbers have their big end first.
//!
//! | bytes | field | |
//! | --- | --- | --- |
//! | 4 | `total` | of everything after it |
//! | 4 | `command_size` | |
//! | … | `command` | a [`BaseCommand`](crate::proto::BaseCommand) |
//! | … | payload | of a SEND or a MESSAGE, as in [`Payload`] |

mod decode;
mod encode;
mod payload;

pub use decode::{Decoder, Frame, FrameError};
pub use encode::{encode, encode_delivery, encode_head, encode_message, encode_with_payload};
pub use payload::{Checksum, Payload, PayloadError};

/// How much larger than the largest message a frame may be, for its command and headers.
pub const FRAME_OVERHEAD_BYTES: usize = 10 * 1024;
