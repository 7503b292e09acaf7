//! What holds of the whole workspace.

use std::process::Command;

#[test]
fn the_workspace_is_tidy() {
    let tidy = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").output().expect("our own binary runs");
    let said = String::from_utf8_lossy(&tidy.stdout);
    assert!(tidy.status.success(), "{said}");
}
