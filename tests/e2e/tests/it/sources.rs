//! Outboxes that others write: made by seed 3's own commands, taken from what was there on, each row once.

use std::process::Command;

use hexalpes_client::Message;
use hexalpes_e2e::{PATIENCE, Product, calculation, messages};
use hexalpes_engines::{Engine, TestDatabase, eventually};
use serde_json::{Value, json};

use crate::command::ask;

const NAME: &str = "mysql-outbox-commissions";
const EVENTS: &str = "persistent://public/default/tienda-eventos";

/// A table that somebody else shaped, on a server.
struct Table {
    database: TestDatabase,
    schema: String,
}

impl Table {
    fn make(database: TestDatabase) -> Self {
        let schema = match database.engine() {
            Engine::Postgres => "public".to_owned(),
            _ => database.url().rsplit('/').next().expect("it names a database").to_owned(),
        };
        let table = Self { database, schema };
        let bytes = if table.is_postgres() { "bytea" } else { "blob" };
        let sequence = if table.is_postgres() {
            "bigint generated always as identity primary key"
        } else {
            "bigint not null auto_increment primary key"
        };
        table.run(&format!(
            "create table salida (n {sequence}, clave varchar(64) not null, pedido varchar(64) not null, \
                 suceso varchar(64) not null, cuerpo {bytes}, importe decimal(10,2) not null default 1.50)"
        ));
        table
    }

    fn is_postgres(&self) -> bool {
        self.database.engine() == Engine::Postgres
    }

    fn insert(&self, keys: impl IntoIterator<Item = usize>) {
        let rows: Vec<String> = keys
            .into_iter()
            .map(|key| format!("('k-{key}', 'p-{}', 'tienda.PedidoPagado', '{{\"n\":{key}}}')", key % 3))
            .collect();
        let rows = rows.join(", ");
        self.run(&format!("insert into salida (clave, pedido, suceso, cuerpo) values {rows}"));
    }

    fn run(&self, statement: &str) {
        self.database.run(statement).expect("the server takes it");
    }

    /// As `pulsar-admin sources create` and Debezium's connectors take it.
    fn config(&self) -> Value {
        let url = url::Url::parse(self.database.url()).expect("it is one");
        let archive =
            if self.is_postgres() { "builtin://debezium-postgres" } else { "builtin://debezium-mariadb" };
        json!({
            "archive": archive, "tenant": "public", "namespace": "default", "name": NAME, "topicName": EVENTS,
            "parallelism": 1,
            "configs": {
                "database.hostname": url.host_str(), "database.port": url.port().map(|port| port.to_string()),
                "database.user": url.username(), "database.password": url.password(),
                "database.dbname": url.path().trim_start_matches('/'), "database.server.name": "tienda",
                "table.include.list": format!("{}.salida", self.schema), "decimal.handling.mode": "double",
                "database.ssl.mode": "disabled",
                "hexalpes.column.id": "clave", "hexalpes.column.aggregateid": "pedido",
                "hexalpes.column.type": "suceso", "hexalpes.column.payload": "cuerpo", "hexalpes.snapshot.key": "n",
            },
        })
    }

    fn raw(&self) -> String {
        format!("persistent://public/default/tienda.{}.salida", self.schema)
    }
}

/// Waits until so many rows were published since the start.
fn written(product: &Product, rows: u64) -> Value {
    let mut last = Value::Null;
    let there = eventually(PATIENCE, || {
        last = serde_json::from_str(&ask(product, &["relay", "status", NAME, "-o", "json"]))
            .expect("it is JSON");
        (last["numWritten"] == rows).then_some(())
    });
    assert!(there.is_some(), "{rows} rows: {last}");
    last
}

fn json_of(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("it is JSON")
}

