//! The matrix of communication: what happens in one service has its effect in another, and one correlation id leads
//! through all of it.

use hexalpes_e2e::{Dice, Fleet, Journey, PATIENCE, Product};
use hexalpes_engines::eventually;
use hexalpes_kernel::{Clock as _, CloudEvent, SystemEdge};
use serde_json::{Value, json};

use crate::{CHECKOUT, command::ask};

fn journey(product: &Product, correlation: &str) -> Journey {
    let [partners, recruitment, campaigns] =
        ["--partners-port", "--recruitment-port", "--campaigns-port"].map(|flag| product.port_of(flag));
    // Contracts are served with the commissions.
    Journey::on_ports([partners, product.port(), recruitment, campaigns], correlation)
}

/// A registration begins a contract, and one only.
async fn row_1(journey: &Journey) {
    let partner = journey.register("Row One").await;
    let contract = journey.drafted(&partner).await;
    let (_, found) = journey.onboarding.get(&format!("/v1/contracts/{contract}")).await;
    assert_eq!(
        (&found["partner_id"], &found["contract_type"]),
        (&json!(partner), &json!("PREMIUM")),
        "{found}"
    );
}

/// A validation reaches the campaigns.
async fn row_2(journey: &Journey) {
    let (partner, _) = journey.validated("Row Two").await;
    let path = format!("/v1/partners/{partner}/campaign-permissions");
    let found = journey.campaigns.until(&path, |found| found["validation_status"] == "COMPLETE").await;
    assert_eq!(found["may_activate_campaigns"], true, "{found}");
}

/// A request opens a job.
async fn row_3(journey: &Journey) {
    let (partner, _) = journey.validated("Row Three").await;
    let request = journey.request(&partner).await;
    let job = journey.job(&request).await;
    let (_, found) = journey.recruitment.get(&format!("/v1/jobs/{job}")).await;
    assert_eq!(
        (&found["partner_id"], &found["experience_level"]),
        (&json!(partner), &json!("SENIOR")),
        "{found}"
    );
}

/// A signature moves the partner on.
async fn row_4(journey: &Journey) {
    let partner = journey.register("Row Four").await;
    let contract = journey.drafted(&partner).await;
    journey.sign(&contract).await;
    let found = journey.has_status(&partner, "CONTRACTED").await;
    assert_eq!(found["contracts"][0]["contract_id"], contract, "{found}");
}

/// An activation gives rights to campaigns, and validates the partner.
async fn row_5(journey: &Journey) {
    let (partner, contract) = journey.validated("Row Five").await;
    let path = format!("/v1/partners/{partner}/campaign-permissions");
    let found = journey.campaigns.until(&path, |found| found["contract_id"].is_string()).await;
    assert_eq!(found["contract_id"], contract, "{found}");
}

/// A match is told to the partner.
async fn row_6(journey: &Journey) {
    let (partner, _) = journey.validated("Row Six").await;
    let (job, candidate) = matched(journey, &partner, "Row Six Candidate").await;
    let path = format!("/v1/partners/{partner}/matches");
    let is_told = |found: &Value| {
        let mut items = found["items"].as_array().into_iter().flatten();
        items.any(|item| item["candidate_id"] == candidate && item["job_id"] == job)
    };
    journey.partners.until(&path, is_told).await;
}

async fn matched(journey: &Journey, partner: &str, candidate: &str) -> (String, String) {
    let request = journey.request(partner).await;
    let job = journey.job(&request).await;
    let candidate = journey.candidate(candidate).await;
    journey.match_again(&job).await;
    (job, candidate)
}

/// A hire counts for the partner, and draws up a contract of employment.
async fn row_7(journey: &Journey) {
    let (partner, _) = journey.validated("Row Seven").await;
    let (job, candidate) = matched(journey, &partner, "Row Seven Candidate").await;
    let hiring = journey.hire(&job, &candidate).await;
    let metrics = format!("/v1/partners/{partner}/metrics");
    let found = journey.partners.until(&metrics, |found| found["successful_hires"] == 1).await;
    assert_eq!(found["time_to_hire_count"], 1, "{found}");
    let path = format!("/v1/employment-contracts?hiring_id={hiring}");
    let found = journey.onboarding.until(&path, |found| found["items"][0]["hiring_id"] == hiring).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["items"][0]["agreed_salary_minor"], 5_000_050, "{found}");
}

