//! The compose file, held against seed 1's. No container is started: what a file says can be read without an engine, and
//! what the binary makes of a service's environment it says itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use hexalpes_engines::{PULSAR_VERSION, program};
use serde_json::{Value, json};

use crate::CHECKOUT;

fn text(name: &str) -> String {
    fs::read_to_string(format!("{CHECKOUT}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The file with its anchors and merges resolved, as `docker compose config` shows it.
fn compose() -> Value {
    serde_saphyr::from_str(&text("docker-compose.yml")).expect("it is YAML")
}

fn services() -> BTreeMap<String, Value> {
    serde_json::from_value(compose()["services"].clone()).expect("services have names")
}

/// The five that are ours.
const OURS: [&str; 5] =
    ["partner-management", "onboarding", "recruitment", "campaign-management", "notifications"];

/// Name, host name, image, profiles, and the ports of the host.
type Row =
    (&'static str, Option<&'static str>, &'static str, &'static [&'static str], &'static [&'static str]);

/// Seed 1's table. Two things differ: Pulsar is of the version that everything is tested on (C-27), and our services are
/// one image, which is the admin UI too.
const TABLE: [Row; 11] = [
    ("postgres", None, "postgres:15-alpine", &["database", "full"], &["5432"]),
    ("zookeeper", Some("zookeeper"), "apachepulsar/pulsar:4.0.8", &["pulsar", "full"], &[]),
    ("pulsar-init", Some("pulsar-init"), "apachepulsar/pulsar:4.0.8", &["pulsar", "full"], &[]),
    ("bookie", Some("bookie"), "apachepulsar/pulsar:4.0.8", &["pulsar", "full"], &[]),
    ("broker", Some("broker"), "apachepulsar/pulsar:4.0.8", &["pulsar", "full"], &["6650", "8080"]),
    ("pulsar-manager", None, "hexabuilders/hexalpes", &["management", "full"], &["9527"]),
    (
        "partner-management",
        Some("partner-management"),
        "hexabuilders/hexalpes",
        &["services", "full"],
        &["5000"],
    ),
    ("onboarding", Some("onboarding"), "hexabuilders/hexalpes", &["services", "full"], &["5001"]),
    ("recruitment", Some("recruitment"), "hexabuilders/hexalpes", &["services", "full"], &["5002"]),
    (
        "campaign-management",
        Some("campaign-management"),
        "hexabuilders/hexalpes",
        &["services", "full"],
        &["5003"],
    ),
    ("notifications", Some("notifications"), "hexabuilders/hexalpes", &["services", "full"], &[]),
];

/// Accepts S0-SVC-1, S0-SVC-2, S0-SVC-3, S0-SVC-4, S0-SVC-5, S0-SVC-6, S0-SVC-7, S0-SVC-8, S0-SVC-9, S0-SVC-10, S0-SVC-11.
#[test]
fn services_have_the_names_hosts_profiles_and_ports_of_seed_1() {
    let services = services();
    let names: BTreeSet<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(names, TABLE.iter().map(|row| row.0).collect());
    for (name, host, image, profiles, ports) in TABLE {
        let service = &services[name];
        assert_eq!(service["container_name"], format!("hexabuilders-{name}"));
        assert_eq!(service["hostname"].as_str(), host, "{name}");
        assert_eq!(service["image"], image, "{name}");
        assert_eq!(service["profiles"], json!(profiles), "{name}");
        let published: Vec<&str> =
            words(&service["ports"]).into_iter().filter_map(|port| port.split(':').next()).collect();
        assert_eq!(published, ports, "{name}");
    }
    for name in OURS.into_iter().chain(["pulsar-manager"]) {
        assert_eq!(services[name]["build"], json!({"context": ".", "dockerfile": "Dockerfile"}), "{name}");
    }
    // Inside, each is on the port of the seed; only the broker has a door of its own for the host (C-22).
    for (name, port) in OURS.into_iter().zip(["5000", "5001", "5002", "5003"]) {
        assert_eq!(words(&services[name]["ports"]), [format!("{port}:{port}")], "{name}");
    }
    assert_eq!(words(&services["broker"]["ports"]), ["6650:6660", "8080:8080"]);
    assert_eq!(words(&services["postgres"]["ports"]), ["5432:5432"]);
    assert_eq!(words(&services["pulsar-manager"]["ports"]), ["9527:9527"]);
}

/// Accepts S0-DEP-1.
#[test]
fn each_starts_after_what_it_needs_and_pulsar_comes_back_by_itself() {
    let (healthy, started, done) = ("service_healthy", "service_started", "service_completed_successfully");
    let served = [("broker", started), ("postgres", healthy)];
    let expected: [(&str, &[(&str, &str)]); 11] = [
        ("postgres", &[]),
        ("zookeeper", &[]),
        ("pulsar-init", &[("zookeeper", healthy)]),
        ("bookie", &[("pulsar-init", done), ("zookeeper", healthy)]),
        ("broker", &[("bookie", started), ("pulsar-init", done)]),
        ("pulsar-manager", &[("broker", healthy)]),
        ("partner-management", &served),
        ("onboarding", &served),
        ("recruitment", &served),
        ("campaign-management", &served),
        ("notifications", &[("broker", started)]),
    ];
    let services = services();
    for (name, needs) in expected {
        let service = &services[name];
        let found: Vec<(&str, &str)> =
            needs_of(service).map(|(need, how)| (need, how["condition"].as_str().unwrap())).collect();
        assert_eq!(found, needs, "{name}");
        let comes_back = ["zookeeper", "bookie", "broker"].contains(&name);
        assert_eq!(service["restart"].as_str(), comes_back.then_some("unless-stopped"), "{name}");
    }
}

/// What `docker compose --profile PROFILE up` starts, and that nothing of it asks for what it does not start.
///
/// Accepts S0-PRO-1, S0-PRO-2, S0-PRO-3, S0-PRO-4, S0-PRO-5, S0-CLI-1, S0-CLI-2, S0-CLI-3, S3-CLI-2, C-22.
#[test]
fn a_profile_starts_what_seed_1_says_and_asks_for_nothing_else() {
    let services = services();
    let all: Vec<&str> = TABLE.iter().map(|row| row.0).collect();
    let profiles: [(&str, &[&str]); 5] = [
        ("database", &["postgres"]),
        ("pulsar", &["zookeeper", "pulsar-init", "bookie", "broker"]),
        ("management", &["pulsar-manager"]),
        ("services", &OURS),
        ("full", &all),
    ];
    for (profile, members) in profiles {
        let found: BTreeSet<&str> = services
            .iter()
            .filter(|(_, service)| words(&service["profiles"]).contains(&profile))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(found, members.iter().copied().collect(), "{profile}");
        for name in &found {
            for (need, how) in needs_of(&services[*name]) {
                let is_optional = how["required"] == json!(false);
                assert!(found.contains(need) || is_optional, "{name} of {profile} needs {need}");
            }
        }
    }
}

/// Accepts S0-HC-1, S0-HC-2, S0-HC-3.
#[test]
fn health_checks_are_seed_1s() {
    let services = services();
    for (name, test, retries) in [
        ("postgres", json!(["CMD-SHELL", "pg_isready -U hexabuilders_user -d hexabuilders"]), 5),
        ("zookeeper", json!(["CMD", "bin/pulsar-zookeeper-ruok.sh"]), 30),
        ("broker", json!(["CMD", "curl", "-f", "http://localhost:8080/admin/v2/brokers/health"]), 30),
    ] {
        let expected = json!({"test": test, "interval": "10s", "timeout": "5s", "retries": retries});
        assert_eq!(services[name]["healthcheck"], expected, "{name}");
    }
}

/// Accepts S0-NET-1, S0-VOL-1, S0-VOL-2, S0-VOL-3, S0-VOL-4, C-22.
#[test]
fn there_is_one_network_and_nobody_shares_a_volume() {
    let compose = compose();
    assert_eq!(compose["version"], "3.8");
    let network = json!({"hexabuilders": {"driver": "bridge", "name": "hexabuilders-network"}});
    assert_eq!(compose["networks"], network);
    let mut mounted = Vec::new();
    for (name, service) in services() {
        assert_eq!(service["networks"], json!(["hexabuilders"]), "{name}");
        mounted.extend(words(&service["volumes"]).into_iter().map(|mount| format!("{name} {mount}")));
    }
    assert_eq!(
        mounted,
        [
            "bookie pulsar_data:/pulsar/data",
            "broker broker_data:/pulsar/data",
            "broker pulsar_conf:/pulsar/conf",
            "campaign-management campaign_management_data:/data",
            "notifications notifications_data:/data",
            "onboarding onboarding_data:/data",
            "partner-management partner_management_data:/data",
            "postgres postgres_data:/var/lib/postgresql/data",
            "pulsar-manager pulsar_manager_data:/data",
            "recruitment recruitment_data:/data",
            "zookeeper zookeeper_data:/pulsar/data",
        ]
    );
    let volumes = compose["volumes"].as_object().expect("volumes have names");
    assert_eq!(volumes.len(), mounted.len());
    for (name, volume) in volumes {
        assert_eq!(volume["name"], format!("hexabuilders-{}", name.replace('_', "-")));
    }
}

/// Accepts S0-ENV-1, S0-ENV-2, S0-ENV-3, S0-ENV-4, S0-ENV-5, S0-ENV-6, S0-ENV-7, S0-ENV-8, S0-ENV-9, S0-ENV-10, S0-ENV-11,
/// S0-ENV-12, S0-ENV-13, S0-ENV-14, S0-ENV-15, S0-ENV-16, S0-ENV-17, S0-ENV-18, S0-ENV-19, S0-ENV-20, C-22, C-27.
#[test]
fn those_of_others_are_set_as_in_seed_1_and_as_relays_need_them() {
    let services = services();
    let environment = |name: &str| services[name]["environment"].clone();
    let postgres = json!({
        "POSTGRES_DB": "hexabuilders",
        "POSTGRES_USER": "hexabuilders_user",
        "POSTGRES_PASSWORD": "hexabuilders_password",
    });
    assert_eq!(environment("postgres"), postgres);
    assert_eq!(services["postgres"]["command"], json!(["postgres", "-c", "wal_level=logical"]));

    let zookeeper = json!({
        "metadataStoreUrl": "zk:zookeeper:2181",
        "PULSAR_MEM": "-Xms512m -Xmx512m -XX:MaxDirectMemorySize=256m",
    });
    assert_eq!(environment("zookeeper"), zookeeper);
    assert_eq!(environment("pulsar-init"), json!({"metadataStoreUrl": "zk:zookeeper:2181"}));
    let bookie = json!({
        "clusterName": "hexabuilders-cluster",
        "zkServers": "zookeeper:2181",
        "metadataServiceUri": "metadata-store:zk:zookeeper:2181",
        "advertisedAddress": "bookie",
        "PULSAR_MEM": "-Xms1g -Xmx1g -XX:MaxDirectMemorySize=1g",
    });
    assert_eq!(environment("bookie"), bookie);
    let broker = json!({
        "metadataStoreUrl": "zk:zookeeper:2181",
        "zookeeperServers": "zookeeper:2181",
        "clusterName": "hexabuilders-cluster",
        "managedLedgerDefaultEnsembleSize": "1",
        "managedLedgerDefaultWriteQuorum": "1",
        "managedLedgerDefaultAckQuorum": "1",
        "advertisedAddress": "broker",
        "advertisedListeners": "internal:pulsar://broker:6650,external:pulsar://127.0.0.1:6650",
        "internalListenerName": "internal",
        "bindAddresses": "external:pulsar://0.0.0.0:6660",
        "functionsWorkerEnabled": "false",
        "brokerDeduplicationEnabled": "true",
        "schemaRegistryStorageClassName": "org.apache.pulsar.broker.service.schema.BookkeeperSchemaStorageFactory",
        "isSchemaValidationEnforced": "true",
        "authenticationEnabled": "false",
        "authorizationEnabled": "false",
        "superUserRoles": "admin,pulsar-super",
        "PULSAR_MEM": "-Xms1g -Xmx1g -XX:MaxDirectMemorySize=1g",
    });
    assert_eq!(environment("broker"), broker);
    assert_eq!(services["broker"]["image"], format!("apachepulsar/pulsar:{PULSAR_VERSION}"));
}

/// The binary itself reads each environment, and refuses what it would refuse in a container.
///
/// Accepts S0-ENV-22, S0-ENV-23, S0-ENV-24, S0-ENV-25, S0-ENV-26, S0-ENV-27.
#[test]
fn each_of_our_services_can_start_with_what_its_container_is_told() {
    let services = services();
    for name in OURS {
        let environment: BTreeMap<String, String> =
            serde_json::from_value(services[name]["environment"].clone()).expect("variables are texts");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = Command::new(program("hexalpes"));
        command.args(["config", "show", "-o", "json"]).env_clear().current_dir(folder.path());
        let output = command.envs(&environment).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
        let rows: Vec<BTreeMap<String, Value>> = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let value = |setting: &str| {
            let row = rows.iter().find(|row| row["setting"] == setting);
            row.unwrap_or_else(|| panic!("no {setting}"))["value"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(value("service_name"), name);
        assert_eq!(value("pulsar_broker_url"), "pulsar://broker:6650");
        assert_eq!(value("pulsar_admin_url"), "http://broker:8080");
        assert_eq!((value("host").as_str(), value("insecure").as_str()), ("0.0.0.0", "true"));
        let port = words(&services[name]["ports"]).first().map(|port| port[..4].to_owned());
        assert_eq!(value("service_port"), port.unwrap_or_default());
        let database = environment.get("DATABASE_URL").map(String::as_str);
        let expected = "postgresql://hexabuilders_user:hexabuilders_password@postgres:5432/hexabuilders";
        assert_eq!(database, (name != "notifications").then_some(expected), "{name}");
    }
    assert_eq!(services["partner-management"]["environment"]["FLASK_ENV"], "development");
}

/// Under the seed's name and on its port is our own admin UI, so that it needs no configuration of Spring's.
///
/// Accepts S0-SVC-6, S0-ENV-21.
#[test]
fn the_admin_ui_can_start_with_what_its_container_is_told_and_knows_where_each_service_is() {
    let services = services();
    let environment: BTreeMap<String, String> =
        serde_json::from_value(services["pulsar-manager"]["environment"].clone())
            .expect("variables are texts");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut command = Command::new(program("hexalpes"));
    command.args(["config", "show", "-o", "json"]).env_clear().current_dir(folder.path());
    let output = command.envs(&environment).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let named = [
        "SERVICE_NAME=pulsar-manager",
        "SERVICE_PORT=9527",
        "PULSAR_BROKER_URL=pulsar://broker:6650",
        "PULSAR_ADMIN_URL=http://broker:8080",
    ];
    for variable in named {
        let (name, value) = variable.split_once('=').expect("it has a value");
        assert_eq!(environment[name], value);
    }
    let ports = ["5000", "5001", "5002", "5003", "5005"];
    let addresses: Vec<String> =
        OURS.into_iter().zip(ports).map(|(name, port)| format!("{name}=http://{name}:{port}")).collect();
    let mut known: Vec<&str> = environment["HEXALPES_CONSOLE_SERVICES"].split(',').collect();
    known.sort_unstable();
    let mut expected: Vec<&str> = addresses.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(known, expected);
}

#[test]
fn the_image_is_compiled_by_our_toolchain_and_runs_as_nobody_in_particular() {
    let (image, toolchain) = (text("Dockerfile"), text("rust-toolchain.toml"));
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"'));
    let channel = channel.expect("it names a channel");
    assert!(image.contains(&format!("FROM rust:{channel}-slim-")), "{image}");
    assert!(image.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")), "{image}");
    let run = &image[image.rfind("\nFROM ").expect("it has stages")..];
    for line in ["USER hexalpes\n", "VOLUME /data\n", "HEXALPES_DATA=/data\n", "ENTRYPOINT [\"hexalpes\"]\n"]
    {
        assert!(run.contains(line), "{line}");
    }
    assert!(run.contains("http://127.0.0.1:${SERVICE_PORT:-5005}/health/live"), "{run}");
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// By name.
fn needs_of(service: &Value) -> impl Iterator<Item = (&str, &Value)> {
    service["depends_on"].as_object().into_iter().flatten().map(|(need, how)| (need.as_str(), how))
}
