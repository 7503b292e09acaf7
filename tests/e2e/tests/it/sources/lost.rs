//! A database's log is lost, below the relay of a service and below that of a source: both stop and say so, and go on by the
//! commands that their alarms name.

use hexalpes_e2e::{Backbone, Product, calculation, drained_outbox};
use hexalpes_engines::{
    DatabaseServer, Front, Loss, TestDatabase, a_moment, database_server, killable, promote, with_replica,
};
use hexalpes_outbox::EVENTS_TOPIC;
use serde_json::Value;
use url::Url;

use super::table::{Table, at_least, ids, json_of};
use crate::command::{ask, create_source};

/// They take more of a log than what the tests have written before.
const ROWS_ENOUGH: usize = 100;

/// One database that has both outboxes, on a server that nobody else uses.
struct Stage {
    product: Product,
    table: Table,
    backbone: Backbone,
    own: DatabaseServer,
    /// What the product knows the server by.
    front: Front,
}

impl Stage {
    fn on(own: DatabaseServer) -> Self {
        let backbone = Backbone::start();
        let database = TestDatabase::on_server(own.engine(), &own.url());
        let front = Front::before(database.url()).expect("it has an address");
        let product = Product::serve_from(backbone.urls(), front.url());
        Self { product, table: Table::make(database, "lost"), backbone, own, front }
    }

    /// Has both outboxes published, with two rows of before and one of the log, and one of the service.
    async fn begin(&self) {
        self.table.insert([0, 1]);
        let mut config = self.table.config();
        let port = Url::parse(self.front.url()).expect("it is one").port().expect("it has one");
        config["configs"]["database.port"] = port.to_string().into();
        create_source(&self.product, &config);
        self.table.at_the_log(&self.product);
        self.table.insert([2]);
        self.table.written(&self.product, 3);
        self.calculate("conv-0").await;
        drained_outbox(&self.product).await;
    }

    /// Waits until both relays say that; while a server is away they say other things.
    async fn alarms(&self, wanted: &str) -> [String; 2] {
        let says = |status: &Value| status["alarm"].as_str().is_some_and(|alarm| alarm.contains(wanted));
        let of_source = self.table.until(&self.product, says);
        let own = self.product.api().until("/debug/relay", says).await;
        [own, of_source].map(|status| status["alarm"].as_str().expect("it has one").to_owned())
    }

    /// Both go on at the end of the log.
    async fn skip(&self) {
        self.order("skip");
        self.table.at_the_log(&self.product);
        while self.product.get("/debug/relay").await.1["running"] != true {
            a_moment().await;
        }
    }

    async fn calculate(&self, conversion: &str) {
        let (status, body) = self.product.post("/commissions/calculate", &calculation(conversion)).await;
        assert_eq!(status, 201, "{body}");
    }

    /// Of both relays.
    fn order(&self, verb: &str) {
        for name in ["commissions", &self.table.source] {
            ask(&self.product, &["relay", verb, name, "--reason", "a test"]);
        }
    }

    /// Of what nobody has read yet, which this writes, the log has nothing any more. Gives the alarms.
    async fn lose(&mut self, loss: Loss, conversion: &str, key: usize) -> [String; 2] {
        self.order("pause");
        self.calculate(conversion).await;
        self.table.insert([key]);
        self.product.kill();
        loss.happen(&self.own);
        self.product.restart();
        self.order("resume");
        self.alarms("`hexalpes relay skip` goes on with what comes").await
    }

    /// The server goes, and comes back as its copy has it.
    fn restore(&mut self) {
        self.own.kill();
        self.own.put_the_copy_back().unwrap();
        self.own.start_again().unwrap();
    }

    /// Told to skip, with two conversions and four keys on the topics, of which a copy has less: nothing of it follows them, and
    /// what comes next does.
    async fn goes_on_without_the_copy(&self) {
        self.skip().await;
        self.table.insert([4]);
        self.calculate("conv-2").await;
        let (own, of_source) = self.published(3, 5).await;
        assert_eq!(own, conversions(&[0, 1, 2]), "{}", self.own.engine());
        assert_eq!(of_source, keys(&[0, 1, 2, 3, 4]), "{}", self.own.engine());
    }

    /// Who asks a server goes before it.
    fn end(self) {
        let Self { product, table, backbone, own, .. } = self;
        drop((product, backbone, table, own));
    }

    /// What both topics have, once that is so much: conversions, and keys.
    async fn published(&self, conversions: usize, keys: usize) -> (Vec<String>, Vec<String>) {
        let service = self.backbone.urls().service;
        let own = at_least(&service, EVENTS_TOPIC, conversions).await;
        let conversion = |event: Value| event["data"]["conversion_id"].as_str().map(str::to_owned);
        let own = own.iter().filter_map(|message| conversion(json_of(message))).collect();
        (own, ids(&at_least(&service, &self.table.events(), keys).await))
    }
}

fn conversions(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("conv-{number}")).collect()
}

fn keys(keys: &[usize]) -> Vec<String> {
    keys.iter().map(|key| format!("k-{key}")).collect()
}