/// A report is what the partner's figures are.
async fn row_8(journey: &Journey) {
    let (partner, _) = journey.validated("Row Eight").await;
    let campaign = journey.campaign(&partner, 1000).await;
    let report = journey.report(&campaign).await;
    let path = format!("/v1/partners/{partner}/metrics");
    let found = journey.partners.until(&path, |found| found["campaigns"][0]["report_id"] == report).await;
    assert_eq!(found["campaigns"][0]["campaign_id"], campaign, "{found}");
    assert_eq!(found["campaigns"][0]["performance_summary"]["clicks"], 50, "{found}");
}

/// Alerts come to the partner, each once, and the campaign pauses.
async fn row_9(journey: &Journey) {
    let (partner, _) = journey.validated("Row Nine").await;
    let campaign = journey.campaign(&partner, 1000).await;
    for (name, amount) in [("a", 850), ("b", 110), ("c", 40)] {
        journey.spend(&campaign, &format!("{campaign}-{name}"), amount).await;
    }
    let path = format!("/v1/partners/{partner}/budget-alerts");
    let found = journey
        .partners
        .until(&path, |found| found["items"].as_array().is_some_and(|all| all.len() == 3))
        .await;
    let mut kinds: Vec<&str> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["alert_type"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["CRITICAL", "EXHAUSTED", "WARNING"]);
    let (_, found) = journey.campaigns.get(&format!("/v1/campaigns/{campaign}")).await;
    assert_eq!(found["status"], "PAUSED", "{found}");
}

/// What a partner may no longer run pauses, and goes on when it may again.
async fn stopped(journey: &Journey) {
    let (partner, contract) = journey.validated("Row Stopped").await;
    let path = format!("/v1/campaigns/{}", journey.campaign(&partner, 1000).await);
    let is = async |status: &'static str, by: Value| {
        journey
            .campaigns
            .until(&path, |found| (&found["status"], &found["paused_by"]) == (&json!(status), &by))
            .await
    };
    let reason = json!({ "reason": "no answer" });
    journey.partners.made(&format!("/v1/partners/{partner}/suspend"), &reason).await;
    is("PAUSED", json!("PARTNER")).await;
    let (status, refused) = journey.campaigns.post(&format!("{path}/resume"), &json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("partner_suspended")), "{refused}");
    journey.partners.made(&format!("/v1/partners/{partner}/reactivate"), &json!({})).await;
    is("ACTIVE", Value::Null).await;
    // From today on, and not from where the other would have ended.
    let today = json!({ "effective_date": SystemEdge.now().to_string()[..10] });
    let renewal = journey.onboarding.made(&format!("/v1/contracts/{contract}/renew"), &today).await;
    journey.onboarding.made(&format!("/v1/contracts/{contract}/terminate"), &reason).await;
    let found = is("PAUSED", json!("CONTRACT")).await;
    assert!(found["reason"].as_str().unwrap().starts_with(&format!("contract {contract} was terminated")));
    let renewal = renewal["contract_id"].as_str().unwrap();
    // Its day has come, so that the last signature activates it.
    journey.sign(renewal).await;
    let found = is("ACTIVE", Value::Null).await;
    assert_eq!(found["contract_id"], renewal, "{found}");
}

/// Accepts S2-MTX-1, S2-HND-1.
#[tokio::test]
async fn a_registration_begins_a_contract() {
    row_1(&journey(&Product::start(), "CORR-row-1")).await;
}

/// Accepts S2-MTX-2.
#[tokio::test]
async fn a_validation_reaches_the_campaigns() {
    row_2(&journey(&Product::start(), "CORR-row-2")).await;
}

