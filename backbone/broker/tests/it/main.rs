//! The broker over sockets, spoken to frame by frame.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod alone;
mod catching_up;
mod compacting;
mod counting;
mod delaying;
mod faulty;
mod fixtures;
mod forgetting;
mod in_flight;
mod keeping;
mod managing;
mod nonsense;
mod partitions;
mod passing;
mod peer;
mod policing;
mod proving;
mod refusing;
mod rights;
mod schemas;
mod slow;
mod sockets;
