//! Servers whose log cannot be read as they are set up: a service is refused at its start, a source says so in its alarm, and
//! both with the statement that mends it.

use std::{fs, path::Path};

use hexalpes_e2e::{Backbone, Product, source_config};
use hexalpes_engines::{Engine, Postgres, TestDatabase, database_server, free_port, killable};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    CHECKOUT,
    command::{ask, create_source, refusal, source_status_once},
};

/// Who may do with the tables of one database what the commissions do, and nothing else.
const ALPES: &str =
    "CREATE DATABASE alpes CHARACTER SET utf8mb4; CREATE USER 'alpes'@'%' IDENTIFIED BY 'alpes';
    GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES, DROP ON alpes.* TO 'alpes'@'%';";

/// A setting, a value with which rows would be left out, and the one with which none is.
type Setting = (&'static str, &'static str, &'static str);

const SETTINGS: [Setting; 2] =
    [("binlog_format", "STATEMENT", "'ROW'"), ("binlog_row_image", "MINIMAL", "'FULL'")];
const COMPRESSION: Setting = ("log_bin_compress", "ON", "OFF");

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// The address of another user's database on the same server.
fn address(database: &TestDatabase, user: &str, name: &str) -> String {
    let url = url::Url::parse(database.url()).expect("it is one");
    let (scheme, port) = (url.scheme(), url.port().expect("a port is free"));
    format!("{scheme}://{user}@127.0.0.1:{port}/{name}")
}

/// What the commissions say who do not start on that database.
fn refused(folder: &Path, database: &str) -> String {
    let ports = [free_port(), free_port()].map(|port| port.to_string());
    let flags = ["--commissions-port", &ports[0], "--marketing-port", &ports[1]];
    let words = ["serve", "commissions", "--commissions-database-url", database];
    refusal(folder, &[&words[..], &flags].concat(), 1)
}

/// The outbox of the commissions, in that schema, as an outbox that others write.
fn source(database: &str, schema: &str) -> Value {
    let table = format!("{schema}.outbox_event");
    source_config(database, "unfit", &table, "persistent://public/default/unfit")
}

/// The status of the source, once it is as wanted.
fn status(product: &Product, wanted: impl Fn(&Value) -> bool) -> Value {
    source_status_once(product, "unfit", wanted)
}

fn alarm_has(product: &Product, words: &str) {
    status(product, |status| status["alarm"].as_str().is_some_and(|alarm| alarm.contains(words)));
}

/// The statements of our guide that say what a user may.
pub(crate) fn granted_by_the_guide() -> String {
    let guide = fs::read_to_string(format!("{CHECKOUT}/docs/ECOSYSTEM_DOCS.md")).expect("it is there");
    let grants: Vec<&str> = guide.lines().filter(|line| line.starts_with("GRANT ")).collect();
    assert!(grants.len() > 1, "{grants:?}");
    grants.join("\n")
}

/// Accepts S3-DB-1, S3-DB-4, S3-CLI-3.
#[test]
fn a_binary_log_that_cannot_be_read_is_refused_with_the_statement_that_mends_it() {
    let engines: Vec<Engine> = killable().into_iter().filter(|it| *it != Engine::Postgres).collect();
    if engines.is_empty() {
        return;
    }
    let (product, backbone) = (Product::start(), Backbone::start());
    for engine in engines {
        let server = database_server(engine).unwrap().expect("it is a server");
        let database = TestDatabase::on_server(engine, &server.url());
        let run = |statement: &str| database.run(statement).expect("the server takes it");
        run(ALPES);
        let (folder, alpes) = (folder(), address(&database, "alpes:alpes", "alpes"));

        // One right after another, each with what the one before said.
        let mut rights = vec!["REPLICATION CLIENT ON *.*", "REPLICATION SLAVE ON *.*"];
        rights.extend((engine == Engine::MySql).then_some("LOCK TABLES ON `alpes`.*"));
        for right in rights {
            let (said, grant) = (refused(folder.path(), &alpes), format!("GRANT {right} TO 'alpes'@'%';"));
            assert!(said.contains(&grant) && !said.contains("alpes:alpes"), "{engine}: {said}");
            if right.starts_with("LOCK") {
                // A source asks for it when it needs it.
                create_source(&product, &source(&alpes, "alpes"));
                alarm_has(&product, &grant);
                ask(&product, &["relay", "delete", "unfit", "--forget", "--reason", "seen"]);
            }
            run(&grant);
        }

        let compression = (engine == Engine::MariaDb).then_some(COMPRESSION);
        for (name, wrong, right) in SETTINGS.into_iter().chain(compression) {
            run(&format!("SET GLOBAL {name} = '{wrong}'"));
            let (said, mend) = (refused(folder.path(), &alpes), format!("SET GLOBAL {name} = {right};"));
            assert!(said.contains(&format!("{name} is {wrong}; {mend}")), "{engine}: {said}");
            assert!(said.contains("--no-relay"), "the way out of who wants none: {said}");
            create_source(&product, &source(&alpes, "alpes"));
            alarm_has(&product, &mend);
            // It goes on by itself.
            run(&mend);
            status(&product, |status| status["state"] == "running" && status["alarm"].is_null());
            ask(&product, &["relay", "delete", "unfit", "--forget", "--reason", "seen"]);
        }

        // Nothing else was missing, and the guide leaves nothing out.
        drop(Product::serve_from(backbone.urls(), &alpes));
        run("REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'alpes'@'%'");
        run(&granted_by_the_guide());
        drop(Product::serve_from(backbone.urls(), &alpes));
    }
}

#[test]
fn a_postgresql_that_cannot_be_read_is_refused_with_the_statement_that_mends_it() {
    if !killable().contains(&Engine::Postgres) {
        return;
    }
    let product = Product::start();
    for (setting, what, mend) in [
        ("wal_level=replica", "wal_level is replica", "ALTER SYSTEM SET wal_level = 'logical';"),
        (
            "max_replication_slots=0",
            "the server may have 0 replication slots and has 0",
            "ALTER SYSTEM SET max_replication_slots = 2;",
        ),
    ] {
        let server = Postgres::start_with(&[setting]).unwrap();
        let database = TestDatabase::on_server(Engine::Postgres, &server.url());
        let name = database.name().expect("a server has given it one");
        let run = |statement: &str| database.run(statement).expect("the server takes it");
        run(&format!("CREATE ROLE alpes LOGIN; ALTER DATABASE {name} OWNER TO alpes"));
        let (folder, alpes) = (folder(), address(&database, "alpes", name));

        let (said, grant) = (refused(folder.path(), &alpes), "ALTER ROLE \"alpes\" REPLICATION;");
        assert!(said.contains(grant), "{said}");
        run(grant);
        let said = refused(folder.path(), &alpes);
        assert!(said.contains(what) && said.contains(mend) && said.contains("--no-relay"), "{said}");
        create_source(&product, &source(&alpes, "public"));
        alarm_has(&product, mend);
        ask(&product, &["relay", "delete", "unfit", "--forget", "--reason", "seen"]);
    }
}
