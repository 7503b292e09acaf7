//! Asking the broker of the running product, and reading what its services answer.

use anyhow::{Context as _, Result, bail};
use hexalpes_client::{AdminClient, Client, TopicName};
use serde_json::Value;

use super::output::Row;
use crate::settings::Settings;

/// A topic's name as it was written, if it is one.
pub(super) fn topic(raw: &str) -> Result<String, String> {
    TopicName::parse(raw).map(|_| raw.to_owned()).map_err(|error| error.to_string())
}

/// The items of a list that was answered.
pub(super) fn rows(items: Value) -> Result<Vec<Row>> {
    let Value::Array(items) = items else { bail!("the answer is no list: is it ours?") };
    let row = |item| match item {
        Value::Object(row) => Ok(row),
        _ => bail!("a row is no object: is it ours?"),
    };
    items.into_iter().map(row).collect()
}

/// A client of the broker that is there now: a command does not wait for one to come.
pub(super) async fn broker(settings: &Settings) -> Result<Client> {
    let engine = settings.engine()?;
    Client::connect(engine.client_options()).await.with_context(|| {
        let service = engine.service;
        format!("no broker at {service}: start it (`hexalpes`), or say with PULSAR_BROKER_URL where it is")
    })
}

/// The broker's admin calls.
pub(super) async fn admin(settings: &Settings) -> Result<AdminClient> {
    let engine = settings.engine()?;
    let client = AdminClient::new(engine.admin_options())?;
    if let Err(error) = client.clusters().await {
        let admin = engine.admin;
        let what = match error.status() {
            Some(_) => format!("what answers at {admin} is no broker's REST, or does not let us in: say"),
            None => format!("no broker's REST at {admin}: start it (`hexalpes`), or say"),
        };
        return Err(error).context(format!("{what} with --admin-port or PULSAR_ADMIN_URL where it is"));
    }
    Ok(client)
}
