//! A program that is none of ours reads a server's log under the number of the relay.

use hexalpes_engines::{Engine, TestDatabase, database_server, killable};

use crate::{
    servers::{Server, alarm_of, number},
    support::{names, until},
};

/// It does not register, as a Debezium does not: no server lists it, and each ends who came before under a number.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_takes_the_relay_s_number_stops_it_until_it_is_started_again() {
    for engine in killable().into_iter().filter(|engine| *engine != Engine::Postgres) {
        let own = database_server(engine).unwrap().unwrap();
        let server = Server::on(TestDatabase::on_server(engine, &own.url())).await;
        let relay = server.relay();
        server.stage.append(names(3)).await;
        server.drained(&relay).await;
        let database = server.database.as_ref().unwrap();
        let files = database.ask("SHOW BINARY LOGS").unwrap();
        let newest = files.lines().last().and_then(|line| line.split('\t').next()).unwrap();
        let number = number(&server.place);
        let foreign = database.read_log_as(number, newest).unwrap();
        let alarm = alarm_of(&relay).await;
        assert_eq!(
            alarm,
            format!(
                "another program began to read the log as server id {number}, and the server ended this reader for it; end \
                 it, or give this reader a server id of its own, and go on with `hexalpes relay restart`"
            ),
            "{engine}"
        );
        server.stage.append(names(6).skip(3)).await;
        server.assert_published(&names(3).collect::<Vec<_>>(), "ended").await;
        drop(foreign);
        relay.restart().await;
        until(&relay, |status| status.running && status.alarm.is_none()).await;
        server.drained(&relay).await;
        relay.stop().await;
        server.assert_published(&names(6).collect::<Vec<_>>(), "started again").await;
        drop((server, own));
    }
}
