//! A server's database is restored from a copy of before, while the topics have what came later: nothing is published
//! twice, and an operator says how to go on.

use hexalpes_engines::{Engine, TestDatabase, database_server, killable};
use hexalpes_outbox::operate;

use crate::{
    servers::{Server, alarm_of},
    support::{because, names, until},
};

/// The log goes on and has all of it: the rows of after the copy, then the copy's own, once more. That of PostgreSQL has none of a
/// table that was made anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_read_back_stops_the_relay_and_no_row_is_published_twice() {
    for engine in killable() {
        let own = database_server(engine).unwrap().unwrap();
        let server = Server::on(TestDatabase::on_server(engine, &own.url())).await;
        let made_anew = (engine == Engine::Postgres).then_some("the outbox's table was made anew");
        let restore = |dump: &str| server.database.as_ref().unwrap().run(dump).unwrap();
        server.publish(0..10).await;
        let dump = server.database.as_ref().unwrap().dump().unwrap();
        server.publish(10..20).await;
        restore(&dump);
        // It gets a number that a row had which is on the topics.
        server.stage.append(["after".to_owned()]).await;
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        let undone = made_anew.unwrap_or("is not in the outbox any more: the database was restored");
        assert!(alarm.contains(undone), "{engine}: {alarm}");
        assert!(alarm.contains("hexalpes relay resnapshot"), "{alarm}");
        let mut published: Vec<String> = names(20).collect();
        server.assert_published(&published, "restored").await;
        operate::resnapshot(&server.stage.db, &*server.stage.edge, &because("restored")).await.unwrap();
        relay.restart().await;
        server.drained(&relay).await;
        server.stage.append(["of the log".to_owned()]).await;
        server.drained(&relay).await;
        relay.stop().await;
        published.extend(["after".to_owned(), "of the log".to_owned()]);
        server.assert_published(&published, "resnapshot").await;

        // Nothing was published since the copy: its own rows are what comes next.
        let dump = server.database.as_ref().unwrap().dump().unwrap();
        restore(&dump);
        server.stage.append(["skipped".to_owned()]).await;
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        let known = made_anew.unwrap_or("as the rows of a restored copy are");
        assert!(alarm.contains(known), "{engine}: {alarm}");
        assert!(alarm.contains("hexalpes relay skip"), "{alarm}");
        server.assert_published(&published, "restored again").await;
        relay.skip(&because("told by hand")).await.unwrap();
        relay.restart().await;
        until(&relay, |status| status.running && status.alarm.is_none()).await;
        server.stage.append(["last".to_owned()]).await;
        until(&relay, |status| status.num_written == 1).await;
        relay.stop().await;
        published.push("last".to_owned());
        server.assert_published(&published, "skip").await;
        drop((server, own));
    }
}

/// The log goes back with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_server_s_files_that_is_put_back_stops_the_relay_and_no_row_is_published_twice() {
    for engine in killable() {
        let mut own = database_server(engine).unwrap().unwrap();
        let mut server = Server::on(TestDatabase::on_server(engine, &own.url())).await;
        server.publish(0..10).await;
        own.kill();
        own.keep_a_copy().unwrap();
        own.start_again().unwrap();
        server.publish(10..20).await;
        own.kill();
        own.put_the_copy_back().unwrap();
        own.start_again().unwrap();
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        assert!(alarm.contains("the database was restored from an older copy"), "{engine}: {alarm}");
        relay.stop().await;
        server.assert_published(&names(20).collect::<Vec<_>>(), "restored").await;

        // Written to before anybody looks, it has other events under the numbers that the topics have.
        server.stage.append((0..12).map(|number| format!("other-{number}"))).await;
        let relay = server.relay();
        let alarm = alarm_of(&relay).await;
        assert!(alarm.contains("restored from an older copy and written to"), "{engine}: {alarm}");
        relay.stop().await;
        server.assert_published(&names(20).collect::<Vec<_>>(), "written to").await;
        server.database = None;
        drop((server, own));
    }
}
