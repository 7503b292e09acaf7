//! Apache Pulsar's binary protocol as types, frames and batches; no IO.
