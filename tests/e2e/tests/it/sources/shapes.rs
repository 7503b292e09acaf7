//! Payloads and ids of every type in which outboxes have them, to the byte: rows that were there, and rows of the log.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hexalpes_client::Message;
use hexalpes_e2e::{PATIENCE, Product};
use hexalpes_engines::{Engine, TestDatabase, eventually, log_databases};
use hexalpes_kernel::{CloudEvent, Uuid};
use serde_json::{Value, json};

use super::table::{Table, at_least, json_of};
use crate::command::{ask, create_source};

/// Of two and of four bytes in UTF-8, so often that a row has four megabytes.
const CHARACTERS: &str = "ñ🎉";
const TIMES: usize = 4_000_000 / CHARACTERS.len() + 1;
/// The ids are counted from here on.
const FIRST_ID: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0000;
/// Doubles have no such number.
const BEYOND_DOUBLES: &str = r#"{"n":9007199254740993}"#;

/// The column that the payload is in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Payload {
    Text,
    Json,
    Blob,
}

/// The column that the id is in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Id {
    Char36,
    Uuid,
    Binary16,
}

/// A table of such columns, and what is to be of its rows by their ids.
struct Shaped {
    table: Table,
    payload: Payload,
    id: Id,
    expected: BTreeMap<String, Expected>,
}

/// What is on the topics of a row.
#[derive(Debug, PartialEq)]
struct Expected {
    key: String,
    /// The event's data to the byte.
    data: String,
    /// The columns of id and payload in the change, as Debezium has them.
    after: [Value; 2],
    op: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_and_ids_of_every_type_are_on_both_topics_to_the_byte() {
    let product = Product::start();
    for database in log_databases() {
        let database = Arc::new(database);
        let ids: &[Id] = match database.engine() {
            Engine::MySql => &[Id::Char36, Id::Binary16],
            Engine::MariaDb => &[Id::Char36, Id::Uuid, Id::Binary16],
            _ => &[Id::Char36, Id::Uuid],
        };
        let shapes =
            ids.iter().flat_map(|id| [Payload::Text, Payload::Json, Payload::Blob].map(|of| (of, *id)));
        let mut shaped: Vec<Shaped> = shapes.map(|(of, id)| Shaped::make(&database, of, id)).collect();
        for one in &mut shaped {
            one.insert("r");
            create_source(&product, &one.config());
        }
        let all = |wanted: &dyn Fn(&Value) -> bool| {
            let mut last = Value::Null;
            let there = eventually(PATIENCE, || {
                last = serde_json::from_str(&ask(&product, &["relay", "lag", "-o", "json"]))
                    .expect("it is JSON");
                last.as_array().expect("a list").iter().all(wanted).then_some(())
            });
            assert!(there.is_some(), "{last}");
        };
        all(&|source| source["lagLogBytes"].is_number());
        for one in &mut shaped {
            one.insert("c");
        }
        for one in &shaped {
            one.compare(&product).await;
        }
        all(&|source| source["alarm"].is_null());
        for one in &shaped {
            one.table.order(&product, &["delete", "--forget"]);
        }
    }
}

impl Shaped {
    fn make(database: &Arc<TestDatabase>, payload: Payload, id: Id) -> Self {
        let name = format!("{payload:?}_{id:?}").to_lowercase();
        let table = Table::named(database, &name, &name.replace('_', "-"));
        let of_payload = match (payload, table.is_postgres()) {
            (Payload::Text, true) => "text",
            (Payload::Text, false) => "longtext",
            (Payload::Json, true) => "jsonb",
            (Payload::Json, false) => "json",
            (Payload::Blob, true) => "bytea",
            (Payload::Blob, false) => "longblob",
        };
        let of_id = match id {
            Id::Char36 => "char(36)",
            Id::Uuid => "uuid",
            Id::Binary16 => "binary(16)",
        };
        let computed = if table.is_postgres() {
            ""
        } else {
            ", doble int generated always as (char_length(pedido) * 2) virtual"
        };
        table.run(&format!(
            "create table {name} (clave {of_id} not null primary key, \
             largo int generated always as (char_length(pedido)) stored, pedido varchar(64) not null, \
             cuerpo {of_payload}{computed})"
        ));
        Self { table, payload, id, expected: BTreeMap::new() }
    }

    fn config(&self) -> Value {
        let mut config = self.table.config();
        let keys = config["configs"].as_object_mut().expect("it has some");
        keys.remove("hexalpes.column.type");
        config
    }

    /// A row of each kind, each in a transaction of its own.
    fn insert(&mut self, op: &'static str) {
        let is_of_the_log = op == "c";
        let mut statements = vec![if self.table.is_postgres() { "" } else { "set names utf8mb4" }.to_owned()];
        for (written, stored) in self.payloads(is_of_the_log) {
            let number = self.expected.len();
            let uuid = Uuid::from_u128(FIRST_ID + number as u128);
            let id = uuid.to_string();
            let (literal, shown) = match self.id {
                Id::Char36 | Id::Uuid => (format!("'{id}'"), json!(id)),
                Id::Binary16 => (format!("x'{}'", uuid.simple()), json!(STANDARD.encode(uuid.as_bytes()))),
            };
            let key = format!("p{number:02}");
            statements.push(format!(
                "insert into {} (clave, pedido, cuerpo) values ({literal}, '{key}', {written})",
                self.table.name
            ));
            let (data, payload) = self.shown(stored);
            self.expected.insert(id, Expected { key, data, after: [shown, payload], op });
        }
        self.table.run(&statements.join(";\n"));
    }

