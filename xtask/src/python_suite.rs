//! `cargo xtask python-suite FOLDER`: the official Python client's own tests against the backbone.
//!
//! They are not ours, so they are not here: the folder holds that client's sources, of the version that
//! [`Python`] installs. They name the ports and the addresses that they use, so all of it runs in a network of
//! its own, which takes Linux, `unshare`, `ip`, and root or namespaces for everybody.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use hexalpes_engines::{Python, eventually, status_of};

use crate::workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// The client's sources; what is in their folder `tests` is run
    folder: PathBuf,
    /// Run these files alone, such as `schema_test`
    only: Vec<String>,
    /// We are in the network already
    #[arg(long, hide = true)]
    inside: bool,
}

/// Those that need a broker; the rest start containers or ask an identity provider.
const FILES: [&str; 8] = [
    "custom_logger_test",
    "debug_logger_test",
    "interrupted_test",
    "pulsar_test",
    "schema_test",
    "table_view_test",
    "reader_test",
    "asyncio_test",
];
/// A file that takes longer hangs.
const FILE_SECONDS_MAX: &str = "900";
const READY_WITHIN: Duration = Duration::from_secs(30);
const ADMIN_PORT: u16 = 8080;
const SUPER_USERS: &str = "localhost,superUser,admin";

/// Loopback, and addresses at which nobody answers: those that are for documentation.
const NETWORK: &str = "ip link set lo up && ip route add 192.0.2.0/24 dev lo && exec \"$@\"";

/// Makes the tenants and namespaces that the tests use, with their permissions. A namespace that is there has them
/// granted.
const SET_UP: &str = r#"
import json, sys, urllib.error, urllib.request
def call(method, path, body):
    headers = {"Authorization": "Bearer " + sys.argv[1], "Content-Type": "application/json"}
    request = urllib.request.Request("http://localhost:8080/admin/v2/" + path, json.dumps(body).encode(), headers)
    request.get_method = lambda: method
    try:
        urllib.request.urlopen(request)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 409:
            raise
def namespace(name, role):
    call("PUT", "namespaces/" + name, {"replication_clusters": ["standalone"]})
    call("POST", f"namespaces/{name}/permissions/{role}", ["produce", "consume"])
