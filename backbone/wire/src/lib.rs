//! Apache Pulsar's binary protocol, version 21, as types, frames and batches: one crate for both ends.
//!
//! No IO and no async: bytes in, values out, and back. The broker and our client drive it.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`proto`] | every command and every metadata message, as prost structs |
//! | [`frame`] | how commands and payloads lie on the wire, and their checksum |
//! | [`batch`] | several messages in one payload |
//! | [`compression`] | the codecs of a payload, bounded |
//! | [`key`] | what a message is ordered by, and Pulsar's hash of it |
//! | [`topic`] | topic names and their shorthands |
//! | [`message_id`] | where a message lies, ordered |
//!
//! ```
//! use bytes::BytesMut;
//! use hexalpes_wire::frame::{self, Decoder};
//! use hexalpes_wire::proto::Command;
//!
//! let mut buffer = BytesMut::new();
//! frame::encode(&Command::success(7), &mut buffer);
//! let frame = Decoder::new(5 * 1024 * 1024).decode(&mut buffer)?.expect("a whole frame is there");
//! assert_eq!(frame.command.request_id(), Some(7));
//! # Ok::<(), frame::FrameError>(())
//! ```

pub mod batch;
pub mod compression;
pub mod frame;
pub mod key;
pub mod message_id;
pub mod proto;
pub mod topic;

pub use message_id::MessageId;
pub use topic::TopicName;

/// The protocol version that these types describe.
pub const PROTOCOL_VERSION: i32 = 21;

/// What a broker accepts as one message unless it is told otherwise: 5 MiB, as Pulsar does.
pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 5 * 1024 * 1024;
