//! Debian's packages for the engines, installed when that is ours to do: as root, where apt is.

use std::path::Path;
use std::process::{Command, Stdio};

/// A package, and a question to the shell that succeeds where it is not needed.
const NEEDS: [(&str, &str); 6] = [
    ("postgresql", "ls /usr/lib/postgresql/*/bin/initdb || command -v initdb"),
    ("mariadb-server", "command -v mariadbd || command -v mysqld"),
    ("openjdk-17-jre-headless", "command -v java"),
    ("maven", "command -v mvn"),
    ("golang-go", "command -v go || test -x /usr/local/go/bin/go"),
    ("python3-venv", "python3 -c 'import ensurepip, venv'"),
];

/// Whatever cannot be installed is found absent later, by the engine that needs it, so this only says so.
pub(crate) fn install_missing() {
    let missing: Vec<&str> =
        NEEDS.iter().filter(|(_, question)| !succeeds(question)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return;
    }
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/apt-get").exists() {
        println!("not installed, and not ours to install: {}", missing.join(", "));
        return;
    }
    println!("installing {}", missing.join(", "));
    let installed =
        apt(&["update"]) && apt(&[&["install", "-y", "--no-install-recommends"], &*missing].concat());
    if !installed {
        println!("apt-get could not install them");
    }
}

fn apt(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command.arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn succeeds(question: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", question]).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}
