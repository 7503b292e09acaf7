//! A server is there while its value is, and gone after it.

use std::net::{Ipv4Addr, TcpStream};

use hexalpes_engines::{
    Absent, DatabaseServer, LOG_ENGINES, MariaDb, MySql, Postgres, TestDatabase, database_server,
};

fn port_of(url: &str) -> u16 {
    let (_, address) = url.rsplit_once('@').unwrap();
    let (host_and_port, _) = address.split_once('/').unwrap();
    host_and_port.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// What this machine cannot have is named, and its absence is `cargo xtask test`'s to judge.
fn is_there_while_its_value_is<Server>(started: Result<Server, Absent>, url: impl Fn(&Server) -> String) {
    match started {
        Ok(server) => {
            let port = port_of(&url(&server));
            assert!(listens(port), "a started server listens");
            drop(server);
            assert!(!listens(port), "a dropped server does not");
        }
        Err(absent) => eprintln!("{absent}"),
    }
}

#[test]
fn postgres_is_there_while_its_value_is() {
    is_there_while_its_value_is(Postgres::start(), DatabaseServer::url);
}

#[test]
fn mariadb_is_there_while_its_value_is() {
    is_there_while_its_value_is(MariaDb::start(), DatabaseServer::url);
}

#[test]
fn mysql_is_there_while_its_value_is() {
    is_there_while_its_value_is(MySql::start(), DatabaseServer::url);
}

#[test]
fn a_server_that_was_killed_comes_back_with_what_was_committed() {
    for engine in LOG_ENGINES {
        match database_server(engine) {
            Ok(server) => {
                let mut server = server.unwrap();
                let database = TestDatabase::on_server(engine, &server.url());
                database
                    .run("CREATE TABLE kept (id int PRIMARY KEY);\nINSERT INTO kept VALUES (7);\n")
                    .unwrap();
                let port = port_of(&server.url());
                server.kill();
                assert!(!listens(port), "a killed {engine} does not listen");
                server.start_again().unwrap();
                let twice = database.run("INSERT INTO kept VALUES (7);\n").unwrap_err().to_string();
                assert!(twice.to_lowercase().contains("duplicate"), "{engine}: {twice}");
            }
            Err(absent) => eprintln!("{absent}"),
        }
    }
}