    /// As statements write them, and what is stored then; nothing for NULL.
    fn payloads(&self, is_of_the_log: bool) -> Vec<(String, Option<Vec<u8>>)> {
        // Who normalizes JSON writes a space there.
        let spaced = self.table.engine() != Engine::MariaDb;
        let of_json = |text: &str| if spaced { text.replace("\":", "\": ") } else { text.to_owned() };
        let plain = |text: &str| match self.payload {
            Payload::Text | Payload::Blob => (format!("'{text}'"), Some(text.as_bytes().to_vec())),
            Payload::Json => (format!("'{text}'"), Some(of_json(text).into_bytes())),
        };
        let quoted = |text: &str| match self.payload {
            Payload::Json => plain(&format!("\"{text}\"")),
            _ => plain(text),
        };
        let mut payloads = vec![("null".to_owned(), None), quoted(""), quoted("🎉"), plain(BEYOND_DOUBLES)];
        // Each kind of payload is so long once in the rows that were there, and once in the log.
        if is_of_the_log == (self.id == Id::Char36) {
            payloads.push(self.long());
        }
        if self.payload == Payload::Blob {
            let literal = if self.table.is_postgres() { r"'\x00ff80'" } else { "x'00ff80'" };
            payloads.push((literal.to_owned(), Some(vec![0x00, 0xff, 0x80])));
        }
        payloads.push(quoted("the last"));
        payloads
    }

    fn long(&self) -> (String, Option<Vec<u8>>) {
        let (text, repeated) = (CHARACTERS.repeat(TIMES), format!("repeat('{CHARACTERS}', {TIMES})"));
        match (self.payload, self.table.is_postgres()) {
            (Payload::Text, _) | (Payload::Blob, false) => (repeated, Some(text.into_bytes())),
            (Payload::Blob, true) => (format!("convert_to({repeated}, 'UTF8')"), Some(text.into_bytes())),
            (Payload::Json, true) => (
                format!("jsonb_build_object('t', {repeated})"),
                Some(format!(r#"{{"t": "{text}"}}"#).into_bytes()),
            ),
            (Payload::Json, false) => {
                let space = if self.table.engine() == Engine::MySql { " " } else { "" };
                let written = format!(r#"concat('{{"t":"', {repeated}, '"}}')"#);
                (written, Some(format!(r#"{{"t":{space}"{text}"}}"#).into_bytes()))
            }
        }
    }

    /// As the event's data, and as the change has it.
    fn shown(&self, stored: Option<Vec<u8>>) -> (String, Value) {
        let Some(stored) = stored else { return ("null".to_owned(), Value::Null) };
        let encoded = STANDARD.encode(&stored);
        let text = String::from_utf8(stored);
        let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
        let data = match &text {
            Ok(text) if is_json(text) => text.clone(),
            Ok(text) => json!(text).to_string(),
            Err(_) => json!(encoded).to_string(),
        };
        let payload = match (self.payload, text) {
            (Payload::Text | Payload::Json, Ok(text)) => json!(text),
            _ => json!(encoded),
        };
        (data, payload)
    }

    async fn compare(&self, product: &Product) {
        let service = &product.urls().service;
        let events = at_least(service, &self.table.events(), self.expected.len()).await;
        let changes = at_least(service, &self.table.raw(), self.expected.len()).await;
        let what = format!("{} of {}", self.table.name, self.table.engine());
        let found: Vec<(String, Expected)> =
            events.iter().zip(&changes).map(|(event, change)| self.read(event, change)).collect();
        assert_eq!((events.len(), changes.len()), (self.expected.len(), self.expected.len()), "{what}");
        // The rows of before by their key, and those of the log as they came: so they are numbered.
        for ((id, found), (expected_id, expected)) in found.iter().zip(&self.expected) {
            // Four megabytes are not to be printed.
            assert!(id == expected_id && found == expected, "{what}, {id}: {}", found.difference(expected));
        }
    }

    fn read(&self, event: &Message, change: &Message) -> (String, Expected) {
        let read = CloudEvent::parse(&event.payload).expect("it is an event");
        let change_of = json_of(change);
        let after = &change_of["after"];
        assert_eq!(change.property("ce_id"), Some(read.id.as_str()));
        // PostgreSQL has them in its log from 18 on.
        let has = |column: &str| !after[column].is_null();
        assert!(self.table.is_postgres() || (has("largo") && has("doble")), "{after}");
        for (column, number) in [("largo", 3), ("doble", 6)] {
            assert!(!has(column) || after[column] == number, "{after}");
        }
        let op = if change_of["op"] == "r" { "r" } else { "c" };
        let key = event.key.clone().unwrap_or_default();
        assert_eq!(change.key.as_ref(), Some(&key));
        let data = read.data.get().to_owned();
        (read.id, Expected { key, data, after: [after["clave"].clone(), after["cuerpo"].clone()], op })
    }
}

impl Expected {
    /// What is other than expected, without its length.
    fn difference(&self, other: &Self) -> String {
        let short = |text: String| text.chars().take(80).collect::<String>();
        let of = |one: &Self| {
            let after = one.after.each_ref().map(|value| short(value.to_string()));
            format!("{} {} {:?} {}", one.key, one.op, after, short(one.data.clone()))
        };
        format!("{}, not {}", of(self), of(other))
    }
}
