//! Rules send rows to topics of their own, and a change of rules sends none twice.

use std::sync::Arc;

use hexalpes_db::{DbError, Tx};
use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, Relay, RelayOptions};
use hexalpes_routing::{Carries, Rule, RuleSpec};
use sea_query::Query;
use tokio::time::timeout;

use crate::{
    memory::Memory,
    support::{PATIENCE, Stage, names, subjects, until},
};

const SALES: &str = "persistent://public/default/sales-CommissionCalculated";
const BOOKS: &str = "persistent://public/default/books";

fn a_rule(topic: &str) -> RuleSpec {
    RuleSpec { field: "type".to_owned(), regex: r"(.*)\.(?<kind>\w+)".to_owned(), ..RuleSpec::to(topic) }
}

fn by(rules: &[RuleSpec]) -> RelayOptions {
    let rules: Arc<[Rule]> = rules.iter().map(|spec| Rule::new(spec.clone()).unwrap()).collect();
    RelayOptions { rules, ..RelayOptions::new("commissions") }
}

/// A relay that has its turn: rows that were there before go by the rules of before.
async fn relay(stage: &Stage, rules: &[RuleSpec]) -> Relay {
    let relay = stage.relay_with(by(rules));
    until(&relay, |status| status.running).await;
    relay
}

impl Stage {
    async fn commit_to(&self, memory: &Memory, aggregate: &str) {
        self.append([aggregate.to_owned()]).await;
        memory.commit(&self.db, &[i64::try_from(memory.ids().len()).unwrap() + 1]).await;
    }

    /// Waits until the rules that are wanted count for rows after that one.
    async fn rules_count_after(&self, row: i64, wanted: &str) {
        let select = Query::select().columns(["rules", "since"]).from("relay_rules").to_owned();
        let known = async || {
            let select = select.clone();
            let read = async move |tx: &Tx| -> Result<(String, i64), DbError> {
                let row = tx.fetch_one(&select).await?;
                Ok((row.get("rules")?, row.get("since")?))
            };
            self.db.read(read).await.unwrap()
        };
        let counting = async {
            let mut commits = self.db.commits();
            loop {
                let (rules, since) = known().await;
                if rules.contains(wanted) && since == row {
                    return;
                }
                commits.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, counting).await.expect("they count");
    }

    /// As a relay leaves it that is killed behind these rows.
    async fn be_killed_behind(&self, rows: &[String], position: &str) {
        self.forget_all_but(rows, position).await;
        let forget = Query::update().table("relay_checkpoint").value("sent", None::<i64>).to_owned();
        self.db.write(async move |tx: &Tx| tx.execute(&forget).await.map(drop)).await.unwrap();
    }
}

/// How many rows were on their way nobody knows where a log is read, but what it had at the start all comes by.
#[tokio::test]
async fn other_rules_count_for_the_next_row_of_a_log_and_none_is_sent_twice() {
    let (stage, memory) = (Stage::set().await, Memory::new());
    let event = |topic| RuleSpec { content: Carries::Event, ..a_rule(topic) };
    let first = stage.log_relay_with(&memory, by(&[event("books")]));
    stage.begun_again().await;
    for aggregate in names(3) {
        stage.commit_to(&memory, &aggregate).await;
    }
    stage.marked(&first, 3).await;
    first.stop().await;
    let second = stage.log_relay_with(&memory, by(&[event("sales-${kind}")]));
    stage.rules_count_after(3, "sales").await;
    stage.commit_to(&memory, "new").await;
    stage.marked(&second, 4).await;
    second.stop().await;
    assert_eq!(subjects(&stage.on(SALES, "new").await), ["new"]);

    stage.be_killed_behind(&memory.ids()[..2], "200").await;
    let third = stage.log_relay_with(&memory, by(&[event("books")]));
    stage.rules_count_after(4, "books").await;
    stage.commit_to(&memory, "last").await;
    stage.marked(&third, 5).await;
    third.stop().await;
    assert_eq!(subjects(&stage.on(BOOKS, "last").await), ["com-0", "com-1", "com-2", "last"]);
    assert_eq!(stage.messages(SALES, "last").await.len(), 1);
    stage.assert_as_committed(&memory).await;
}

#[tokio::test]
async fn a_row_goes_to_the_topic_that_a_rule_makes_as_well_with_its_key_and_headers() {
    let stage = Stage::set().await;
    let rule = RuleSpec {
        key: "correlationid".to_owned(),
        headers: [("whose".to_owned(), "aggregateid".to_owned())].into(),
        ..a_rule("sales-${kind}")
    };
    let change = RuleSpec { content: Carries::Change, ..a_rule("books") };
    // A topic has a row once, whoever sends it there.
    let again = RuleSpec { content: Carries::Event, ..a_rule("outbox-events") };
    let no_such = RuleSpec { field: "price".to_owned(), ..a_rule("nowhere") };
    let relay = relay(&stage, &[rule, change, again, no_such]).await;
    stage.append(names(2)).await;
    stage.drained().await;
    let messages = stage.messages(SALES, "all").await;
    assert_eq!(messages.len(), 2);
    let (first, id) = (&messages[0], messages[0].property("id").unwrap());
    assert_eq!(&first.payload[..], r#"{"affiliate_name":"Ñandú & Cía 📡"}"#.as_bytes());
    assert_eq!((first.key.as_deref(), first.property("whose")), (Some("CORR-1"), Some("com-0")));
    assert!(stage.on(EVENTS_TOPIC, "all").await[0].contains(id), "the id is the event's");
    assert_eq!(stage.on(BOOKS, "all").await, stage.on(RAW_TOPIC, "all").await);
    assert_eq!(stage.messages(EVENTS_TOPIC, "again").await.len(), 2);
    relay.stop().await;
}

#[tokio::test]
async fn other_rules_count_for_rows_that_were_not_there_and_none_is_sent_twice() {
    let stage = Stage::set().await;
    let event = |topic| RuleSpec { content: Carries::Event, ..a_rule(topic) };
    let first = relay(&stage, &[event("books")]).await;
    stage.append(names(3)).await;
    stage.drained().await;
    first.stop().await;
    // As a relay that died before it could note what it had sent; and one more that it never saw.
    stage.append(["late".to_owned()]).await;
    stage.take_back(0).await;
    let second = relay(&stage, &[event("sales-${kind}")]).await;
    stage.drained().await;
    assert_eq!(subjects(&stage.on(BOOKS, "all").await), ["com-0", "com-1", "com-2", "late"]);
    assert!(stage.messages(SALES, "all").await.is_empty());
    stage.append(["new".to_owned()]).await;
    stage.drained().await;
    second.stop().await;
    assert_eq!(subjects(&stage.on(SALES, "new").await), ["new"]);
    assert_eq!(stage.messages(BOOKS, "new").await.len(), 4);
    // Without rules again, it stays so.
    let third = relay(&stage, &[]).await;
    stage.append(["last".to_owned()]).await;
    stage.drained().await;
    third.stop().await;
    assert_eq!(stage.messages(SALES, "last").await.len(), 1);
    assert_eq!(stage.messages(EVENTS_TOPIC, "last").await.len(), 6);
}
