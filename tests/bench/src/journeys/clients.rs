//! Whoever makes a journey, and looks how far it is.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::interval;

use crate::clock::microseconds;
use crate::process::Process;
use crate::request::Connection;

const PARTNERS: &str = "--partners-port";
const CAMPAIGNS: &str = "--campaigns-port";
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection to each service that a partner has to do with.
pub(super) struct Clients {
    partners: Connection,
    onboarding: Connection,
    campaigns: Connection,
}

impl Clients {
    pub(super) async fn open(product: &Process) -> Result<Self> {
        Ok(Self {
            partners: Connection::open(product.port(PARTNERS)).await?,
            // Contracts are served with the commissions.
            onboarding: Connection::open(product.api_port()).await?,
            campaigns: Connection::open(product.port(CAMPAIGNS)).await?,
        })
    }

    pub(super) async fn journey(&mut self, number: u32, look_every: Duration) -> Result<()> {
        let partner = self.register(number).await?;
        let contract = self.drafted(&partner, look_every).await?;
        self.sign(&contract).await?;
        self.activate(&contract).await?;
        self.is_validated(&partner, look_every).await
    }

    pub(super) async fn register(&mut self, number: u32) -> Result<String> {
        let body = json!({
            "business_name": format!("Partner {number}"), "email": format!("p{number}@example.com"),
            "partner_type": "INDIVIDUAL", "preferred_contract_type": "STANDARD", "registration_source": "API",
        });
        text(&self.partners.json("POST", "/v1/partners", &body.to_string()).await?, "partner_id")
    }

    pub(super) async fn drafted(&mut self, partner: &str, look_every: Duration) -> Result<String> {
        let path = format!("/v1/contracts?partner_id={partner}");
        let is_there = |found: &Value| found["items"][0]["contract_id"].is_string();
        text(&until(&mut self.onboarding, &path, look_every, is_there).await?["items"][0], "contract_id")
    }

    pub(super) async fn sign(&mut self, contract: &str) -> Result<()> {
        let sent = self.onboarding.json("POST", &format!("/v1/contracts/{contract}/send"), "{}").await?;
        for token in sent["signing_tokens"].as_array().context("somebody is to sign")? {
            let body = json!({ "token": token["token"] }).to_string();
            self.onboarding.json("POST", &format!("/v1/contracts/{contract}/signatures"), &body).await?;
        }
        Ok(())
    }

    pub(super) async fn activate(&mut self, contract: &str) -> Result<()> {
        self.onboarding.json("POST", &format!("/v1/contracts/{contract}/activate"), "{}").await.map(drop)
    }

    async fn is_validated(&mut self, partner: &str, look_every: Duration) -> Result<()> {
        is_validated(&mut self.partners, partner, look_every).await
    }

    /// When each of the two was seen that follow from an activation: the partner's status, and the rights to campaigns.
    pub(super) async fn followed(&mut self, partner: &str, look_every: Duration) -> Result<[i64; 2]> {
        let Self { partners, campaigns, .. } = self;
        let path = format!("/v1/partners/{partner}/campaign-permissions");
        let status = async {
            is_validated(partners, partner, look_every).await?;
            Ok(microseconds())
        };
        let rights = async {
            until(campaigns, &path, look_every, |found| found["contract_id"].is_string()).await?;
            anyhow::Ok(microseconds())
        };
        Ok(tokio::try_join!(status, rights)?.into())
    }
}

async fn is_validated(partners: &mut Connection, partner: &str, look_every: Duration) -> Result<()> {
    let path = format!("/v1/partners/{partner}");
    until(partners, &path, look_every, |found| found["status"] == "VALIDATED").await.map(drop)
}

async fn until(
    connection: &mut Connection,
    path: &str,
    look_every: Duration,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let request = connection.request("GET", path, "");
    let since = Instant::now();
    let mut looks = interval(look_every);
    loop {
        looks.tick().await;
        match connection.send(&request).await? {
            200 => {
                let found: Value = serde_json::from_slice(connection.body())?;
                if is_it(&found) {
                    return Ok(found);
                }
            }
            404 => {}
            status => bail!("{path}: {status} {}", String::from_utf8_lossy(connection.body())),
        }
        ensure!(since.elapsed() < PATIENCE, "{path} does not come to it");
    }
}

fn text(body: &Value, member: &str) -> Result<String> {
    Ok(body[member].as_str().with_context(|| format!("no {member} in {body}"))?.to_owned())
}
