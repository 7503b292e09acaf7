//! The scripts of seed 4, on free ports and in folders of their own; and what they write, held to its schemas.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hexalpes_e2e::{Product, calculation};
use hexalpes_engines::{free_port, program};
use serde_json::Value;
use tempfile::TempDir;

use crate::CHECKOUT;

/// The settings that say where everything listens.
const PORTS: [&str; 12] = [
    "HEXALPES_BACKBONE_PORT",
    "HEXALPES_ADMIN_PORT",
    "COMMISSIONS_PORT",
    "PARTNERS_PORT",
    "AFFILIATES_PORT",
    "CONVERSIONS_PORT",
    "MARKETING_PORT",
    "CAMPAIGNS_PORT",
    "RECRUITMENT_PORT",
    "ANALYTICS_PORT",
    "NOTIFICATIONS_PORT",
    "HEXALPES_CONSOLE_PORT",
];

/// A folder to run scripts in, and ports that nobody uses.
struct Place {
    folder: TempDir,
    data: PathBuf,
    ports: [(&'static str, u16); 12],
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { data: folder.path().join("data"), folder, ports: PORTS.map(|name| (name, free_port())) }
    }

    /// Where a product is that runs.
    fn of(product: &Product) -> Self {
        let ports = PORTS.map(|name| {
            let flag = name.trim_start_matches("HEXALPES_").to_lowercase().replace('_', "-");
            (name, product.port_of(&format!("--{flag}")))
        });
        Self { folder: tempfile::tempdir().unwrap(), data: product.data(), ports }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, by: &[&str], script: &str, arguments: &[&str]) -> Output {
        let script = checkout().join(script);
        let words: Vec<_> = by.iter().map(Path::new).chain([script.as_path()]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for strange in ["PULSAR_BROKER_URL", "PULSAR_ADMIN_URL", "DATABASE_URL", "HEXALPES_CONFIG"] {
            command.env_remove(strange);
        }
        command.env("HEXALPES", program("hexalpes")).env("HEXALPES_DATA", &self.data);
        command.envs(self.ports.map(|(name, port)| (name, port.to_string())));
        command.output().unwrap()
    }

    /// What a script says that ends well.
    fn told(&self, script: &str, arguments: &[&str]) -> String {
        told(&self.run(&[], script, arguments))
    }

    fn python(&self, script: &str, arguments: &[&str]) -> String {
        told(&self.run(&["python3"], script, arguments))
    }

    /// A file that a script wrote, once it is as its schema says.
    fn written(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.path().join(format!("{name}.json"))).unwrap();
        let written = serde_json::from_str(&text).unwrap();
        assert_valid(name, &written);
        written
    }
}

fn told(Output { status, stdout, stderr }: &Output) -> String {
    let (said, complained) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    assert!(status.success(), "{status}: {said}\n{complained}");
    said.into_owned()
}

/// For who runs in another folder.
fn checkout() -> PathBuf {
    fs::canonicalize(CHECKOUT).expect("a test runs in the folder of its crate")
}

fn assert_valid(name: &str, written: &Value) {
    let schema = checkout().join(format!("docs/schemas/{name}.schema.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(written).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(wrong, Vec::<String>::new(), "{written}");
}

/// Accepts S4-SCR-1, S4-FIL-1, S4-FIL-2, S4-FIL-3, S4-BEH-5, S4-BEH-7, G-18.
#[test]
fn the_full_ecosystem_runs_in_an_empty_folder_and_leaves_three_reports_and_nothing_running() {
    let place = Place::new();
    let said = place.told("scripts/run_full_ecosystem.sh", &[]);
    assert!(said.contains("stopped the product that was started here"), "{said}");
    let ids = place.written("test_data_ids");
    assert_eq!(ids["afiliados"].as_array().unwrap().len(), 4);
    assert_eq!(ids["comisiones"].as_array().unwrap().len(), ids["conversiones"].as_array().unwrap().len());
    let report = place.written("e2e_test_report");
    assert_eq!((&report["failed"], &report["passed"]), (&0.into(), &report["total"]));
    assert_eq!(place.written("performance_report")["recording"]["conversions"], 500);
    let lines = fs::read_to_string(place.path().join("data/events.jsonl")).unwrap();
    for line in lines.lines() {
        assert_valid("events_line", &serde_json::from_str(line).unwrap());
    }
    for (name, port) in place.ports {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "something listens on {name} {port}");
    }
}

/// Accepts S4-SCR-2, S4-SCR-3, S4-SCR-4, S4-SCR-6.
#[test]
fn each_script_uses_the_product_that_runs_and_may_be_run_again() {
    let product = Product::start();
    let place = Place::of(&product);
    let said = place.told("scripts/setup_pulsar_topics.sh", &[]);
    assert!(said.contains("comisiones.eventos") && !said.contains("starting the product"), "{said}");
    let said = place.told("scripts/setup_pulsar_topics.sh", &[]);
    assert!(said.starts_with("created 0, changed 0\n"), "{said}");

    place.told("scripts/init_test_data.sh", &[]);
    let first = place.written("test_data_ids");
    let said = place.told("scripts/init_test_data.sh", &[]);
    assert!(said.contains("found affiliate") && !said.contains("made "), "{said}");
    let again = place.written("test_data_ids");
    for kind in ["programas", "afiliados", "enlaces", "conversiones", "comisiones"] {
        assert_eq!(first[kind], again[kind]);
    }

    let said = place.told("scripts/run_e2e_tests.sh", &[]);
    assert!(said.contains("17 of 17 cases passed"), "{said}");
    let said = place.told("test-cdc-complete.sh", &["-n", "5"]);
    assert!(said.contains("10 events, each once, in the order of their commission"), "{said}");
}

/// Accepts S4-SCR-7, S4-SCR-8, S4-OUT-3.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_pending_are_published_by_hand_and_can_be_read() {
    let product = Product::start_without_relay(None);
    let place = Place::of(&product);
    assert_eq!(product.post("/commissions/calculate", &calculation("conv-by-hand")).await.0, 201);
    let said = place.python("manual_cdc.py", &[]);
    assert!(
        said.contains("commissions: 1 rows went from published 0 to 1, carried by this command"),
        "{said}"
    );
    let said = place.python("manual_cdc.py", &[]);
    assert!(said.ends_with("published 0, pending 0\n"), "{said}");
    let said = place.python("consumer_cdc.py", &["-n", "1", "-p", "earliest"]);
    assert!(said.contains("CommissionCalculated"), "{said}");
}

/// Accepts S4-SCR-5, S3-CLI-7.
#[tokio::test(flavor = "multi_thread")]
async fn the_running_product_is_watched_on_a_screen_and_event_by_event() {
    let product = Product::start();
    assert_eq!(product.post("/commissions/calculate", &calculation("conv-watched")).await.0, 201);
    product.event_lines(1);
    let place = Place::of(&product);
    let said = place.told("scripts/monitor_pulsar.sh", &["dashboard", "-n", "2", "--every", "1"]);
    assert_eq!(said.matches("== topics").count(), 2, "{said}");
    for shown in [
        "persistent://public/default/outbox-events ",
        "commissions ",
        "commissions-conversions ",
        "none waits",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
    let said = place.told("scripts/monitor_pulsar.sh", &["log", "-n", "1", "--from-earliest"]);
    assert!(said.contains("CommissionCalculated") && said.contains("CORR-"), "{said}");
    let refused = place.run(&[], "scripts/monitor_pulsar.sh", &["something"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// Accepts S4-SCR-9.
#[test]
fn the_advanced_test_follows_many_events() {
    let product = Product::start();
    let said = Place::of(&product).python("advanced_cdc_test.py", &["-n", "20"]);
    assert_eq!(said.matches("40 events, each once").count(), 2, "{said}");
}
