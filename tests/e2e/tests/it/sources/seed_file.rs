//! Seed 3's own configuration of a source, on a database that is set up as our guide says.

use hexalpes_e2e::Product;
use hexalpes_engines::{Engine, TestDatabase, database_server, killable};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};
use serde_json::{Value, json};

use super::{
    pulsar_admin::{NAME, SEED},
    table::{at_least, ids, json_of},
};
use crate::{
    command::{create_source, source_status_once},
    unfit::granted_by_the_guide,
};

const MADE: &str = "CREATE DATABASE alpes CHARACTER SET utf8mb4; CREATE USER 'alpes'@'%' IDENTIFIED BY 'alpes';
    CREATE TABLE alpes.outbox_event (id CHAR(36) PRIMARY KEY, aggregatetype VARCHAR(64) NOT NULL, aggregateid VARCHAR(64) NOT NULL,
        type VARCHAR(64) NOT NULL, payload JSON NOT NULL);";

/// Only where the server is differs from the seed's.
///
/// Accepts S3-SRC-1, S3-TOP-4, C-21.
#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_own_file_makes_a_source_that_reads_the_seeds_own_table() {
    for engine in killable().into_iter().filter(|engine| *engine != Engine::Postgres) {
        let server = database_server(engine).unwrap().expect("it is a server");
        let database = TestDatabase::on_server(engine, &server.url());
        let run = |statements: &str| database.run(statements).expect("the server takes it");
        run(MADE);
        run(&granted_by_the_guide());
        let insert = |key: u8| {
            run(&format!(
                "INSERT INTO alpes.outbox_event VALUES ('0190a000-0000-7000-8000-00000000000{key}', 'commission', 'com-{key}', \
                 'commission.CommissionCalculated', '{{\"n\":{key}}}')"
            ));
        };
        insert(1);

        let product = Product::start();
        let mut seed: Value = serde_json::from_str(SEED).expect("it is JSON");
        let port = url::Url::parse(&server.url()).expect("it is one").port().expect("it has one");
        seed["configs"]["database.hostname"] = "127.0.0.1".into();
        seed["configs"]["database.port"] = port.to_string().into();
        create_source(&product, &seed);
        source_status_once(&product, NAME, |status| status["lagLogBytes"].is_number());
        insert(2);
        let service = &product.urls().service;
        let (events, changes) =
            (at_least(service, EVENTS_TOPIC, 2).await, at_least(service, RAW_TOPIC, 2).await);
        let expected = [1, 2].map(|key| format!("0190a000-0000-7000-8000-00000000000{key}"));
        assert_eq!((ids(&events), ids(&changes)), (expected.to_vec(), expected.to_vec()), "{engine}");
        let (event, change) = (json_of(&events[1]), json_of(&changes[1]));
        assert_eq!(
            (&event["type"], &event["data"]),
            (&json!("commission.CommissionCalculated"), &json!({ "n": 2 }))
        );
        assert_eq!(
            (&change["op"], &change["source"]["name"]),
            (&json!("c"), &json!("alpes-mysql")),
            "{change}"
        );
        assert_eq!(
            (&change["source"]["db"], &change["source"]["table"]),
            (&json!("alpes"), &json!("outbox_event"))
        );
        assert_eq!(change["after"]["aggregateid"], "com-2", "{change}");
    }
}