/// Accepts S2-MTX-3, S2-HND-4.
#[tokio::test]
async fn a_request_opens_a_job() {
    row_3(&journey(&Product::start(), "CORR-row-3")).await;
}

/// Accepts S2-MTX-4, C-14.
#[tokio::test]
async fn a_signature_moves_the_partner_on() {
    row_4(&journey(&Product::start(), "CORR-row-4")).await;
}

/// Accepts S2-MTX-5, S2-HND-2, S2-HND-3, C-14.
#[tokio::test]
async fn an_activation_gives_rights_and_validates() {
    row_5(&journey(&Product::start(), "CORR-row-5")).await;
}

/// Accepts S2-MTX-6.
#[tokio::test]
async fn a_match_is_told_to_the_partner() {
    row_6(&journey(&Product::start(), "CORR-row-6")).await;
}

/// Accepts S2-MTX-7, S2-HND-5, S2-HND-6, C-15.
#[tokio::test]
async fn a_hire_counts_and_draws_up_a_contract_of_employment() {
    row_7(&journey(&Product::start(), "CORR-row-7")).await;
}

/// Accepts S2-MTX-8.
#[tokio::test]
async fn a_report_is_what_the_partners_figures_are() {
    row_8(&journey(&Product::start(), "CORR-row-8")).await;
}

/// Accepts S2-MTX-9, G-13.
#[tokio::test]
async fn alerts_come_to_the_partner_and_the_campaign_pauses() {
    row_9(&journey(&Product::start(), "CORR-row-9")).await;
}

/// Accepts S2-MTX-2, S2-MTX-5.
#[tokio::test]
async fn what_a_partner_may_no_longer_run_pauses_until_it_may_again() {
    stopped(&journey(&Product::start(), "CORR-stopped")).await;
}

/// Accepts S2-MTX-1, S2-MTX-2, S2-MTX-3, S2-MTX-4, S2-MTX-5, S2-MTX-6, S2-MTX-7, S2-MTX-8, S2-MTX-9.
#[tokio::test]
async fn on_a_real_pulsar_every_row_of_the_matrix_has_its_effect() {
    let Some(pulsar) = hexalpes_e2e::real_pulsar().await else { return };
    let product = Product::start_on(Some(pulsar.urls.clone()));
    let journey = journey(&product, "CORR-pulsar");
    row_1(&journey).await;
    row_2(&journey).await;
    row_3(&journey).await;
    row_4(&journey).await;
    row_5(&journey).await;
    row_6(&journey).await;
    row_7(&journey).await;
    row_8(&journey).await;
    row_9(&journey).await;
    stopped(&journey).await;
}

/// Accepts S2-PRP-1, S2-PRP-5.
#[tokio::test]
async fn one_correlation_id_leads_through_the_whole_journey() {
    const CORRELATION: &str = "CORR-journey-1";
    let product = Product::start();
    let journey = journey(&product, CORRELATION);
    let (partner, _) = journey.validated("Whole Journey").await;
    let (job, candidate) = matched(&journey, &partner, "Whole Candidate").await;
    let hiring = journey.hire(&job, &candidate).await;
    let path = format!("/v1/employment-contracts?hiring_id={hiring}");
    journey.onboarding.until(&path, |found| found["items"][0]["hiring_id"] == hiring).await;
    let campaign = journey.campaign(&partner, 100).await;
    journey.spend(&campaign, "all", 100).await;
    let path = format!("/v1/partners/{partner}/budget-alerts");
    journey.partners.until(&path, |found| found["items"].as_array().is_some_and(|all| !all.is_empty())).await;

    let kinds = [
        "PartnerRegistrationCompleted",
        "ContractSigned",
        "ContractActivated",
        "RecruitmentRequested",
        "CandidateMatched",
        "CandidateHired",
        "EmploymentContractCreated",
        "CampaignCreated",
        "BudgetAlert",
    ];
    let is_of_it = |event: &CloudEvent, kind: &str| {
        let is_correlated = event.correlationid.as_ref().is_some_and(|id| id.as_str() == CORRELATION);
        is_correlated && event.bare_kind() == kind
    };
    let all = eventually(PATIENCE, || {
        let lines = product.event_lines(kinds.len());
        kinds.iter().all(|kind| lines.iter().any(|event| is_of_it(event, kind))).then_some(())
    });
    assert!(all.is_some(), "not all of it has the correlation id: {:?}", product.event_lines(1));
    let shown = ask(&product, &["trace", CORRELATION]);
    for kind in kinds {
        assert!(shown.contains(kind), "{kind} is not in the trace:\n{shown}");
    }
    for service in ["partner-management", "onboarding", "recruitment", "campaign-management"] {
        assert!(shown.contains(service), "{service} is not in the trace:\n{shown}");
    }
}

