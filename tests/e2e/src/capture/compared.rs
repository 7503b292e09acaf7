//! What was committed, beside what is on the topics.

use std::collections::{BTreeMap, BTreeSet};

use hexalpes_db::Db;
use hexalpes_outbox::{EVENTS_TOPIC, PageOrder, RAW_TOPIC, page};
use serde_json::Value;

use crate::whole_topic;

const PAGE: u64 = 500;

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub aggregate: String,
    /// Which of the aggregate's rows it is, in the order of the commits, from 1 on.
    pub version: i64,
}

/// A message, as far as it says which row it is.
pub type Seen = Row;

/// Where the events of an outbox are, and its changes.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    pub(super) events: String,
    pub(super) changes: String,
}

impl Topics {
    /// Of an outbox of our own.
    pub(super) fn own() -> Self {
        Self { events: EVENTS_TOPIC.to_owned(), changes: RAW_TOPIC.to_owned() }
    }
}

/// Everything, as it was read.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The topics' names, in the same order.
    topics: Topics,
    pub rows: Vec<Row>,
    /// On the topic of events, in its order,
    pub events: Vec<Seen>,
    /// and on the raw one.
    pub changes: Vec<Seen>,
}

impl Captured {
    pub(super) async fn read(db: &Db, service_url: &str, topics: Topics) -> Self {
        let rows = rows(db).await;
        let read = |message: &Value, id: &str, data: &Value| Row {
            id: text(message.pointer(id).unwrap_or(&Value::Null)),
            aggregate: text(&data["aggregate"]),
            version: data["version"].as_i64().unwrap_or_default(),
        };
        let events = whole_topic(service_url, &topics.events).await;
        let events = events.iter().map(|event| read(event, "/id", &event["data"])).collect();
        let changes = whole_topic(service_url, &topics.changes).await;
        let changes = changes
            .iter()
            .map(|change| {
                let payload = change["after"]["payload"].as_str().unwrap_or_default();
                read(change, "/after/id", &serde_json::from_str(payload).unwrap_or_default())
            })
            .collect();
        Self { topics, rows, events, changes }
    }

    /// Each row that was committed is on both topics, once, and its aggregate's rows are there in the order of their
    /// commits; nothing else is there. Says what is wrong first, if anything is.
    pub fn compare(&self) -> Result<(), String> {
        let mut versions = BTreeMap::<&str, Vec<i64>>::new();
        for row in &self.rows {
            versions.entry(&row.aggregate).or_default().push(row.version);
        }
        for (aggregate, versions) in &mut versions {
            versions.sort_unstable();
            if !versions.iter().copied().eq((1..).take(versions.len())) {
                return Err(format!("the table itself has lost rows of {aggregate}: it has {versions:?}"));
            }
        }
        let Topics { events, changes } = &self.topics;
        self.compare_topic(events, &self.events)?;
        self.compare_topic(changes, &self.changes)?;
        if self.events == self.changes {
            Ok(())
        } else {
            Err(format!("{changes} has another order than {events}"))
        }
    }

    fn compare_topic(&self, topic: &str, seen: &[Seen]) -> Result<(), String> {
        let committed: BTreeMap<&str, &Row> = self.rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut there = BTreeSet::new();
        let mut last = BTreeMap::<&str, i64>::new();
        for one in seen {
            match committed.get(one.id.as_str()) {
                None => return Err(format!("{topic}: from nowhere comes {one:?}")),
                Some(row) if *row != one => return Err(format!("{topic}: {one:?} was {row:?}")),
                Some(_) => {}
            }
            if !there.insert(one.id.as_str()) {
                return Err(format!("{topic}: twice there is {one:?}"));
            }
            let last = last.entry(&one.aggregate).or_default();
            if one.version <= *last {
                return Err(format!("{topic}: out of order, behind version {last}, comes {one:?}"));
            }
            *last = one.version;
        }
        match self.rows.iter().find(|row| !there.contains(row.id.as_str())) {
            None => Ok(()),
            Some(row) => {
                let lost = self.rows.len() - there.len();
                Err(format!("{topic}: lost are {lost} of {} rows, such as {row:?}", self.rows.len()))
            }
        }
    }
}

async fn rows(db: &Db) -> Vec<Row> {
    let (mut rows, mut last) = (Vec::new(), None);
    loop {
        let page = page(db, PageOrder::OldestFirst, last, PAGE).await.expect("the outbox can be read");
        let Some(newest) = page.last() else { return rows };
        last = Some(newest.seq);
        rows.extend(page.iter().map(|row| {
            let data: Value = serde_json::from_str(row.payload.get()).expect("a payload is JSON");
            Row {
                id: row.id.to_string(),
                aggregate: row.aggregateid.to_string(),
                version: data["version"].as_i64().unwrap_or_default(),
            }
        }));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
