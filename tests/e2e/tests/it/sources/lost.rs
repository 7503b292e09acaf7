//! A database's log is lost, below the relay of a service and below that of a source: both stop and say so, and go on by the
//! commands that their alarms name.

use hexalpes_e2e::{Backbone, Product, calculation, drained_outbox};
use hexalpes_engines::{DatabaseServer, Loss, TestDatabase, a_moment};
use hexalpes_outbox::EVENTS_TOPIC;
use serde_json::Value;

use super::table::{Table, at_least, ids, json_of};
use crate::command::ask;

/// One database that has both outboxes, on a server that nobody else uses.
struct Stage {
    product: Product,
    table: Table,
    backbone: Backbone,
    own: DatabaseServer,
}

impl Stage {
    fn on(own: DatabaseServer) -> Self {
        let backbone = Backbone::start();
        let database = TestDatabase::on_server(own.engine(), &own.url());
        let product = Product::serve_from(backbone.urls(), database.url());
        Self { product, table: Table::make(database, "lost"), backbone, own }
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
        let of_source = self.table.until(&self.product, |status| status["alarm"].is_string());
        let own = self.product.api().until("/debug/relay", |status| status["alarm"].is_string()).await;
        [own, of_source].map(|status| status["alarm"].as_str().expect("it has one").to_owned())
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

/// Accepts S3-CLI-6b, S3-SRC-2, C-19.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_is_gone_on_from_by_the_commands_that_its_alarms_name() {
    for (engine, loss) in Loss::all() {
        let mut stage = Stage::on(loss.start(engine));
        stage.table.insert([0, 1]);
        stage.table.create(&stage.product);
        stage.table.at_the_log(&stage.product);
        stage.table.insert([2]);
        stage.table.written(&stage.product, 3);
        stage.calculate("conv-0").await;
        drained_outbox(&stage.product).await;

        for alarm in stage.lose(loss, "conv-1", 3).await {
            for way in ["`hexalpes relay resnapshot` publishes what is not marked", "`hexalpes relay skip`"] {
                assert!(alarm.contains(way), "{engine}, {loss:?}: {alarm}");
            }
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
        stage.order("skip");
        stage.table.at_the_log(&stage.product);
        while stage.product.get("/debug/relay").await.1["running"] != true {
            a_moment().await;
        }
        stage.table.insert([6]);
        stage.calculate("conv-4").await;
        let (own, of_source) = stage.published(4, 9).await;
        assert_eq!(own, conversions(&[0, 1, 2, 4]), "{engine}, {loss:?}: skip");
        assert_eq!(of_source, keys(&[0, 1, 2, 0, 1, 2, 3, 4, 6]), "{engine}, {loss:?}: skip");
        let Stage { product, table, backbone, own } = stage;
        drop((product, backbone, table, own));
    }
}
