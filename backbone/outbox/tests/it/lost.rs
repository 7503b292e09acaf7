//! A log that no longer has what comes next: the relay says so and publishes nothing, and an operator has it go on with
//! what is in the table, or with what comes from then on.

use std::time::{Duration, Instant};

use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::LogError;
use hexalpes_engines::{
    DatabaseServer, Engine, MariaDb, MySql, Postgres, TestDatabase, eventually, killable,
};
use hexalpes_outbox::operate;
use tokio::{task, time::timeout};

use crate::{
    servers::{Server, alarm_of, number},
    support::{PATIENCE, because, names, until},
};

/// How a log is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// Its files are purged.
    Purge,
    /// It begins anew, with files of the same names, which are longer by now.
    Reset,
    /// An operator drops the slot.
    Drop,
    /// The slot has kept more than it may.
    Invalidate,
}

impl Loss {
    fn all() -> Vec<(Engine, Self)> {
        let of = |engine| match engine {
            Engine::Postgres => vec![(engine, Self::Drop), (engine, Self::Invalidate)],
            _ => vec![(engine, Self::Purge), (engine, Self::Reset)],
        };
        killable().into_iter().flat_map(of).collect()
    }

    fn start(self, engine: Engine) -> DatabaseServer {
        let started = match (engine, self) {
            (Engine::MariaDb, _) => MariaDb::start(),
            (Engine::MySql, _) => MySql::start(),
            (_, Self::Invalidate) => {
                Postgres::start_with(&["max_slot_wal_keep_size=1MB", "max_wal_size=64MB"])
            }
            _ => Postgres::start(),
        };
        started.unwrap_or_else(|absent| panic!("{absent}"))
    }

    /// All that is in the log by now.
    async fn happen(self, own: &DatabaseServer, server: &Server) {
        if self == Self::Purge {
            return purge(own, server).await;
        }
        if self == Self::Reset {
            return task::block_in_place(|| reset(own));
        }
        // Who read it may be at its end just now; and a server looks at what it keeps at its checkpoints.
        let lose = match self {
            Self::Drop => "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots",
            _ => "SELECT pg_logical_emit_message(false, 'noise', 'x'); SELECT pg_switch_wal()",
        };
        let is_lost = "DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_replication_slots WHERE wal_status <> 'lost') THEN \
                       RAISE EXCEPTION 'it is there'; END IF; END $$";
        let lost = || {
            own.run(lose).ok()?;
            own.run("CHECKPOINT").ok()?;
            own.run(is_lost).ok()
        };
        task::block_in_place(|| eventually(PATIENCE, lost)).expect("the log is lost");
    }
}

/// A server keeps a file until all that it has is in the tables for good.
async fn purge(own: &DatabaseServer, server: &Server) {
    let tables = vec![server.place.table.clone()];
    let options = BinlogOptions { url: server.url.clone(), tables, server_id: number(&server.place) + 1 };
    let here = Binlog::position(&options).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        own.run("FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY").unwrap();
        match Binlog::open(options.clone(), here.clone()).await {
            Err(LogError::Gap { .. }) => return,
            _ => assert!(tokio::time::Instant::now() < deadline, "the log is purged"),
        }
    }
}

impl Server {
    /// Until it is past its snapshot, and knows which file of its name it reads.
    async fn knows_its_file(&self) {
        let knowing = async {
            let mut commits = self.stage.db.commits();
            while !self.stage.log_position().await.is_some_and(|position| position.contains('@')) {
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, knowing).await.expect("it comes to its log");
    }
}

/// A file is known by the second in which it was made.
fn reset(own: &DatabaseServer) {
    let now = Instant::now();
    eventually(PATIENCE, || (now.elapsed() > Duration::from_secs(1)).then_some(())).expect("time goes on");
    let begin_anew =
        if own.engine() == Engine::MariaDb { "RESET MASTER" } else { "RESET BINARY LOGS AND GTIDS" };
    let longer = "CREATE DATABASE IF NOT EXISTS noise; CREATE TABLE IF NOT EXISTS noise.noise (text LONGTEXT); \
                  INSERT INTO noise.noise VALUES (REPEAT('x', 4000000))";
    own.run(&format!("{begin_anew}; {longer}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_stops_the_relay_and_resnapshot_and_skip_go_on_as_they_say() {
    for (engine, loss) in Loss::all() {
        let own = loss.start(engine);
        let server = Server::on(TestDatabase::on_server(engine, &own.url())).await;
        let (db, edge) = (&server.stage.db, &*server.stage.edge);
        server.publish(0..10).await;
        if loss == Loss::Reset {
            let relay = server.relay();
            server.knows_its_file().await;
            relay.stop().await;
        }
        server.stage.append(names(13).skip(10)).await;
        loss.happen(&own, &server).await;
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        for way in ["`hexalpes relay resnapshot` publishes what is not marked", "`hexalpes relay skip`"] {
            assert!(alarm.contains(way), "{engine}, {loss:?}: {alarm}");
        }
        let mut published: Vec<String> = names(10).collect();
        server.assert_published(&published, "lost").await;
        operate::resnapshot(db, edge, &because("the log is lost")).await.unwrap();
        relay.restart().await;
        server.stage.append(names(15).skip(13)).await;
        server.drained(&relay).await;
        assert_eq!(relay.status().alarm, None);
        if loss == Loss::Reset {
            server.knows_its_file().await;
        }
        relay.stop().await;
        published = names(15).collect();
        server.assert_published(&published, "resnapshot").await;

        server.stage.append(names(18).skip(15)).await;
        loss.happen(&own, &server).await;
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        assert!(
            alarm.contains("`hexalpes relay skip` goes on with what comes"),
            "{engine}, {loss:?}: {alarm}"
        );
        server.assert_published(&published, "lost again").await;
        relay.skip(&because("they are told by hand")).await.unwrap();
        let written = relay.status().num_written;
        relay.restart().await;
        until(&relay, |status| status.running && status.alarm.is_none()).await;
        server.stage.append(names(20).skip(18)).await;
        until(&relay, |status| status.num_written == written + 2).await;
        relay.stop().await;
        published.extend(names(20).skip(18));
        server.assert_published(&published, "skip").await;
        drop((server, own));
    }
}
