//! Rules send rows to topics of their own, and a change of rules sends none twice.

use std::sync::Arc;

use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC, Relay, RelayOptions};
use hexalpes_routing::{Carries, Rule, RuleSpec};

use crate::support::{Stage, names, subjects, until};

const SALES: &str = "persistent://public/default/sales-CommissionCalculated";
const BOOKS: &str = "persistent://public/default/books";

fn a_rule(topic: &str) -> RuleSpec {
    RuleSpec { field: "type".to_owned(), regex: r"(.*)\.(?<kind>\w+)".to_owned(), ..RuleSpec::to(topic) }
}

/// A relay that has its turn: rows that were there before go by the rules of before.
async fn relay(stage: &Stage, rules: &[RuleSpec]) -> Relay {
    let rules: Arc<[Rule]> = rules.iter().map(|spec| Rule::new(spec.clone()).unwrap()).collect();
    let relay = stage.relay_with(RelayOptions { rules, ..RelayOptions::new("commissions") });
    until(&relay, |status| status.running).await;
    relay
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
