//! Publish and subscribe against the backbone or a Pulsar cluster.