call("POST", "tenants/public", {"adminRoles": ["anonymous"], "allowedClusters": ["standalone"]})
call("PUT", "tenants/private", {"adminRoles": [], "allowedClusters": ["standalone"]})
namespace("public/default", "anonymous")
namespace("public/default-2", "anonymous")
namespace("private/auth", "token-principal")
"#;

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.inside {
        return inside(options);
    }
    // In there nothing can be brought any more.
    Python::prepare_for_suite()?;
    let built = workspace::cargo("build")?.args(["--package", "hexalpes"]).status();
    ensure!(built.context("cargo cannot be run")?.success(), "hexalpes cannot be built");
    let mut network = Command::new("unshare");
    network.arg("--net");
    if !rustix::process::geteuid().is_root() {
        network.args(["--user", "--map-root-user"]);
    }
    network.args(["sh", "-c", NETWORK, "sh"]).arg(env::current_exe()?);
    network.args(["python-suite", "--inside"]).arg(&options.folder).args(&options.only);
    let status = network.status().context("unshare cannot be run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn inside(options: &Options) -> Result<ExitCode> {
    let python = Python::prepare_for_suite()?;
    let folder = tempfile::tempdir()?;
    let tests = folder.path().join("tests");
    // They write beside themselves, and read what is said to them there.
    let copied = Command::new("cp").arg("-r").arg(options.folder.join("tests")).arg(&tests).status();
    ensure!(copied.is_ok_and(|status| status.success()), "{} has no tests", options.folder.display());
    let backbone = Backbone::start(folder.path(), &tests)?;
    let set_up = Command::new(python.interpreter()).args(["-c", SET_UP, &backbone.admin_token]).status();
    ensure!(set_up?.success(), "the namespaces cannot be made");
    let (mut passed, mut failed) = (0, 0);
    for file in
        FILES.iter().filter(|file| options.only.is_empty() || options.only.iter().any(|only| only == *file))
    {
        let result = Outcome::of(python.interpreter(), &tests, file)?;
        println!("{file}: {} of {}", result.run - result.failed.len(), result.run);
        for name in &result.failed {
            println!("  {name}");
        }
        passed += result.run - result.failed.len();
        failed += result.failed.len();
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `hexalpes backbone` with what the tests' own configuration asks of a broker.
struct Backbone {
    process: Child,
    admin_token: String,
}

impl Backbone {
    fn start(folder: &Path, tests: &Path) -> Result<Self> {
        let hexalpes = env::current_exe()?.with_file_name("hexalpes");
        let said = |arguments: &[&str], key: &str| -> Result<String> {
            let mut command = Command::new(&hexalpes);
            command
                .args(arguments)
                .env("HEXALPES_TOKEN_SECRET_KEY", key)
                .env("HEXALPES_SUPER_USER_ROLES", SUPER_USERS)
                .stderr(Stdio::inherit());
            let output = command.output()?;
            ensure!(output.status.success(), "hexalpes {} failed", arguments.join(" "));
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        };
        let secret = folder.join("secret.key");
        let key = format!("file://{}", secret.display());
        fs::write(&secret, [7; 64])?;
        let token = said(&["token", "create", "--subject", "token-principal"], &key)?;
        fs::write(tests.join(".test-token.txt"), token)?;
        let admin_token = said(&["token", "create", "--subject", "superUser"], &key)?;
        let mut command = Command::new(&hexalpes);
        command.arg("backbone").current_dir(tests);
        for (name, value) in [
            ("DATA", &*folder.join("data").display().to_string()),
            ("LOG", "error"),
            ("ADVERTISED_ADDRESS", "localhost"),
            ("TOKEN_SECRET_KEY", &*key),
            ("ANONYMOUS_USER_ROLE", "anonymous"),
            ("SUPER_USER_ROLES", SUPER_USERS),
            ("BASIC_AUTH_CONF", "test-conf/.htpasswd"),
            ("TLS_CERTIFICATE_FILE", "test-conf/broker-cert.pem"),
            ("TLS_KEY_FILE", "test-conf/broker-key.pem"),
            ("TLS_TRUST_CERTS_FILE", "test-conf/cacert.pem"),
            ("TLS_CLIENT_ROLES", "true"),
        ] {
            command.env(format!("HEXALPES_{name}"), value);
        }
        let process = command.stdout(Stdio::null()).spawn().context("hexalpes cannot be run")?;
        let backbone = Self { process, admin_token };
        let ready = eventually(READY_WITHIN, || status_of(ADMIN_PORT, "/metrics"));
        ready.context("the backbone does not start")?;
        Ok(backbone)
    }
}

impl Drop for Backbone {
    fn drop(&mut self) {
        // Its data goes with the folder.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What became of one file's tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    run: usize,
    failed: Vec<String>,
}

impl Outcome {
    fn of(interpreter: &Path, tests: &Path, file: &str) -> Result<Self> {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", FILE_SECONDS_MAX]).arg(interpreter);
        command.args(["-m", "unittest", "-v", file]).current_dir(tests).stdin(Stdio::null());
        let output = command.output().context("timeout cannot be run")?;
        Ok(Self::read(file, &String::from_utf8_lossy(&output.stderr)))
    }

    /// What Python's runner says in the end; an interpreter that crashes after that changes nothing.
    fn read(file: &str, said: &str) -> Self {
        let ran = said.lines().find_map(|line| line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok());
        let Some(run) = ran else {
            return Self { run: 1, failed: vec![format!("{file} did not come to its end\n{said}")] };
        };
        let named =
            |line: &str| line.strip_prefix("FAIL: ").or(line.strip_prefix("ERROR: ")).map(str::to_owned);
        Self { run, failed: said.lines().filter_map(named).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_named_and_the_rest_counted() {
        let said = "test_a (t.T.test_a) ... ok\nFAIL: test_b (t.T.test_b)\nAssertionError\nERROR: test_c (t.T.test_c)\n\
                    Ran 93 tests in 1.2s\n\nFAILED (failures=1, errors=1)\n";
        let failed = vec!["test_b (t.T.test_b)".to_owned(), "test_c (t.T.test_c)".to_owned()];
        assert_eq!(Outcome::read("t", said), Outcome { run: 93, failed });
        assert_eq!(Outcome::read("t", "Segmentation fault").failed.len(), 1);
    }
}