/// One loss on each server: the relay's own tests have all.
///
/// Accepts S3-CLI-6b, S3-SRC-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_is_gone_on_from_by_the_commands_that_its_alarms_name() {
    let is_tried = |(_, loss): &(_, Loss)| matches!(loss, Loss::Purge | Loss::Invalidate);
    for (engine, loss) in Loss::all().into_iter().filter(is_tried) {
        let mut stage = Stage::on(loss.start(engine));
        stage.begin().await;
        for alarm in stage.lose(loss, "conv-1", 3).await {
            let way = "`hexalpes relay resnapshot` publishes what is not marked";
            assert!(alarm.contains(way), "{engine}, {loss:?}: {alarm}");
        }
        let (own, of_source) = stage.published(1, 3).await;
        assert_eq!((own, of_source), (conversions(&[0]), keys(&[0, 1, 2])), "{engine}, {loss:?}: lost");
        stage.order("resnapshot");
        stage.table.at_the_log(&stage.product);
        stage.table.insert([4]);
        stage.table.written(&stage.product, 5);
        stage.calculate("conv-2").await;
        drained_outbox(&stage.product).await;
        // A table of others has no marks.
        let (own, of_source) = stage.published(3, 8).await;
        assert_eq!(own, conversions(&[0, 1, 2]), "{engine}, {loss:?}: resnapshot");
        assert_eq!(of_source, keys(&[0, 1, 2, 0, 1, 2, 3, 4]), "{engine}, {loss:?}: resnapshot");

        stage.lose(loss, "conv-3", 5).await;
        stage.skip().await;
        stage.table.insert([6]);
        stage.calculate("conv-4").await;
        let (own, of_source) = stage.published(4, 9).await;
        assert_eq!(own, conversions(&[0, 1, 2, 4]), "{engine}, {loss:?}: skip");
        assert_eq!(of_source, keys(&[0, 1, 2, 0, 1, 2, 3, 4, 6]), "{engine}, {loss:?}: skip");
        stage.end();
    }
}

/// The server goes, and comes back as it was before: what it had since is on the topics. Then it does so while both are away,
/// and is written to before they come.
///
/// Accepts S3-SRC-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restored_from_an_older_copy_stops_both_until_they_are_told_to_go_on() {
    for engine in killable() {
        let mut stage = Stage::on(database_server(engine).unwrap().expect("it is a server"));
        stage.begin().await;
        stage.own.kill();
        stage.own.keep_a_copy().unwrap();
        stage.own.start_again().unwrap();
        stage.table.insert([3]);
        stage.calculate("conv-1").await;
        stage.published(2, 4).await;
        stage.restore();
        // PostgreSQL says of the log itself that it ends too early; elsewhere the rows that are missing tell it.
        stage.alarms("`hexalpes relay resnapshot`").await;
        stage.goes_on_without_the_copy().await;

        // Once more, while nobody reads, and its log becomes longer than it was.
        stage.product.kill();
        stage.restore();
        stage.table.insert(10..10 + ROWS_ENOUGH);
        stage.product.restart();
        stage.alarms("`hexalpes relay resnapshot`").await;
        stage.skip().await;
        stage.table.insert([5]);
        stage.calculate("conv-3").await;
        let (own, of_source) = stage.published(4, 6).await;
        assert_eq!(own, conversions(&[0, 1, 2, 3]), "{engine}: written to");
        assert_eq!(of_source, keys(&[0, 1, 2, 3, 4, 5]), "{engine}: written to");
        stage.end();
    }
}

/// While both read, their tables are dropped and made anew with what they had once, which `MySQL`'s and `MariaDB`'s logs have
/// as insertions.
///
/// Accepts S3-SRC-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_read_back_stops_both_until_they_are_told_to_go_on() {
    for engine in killable() {
        let stage = Stage::on(database_server(engine).unwrap().expect("it is a server"));
        stage.begin().await;
        let dump = stage.table.dump();
        stage.table.insert([3]);
        stage.calculate("conv-1").await;
        stage.published(2, 4).await;
        stage.table.run(&dump);
        for alarm in stage.alarms("`hexalpes relay resnapshot`").await {
            assert!(alarm.contains("`hexalpes relay skip`"), "{engine}: {alarm}");
        }
        let (own, of_source) = stage.published(2, 4).await;
        assert_eq!((own, of_source), (conversions(&[0, 1]), keys(&[0, 1, 2, 3])), "{engine}: stopped");
        stage.goes_on_without_the_copy().await;
        stage.end();
    }
}

/// The server goes, and its replica has its address.
///
/// Accepts S3-SRC-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_takes_over_stops_both_until_they_are_told_to_go_on() {
    for engine in killable() {
        let (first, second) = with_replica(engine);
        let mut stage = Stage::on(first);
        stage.begin().await;
        let replica = stage.table.on_replica(&second);
        replica.has("salida", 3);
        replica.has("outbox_event where published = 1", 1);
        stage.own.kill();
        promote(&second);
        stage.front.lead_to(&second.url()).unwrap();
        stage.alarms("the database's log is another one than before").await;
        replica.insert([3]);
        stage.order("resnapshot");
        stage.table.at_the_log(&stage.product);
        replica.insert([4]);
        stage.calculate("conv-1").await;
        drained_outbox(&stage.product).await;
        // A table of others has no marks.
        let (own, of_source) = stage.published(2, 8).await;
        assert_eq!(own, conversions(&[0, 1]), "{engine}");
        assert_eq!(of_source, keys(&[0, 1, 2, 0, 1, 2, 3, 4]), "{engine}");
        stage.own.start_again().unwrap();
        let Stage { product, table, backbone, own, .. } = stage;
        drop((product, backbone, replica, table, own, second));
    }
}
