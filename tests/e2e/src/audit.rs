//! Compares what clients were told with everything that is kept of it.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_outbox::{EVENTS_TOPIC, RAW_TOPIC};
use serde_json::Value;

use crate::{Answered, Api, Ledger, PATIENCE, Product, whole_topic};

/// After whatever was done to the product: every command that was answered is there, every event of what is
/// there is exactly once on both topics and in the audit trail, all three in the order of the commits, and what
/// was not answered is there whole or not at all.
///
/// It ends the product, so that nothing can be added to the audit trail any more.
pub async fn nothing_is_lost_and_nothing_is_twice(product: &mut Product, ledger: &Ledger) {
    let found = commissions(product.api(), ledger).await;
    let outbox = drained_outbox(product).await;
    every_event_belongs_to_what_is_there(&found, &outbox);

    let ids: Vec<&str> = outbox.iter().map(|row| text(&row["id"])).collect();
    let service = &product.urls().service;
    let events = whole_topic(service, EVENTS_TOPIC).await;
    assert_eq!(ids, events.iter().map(|event| text(&event["id"])).collect::<Vec<_>>(), "on {EVENTS_TOPIC}");
    let changes = whole_topic(service, RAW_TOPIC).await;
    let changed: Vec<_> = changes.iter().map(|change| text(&change["after"]["id"])).collect();
    assert_eq!(ids, changed, "on {RAW_TOPIC}");

    product.event_lines(ids.len());
    assert_eq!(product.interrupt(), Some(0), "{}", product.log());
    let lines = product.event_lines(ids.len());
    assert_eq!(ids, lines.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), "in events.jsonl");
}

/// A commission that is there: its id, and whether it is approved.
type Found = BTreeMap<String, bool>;

async fn commissions(api: &Api, ledger: &Ledger) -> Found {
    let mut found = Found::new();
    for (conversion, answered) in ledger.iter() {
        let (status, body) = api.get(&format!("/commissions/by-conversion/{conversion}")).await;
        if status == 404 {
            assert_eq!(*answered, Answered::Nothing, "{conversion} was answered and is lost");
            continue;
        }
        assert_eq!(status, 200, "{body}");
        let is_approved = text(&body["status"]) == "APPROVED";
        match answered {
            Answered::Nothing => assert!(!is_approved, "nobody approved {body}"),
            Answered::Calculated { commission } => assert_eq!(commission, &body["commissionId"]),
            Answered::Approved { commission } => {
                assert_eq!(commission, &body["commissionId"]);
                assert!(is_approved, "its approval was answered and is lost: {body}");
            }
        }
        found.insert(text(&body["commissionId"]).to_owned(), is_approved);
    }
    found
}

/// All rows in the order of their commits, once the newest, and so every one, is published.
async fn drained_outbox(product: &Product) -> Vec<Value> {
    let drained = async {
        // Each look is a request; there is nothing else to wait for from outside.
        while product.get("/debug/outbox?limit=1").await.1["items"][0]["published"] == 0 {
            tokio::task::yield_now().await;
        }
    };
    let drained = tokio::time::timeout(PATIENCE, drained).await;
    assert!(drained.is_ok(), "the outbox does not drain: {}", product.log());

    let mut rows = Vec::new();
    let mut path = "/debug/outbox?limit=200".to_owned();
    loop {
        let (status, page) = product.get(&path).await;
        assert_eq!(status, 200, "{page}");
        rows.extend(page["items"].as_array().expect("a page has items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/debug/outbox?limit=200&cursor={cursor}");
    }
    rows.reverse();
    assert!(rows.iter().all(|row| row["published"] == 1), "a row is not marked as published");
    rows
}

/// Each commission has its `CommissionCalculated`, then its `CommissionApproved` if it is approved, each once;
/// and there is no event of a commission that is not there.
fn every_event_belongs_to_what_is_there(found: &Found, outbox: &[Value]) {
    let mut events: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in outbox {
        let kind = text(&row["type"]).rsplit('.').next().expect("a type has a name");
        events.entry(text(&row["aggregateid"])).or_default().push(kind);
    }
    for (commission, is_approved) in found {
        let expected: &[&str] = if *is_approved {
            &["CommissionCalculated", "CommissionApproved"]
        } else {
            &["CommissionCalculated"]
        };
        assert_eq!(events.get(commission.as_str()).map(Vec::as_slice), Some(expected), "of {commission}");
    }
    let known: BTreeSet<_> = found.keys().map(String::as_str).collect();
    let unknown: Vec<_> = events.keys().filter(|commission| !known.contains(*commission)).collect();
    assert!(unknown.is_empty(), "events of commissions that are not there: {unknown:?}");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
