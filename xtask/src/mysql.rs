//! `cargo xtask mysql`: a real MySQL for a look around, on a port of its own.

use std::process::ExitCode;
use std::thread;

use anyhow::Result;
use hexalpes_engines::MySql;

pub(crate) fn run() -> Result<ExitCode> {
    let mysql = MySql::start()?;
    println!("export DATABASE_URL={}", mysql.url());
    println!("# running until Ctrl-C");
    // A signal ends us; whatever ends us, the watchdog beside MySQL stops it.
    loop {
        thread::park();
    }
}
