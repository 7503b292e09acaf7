//! `hexalpes demo cdc`: many events, followed from their rows in the outbox to both topics.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::super::{
    apis::{Api, Apis, pending, stamp, text},
    ask,
    output::line,
};
use super::{progress::Progress, topics::Listener};
use crate::settings::Settings;

const EVENTS: &str = "persistent://public/default/outbox-events";
const ROWS: &str = "persistent://public/default/alpes-mysql.alpes.outbox_event";
/// What each commission tells, in this order.
const KINDS: [&str; 2] = ["CommissionCalculated", "CommissionApproved"];

pub(super) async fn run(settings: &Settings, commissions: u32) -> Result<()> {
    let (apis, client, stamp) = (Apis::of(settings)?, ask::broker(settings).await?, stamp());
    let events = Listener::open(&client, EVENTS, &stamp).await?;
    let rows = Listener::open(&client, ROWS, &stamp).await?;

    let progress = Progress::begin("commissions calculated and approved", commissions.into())?;
    let mut ids = Vec::new();
    for number in 0..commissions {
        ids.push(commission(&apis, &format!("cdc-{number}-{stamp}")).await?);
        progress.step();
    }
    progress.end();
    let count = ids.len() * KINDS.len();
    line(&format!(
        "{count} rows are in the outbox, {} of them with published 0",
        pending(&apis, Api::Seed).await?
    ))?;

    let told = followed(&events, &ids, |event| {
        Some((event["subject"].as_str()?.to_owned(), event["type"].as_str()?.to_owned()))
    });
    once_and_in_order(EVENTS, &ids, &told.await?)?;
    let told = followed(&rows, &ids, |change| {
        let row = &change["after"];
        Some((row["aggregateid"].as_str()?.to_owned(), row["type"].as_str()?.to_owned()))
    });
    once_and_in_order(ROWS, &ids, &told.await?)?;
    for listener in [events, rows] {
        listener.end().await;
    }
    super::super::relay::once(settings).await
}

/// Calculates and approves one; its id.
async fn commission(apis: &Apis, conversion: &str) -> Result<String> {
    let body = json!({
        "conversionId": conversion, "affiliateId": "aff-123", "campaignId": "camp-456",
        "grossAmount": 1000.00, "currency": "USD",
    });
    let made = apis.post(Api::Seed, "/commissions/calculate", &body).await?.expect(&[201])?;
    let id = text(&made, "commissionId")?;
    let body = json!({ "commissionId": id });
    apis.post(Api::Seed, "/commissions/approve", &body).await?.expect(&[200])?;
    Ok(id)
}

/// What each commission was told to be, until all are complete. Others' events are passed over.
async fn followed(
    topic: &Listener,
    ids: &[String],
    read: impl Fn(&Value) -> Option<(String, String)>,
) -> Result<BTreeMap<String, Vec<String>>> {
    let mut told: BTreeMap<String, Vec<String>> = ids.iter().map(|id| (id.clone(), Vec::new())).collect();
    let mut left = ids.len() * KINDS.len();
    while left > 0 {
        let event = topic.next().await?;
        let Some((id, kind)) = read(&event) else { continue };
        if let Some(kinds) = told.get_mut(&id) {
            kinds.push(kind);
            left -= 1;
        }
    }
    Ok(told)
}

fn once_and_in_order(topic: &str, ids: &[String], told: &BTreeMap<String, Vec<String>>) -> Result<()> {
    for id in ids {
        let Some(kinds) = told.get(id) else { bail!("{topic} has nothing of {id}") };
        let kinds: Vec<_> = kinds.iter().filter_map(|kind| kind.rsplit('.').next()).collect();
        ensure!(kinds == KINDS, "{topic} has {kinds:?} of {id}, not {KINDS:?}");
    }
    line(&format!("{topic}: {} events, each once, in the order of their commission", ids.len() * KINDS.len()))
}
