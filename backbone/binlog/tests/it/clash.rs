//! Somebody else reads the log under the number of this reader, of which a server lets one read alone.

use std::time::Duration;

use futures::future::join_all;
use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::{Log as _, LogError, Position};
use hexalpes_engines::Front;
use mysql_async::prelude::Queryable as _;
use mysql_async::{BinlogStream, BinlogStreamRequest, Row};
use tokio::time::timeout;

use crate::world::{WITHIN, World, failure, ids, rows, worlds};

const TABLE: &str = "CREATE TABLE notes (id INT PRIMARY KEY)";

impl World {
    /// A reader of another make, with the number of ours, on a host of that name.
    async fn foreign(&self, host: &str, from: &Position) -> BinlogStream {
        let mut connection = self.session().await;
        let heard_every = "SET @master_heartbeat_period = 100000000, @source_heartbeat_period = 100000000";
        connection.query_drop(heard_every).await.unwrap();
        let request = BinlogStreamRequest::new(self.options.server_id)
            .with_hostname(host.as_bytes())
            .with_filename(from.file.as_bytes())
            .with_pos(from.offset);
        connection.get_binlog_stream(request).await.unwrap()
    }

    /// A reader of ours that has read a row, and where it began.
    async fn reading(&self) -> (Position, Binlog) {
        self.run(&[TABLE]).await;
        let from = self.position().await;
        let mut log = self.open(&from).await;
        self.run(&["INSERT INTO notes VALUES (1)"]).await;
        assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
        (from, log)
    }

    /// The hosts that readers with the number of ours say to be.
    async fn hosts(&self) -> Vec<String> {
        let list = if self.is_mariadb() { "SHOW SLAVE HOSTS" } else { "SHOW REPLICAS" };
        let listed: Vec<Row> = self.session().await.query(list).await.unwrap();
        let own = listed.iter().filter(|row| row.get::<u32, _>(0) == Some(self.options.server_id));
        own.map(|row| row.get(1).unwrap()).collect()
    }
}

fn assert_named(error: &LogError, world: &World) {
    let LogError::Refused { what, mend } = error else { panic!("{error:?}") };
    let number = world.options.server_id;
    let expected =
        format!("another program reads the log as server id {number}, and says to be on host \"debezium\"");
    assert_eq!(*what, expected);
    assert_eq!(mend.0, "end it, or give this reader a server id of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_reads_with_our_number_is_left_alone_and_named_until_it_ends() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let from = world.position().await;
        let foreign = world.foreign("debezium", &from).await;
        for _ in 0..2 {
            let refused = Binlog::open(world.options.clone(), from.clone()).await.unwrap_err();
            assert_named(&refused, &world);
        }
        assert_eq!(world.hosts().await, ["debezium"], "it was not ended");
        drop(foreign);
        world.run(&["INSERT INTO notes VALUES (1)"]).await;
        let opening = async {
            loop {
                if let Ok(log) = Binlog::open(world.options.clone(), from.clone()).await {
                    return log;
                }
            }
        };
        let mut log = timeout(WITHIN, opening).await.expect("the server sees that it is gone");
        assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
    }
}

/// The server ends the older of the two.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_comes_with_our_number_while_we_read_is_named() {
    for world in worlds(&["notes"]) {
        let (from, mut log) = world.reading().await;
        let _foreign = world.foreign("debezium", &from).await;
        let (_, error) = failure(&mut log).await;
        assert_named(&error, &world);
        assert_named(&log.next().await.unwrap_err(), &world);
    }
}

/// It was killed, and the server has not seen that yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_ours_that_is_gone_does_not_keep_the_next_one_waiting() {
    for world in worlds(&["notes"]) {
        let (from, log) = world.reading().await;
        let hosts = world.hosts().await;
        assert_eq!(hosts.len(), 1, "a server lists its readers");
        drop(log);
        let _gone = world.foreign(&hosts[0], &from).await;
        let opening = async {
            loop {
                match Binlog::open(world.options.clone(), from.clone()).await {
                    // The name of the one before may be taken for a moment.
                    Err(LogError::Taken { .. }) => {}
                    opened => return opened,
                }
            }
        };
        let opened = timeout(Duration::from_secs(20), opening).await.expect("its name is free soon");
        let mut log = opened.unwrap_or_else(|error| panic!("{}: {error}", world.engine));
        assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whose_machine_went_without_a_word_makes_room_within_seconds() {
    let taking_over = worlds(&["notes"]).into_iter().map(async |world| {
        world.run(&[TABLE]).await;
        let from = world.position().await;
        let front = Front::before(&world.options.url).unwrap();
        let options = BinlogOptions { url: front.url().to_owned(), ..world.options.clone() };
        let mut gone = Binlog::open(options, from.clone()).await.unwrap();
        world.run(&["INSERT INTO notes VALUES (1)"]).await;
        assert_eq!(ids(&rows(&mut gone, 1).await.0), [1]);
        let taken = Binlog::open(world.options.clone(), from.clone()).await.unwrap_err();
        assert!(matches!(taken, LogError::Taken { .. }), "{taken}");
        front.swallow();
        let mut log = world.open(&from).await;
        assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
    });
    join_all(taking_over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_heard_of_although_it_reads_nothing() {
    for world in worlds(&["notes"]) {
        world.run(&[TABLE]).await;
        let _log = world.open_now().await;
        let mut session = world.session().await;
        // For how long nothing was heard over the connection that has the claim.
        let ask = format!(
            "SELECT TIME FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK('hexalpes-binlog-{}')",
            world.options.server_id
        );
        let heard_again = async {
            let mut before = 0;
            loop {
                let silence: i64 = session.query_first(&ask).await.unwrap().expect("it has its claim");
                if silence < before {
                    break;
                }
                before = silence;
            }
        };
        timeout(WITHIN, heard_again).await.expect("it is heard of");
    }
}
