//! A real Debezium beside us: of the same table, by the same configuration, on our broker. What reads it reads us; and it
//! publishes our outbox where somebody wants that.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hexalpes_client::Message;
use hexalpes_e2e::{Backbone, Product, calculation, messages};
use hexalpes_engines::{Debezium, DebeziumSource, Engine, TestDatabase, a_moment, debezium, log_databases};
use serde_json::{Value, json};

use super::table::{Table, at_least, json_of};
use crate::CHECKOUT;

/// A JVM begins, and a table is read.
const STARTED_WITHIN: Duration = Duration::from_mins(2);

/// Of two readers with one number a server hangs up on the first, and tests share the servers.
static SERVER_IDS: AtomicU32 = AtomicU32::new(4_711);

/// Columns of all kinds that Debezium knows, and two rows of them.
const WIDE_POSTGRES: &str = "create table salida (n bigint generated always as identity primary key, clave uuid not null,
    pedido varchar(64) not null, suceso varchar(64) not null, cuerpo json, importe decimal(10,2), tasa double precision,
    razon real, corto smallint, entero integer, activo boolean, dia date, hora time(3), creado timestamp,
    visto timestamptz, bruto bytea, letras char(5), nota text)";
const WIDE_MARIADB: &str = "create table salida (n bigint not null auto_increment primary key, clave char(36) not null,
    pedido varchar(64) not null, suceso varchar(64) not null, cuerpo longtext, importe decimal(10,2), tasa double,
    razon float, corto smallint, entero int unsigned, activo tinyint(1), dia date, hora time(3), creado datetime(6),
    visto timestamp(3) null, bruto blob, letras char(5), nota text, clase enum('uno','dos'), grande bigint unsigned, anio year)
    character set utf8mb4";
const COLUMNS: &str = "clave, pedido, suceso, cuerpo, importe, tasa, razon, corto, entero, activo, dia, hora, creado, visto, \
    bruto, letras, nota";
const FULL: &str = "'0b5e0c57-0e1b-4f5a-9d5e-2f6a3a1f6c01', 'p-ñ', 'tienda.PedidoPagado', '{\"n\": 9007199254740993, \"t\": \"😀\"}', \
    120.50, 0.1, 1.5, -7, 42, true, '2024-02-29', '10:30:00.123', '2024-02-29 10:30:00.123456', '2024-02-29 10:30:00.5', \
    {BYTES}, 'abc', 'mañana 😀'";
const EMPTY: &str = "'0b5e0c57-0e1b-4f5a-9d5e-2f6a3a1f6c02', 'p-2', 'tienda.PedidoPagado', null, null, null, null, null, null, null, \
    null, null, null, null, null, null, ''";

fn wide(table: &Table) -> String {
    let create = if table.is_postgres() { WIDE_POSTGRES } else { WIDE_MARIADB };
    format!("{create}; {}", insert(table))
}

fn insert(table: &Table) -> String {
    let (names, bytes, columns, more, none) = if table.is_postgres() {
        ("", r"'\x00ff61'", "", "", "")
    } else {
        let columns = ", clase, grande, anio";
        ("set names utf8mb4; ", "x'00ff61'", columns, ", 'dos', 9007199254740993, 2024", ", null, null, null")
    };
    let full = FULL.replace("{BYTES}", bytes);
    format!("{names}insert into salida ({COLUMNS}{columns}) values ({full}{more}), ({EMPTY}{none});")
}

/// What Debezium needs to know besides, and we do not.
fn for_debezium(database: &TestDatabase, service: &str, server: &str) -> Value {
    if database.engine() == Engine::Postgres {
        return json!({
            "plugin.name": "pgoutput", "slot.name": database.name(), "publication.name": database.name(),
            "publication.autocreate.mode": "filtered",
        });
    }
    json!({
        "database.server.id": SERVER_IDS.fetch_add(1, Ordering::Relaxed).to_string(), "database.include.list": database.name(), "include.schema.changes": "false",
        "database.history": "org.apache.pulsar.io.debezium.PulsarDatabaseHistory",
        "database.history.pulsar.topic": format!("persistent://public/default/{server}-history"),
        "database.history.pulsar.service.url": service,
    })
}

/// Each of `more` among the keys of `config`.
fn add(config: &mut Value, more: Value) {
    let (Some(keys), Value::Object(more)) = (config["configs"].as_object_mut(), more) else {
        panic!("{config} has no keys")
    };
    keys.extend(more);
}

