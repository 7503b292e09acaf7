//! Pulsar's Admin REST v2 over the broker.
