//! What the command line prints when all is well.

use std::{fs, path::Path};

use hexalpes_e2e::{Product, calculation};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{ask, create_source, printed, refusal};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("it is there").file_name()).collect();
    names.sort();
    names.into_iter().map(|name| name.into_string().expect("names are UTF-8")).collect()
}

#[test]
fn migrate_makes_the_databases_and_may_be_said_again() {
    let folder = folder();
    for _ in 0..2 {
        let said = printed(folder.path(), &["migrate"]);
        let services = [
            "partner-management",
            "affiliates",
            "conversions",
            "commissions",
            "onboarding",
            "campaign-management",
            "recruitment",
            "analytics",
            "notifications",
        ];
        let told = services.map(|name| format!("{name}: sqlite:data/{name}.db is up to date\n"));
        assert_eq!(said, told.concat());
    }
    let made = [
        "affiliates.db",
        "analytics.db",
        "campaign-management.db",
        "commissions.db",
        "conversions.db",
        "locks",
        "notifications.db",
        "onboarding.db",
        "partner-management.db",
        "recruitment.db",
    ];
    assert_eq!(names(&folder.path().join("data")), made);
}

#[test]
fn config_show_prints_each_setting_with_its_origin_and_no_password() {
    let folder = folder();
    fs::write(folder.path().join("hexalpes.toml"), "admin_port = 8081\n").expect("it can be written");
    let url = "postgresql://me:hunter2@h/c";
    let said = printed(folder.path(), &["config", "show", "--commissions-database-url", url, "-o", "jsonl"]);
    assert!(!said.contains("hunter2"), "{said}");
    let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let shown = |setting: &str| {
        let row = rows.iter().find(|row| row["setting"] == setting).expect("every setting is shown");
        [row["value"].as_str(), row["origin"].as_str()].map(|text| text.expect("it is text").to_owned())
    };
    assert_eq!(shown("admin_port"), ["8081", "file hexalpes.toml"]);
    assert_eq!(shown("backbone_port"), ["6650", "built in"]);
    assert_eq!(shown("service_port"), ["", "not set"]);
    assert_eq!(shown("commissions_database_url"), ["postgresql://me@h/c", "flag --commissions-database-url"]);
}

#[test]
fn repair_text_prints_files_or_writes_them() {
    let folder = folder();
    let letter = folder.path().join("letter.txt");
    fs::write(&letter, "Juan P√©rez\n").expect("it can be written");
    assert_eq!(printed(folder.path(), &["repair-text", "letter.txt"]), "Juan Pérez\n");
    let said = printed(folder.path(), &["repair-text", "--write", "letter.txt"]);
    assert_eq!(said, "letter.txt: 1 lines repaired\n");
    assert_eq!(fs::read_to_string(&letter).expect("it is there"), "Juan Pérez\n");
    let said = printed(folder.path(), &["repair-text", "--write", "letter.txt"]);
    assert_eq!(said, "letter.txt: nothing to repair\n");
}

#[test]
fn a_reset_says_what_it_would_remove_and_with_yes_removes_what_is_ours() {
    let folder = folder();
    let data = folder.path().join("data");
    printed(folder.path(), &["migrate"]);
    fs::write(data.join("letter.txt"), "somebody else's").expect("it can be written");
    let before = names(&data);
    let said = printed(folder.path(), &["demo", "reset"]);
    assert!(said.contains("would remove data/commissions.db\n") && said.contains("--yes"), "{said}");
    assert!(!said.contains("letter.txt"), "{said}");
    assert_eq!(names(&data), before);
    printed(folder.path(), &["demo", "reset", "--yes"]);
    assert_eq!(names(&data), ["letter.txt"]);
    assert!(refusal(&data, &["demo", "reset"], 1).contains("nothing to reset"));
}

/// What sealed a source goes with the reset: one that stayed could not be opened any more, nor the product be started.
///
/// Accepts S3-DB-5.
#[test]
fn a_reset_takes_sources_along_and_the_next_start_is_the_first() {
    let mut product = Product::start();
    let folder = folder();
    let config = json!({
        "archive": "builtin://debezium-mysql", "name": "salida",
        "configs": {
            "database.hostname": "127.0.0.1", "database.port": "1", "database.user": "alpes",
            "table.include.list": "tienda.salida",
        },
    });
    let sources = |product: &Product| -> Value {
        serde_json::from_str(&ask(product, &["relay", "lag", "-o", "json"])).expect("it is JSON")
    };
    create_source(&product, &config);
    assert_eq!(sources(&product)[0]["name"], "public/default/salida");
    assert_eq!(product.interrupt(), Some(0), "{}", product.log());
    let data = product.data().display().to_string();
    let said = printed(folder.path(), &["demo", "reset", "--yes", "--data", &data]);
    assert!(said.contains("--forget") && said.contains(&format!("removed {data}/sources\n")), "{said}");
    product.restart();
    assert_eq!(sources(&product), json!([]));
    // It can be made anew.
    create_source(&product, &config);
}