/// What Debezium says of a row that we do not say, or say otherwise. What it has nothing to say of may be missing.
fn differences(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in theirs.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        if ours.get(key) != Some(value) {
            found.push(format!("{key}: theirs is {value}, ours {:?}", ours.get(key)));
        }
    }
    found
}

/// What each reader says of itself, and when and where it read a table.
const OWN_OF_TABLES: [&str; 11] = [
    "version",
    "connector",
    "name",
    "ts_ms",
    "snapshot",
    "server_id",
    "file",
    "pos",
    "lsn",
    "sequence",
    "txId",
];
/// Of a log it is who speaks, and when.
const OWN_OF_LOGS: [&str; 6] = ["version", "connector", "name", "ts_ms", "sequence", "thread"];

/// Nothing of these.
fn without(source: &Value, keys: &[&str]) -> Value {
    let mut source = source.clone();
    source.as_object_mut().expect("it is an object").retain(|key, _| !keys.contains(&key.as_str()));
    source
}

/// Accepts S3-TOP-4, S3-SRCFG-1.
#[tokio::test(flavor = "multi_thread")]
async fn what_reads_a_real_debezium_reads_us() {
    let Some(debezium) = debezium() else { return };
    let product = Product::start();
    for database in log_databases() {
        let Some(archive) = debezium.archive(database.engine()) else { continue };
        let (database, urls) = (Arc::new(database), product.urls());
        let table = Table::named(&database, "salida", "beside");
        table.run(&wide(&table));
        let theirs = format!("{}-theirs", table.source);
        let mut config = table.config();
        add(&mut config, for_debezium(&database, &urls.service, &theirs));
        config["configs"].as_object_mut().unwrap().retain(|key, _| !key.starts_with("hexalpes."));
        (config["archive"], config["name"]) = (json!(archive), json!(theirs));
        config["configs"]["database.server.name"] = json!(theirs);
        config["topicName"] = json!(format!("persistent://public/default/{theirs}"));
        let source = debezium.run(&config.to_string(), &urls.service, &urls.admin).unwrap();
        table.create(&product);

        // Rows of before, and of the log.
        let topic = table.raw().replace(&table.source, &theirs);
        let mut theirs = read(&source, &urls.service, &topic, 2).await;
        table.at_the_log(&product);
        table.written(&product, 2);
        table.run(&insert(&table));
        theirs.splice(.., read(&source, &urls.service, &topic, 4).await);
        let ours = at_least(&urls.service, &table.raw(), 4).await;
        for (row, (theirs, ours)) in theirs.iter().map(json_of).zip(ours.iter().map(json_of)).enumerate() {
            let said = format!("row {row} on {}\ntheirs {theirs}\nours {ours}", table.engine());
            assert_eq!(theirs["after"], ours["after"], "{said}");
            assert_eq!((&theirs["before"], &theirs["op"]), (&ours["before"], &ours["op"]), "{said}");
            assert!(theirs["ts_ms"].is_u64() && ours["ts_ms"].is_u64(), "{said}");
            let own: &[&str] = if theirs["op"] == "r" { &OWN_OF_TABLES } else { &OWN_OF_LOGS };
            let found = differences(&without(&theirs["source"], own), &ours["source"]);
            assert!(found.is_empty(), "{found:#?} of {said}");
        }
        table.order(&product, &["delete", "--forget"]);
    }
}

/// Waits for so many messages of a connector that has to start yet.
async fn read(source: &DebeziumSource, service: &str, topic: &str, count: usize) -> Vec<Message> {
    let began = Instant::now();
    loop {
        let read = messages(service, topic).await;
        if read.len() >= count {
            return read;
        }
        let is_in_time = source.runs() && began.elapsed() < STARTED_WITHIN;
        assert!(is_in_time, "{} of {count} messages: {}", read.len(), source.last_lines());
        a_moment().await;
    }
}

/// The configuration that our guide gives for our outbox, on a database.
fn of_the_guide(debezium: &Debezium, database: &TestDatabase, service: &str) -> Value {
    let guide = fs::read_to_string(format!("{CHECKOUT}/docs/ECOSYSTEM_DOCS.md")).expect("it is there");
    let (_, behind) = guide.split_once("### A real Debezium on our outbox").expect("it has the section");
    let (_, behind) = behind.split_once("```json\n").expect("it has the configuration");
    let mut config: Value =
        serde_json::from_str(behind.split_once("```").expect("it ends").0).expect("it is JSON");
    let (user, password, port) = database.account().expect("a server has accounts");
    let name = database.name().expect("a server has named it");
    let schema = database.schema().expect("it is a server's");
    config["archive"] = json!(debezium.archive(database.engine()));
    add(
        &mut config,
        json!({
            "database.hostname": "127.0.0.1", "database.port": port.to_string(), "database.user": user,
            "database.password": password, "database.dbname": name,
            "table.include.list": format!("{schema}.outbox_event"),
        }),
    );
    if database.engine() == Engine::Postgres {
        let is_of_mysql = |key: &str| key == "database.include.list" || key.starts_with("database.history");
        let keys = config["configs"].as_object_mut().expect("it has keys");
        keys.retain(|key, _| !is_of_mysql(key));
    }
    add(&mut config, for_debezium(database, service, "debezium"));
    config
}

