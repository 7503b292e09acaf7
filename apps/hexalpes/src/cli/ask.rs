//! Asking the commission API of the running product.

use anyhow::{Context as _, Result, bail};
use hexalpes_client::{AdminClient, Client, TopicName};
use serde_json::Value;

use super::output::Row;
use crate::settings::{Key, Settings};

/// A topic's name as it was written, if it is one.
pub(super) fn topic(raw: &str) -> Result<String, String> {
    TopicName::parse(raw).map(|_| raw.to_owned()).map_err(|error| error.to_string())
}

/// `GET {path}`, of the commissions.
pub(super) async fn commissions(settings: &Settings, path: &str) -> Result<Value> {
    answer(settings, path, None).await
}

/// `POST {path}`, to the commissions.
pub(super) async fn post(settings: &Settings, path: &str, body: &Value) -> Result<Value> {
    answer(settings, path, Some(body)).await
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

async fn answer(settings: &Settings, path: &str, body: Option<&Value>) -> Result<Value> {
    // One TLS provider for the process; that somebody has set it is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = format!("http://127.0.0.1:{}", settings.port(Key::CommissionsPort)?);
    let (client, url) = (reqwest::Client::new(), format!("{address}{path}"));
    let request = match body {
        Some(body) => client.post(url).json(body),
        None => client.get(url),
    };
    let answer = request.send().await.map_err(|_| {
        anyhow::anyhow!(
            "nothing answers at {address}: start it (`hexalpes`), or say with --commissions-port where it is"
        )
    })?;
    let status = answer.status();
    let body: Value =
        answer.json().await.with_context(|| format!("{address} answers {path} with no JSON: is it ours?"))?;
    if !status.is_success() {
        bail!("{address}{path}: {status}: {}", body["detail"].as_str().unwrap_or("it does not say why"));
    }
    Ok(body)
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
