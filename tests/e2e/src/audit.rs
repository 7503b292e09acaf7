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
    let kept = Kept::of(product, ledger).await;
    if let Err(found) = kept.compare(ledger) {
        panic!("{found}");
    }
}

/// Everything that is kept, as it was read.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Of each conversion that has one, its commission as the API shows it.
    pub commissions: BTreeMap<String, Value>,
    /// The rows in the order of their commits.
    pub outbox: Vec<Value>,
    /// What is on the topic of events,
    pub events: Vec<Value>,
    /// on the raw one,
    pub changes: Vec<Value>,
    /// and in `events.jsonl`.
    pub lines: Vec<Value>,
    /// The rows are numbered as they were written, which on a server is the order of the commits for each aggregate alone.
    pub numbered_by_aggregate: bool,
}

impl Kept {
    /// Reads all of it, once everything is published and written down, and ends the product.
    pub async fn of(product: &mut Product, ledger: &Ledger) -> Self {
        let commissions = commissions(product.api(), ledger).await;
        let outbox = drained_outbox(product).await;
        let service = &product.urls().service;
        let events = whole_topic(service, EVENTS_TOPIC).await;
        let changes = whole_topic(service, RAW_TOPIC).await;
        product.event_lines(outbox.len());
        assert_eq!(product.interrupt(), Some(0), "{}", product.log());
        let lines = product.event_lines(outbox.len());
        let lines =
            lines.iter().map(|line| serde_json::to_value(line).expect("it was read as JSON")).collect();
        let numbered_by_aggregate = product.is_on_server();
        Self { commissions, outbox, events, changes, lines, numbered_by_aggregate }
    }

    /// Says what is wrong first, if anything is.
    pub fn compare(&self, ledger: &Ledger) -> Result<(), String> {
        for (conversion, answered) in ledger.iter() {
            self.compare_commission(conversion, answered)?;
        }
        if let Some(row) = self.outbox.iter().find(|row| row["published"] != 1) {
            return Err(format!("a row is not marked as published: {row}"));
        }
        self.compare_events_with_commissions()?;
        let ids = |values: &'_ [Value], pointer: &str| -> Vec<String> {
            values
                .iter()
                .map(|value| text(value.pointer(pointer).unwrap_or(&Value::Null)).to_owned())
                .collect()
        };
        let mut rows = ids(&self.outbox, "/id");
        let mut events = ids(&self.events, "/id");
        if self.numbered_by_aggregate {
            // Among themselves the others have the order of the log.
            compare_ids(&events, &ids(&self.changes, "/after/id"), RAW_TOPIC)?;
            compare_ids(&events, &ids(&self.lines, "/id"), "events.jsonl")?;
            let aggregates: BTreeMap<String, String> =
                rows.iter().cloned().zip(ids(&self.outbox, "/aggregateid")).collect();
            let aggregate_of = |id: &String| aggregates.get(id).cloned().unwrap_or_default();
            rows.sort_by_key(aggregate_of);
            events.sort_by_key(aggregate_of);
            return compare_ids(&rows, &events, EVENTS_TOPIC);
        }
        compare_ids(&rows, &events, EVENTS_TOPIC)?;
        compare_ids(&rows, &ids(&self.changes, "/after/id"), RAW_TOPIC)?;
        compare_ids(&rows, &ids(&self.lines, "/id"), "events.jsonl")
    }

    fn compare_commission(&self, conversion: &str, answered: &Answered) -> Result<(), String> {
        let found = self.commissions.get(conversion);
        let is_approved = found.is_some_and(is_approved);
        let is_as_told = match answered {
            Answered::Nothing => !is_approved,
            Answered::Calculated { commission } => {
                found.is_some_and(|body| body["commissionId"] == **commission)
            }
            Answered::Approved { commission } => {
                is_approved && found.is_some_and(|body| body["commissionId"] == **commission)
            }
        };
        if is_as_told {
            Ok(())
        } else {
            Err(format!("{conversion}: a client knows {answered:?}, there is {found:?}"))
        }
    }

    /// Each commission has its `CommissionCalculated`, then its `CommissionApproved` if it is approved, each
    /// once; and there is no event of a commission that is not there.
    fn compare_events_with_commissions(&self) -> Result<(), String> {
        let mut events: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in &self.outbox {
            let kind = text(&row["type"]).rsplit('.').next().unwrap_or_default();
            events.entry(text(&row["aggregateid"])).or_default().push(kind);
        }
        for body in self.commissions.values() {
            let expected: &[&str] = if is_approved(body) {
                &["CommissionCalculated", "CommissionApproved"]
            } else {
                &["CommissionCalculated"]
            };
            let found = events.remove(text(&body["commissionId"])).unwrap_or_default();
            if found != expected {
                return Err(format!("in the outbox there is {found:?} of {body}"));
            }
        }
        if events.is_empty() {
            Ok(())
        } else {
            Err(format!("events of commissions that are not there: {events:?}"))
        }
    }
}

/// That the ids of a place are those of the outbox, each once and in the same order.
fn compare_ids(rows: &[String], found: &[String], place: &str) -> Result<(), String> {
    if rows == found {
        return Ok(());
    }
    let (all, there): (BTreeSet<_>, BTreeSet<_>) = (rows.iter().collect(), found.iter().collect());
    let lost: Vec<_> = all.difference(&there).collect();
    let strange: Vec<_> = there.difference(&all).collect();
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = found.iter().filter(|id| !seen.insert(*id)).collect();
    if lost.is_empty() && strange.is_empty() && twice.is_empty() {
        return Err(format!("{place} has another order than the outbox: {found:?}, not {rows:?}"));
    }
    Err(format!("{place}: lost {lost:?}, twice {twice:?}, from nowhere {strange:?}"))
}

async fn commissions(api: &Api, ledger: &Ledger) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (conversion, _) in ledger.iter() {
        let (status, body) = api.get(&format!("/commissions/by-conversion/{conversion}")).await;
        if status != 404 {
            assert_eq!(status, 200, "{body}");
            found.insert(conversion.to_owned(), body);
        }
    }
    found
}

/// All rows in the order of their numbers, once all are published.
pub async fn drained_outbox(product: &Product) -> Vec<Value> {
    let drained = async {
        // Each look is a request; there is nothing else to wait for from outside.
        while product.get("/debug/outbox?limit=1").await.1["items"][0]["published"] == 0 {
            hexalpes_engines::a_moment().await;
        }
        loop {
            let rows = outbox(product).await;
            // On a server the newest may be published before those that it overtook.
            if !product.is_on_server() || rows.iter().all(|row| row["published"] == 1) {
                return rows;
            }
        }
    };
    let drained = tokio::time::timeout(PATIENCE, drained).await;
    drained.unwrap_or_else(|_| panic!("the outbox does not drain: {}", product.log()))
}

async fn outbox(product: &Product) -> Vec<Value> {
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
    rows
}

fn is_approved(commission: &Value) -> bool {
    commission["status"] == "APPROVED"
}

/// What is no text is equal to no other.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
