//! The workspace's own binaries, for tests that run the product.

use std::env;
use std::path::PathBuf;

/// A binary of the workspace, built with the tests: `cargo xtask test` builds all of them, and plain cargo does
/// with `cargo build --workspace --bins --tests`.
///
/// # Panics
///
/// If it is not there, for a test of the product without the product is a broken run.
pub fn program(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    // Test binaries lie in `deps`, binaries beside it.
    let folder = test.ancestors().nth(2).expect("a test binary lies in target/{profile}/deps");
    let program = folder.join(name);
    assert!(program.is_file(), "{} is not built: cargo build --workspace --bins --tests", program.display());
    program
}