/// Our outbox with two events in it, which are published.
async fn calculated(backbone: &Backbone, database: &TestDatabase) -> Product {
    let product = Product::serve_from(backbone.urls(), database.url());
    calculate(&product, ["conv-1", "conv-2"]).await;
    hexalpes_e2e::drained_outbox(&product).await;
    product
}

async fn calculate(product: &Product, conversions: [&str; 2]) {
    for conversion in conversions {
        let (status, body) = product.post("/commissions/calculate", &calculation(conversion)).await;
        assert_eq!(status, 201, "{body}");
    }
}

/// Accepts S3-CMP-3, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_debezium_publishes_our_outbox_by_its_event_router() {
    let Some(debezium) = debezium() else { return };
    for database in log_databases() {
        if debezium.archive(database.engine()).is_none() {
            continue;
        }
        let backbone = Backbone::start();
        let product = calculated(&backbone, &database).await;
        let urls = backbone.urls();
        let mut config = of_the_guide(&debezium, &database, &urls.service);
        add(
            &mut config,
            json!({
                "transforms": "outbox", "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
            }),
        );
        let source = debezium.run(&config.to_string(), &urls.service, &urls.admin).unwrap();
        let topic = "persistent://public/default/outbox.event.commissions";
        let routed = read(&source, &urls.service, topic, 2).await;
        let rows = hexalpes_e2e::drained_outbox(&product).await;
        assert_eq!((routed.len(), rows.len()), (2, 2));
        for (message, row) in routed.iter().zip(&rows) {
            // Its JSON converter writes the payload's text as a text, and the key in Base64.
            let text: String = serde_json::from_slice(&message.payload).expect("it is a text");
            let payload: Value = serde_json::from_str(&text).expect("it is the payload");
            assert_eq!(payload, row["payload"], "{row}");
            let key = STANDARD.encode(row["aggregateid"].to_string());
            assert_eq!(message.key, Some(key), "{row}");
        }
    }
}

/// Accepts S3-TOP-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn our_raw_topic_has_what_a_real_debezium_says_of_our_outbox() {
    let Some(debezium) = debezium() else { return };
    for database in log_databases() {
        if debezium.archive(database.engine()).is_none() {
            continue;
        }
        let backbone = Backbone::start();
        let product = calculated(&backbone, &database).await;
        let urls = backbone.urls();
        let config = of_the_guide(&debezium, &database, &urls.service);
        let source = debezium.run(&config.to_string(), &urls.service, &urls.admin).unwrap();
        let schema = database.schema().expect("it is a server's");
        let topic = format!("persistent://public/default/debezium.{schema}.outbox_event");
        read(&source, &urls.service, &topic, 2).await;
        // It has read the table as it was, and these it reads in the log.
        calculate(&product, ["conv-3", "conv-4"]).await;
        let theirs = read(&source, &urls.service, &topic, 4).await;
        let ours =
            at_least(&urls.service, "persistent://public/default/alpes-mysql.alpes.outbox_event", 4).await;
        assert_eq!((theirs.len(), ours.len()), (4, 4));
        for (theirs, ours) in theirs.iter().map(json_of).zip(ours.iter().map(json_of)).skip(2) {
            let said = format!("on {}\ntheirs {theirs}\nours {ours}", database.engine());
            assert_eq!(theirs["after"], ours["after"], "{said}");
            assert_eq!((&theirs["before"], &theirs["op"]), (&ours["before"], &ours["op"]), "{said}");
            assert!(theirs["ts_ms"].is_u64() && ours["ts_ms"].is_u64(), "{said}");
            let found = differences(&without(&theirs["source"], &OWN_OF_LOGS), &ours["source"]);
            assert!(found.is_empty(), "{found:#?} {said}");
            for own in OWN_OF_LOGS.iter().filter(|own| theirs["source"].get(*own).is_some()) {
                assert!(ours["source"].get(own).is_some(), "source.{own} {said}");
            }
        }
    }
}
