//! A partner's way from its registration to a contract that is in force, over two services and their events.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::super::apis::{Answered, Api, Apis, items, text};

/// Registers, signs what is drafted, activates it, and waits until the partner hears of that.
pub(super) async fn partner(apis: &Apis, stamp: &str) -> Result<()> {
    let body = json!({
        "business_name": "TechSolutions Inc", "email": format!("contact+{stamp}@techsolutions.example"),
        "partner_type": "EMPRESA", "preferred_contract_type": "PREMIUM", "registration_source": "API",
    });
    let made = apis.post(Api::PartnerManagement, "/v1/partners", &body).await?.expect(&[201])?;
    ensure!(made["status"] == "REGISTERED", "the partner is {}", made["status"]);
    let partner = text(&made, "partner_id")?;
    let contract = drafted(apis, &partner).await?;
    sign(apis, &contract).await?;

    let path = format!("/v1/partners/{partner}");
    let is_validated = |it: &Answered| it.body["status"] == "VALIDATED";
    let what = format!("the validation of partner {partner}");
    let validated = apis.until(Api::PartnerManagement, &path, &what, is_validated).await?;
    ensure!(
        validated["contracts"][0]["contract_id"] == contract.as_str(),
        "by another contract: {validated}"
    );
    let ask = json!({
        "job_requirements": { "title": "Backend engineer" }, "required_skills": ["Rust"],
        "experience_level": "SENIOR", "job_type": "FULL_TIME",
    });
    let path = format!("{path}/recruitment-requests");
    let asked = apis.post(Api::PartnerManagement, &path, &ask).await?.expect(&[201])?;
    ensure!(asked["status"] == "OPEN", "the request is {}", asked["status"]);
    Ok(())
}

/// Which comes by itself.
async fn drafted(apis: &Apis, partner: &str) -> Result<String> {
    let path = format!("/v1/contracts?partner_id={partner}");
    let what = format!("the draft of a contract for partner {partner}");
    let is_there = |it: &Answered| it.body["items"][0]["contract_id"].is_string();
    let list = apis.until(Api::Onboarding, &path, &what, is_there).await?;
    text(&items(list)?.into_iter().next().context("the list is empty")?, "contract_id")
}

async fn sign(apis: &Apis, contract: &str) -> Result<()> {
    let path = |verb: &str| format!("/v1/contracts/{contract}/{verb}");
    let sent = apis.post(Api::Onboarding, &path("send"), &json!({})).await?.expect(&[200])?;
    let tokens = sent["signing_tokens"].as_array().context("a contract that is sent has tokens")?;
    for token in tokens.iter().map(|one| &one["token"]) {
        let body: Value = json!({ "token": token });
        apis.post(Api::Onboarding, &path("signatures"), &body).await?.expect(&[200, 201])?;
    }
    apis.post(Api::Onboarding, &path("activate"), &json!({})).await?.expect(&[200])?;
    Ok(())
}
