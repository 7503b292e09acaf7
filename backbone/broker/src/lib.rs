//! Topics, subscriptions and cursors as state machines, and the driver that gives them sockets.

pub mod subscription;