/// Says after `> ` what the first message on a topic is, read with the schema of a file.
const READ: &str = r"
import json, pulsar, sys
from pulsar.schema import AvroSchema
url, topic, definition = sys.argv[1:]
client = pulsar.Client(url)
schema = AvroSchema(None, schema_definition=json.load(open(definition)))
first = pulsar.InitialPosition.Earliest
message = client.subscribe(topic, 'foreign', schema=schema, initial_position=first).receive(20000)
print('> ' + json.dumps({'value': message.value(), 'properties': message.properties()}), flush=True)
client.close()
";

/// Accepts C-7, C-8.
#[tokio::test]
async fn the_official_python_client_reads_events_with_its_own_avro_schema() {
    let Some(python) = hexalpes_engines::python() else { return };
    let product = Product::start();
    let partner = journey(&product, "CORR-python").register("Ñandú & Cía").await;
    let definition = format!("{CHECKOUT}/schemas/partners/PartnerRegistrationCompleted.v2.avsc");
    let topic = "persistent://hexabuilders/partner-management/partner-registration";
    let mut command = std::process::Command::new(python);
    command.args(["-c", READ, &product.urls().service, topic]).arg(definition);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("> "));
    let line = line.unwrap_or_else(|| panic!("{said} {}", String::from_utf8_lossy(&output.stderr)));
    let read: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&read["value"]["partner_id"], &read["value"]["event_version"]), (&json!(partner), &json!(2)));
    assert_eq!(
        (&read["value"]["business_name"], &read["value"]["correlation_id"]),
        (&json!("Ñandú & Cía"), &json!("CORR-python"))
    );
    let data: Value = serde_json::from_str(read["value"]["registration_data"].as_str().unwrap()).unwrap();
    assert_eq!(data["country"], "CO");
    assert_eq!(read["properties"]["ce_subject"], json!(partner));
}

/// Partners under way while services are killed.
const PARTNERS: usize = 1_000;
const AT_ONCE: usize = 16;

/// What one partner has come to, asked and done again until it is there: answers may get lost.
async fn journeyed(journey: &Journey, number: usize) -> String {
    let name = format!("Partner {number}");
    let body = json!({
        "business_name": name, "email": format!("p{number}@example.com"), "partner_type": "INDIVIDUAL",
        "preferred_contract_type": "STANDARD", "registration_source": "API",
    });
    let registered = insist(&journey.partners, "/v1/partners", &body).await;
    // Registered, but the answer was lost: the e-mail is taken, and the refusal says by whom.
    let partner = registered["partner_id"].as_str().or(registered["existing_id"].as_str());
    let partner = partner.unwrap_or_else(|| panic!("{registered}")).to_owned();
    let contracts = format!("/v1/contracts?partner_id={partner}");
    let found =
        insist_on(&journey.onboarding, &contracts, |found| found["items"][0]["contract_id"].is_string());
    let contract = found.await["items"][0]["contract_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/contracts/{contract}");
    loop {
        let found = insist_on(&journey.onboarding, &path, |found| found["status"].is_string()).await;
        match found["status"].as_str().unwrap() {
            "DRAFT" | "NEGOTIATION" => {
                let sent = journey.onboarding.try_post(&format!("{path}/send"), &json!({})).await;
                sign_with(journey, &path, sent).await;
            }
            // The tokens were lost with the answer: there are others.
            "SENT" => {
                let signatories = found["signatories"].as_array().unwrap().len();
                for position in 1..=signatories {
                    let body = json!({ "position": position });
                    let sent = journey.onboarding.try_post(&format!("{path}/tokens"), &body).await;
                    sign_with(journey, &path, sent).await;
                }
            }
            "SIGNED" => {
                let _answered = journey.onboarding.try_post(&format!("{path}/activate"), &json!({})).await;
            }
            "ACTIVE" => return partner,
            other => panic!("{contract} is {other}"),
        }
    }
}

