//! A table that somebody else shaped, on a server, and the source that reads it.

use std::sync::Arc;

use hexalpes_client::{AdminClient, AdminOptions, Message};
use hexalpes_e2e::{PATIENCE, Product, RealPulsar, messages, real_pulsar, source_config};
use hexalpes_engines::{DatabaseServer, Engine, TestDatabase, a_moment, eventually};
use serde_json::Value;

use crate::command::{ask, create_source, source_status_once};

pub(super) struct Table {
    database: Arc<TestDatabase>,
    /// What its source is called. On a server slots and readers are called by it, and tests share the servers.
    pub(super) source: String,
    pub(super) schema: String,
    pub(super) name: String,
}

impl Table {
    /// Nobody has made it yet.
    pub(super) fn named(database: &Arc<TestDatabase>, name: &str, source: &str) -> Self {
        let engine = database.engine();
        let schema = database.schema().expect("it is a server's").to_owned();
        let source = format!("{source}-{engine}-{}", std::process::id()).to_lowercase();
        Self { database: Arc::clone(database), source, schema, name: name.to_owned() }
    }

    /// An outbox with names of its own.
    pub(super) fn make(database: TestDatabase, source: &str) -> Self {
        let table = Self::named(&Arc::new(database), "salida", source);
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

    /// The same table, where a replica has it.
    pub(super) fn on_replica(&self, replica: &DatabaseServer) -> Self {
        let Self { database, source, schema, name } = self;
        let database = Arc::new(database.on_replica(replica).expect("it is a server's"));
        Self { database, source: source.clone(), schema: schema.clone(), name: name.clone() }
    }

    /// All of its database, as statements that make it so again.
    pub(super) fn dump(&self) -> String {
        self.database.dump().expect("the server gives it")
    }

    /// Waits until so many rows of the database are as a condition says.
    pub(super) fn has(&self, from_where: &str, rows: usize) {
        let mut last = String::new();
        let there = eventually(PATIENCE, || {
            last = self.database.ask(&format!("select count(*) from {from_where}")).ok()?;
            (last.trim() == rows.to_string()).then_some(())
        });
        assert!(there.is_some(), "{from_where} on {}: {last} of {rows} rows", self.engine());
    }

    pub(super) fn engine(&self) -> Engine {
        self.database.engine()
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.engine() == Engine::Postgres
    }

    /// Rows of these keys, in one transaction.
    pub(super) fn insert(&self, keys: impl IntoIterator<Item = usize>) {
        let rows: Vec<String> = keys
            .into_iter()
            .map(|key| format!("('k-{key}', 'p-{}', 'tienda.PedidoPagado', '{{\"n\":{key}}}')", key % 3))
            .collect();
        let rows = rows.join(", ");
        self.run(&format!("insert into salida (clave, pedido, suceso, cuerpo) values {rows}"));
    }

    pub(super) fn run(&self, statements: &str) {
        self.database.run(statements).expect("the server takes it");
    }

    /// As `pulsar-admin sources create` and Debezium's connectors take it.
    pub(super) fn config(&self) -> Value {
        let table = format!("{}.{}", self.schema, self.name);
        let mut config = source_config(self.database.url(), &self.source, &table, &self.events());
        let configs = config["configs"].as_object_mut().expect("it is one");
        let columns = [("id", "clave"), ("aggregateid", "pedido"), ("type", "suceso"), ("payload", "cuerpo")];
        configs.extend(columns.map(|(what, column)| (format!("hexalpes.column.{what}"), column.into())));
        configs.insert("decimal.handling.mode".to_owned(), "double".into());
        config
    }

    pub(super) fn events(&self) -> String {
        format!("persistent://public/default/{}-eventos", self.source)
    }

    pub(super) fn raw(&self) -> String {
        format!("persistent://public/default/{}.{}.{}", self.source, self.schema, self.name)
    }

    pub(super) fn create(&self, product: &Product) -> String {
        create_source(product, &self.config())
    }

    /// Something is done with its source; what it then is.
    pub(super) fn order(&self, product: &Product, words: &[&str]) -> String {
        let (verb, more) = words.split_first().expect("there is a verb");
        let order = [&["relay", *verb, &self.source][..], more, &["--reason", "a test"]].concat();
        let told = ask(product, &order);
        let state = told.trim().strip_prefix(&format!("{}: ", self.source));
        state.unwrap_or_else(|| panic!("{told}")).to_owned()
    }

    /// Waits until its source is as wanted.
    pub(super) fn until(&self, product: &Product, wanted: impl Fn(&Value) -> bool) -> Value {
        source_status_once(product, &self.source, wanted)
    }

    /// Waits until so many rows were published since the source was started.
    pub(super) fn written(&self, product: &Product, rows: u64) -> Value {
        self.until(product, |status| status["numWritten"] == rows)
    }

    /// Waits until what was there is written, and the log is read.
    pub(super) fn at_the_log(&self, product: &Product) -> Value {
        self.until(product, |status| status["lagLogBytes"].is_number())
    }
}

/// A product whose topics are on a real Pulsar, if there is one, that leaves out what it has.
pub(super) async fn on_a_real_pulsar() -> Option<(RealPulsar, Product)> {
    let pulsar = real_pulsar().await?;
    let admin = AdminClient::new(AdminOptions::new(pulsar.urls.admin.clone())).expect("an address");
    admin.set_deduplication("public/default", true).await.expect("the cluster takes the policy");
    let product = Product::serve_on(pulsar.urls.clone());
    Some((pulsar, product))
}

/// All that a topic has, once that is so much.
pub(super) async fn at_least(service: &str, topic: &str, count: usize) -> Vec<Message> {
    let all = once(service, topic, |all| all.len() >= count).await;
    all.unwrap_or_else(|| panic!("{topic} has no {count} messages"))
}

/// The same, once it is as wanted; none if that takes too long.
pub(super) async fn once(
    service: &str,
    topic: &str,
    wanted: impl Fn(&[Message]) -> bool,
) -> Option<Vec<Message>> {
    let all = async {
        loop {
            let all = messages(service, topic).await;
            if wanted(&all) {
                return all;
            }
            a_moment().await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.ok()
}

/// The ids of the events that messages carry.
pub(super) fn ids(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.property("ce_id").expect("it has one").to_owned()).collect()
}

pub(super) fn json_of(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("it is JSON")
}