/// Accepts S3-SRC-1, S3-SRC-2, S3-TOP-4, S3-QS-3, C-21.
#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_of_another_program_is_on_both_topics_once_with_what_was_there_before() {
    for database in hexalpes_engines::databases() {
        if database.engine() == Engine::Sqlite {
            continue;
        }
        let table = Table::make(database);
        table.insert(0..40);
        let mut product = Product::start();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("source.json");
        std::fs::write(&file, table.config().to_string()).expect("it can be written");
        let made = ask(&product, &["relay", "create", &file.display().to_string()]);
        assert!(made.contains("parallelism"), "{made}");
        // The last row is written before the snapshot is over, and MySQL lets none go on over a table that is altered.
        let begun = eventually(PATIENCE, || written(&product, 40)["lagLogBytes"].is_number().then_some(()));
        assert!(begun.is_some(), "the log is read once all that was there is written");

        // A column more, rows that are changed and deleted, and a transaction of several.
        table.run("alter table salida add column nota varchar(20) default 'nueva'");
        table.insert(40..50);
        table.run("update salida set suceso = 'otro' where n < 10");
        table.run("delete from salida where n < 5");
        // A server may take a moment to see that a reader is gone, and let the next one in.
        let mut status = Value::Null;
        let goes_on = eventually(PATIENCE, || {
            status = written(&product, 50);
            (status["state"] == "running").then_some(())
        });
        assert!(goes_on.is_some() && status["alarm"].is_null(), "{status}");

        // It goes on behind what it has, also after its end was not asked for.
        product.kill();
        table.insert(50..60);
        product.restart();
        table.insert(60..70);
        let service = product.urls().service.clone();
        let ids = |messages: &[Message]| -> Vec<String> {
            messages.iter().map(|message| message.property("ce_id").expect("it has one").to_owned()).collect()
        };
        let expected: Vec<String> = (0..70).map(|key| format!("k-{key}")).collect();
        let mut events = Vec::new();
        for _ in 0..200 {
            events = messages(&service, EVENTS).await;
            if events.len() >= 70 {
                break;
            }
        }
        assert_eq!(ids(&events), expected);
        let changes = messages(&service, &table.raw()).await;
        assert_eq!(ids(&changes), expected);

        let event = json_of(&events[7]);
        assert_eq!(event["type"], "tienda.PedidoPagado", "{event}");
        assert_eq!((&event["subject"], &event["data"]), (&json!("p-1"), &json!({ "n": 7 })), "{event}");
        assert_eq!(events[7].key.as_deref(), Some("p-1"));
        let (old, new) = (json_of(&changes[7]), json_of(&changes[45]));
        assert_eq!((&old["op"], &new["op"]), (&json!("r"), &json!("c")), "{old} {new}");
        assert_eq!((&new["before"], &new["after"]["importe"]), (&Value::Null, &json!(1.5)), "{new}");
        assert_eq!((&old["after"]["nota"], &new["after"]["nota"]), (&Value::Null, &json!("nueva")));
        assert_eq!((&new["source"]["name"], &new["source"]["table"]), (&json!("tienda"), &json!("salida")));
        assert!(new["ts_ms"].is_number(), "{new}");

        assert_eq!(
            ask(&product, &["relay", "pause", NAME, "--reason", "a look"]).trim(),
            format!("{NAME}: paused")
        );
        assert_eq!(
            ask(&product, &["relay", "resume", NAME, "--reason", "looked"]).trim(),
            format!("{NAME}: running")
        );
        assert_eq!(
            ask(&product, &["relay", "delete", NAME, "--forget", "--reason", "over"]).trim(),
            format!("{NAME}: deleted")
        );
    }
}

/// The ids of a source's events that are parked, once there are so many.
fn parked(product: &Product, rows: usize) -> Vec<String> {
    let mut last = String::new();
    let there = eventually(PATIENCE, || {
        last = ask(product, &["relay", "parked", NAME, "-o", "jsonl"]);
        (last.lines().count() == rows).then_some(())
    });
    assert!(there.is_some(), "{rows} rows: {last}");
    let id = |line: &str| -> String {
        let row: Value = serde_json::from_str(line).expect("it is JSON");
        row["id"].as_str().expect("it has one").to_owned()
    };
    last.lines().map(id).collect()
}