async fn sign_with(journey: &Journey, path: &str, sent: Option<(u16, Value)>) {
    let Some((200, sent)) = sent else { return };
    let tokens = sent["signing_tokens"].as_array().cloned().unwrap_or_default();
    for token in tokens {
        let body = json!({ "token": token["token"] });
        let _answered = journey.onboarding.try_post(&format!("{path}/signatures"), &body).await;
    }
}

/// Until there is an answer, also if it is a refusal.
async fn insist(api: &hexalpes_e2e::Api, path: &str, body: &Value) -> Value {
    let begun = std::time::Instant::now();
    loop {
        match api.try_post(path, body).await {
            Some((status, answer)) if status < 500 => return answer,
            other => assert!(begun.elapsed() < PATIENCE, "{other:?}"),
        }
        hexalpes_engines::a_moment().await;
    }
}

async fn insist_on(api: &hexalpes_e2e::Api, path: &str, is_it: fn(&Value) -> bool) -> Value {
    let begun = std::time::Instant::now();
    loop {
        match api.try_get(path).await {
            Some((200, answer)) if is_it(&answer) => return answer,
            other => assert!(begun.elapsed() < 4 * PATIENCE, "GET {path}: {other:?}"),
        }
        hexalpes_engines::a_moment().await;
    }
}

/// Nothing is lost and nothing is twice, whoever was down meanwhile.
///
/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn each_service_is_killed_in_turn_and_every_partner_arrives_once() {
    let mut fleet = Fleet::start();
    let journey = fleet.journey("CORR-kills");
    let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (journey, next) = (journey.clone(), std::sync::Arc::clone(&next));
            tokio::spawn(async move {
                let mut arrived = Vec::new();
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= PARTNERS {
                        return arrived;
                    }
                    arrived.push(journeyed(&journey, number).await);
                }
            })
        })
        .collect();
    let mut dice = Dice::new();
    let rounds = 2 * fleet.size();
    for round in 0..rounds {
        // Spread over the run, at drawn points.
        let at = (round + 1) * PARTNERS / (rounds + 2) + dice.roll(20);
        while next.load(std::sync::atomic::Ordering::Relaxed) < at
            && !workers.iter().all(tokio::task::JoinHandle::is_finished)
        {
            hexalpes_engines::a_moment().await;
        }
        tokio::task::block_in_place(|| fleet.kill_and_restart(round % fleet.size()));
    }
    let mut partners = Vec::new();
    for worker in workers {
        partners.extend(worker.await.unwrap());
    }
    assert_eq!(partners.len(), PARTNERS);
    for partner in &partners {
        insist_on(&journey.partners, &format!("/v1/partners/{partner}"), |found| {
            found["status"] == "VALIDATED"
        })
        .await;
        let rights = format!("/v1/partners/{partner}/campaign-permissions");
        insist_on(&journey.campaigns, &rights, |found| found["contract_id"].is_string()).await;
        let (_, contracts) = journey.onboarding.get(&format!("/v1/contracts?partner_id={partner}")).await;
        assert_eq!(contracts["items"].as_array().unwrap().len(), 1, "{contracts}");
        let (_, metrics) = journey.partners.get(&format!("/v1/partners/{partner}/metrics")).await;
        assert_eq!(metrics["contracts_activated"], 1, "{metrics}");
    }
}
