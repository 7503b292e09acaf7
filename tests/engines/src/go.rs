//! The official Go client, in a program of ours (`go/` beside this) that is built when it is needed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{Absent, tool};

/// Of the program, in the checkout.
const SOURCE: &str = "tests/engines/go";

/// A program that runs one scenario with the official Go client: `SCENARIO URL TOPIC [ARGUMENT]…`. It says what came of
/// it on lines that begin with `> `. Gone with its value.
#[derive(Debug)]
pub struct Go {
    program: PathBuf,
    _folder: TempDir,
}

impl Go {
    /// Builds it, as it is in that checkout. Go keeps what it downloads and compiles in its own caches, so that only the
    /// first time is long.
    pub fn prepare(checkout: &Path) -> Result<Self, Absent> {
        prepare(checkout).map_err(|error| Absent::because("Go client", &error))
    }

    pub fn program(&self) -> &Path {
        &self.program
    }
}

fn prepare(checkout: &Path) -> Result<Go> {
    let go = tool::find(&["go", "/usr/local/go/bin/go"])?;
    let folder = tempfile::Builder::new().prefix("hexalpes-go-").tempdir()?;
    let program = folder.path().join("hexalpes-go");
    let mut build = Command::new(go);
    // Its C library for one codec takes longer to compile than all of the rest, and has a twin in Go.
    build.env("CGO_ENABLED", "0").current_dir(checkout.join(SOURCE));
    build.args(["build", "-trimpath", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    tool::run(&mut build).context("the program cannot be built")?;
    Ok(Go { program, _folder: folder })
}