/// The product is killed once they wait, and once some of them were tried.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_others_that_are_no_events_wait_with_their_orders_until_somebody_decides() {
    for database in hexalpes_engines::databases() {
        if database.engine() == Engine::Sqlite {
            continue;
        }
        let table = Table::make(database);
        table.run("alter table salida add column cuando varchar(40) default '2025-01-15T10:30:00Z'");
        let (nullable, wide) = if table.is_postgres() {
            ("alter column clave drop not null", "alter column suceso type text")
        } else {
            ("modify column clave varchar(64) null", "modify column suceso mediumtext not null")
        };
        table.run(&format!("alter table salida {nullable}"));
        table.run(&format!("alter table salida {wide}"));
        let mut product = Product::start();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("source.json").display().to_string();
        let mut config = table.config();
        config["configs"]["hexalpes.column.occurred_at"] = json!("cuando");
        std::fs::write(&file, config.to_string()).expect("it can be written");
        ask(&product, &["relay", "create", &file]);

        // The first is there before, the others come by the log: those of an order behind each, and those of others.
        let insert_as = |key: &str, order: &str, kind: &str, at: &str| {
            table.run(&format!(
                "insert into salida (clave, pedido, suceso, cuerpo, cuando) values \
                 ({key}, '{order}', '{kind}', '{{}}', '{at}')"
            ));
        };
        let insert = |key: &str, order: &str, at: &str| insert_as(key, order, "tienda.PedidoPagado", at);
        let at = "2025-01-15T10:30:00Z";
        insert("'a-1'", "a", at);
        written(&product, 1);
        insert("'b-1'", "b", "mañana");
        insert("'b-2'", "b", at);
        insert("null", "c", at);
        insert("'c-2'", "c", at);
        insert_as("'d-1'", "d", &"d".repeat(200 * 1024), at);
        insert("'a-2'", "a", at);
        let ids = parked(&product, 5);
        assert_eq!([&ids[0], &ids[1], &ids[3], &ids[4]], ["b-1", "b-2", "c-2", "d-1"]);
        // It is counted a moment later.
        let mut status = Value::Null;
        let told = eventually(PATIENCE, || {
            status = written(&product, 7);
            (status["parked"] == 5 && status["running"] == true).then_some(())
        });
        assert!(told.is_some(), "{status}");
        product.kill();
        insert("'b-3'", "b", at);
        product.restart();
        let expected = [ids, vec!["b-3".to_owned()]].concat();
        assert_eq!(parked(&product, 6), expected);

        // Another column says when, so that all of that order can go; of the others one has no id, and one no broker takes.
        ask(&product, &["relay", "delete", NAME, "--reason", "another column"]);
        std::fs::write(&file, table.config().to_string()).expect("it can be written");
        ask(&product, &["relay", "create", &file]);
        let told =
            ask(&product, &["relay", "retry", NAME, "--event", "b-1", "--reason", "the time is mended"]);
        assert_eq!(told.trim(), format!("{NAME}: retry of b-1 is done"));
        assert_eq!(parked(&product, 3), [expected[2].as_str(), "c-2", "d-1"]);
        product.kill();
        product.restart();
        for event in [expected[2].as_str(), "d-1"] {
            ask(&product, &["relay", "skip", NAME, "--event", event, "--reason", "nobody needs it"]);
        }
        assert_eq!(parked(&product, 0), Vec::<String>::new());
        let (service, raw) = (product.urls().service.clone(), table.raw());
        for topic in [EVENTS, &raw] {
            let messages = messages(&service, topic).await;
            let ids: Vec<&str> =
                messages.iter().map(|message| message.property("ce_id").expect("it has one")).collect();
            assert_eq!(ids, ["a-1", "a-2", "b-1", "b-2", "b-3", "c-2"], "{topic}");
        }
        ask(&product, &["relay", "delete", NAME, "--forget", "--reason", "over"]);
    }
}

