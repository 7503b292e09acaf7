//! Our scripts: tests, tidy, acceptance, real Pulsar, benches.

fn main() {}
