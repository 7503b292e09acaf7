//! A partner's way through the services of HexaBuilders, as clients of their APIs go it: registered, under contract,
//! validated, with people hired and campaigns that spend. Each step waits for what the one before brings about elsewhere.

use serde_json::{Value, json};

use crate::Api;

/// The APIs, wherever they run.
#[derive(Clone, Debug)]
pub struct Journey {
    pub partners: Api,
    pub onboarding: Api,
    pub recruitment: Api,
    pub campaigns: Api,
}

impl Journey {
    /// By the ports of the four, in the order of the seeds: 5000 to 5003. All requests have this correlation id.
    pub fn on_ports(ports: [u16; 4], correlation: &str) -> Self {
        let [partners, onboarding, recruitment, campaigns] =
            ports.map(|port| Api::on_port(port).correlated(correlation));
        Self { partners, onboarding, recruitment, campaigns }
    }

    /// A partner who has registered. One person: what is asked of them is the least.
    pub async fn register(&self, name: &str) -> String {
        let body = json!({
            "business_name": name, "email": format!("{}@example.com", slug(name)),
            "partner_type": "INDIVIDUAL", "preferred_contract_type": "PREMIUM", "registration_source": "WEB",
            "registration_data": { "contact_name": "Juan Pérez", "country": "CO" },
        });
        text(&self.partners.made("/v1/partners", &body).await, "partner_id")
    }

    /// The contract that was drafted because they registered.
    pub async fn drafted(&self, partner: &str) -> String {
        let path = format!("/v1/contracts?partner_id={partner}");
        let found = self.onboarding.until(&path, |found| found["items"][0]["contract_id"].is_string()).await;
        text(&found["items"][0], "contract_id")
    }

    /// Signed by all, in their order.
    pub async fn sign(&self, contract: &str) {
        let sent = self.onboarding.made(&format!("/v1/contracts/{contract}/send"), &json!({})).await;
        let tokens = sent["signing_tokens"].as_array().expect("somebody is to sign").clone();
        for token in tokens {
            let body = json!({ "token": token["token"] });
            self.onboarding.made(&format!("/v1/contracts/{contract}/signatures"), &body).await;
        }
    }

    pub async fn activate(&self, contract: &str) {
        self.onboarding.made(&format!("/v1/contracts/{contract}/activate"), &json!({})).await;
    }

    /// What is asked of a person is shown and verified.
    pub async fn verify(&self, partner: &str) {
        let body = json!({ "kind": "IDENTITY", "reference": "CC 1", "hash": "ab".repeat(32) });
        let path = format!("/v1/partners/{partner}/documents");
        let shown = self.partners.made(&path, &body).await;
        let document = document_of(&shown);
        self.partners.made(&format!("{path}/{document}/verify"), &json!({})).await;
    }

    /// Waits until the partner is that far.
    pub async fn has_status(&self, partner: &str, status: &str) -> Value {
        self.partners.until(&format!("/v1/partners/{partner}"), |found| found["status"] == status).await
    }

    /// A partner whose contract is in force and who is validated; the contract too.
    pub async fn validated(&self, name: &str) -> (String, String) {
        let partner = self.register(name).await;
        let contract = self.drafted(&partner).await;
        self.sign(&contract).await;
        self.activate(&contract).await;
        self.has_status(&partner, "VALIDATED").await;
        self.verify(&partner).await;
        (partner, contract)
    }

    /// Somebody is looked for.
    pub async fn request(&self, partner: &str) -> String {
        let body = json!({
            "job_requirements": { "title": "Rust developer", "department": "IT", "openings": 1 },
            "required_skills": ["rust"], "experience_level": "SENIOR", "job_type": "FULL_TIME",
            "remote_work_allowed": true, "location_preferences": ["Bogotá"],
            "salary_range": { "min": 40000, "max": 60000, "currency": "USD" },
            "budget_range": { "min": 0, "max": 5000, "currency": "USD" },
            "hiring_timeline": { "max_days": 60 }, "urgency_level": "HIGH",
            "candidate_sources": ["EXTERNAL"], "screening_criteria": { "min_years": 3 },
        });
        let path = format!("/v1/partners/{partner}/recruitment-requests");
        text(&self.partners.made(&path, &body).await, "request_id")
    }