/// Seed 3's own lines, with Pulsar's own program.
///
/// Accepts S3-CLI-4, S3-SRC-2.
#[tokio::test(flavor = "multi_thread")]
async fn pulsar_admin_makes_looks_at_restarts_and_deletes_a_source() {
    if hexalpes_engines::pulsar_program("pulsar-admin").is_none() {
        return;
    }
    let product = Product::start();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = |name: &str| folder.path().join(name).display().to_string();
    // Larger than what a request may otherwise have.
    let archive = at("pulsar-io-debezium-mysql-3.1.2.nar");
    std::fs::write(&archive, vec![0; 8 << 20]).expect("it can be written");
    let config = at("debezium-mysql-outbox.json");
    let mut seed: Value = serde_json::from_str(SEED).expect("it is JSON");
    // Nobody is there.
    seed["configs"]["database.hostname"] = "127.0.0.1".into();
    seed["configs"]["database.port"] = "1".into();
    std::fs::write(&config, seed.to_string()).expect("it can be written");
    let admin = |words: &[&str]| -> (bool, String) {
        let mut command: Command = hexalpes_engines::pulsar_program("pulsar-admin").expect("it was there");
        command.arg("--admin-url").arg(&product.urls().admin).arg("sources").args(words);
        let output = command.output().expect("it starts");
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), told.concat())
    };
    let named = ["--tenant", "public", "--namespace", "default", "--name", NAME];
    let (done, told) = admin(&[&["delete"][..], &named].concat());
    assert!(!done && told.contains(&format!("Source {NAME} doesn't exist")), "{told}");
    let topic = "persistent://public/default/outbox-events";
    let create = ["--archive", &archive, "--destination-topic-name", topic, "--source-config-file", &config];
    let (done, told) = admin(&[&["create"][..], &named, &create].concat());
    assert!(done && told.contains("Created successfully"), "{told}");
    let (done, told) = admin(&[&["create"][..], &named, &create].concat());
    assert!(!done && told.contains("already exists"), "{told}");
    let (done, told) = admin(&[&["status"][..], &named].concat());
    assert!(done && told.contains("numReceivedFromSource") && told.contains("numWritten"), "{told}");
    assert!(told.contains("\"running\""), "{told}");
    let (done, told) = admin(&[&["status"][..], &named, &["--instance-id", "0"]].concat());
    assert!(done && told.contains("numWritten"), "{told}");
    for instance in [&[][..], &["--instance-id", "0"]] {
        let (done, told) = admin(&[&["restart"][..], &named, instance].concat());
        assert!(done, "{told}");
    }
    let (done, told) = admin(&[&["restart"][..], &named, &["--instance-id", "1"]].concat());
    assert!(!done && told.contains("has one instance, 0"), "{told}");
    let (done, told) = admin(&["list", "--tenant", "public", "--namespace", "default"]);
    assert!(done && told.contains(NAME), "{told}");
    let (done, told) = admin(&[&["get"][..], &named].concat());
    assert!(done && told.contains("alpes.outbox_event") && told.contains("******"), "{told}");
    let (done, told) = admin(&[&["delete"][..], &named].concat());
    assert!(done, "{told}");
}

/// Seed 3's `debezium-mysql-outbox.json`.
const SEED: &str = include_str!("../../../../backbone/sources/tests/debezium-mysql-outbox.json");

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_of_a_service_is_paused_and_resumed_and_what_was_done_is_noted() {
    let product = Product::start();
    let told = ask(&product, &["relay", "pause", "commissions", "--reason", "maintenance"]);
    assert_eq!(told.trim(), "commissions: pause is done");
    while product.get("/debug/relay").await.1["standby"].is_null() {}
    let (status, answer) = product.post("/commissions/calculate", &calculation("conv-paused")).await;
    assert_eq!(status, 201, "{answer}");
    let (_, outbox) = product.get("/debug/outbox").await;
    assert_eq!(outbox["items"][0]["published"], 0, "{outbox}");
    let told = ask(&product, &["relay", "resume", "commissions", "--reason", "it is over"]);
    assert_eq!(told.trim(), "commissions: resume is done");
    product.event_lines(1);
    let (_, deeds) = product.get("/debug/relay/deeds").await;
    let whats: Vec<&Value> =
        deeds["items"].as_array().expect("a list").iter().map(|deed| &deed["what"]).collect();
    assert_eq!(whats, ["resume", "pause"]);
    assert_eq!(deeds["items"][1]["why"], "maintenance", "{deeds}");
    assert_eq!(ask(&product, &["relay", "parked", "commissions", "-o", "jsonl"]).trim(), "");

    // It reads the table: begun anew, it would publish all of it again.
    for verb in ["skip", "resnapshot"] {
        let (status, problem) =
            product.post(&format!("/debug/relay/{verb}"), &json!({ "reason": "a try" })).await;
        assert_eq!((status, problem["code"].as_str()), (409, Some("no_log")), "{problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.ends_with("event with `hexalpes relay skip SERVICE --event ID`"), "{detail}");
    }
}
