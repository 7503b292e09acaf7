//! The binary: every service, the backbone, and the command line.

fn main() {}
