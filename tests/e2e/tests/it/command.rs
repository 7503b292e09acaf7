//! The binary run to its end: how it refuses, and what its command line says.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use hexalpes_e2e::{PATIENCE, Product};
use hexalpes_engines::{eventually, free_port, program};
use serde_json::Value;

/// The binary with nothing of the tester's own settings.
pub(crate) fn hexalpes(folder: &Path, arguments: &[&str]) -> Output {
    run(&[program("hexalpes").into()], folder, arguments)
}

/// What a command says that speaks to a product that runs.
pub(crate) fn ask(product: &Product, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ports = product.port_flags();
    let all: Vec<&str> = arguments.iter().copied().chain(ports.iter().map(String::as_str)).collect();
    printed(folder.path(), &all)
}

/// Has a product read a source, or read it anew, and gives what that says.
pub(crate) fn create_source(product: &Product, config: &Value) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("source.json");
    fs::write(&file, config.to_string()).expect("it can be written");
    ask(product, &["relay", "create", &file.display().to_string()])
}

/// What a product tells of a source.
pub(crate) fn source_status(product: &Product, source: &str) -> Value {
    serde_json::from_str(&ask(product, &["relay", "status", source, "-o", "json"])).expect("it is JSON")
}

/// The same, once it is as wanted.
pub(crate) fn source_status_once(product: &Product, source: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let reached = eventually(PATIENCE, || {
        last = source_status(product, source);
        wanted(&last).then_some(())
    });
    assert!(reached.is_some(), "{source}: {last}");
    last
}

/// What a command prints that ends well and has nothing to complain of.
pub(crate) fn printed(folder: &Path, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = hexalpes(folder, arguments);
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success() && said.is_empty(), "{status}: {said}");
    String::from_utf8(stdout).expect("answers are UTF-8")
}

/// What it says on standard error: one line, and this exit code.
pub(crate) fn refusal(folder: &Path, arguments: &[&str], code: i32) -> String {
    one_line(hexalpes(folder, arguments), code)
}

/// How `hexalpes up`, on ports that nobody uses, refuses.
pub(crate) fn up_refusal(folder: &Path, more: &[&str], code: i32) -> String {
    up_refusal_by(&[], folder, more, code)
}

/// Every port that `up` listens on.
pub(crate) const PORT_FLAGS: [&str; 12] = [
    "--backbone-port",
    "--admin-port",
    "--commissions-port",
    "--partners-port",
    "--affiliates-port",
    "--conversions-port",
    "--marketing-port",
    "--campaigns-port",
    "--recruitment-port",
    "--analytics-port",
    "--notifications-port",
    "--console-port",
];

/// The same of a process that is started by another program.
pub(crate) fn up_refusal_by(by: &[OsString], folder: &Path, more: &[&str], code: i32) -> String {
    let words: Vec<OsString> = by.iter().cloned().chain([program("hexalpes").into()]).collect();
    let flags = PORT_FLAGS;
    let ports = flags.map(|_| free_port().to_string());
    let on_ports = flags.into_iter().zip(&ports).filter(|(flag, _)| !more.contains(flag));
    let on_ports = on_ports.flat_map(|(flag, port)| [flag, port.as_str()]);
    let arguments: Vec<&str> = ["up"].into_iter().chain(on_ports).chain(more.iter().copied()).collect();
    one_line(run(&words, folder, &arguments), code)
}

fn one_line(output: Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr).expect("errors are UTF-8");
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// Ends what does not end by itself, so that a start that should have been refused fails its test.
fn run(words: &[OsString], folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(arguments.iter().map(OsStr::new)).current_dir(folder);
    for variable in
        ["PULSAR_BROKER_URL", "PULSAR_ADMIN_URL", "DATABASE_URL", "HEXALPES_DATA", "HEXALPES_CONFIG"]
    {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // What it says fits into the pipes.
    if eventually(PATIENCE, || child.try_wait().expect("it can be waited for")).is_none() {
        let _ = child.kill();
    }
    child.wait_with_output().expect("it can be waited for")
}