#[test]
fn topics_stats_tells_what_the_broker_counts() {
    let product = Product::start();
    let ask = |words: &[&str]| ask(&product, words);
    ask(&["produce", "greetings", "-m", "¡Hola!", "-m", "¡Adiós!"]);
    let stats = ask(&["topics", "stats", "greetings", "-o", "json"]);
    let stats: Value = serde_json::from_str(&stats).expect("it is JSON");
    assert_eq!(stats["msgInCounter"], 2, "{stats}");
    let table = ask(&["topics", "stats", "greetings"]);
    assert!(table.starts_with("NAME") && table.contains("\nmsgInCounter "), "{table}");
}

/// Accepts S3-CLI-6b, S3-SRC-2, S4-API-9.
#[tokio::test]
async fn outboxes_and_relays_of_all_services_are_asked_and_say_whose_they_are() {
    let product = Product::start();
    let read = |words: &[&str]| -> Value {
        serde_json::from_str(&ask(&product, &[words, &["-o", "json"]].concat())).unwrap()
    };
    assert_eq!(product.post("/commissions/calculate", &calculation("conv-1")).await.0, 201);
    let partner =
        json!({ "business_name": "Ñandú & Cía", "email": "n@example.com", "partner_type": "EMPRESA" });
    assert_eq!(product.api_at("--partners-port").post("/v1/partners", &partner).await.0, 201);
    product.event_lines(2);
    let services = |rows: &Value| -> Vec<String> {
        let mut named: Vec<_> =
            rows.as_array().unwrap().iter().map(|row| row["service"].as_str().unwrap().to_owned()).collect();
        named.dedup();
        named
    };
    // The newest first.
    assert_eq!(services(&read(&["outbox", "list"])), ["partner-management", "commissions"]);
    assert_eq!(services(&read(&["outbox", "list", "-n", "1"])), ["partner-management"]);
    let one = read(&["outbox", "list", "--service", "commissions"]);
    assert_eq!(services(&one), ["commissions"]);
    assert_eq!(one[0]["type"], "com.hexabuilders.commissions.CommissionCalculated");
    // Each port answers for its own.
    let ids = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| format!("{} {}", row["service"], row["id"])).collect()
    };
    for (flag, path, service, count) in [
        ("--partners-port", "/debug/outbox", "partner-management", 1),
        ("--affiliates-port", "/debug/outbox", "affiliates", 0),
        ("--conversions-port", "/debug/outbox", "conversions", 0),
        ("--marketing-port", "/debug/outbox", "commissions", 1),
        ("--commissions-port", "/debug/outbox", "commissions", 1),
        ("--commissions-port", "/onboarding/debug/outbox", "onboarding", 0),
        ("--campaigns-port", "/debug/outbox", "campaign-management", 0),
        ("--recruitment-port", "/debug/outbox", "recruitment", 0),
        ("--analytics-port", "/debug/outbox", "analytics", 0),
    ] {
        let (status, page) = product.api_at(flag).get(path).await;
        assert_eq!((status, page["items"].as_array().map(Vec::len)), (200, Some(count)), "{flag} {page}");
        assert_eq!(ids(&page["items"]), ids(&read(&["outbox", "list", "--service", service])), "{flag}");
    }
    assert_eq!(product.api_at("--notifications-port").get("/debug/outbox").await.0, 404);
    let table = ask(&product, &["outbox", "list"]);
    assert!(table.starts_with("SERVICE") && table.contains("\npartner-management"), "{table}");

    let relays = read(&["relay", "list"]);
    let all = [
        "partner-management",
        "affiliates",
        "conversions",
        "commissions",
        "onboarding",
        "campaign-management",
        "recruitment",
        "analytics",
    ];
    assert_eq!(services(&relays), all);
    assert!(relays.as_array().unwrap().iter().all(|relay| relay["running"] == true), "{relays}");
    let status = read(&["relay", "status"]);
    assert_eq!((&status["running"], &status["alarm"]), (&json!(true), &Value::Null));
    assert!(status["numWritten"].as_u64() >= Some(2), "{status}");
    assert_eq!(status["services"]["commissions"]["numWritten"], 1);
    let one = read(&["relay", "status", "--service", "commissions"]);
    assert_eq!((&one["service"], &one["numWritten"]), (&json!("commissions"), &json!(1)));
    let said = refusal(&product.data(), &["relay", "status", "--service", "notifications"], 2);
    assert!(said.contains("notifications has no outbox"), "{said}");
}