    /// The job that was opened because of it.
    pub async fn job(&self, request: &str) -> String {
        let path = format!("/v1/jobs?request_id={request}");
        let found = self.recruitment.until(&path, |found| found["items"][0]["job_id"].is_string()).await;
        text(&found["items"][0], "job_id")
    }

    /// Somebody who fits it.
    pub async fn candidate(&self, name: &str) -> String {
        let body = json!({
            "name": name, "email": format!("{}@example.org", slug(name)),
            "skills": [{ "skill": "rust", "level": "EXPERT", "years": 8 }], "experience_years": 8,
            "locations": ["Bogotá"], "remote_work": true, "job_types": ["FULL_TIME"],
            "salary_expectation": { "amount": 50000, "currency": "USD" },
        });
        text(&self.recruitment.made("/v1/candidates", &body).await, "candidate_id")
    }

    /// Looks for candidates again, for there are more now.
    pub async fn match_again(&self, job: &str) {
        self.recruitment.made(&format!("/v1/jobs/{job}/matching"), &json!({})).await;
    }

    pub async fn hire(&self, job: &str, candidate: &str) -> String {
        let body = json!({
            "job_id": job, "candidate_id": candidate, "employment_type": "PERMANENT",
            "start_date": "2027-01-15", "agreed_salary": 50000.50, "currency": "USD",
            "benefits_package": { "health": true },
        });
        text(&self.recruitment.made("/v1/hires", &body).await, "hiring_id")
    }

    /// A campaign that runs, with this budget in all.
    pub async fn campaign(&self, partner: &str, limit: u64) -> String {
        self.campaigns
            .until(&format!("/v1/partners/{partner}/campaign-permissions"), |found| {
                found["may_activate_campaigns"] == true
            })
            .await;
        let body = json!({
            "partner_id": partner, "name": "Verano", "campaign_type": "SEARCH", "channel": "WEB",
            "start_date": "2026-01-01", "end_date": "2027-12-31", "currency": "USD",
            "targets": { "clicks": 100 }, "budgets": [{ "kind": "TOTAL", "limit": limit }],
        });
        let campaign = text(&self.campaigns.made("/v1/campaigns", &body).await, "campaign_id");
        self.campaigns.made(&format!("/v1/campaigns/{campaign}/activate"), &json!({})).await;
        campaign
    }

    pub async fn spend(&self, campaign: &str, name: &str, amount: u64) {
        let body = json!({ "spend_id": name, "amount": amount, "currency": "USD" });
        self.campaigns.made(&format!("/v1/campaigns/{campaign}/spend"), &body).await;
    }

    /// How the campaign did on a day, and the report of it.
    pub async fn report(&self, campaign: &str) -> String {
        let results = json!({ "results": [{
            "result_id": format!("{campaign}-1"), "date": "2026-03-01", "impressions": 1000, "clicks": 50,
            "leads": 5, "conversions": 2, "revenue": 300, "currency": "USD",
        }] });
        self.campaigns.made(&format!("/v1/campaigns/{campaign}/results"), &results).await;
        let body = json!({ "campaign_id": campaign, "start": "2026-03-01", "end": "2026-03-08" });
        text(&self.campaigns.made("/v1/reports", &body).await, "report_id")
    }
}

/// The document that was added last, whether the answer is the document or the partner with it.
fn document_of(shown: &Value) -> String {
    match shown["document_id"].as_str() {
        Some(id) => id.to_owned(),
        None => text(
            shown["documents"].as_array().and_then(|all| all.last()).unwrap_or(&Value::Null),
            "document_id",
        ),
    }
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap_or_else(|| panic!("no {member} in {body}")).to_owned()
}

fn slug(name: &str) -> String {
    name.to_lowercase().chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect()
}
