//! The relay on a broker in the same process: each row once, in order, whatever is interrupted.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod amid;
mod both;
mod clash;
mod failover;
mod foreign;
mod half_sent;
mod hold;
mod keys;
mod log;
mod lost;
mod marks;
mod memory;
mod operating;
mod parked;
mod partitions;
mod publishing;
mod pulsar;
mod recovery;
mod restored;
mod routing;
mod rules;
mod servers;
mod status;
mod support;
mod table;
mod turns;
