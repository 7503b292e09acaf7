//! A server, and the replica that takes over when it is gone.

use std::time::Duration;

use crate::database::ServerUrl;
use crate::{DatabaseServer, Engine, Postgres, database_server, eventually};

const ALONE_WITHIN: Duration = Duration::from_secs(30);

/// A server, and one that follows it until it is [promoted](promote).
pub fn with_replica(engine: Engine) -> (DatabaseServer, DatabaseServer) {
    let start = || database_server(engine).expect("the server starts").expect("the engine is a server");
    let first = start();
    if engine == Engine::Postgres {
        let second = Postgres::replica_of(&first).unwrap_or_else(|absent| panic!("{absent}"));
        return (first, second);
    }
    let second = start();
    second.run(&follow(&first)).expect("it becomes a replica");
    (first, second)
}

/// How a server becomes the replica of another one, from where that is now.
fn follow(first: &DatabaseServer) -> String {
    let is_mariadb = first.engine() == Engine::MariaDb;
    let ask = if is_mariadb { "SHOW MASTER STATUS" } else { "SHOW BINARY LOG STATUS" };
    let here = first.ask(ask).expect("it says where it is");
    let mut words = here.split('\t');
    let (file, offset) = (words.next().expect("a file"), words.next().expect("a place in it"));
    let url = first.url();
    let ServerUrl { user, password, host, port, .. } = ServerUrl::parse(&url).expect("it has an address");
    let password = password.unwrap_or_default();
    let set = "SET GLOBAL server_id = 2";
    if is_mariadb {
        format!(
            "{set}; CHANGE MASTER TO MASTER_HOST = '{host}', MASTER_PORT = {port}, MASTER_USER = '{user}', \
             MASTER_PASSWORD = '{password}', MASTER_LOG_FILE = '{file}', MASTER_LOG_POS = {offset}, \
             MASTER_USE_GTID = no, MASTER_SSL_VERIFY_SERVER_CERT = 0; START SLAVE"
        )
    } else {
        format!(
            "{set}; CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{host}', SOURCE_PORT = {port}, SOURCE_USER = '{user}', \
             SOURCE_PASSWORD = '{password}', SOURCE_LOG_FILE = '{file}', SOURCE_LOG_POS = {offset}, \
             GET_SOURCE_PUBLIC_KEY = 1; START REPLICA"
        )
    }
}

/// From now on a replica gets nothing of what its server writes.
pub fn fall_behind(replica: &DatabaseServer) {
    if replica.engine() != Engine::Postgres {
        return promote(replica);
    }
    replica.run("ALTER SYSTEM SET primary_conninfo = ''").expect("it takes settings");
    replica.run("SELECT pg_reload_conf()").expect("it reads them");
    let alone = || {
        let follows = replica.ask("SELECT count(*) FROM pg_stat_wal_receiver").ok()?;
        (follows.trim() == "0").then_some(())
    };
    eventually(ALONE_WITHIN, alone).expect("it follows nobody");
}

/// Makes a replica a server of its own.
pub fn promote(replica: &DatabaseServer) {
    let statement = match replica.engine() {
        Engine::MariaDb => "STOP SLAVE",
        Engine::MySql => "STOP REPLICA",
        Engine::Postgres | Engine::Sqlite => "SELECT pg_promote()",
    };
    replica.run(statement).expect("it takes over");
}
