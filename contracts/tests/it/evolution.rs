//! Each schema may follow the one before it, whoever reads, and each event's data goes to Avro and back.

use std::{collections::BTreeMap, fs};

use hexalpes_avro::Record;
use hexalpes_contracts::{
    Dict, List, campaigns, onboarding, partners, recruitment,
    schemas::{self, SCHEMAS},
};
use hexalpes_registry::{Definition, History, Judged, Strategy};
use hexalpes_wire::proto::SchemaType;
use serde_json::{Value, json, value::RawValue};

fn number(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// Accepts S0-SCH-3, S0-SCH-4, S2-PRP-4.
#[test]
fn every_version_of_a_schema_is_compatible_with_all_before_it() {
    let mut histories: BTreeMap<(&str, &str), History> = BTreeMap::new();
    for schema in SCHEMAS {
        let history = histories.entry((schema.context, schema.event)).or_default();
        let definition = Definition::new(SchemaType::Avro, schema.definition);
        let judged = history.judge(&definition, Strategy::FullTransitive, true, 0);
        let Ok(Judged::New(version)) = judged else { panic!("{}: {judged:?}", schema.file) };
        assert_eq!(version.number + 1, u64::from(schema.version), "{}", schema.file);
        history.add(version);
    }
}

#[test]
fn every_file_of_a_schema_is_published() {
    let mut files = Vec::new();
    for context in fs::read_dir("../schemas").unwrap().map(Result::unwrap) {
        let context_name = context.file_name().into_string().unwrap();
        for file in fs::read_dir(context.path()).unwrap().map(Result::unwrap) {
            files.push(format!("{context_name}/{}", file.file_name().into_string().unwrap()));
        }
    }
    files.retain(|file| !file.starts_with("envelope/"));
    files.sort();
    let mut published: Vec<&str> = SCHEMAS.iter().map(|schema| schema.file).collect();
    published.sort_unstable();
    assert_eq!(files, published);
}

/// Accepts S0-SCH-1, S0-SCH-2.
#[test]
fn the_first_versions_are_those_of_the_seeds() {
    let texts = |names: &[&str]| {
        let mut fields: Vec<Value> =
            names.iter().map(|name| json!({ "name": name, "type": "string" })).collect();
        fields.push(json!({ "name": "event_version", "type": "int", "default": 1 }));
        fields
    };
    let partner = json!({
        "type": "record", "name": "PartnerRegistrationCompleted",
        "namespace": "com.hexabuilders.partners.events.v1",
        "fields": texts(&["partner_id", "business_name", "email", "partner_type", "registration_data",
            "registration_timestamp", "correlation_id"]),
    });
    let contract = json!({
        "type": "record", "name": "ContractActivated", "namespace": "com.hexabuilders.onboarding.events.v1",
        "fields": texts(&["contract_id", "partner_id", "contract_type", "effective_date",
            "campaign_permissions", "budget_limits", "correlation_id"]),
    });
    for seed in [partner, contract] {
        let first = SCHEMAS.iter().find(|schema| seed["name"] == schema.event && schema.version == 1);
        assert_eq!(serde_json::from_str::<Value>(first.unwrap().definition).unwrap(), seed);
    }
}

/// What the envelope tells is in the data of those that the seeds' schemas have it in.
const FROM_THE_ENVELOPE: [&str; 2] = ["correlation_id", "event_version"];

/// To Avro and back; what comes back is read as the same event, with every field.
fn assert_carried(kind: &str, data: &RawValue) -> String {
    let schema = schemas::newest(kind).unwrap_or_else(|| panic!("{kind} has no schema"));
    let record = Record::parse(schema.definition.as_bytes()).unwrap();
    let sent: Value = serde_json::from_str(data.get()).unwrap();
    let mut declared: Vec<&str> =
        record.fields().filter(|field| !FROM_THE_ENVELOPE.contains(field)).collect();
    let mut names: Vec<&str> = sent.as_object().unwrap().keys().map(String::as_str).collect();
    declared.sort_unstable();
    names.sort_unstable();
    assert_eq!(declared, names, "{kind}");
    let extra = [("correlation_id", r#""CORR-1""#.to_owned()), ("event_version", "2".to_owned())];
    let back = record.decode(&record.encode(data.get(), &extra).unwrap()).unwrap();
    let mut carried: Value = serde_json::from_str(&back).unwrap();
    for field in FROM_THE_ENVELOPE {
        carried.as_object_mut().unwrap().remove(field);
    }
    assert_eq!(carried, sent, "{kind}");
    back
}

macro_rules! carried {
    ($context:ident: $($event:expr),+ $(,)?) => {$(
        let event: $context::Event = $event;
        let back = assert_carried(event.kind(), &event.data());
        let read = $context::Event::read(event.kind(), back.as_bytes()).unwrap().unwrap();
        assert_eq!(read.aggregate_id(), event.aggregate_id());
    )+};
}

fn dict() -> Dict {
    Dict::of(&json!({ "name": "Ñandú", "amount": 10.5, "amount_minor": 1050, "list": [1, 2] }))
}

fn list() -> List {
    List::of(&["a", "b"])
}

/// Accepts S2-EV-1, S2-EV-3, S2-TOP-1, S2-TOP-2, S2-TOP-3, S2-TOP-4, G-2, G-10.
#[test]
fn events_of_partners_are_carried_with_every_field() {
    use partners::{
        Event, PartnerMetricsSnapshot, PartnerRegistrationCompleted, PartnerValidationCompleted,
        RecruitmentCancelled, RecruitmentExpired, RecruitmentRequested,
    };
    carried!(partners:
        Event::PartnerRegistrationCompleted(PartnerRegistrationCompleted {
            partner_id: "p-1".into(), business_name: "TechSolutions Inc".into(), email: "a@example.com".into(),
            partner_type: "EMPRESA".into(), registration_data: dict(), validation_status: "PARTIAL".into(),
            preferred_contract_type: "PREMIUM".into(), registration_source: "WEB".into(),
            registration_timestamp: "2025-01-15T10:30:00Z".into(), revision: 3,
        }),
        Event::PartnerValidationCompleted(PartnerValidationCompleted {
            partner_id: "p-1".into(), validation_status: "COMPLETE".into(),
            validated_at: "2025-01-15T10:30:00Z".into(), validated_by: "system".into(), checks: list(),
            partner_type: "EMPRESA".into(), partner_status: "REGISTERED".into(), revision: 4,
        }),
        Event::RecruitmentRequested(RecruitmentRequested {
            request_id: "r-1".into(), partner_id: "p-1".into(), job_requirements: dict(),
            required_skills: list(), experience_level: "SENIOR".into(), job_type: "FULL_TIME".into(),
            remote_work_allowed: true, location_preferences: list(), salary_range: dict(),
            budget_range: dict(), hiring_timeline: dict(), urgency_level: "HIGH".into(),
            candidate_sources: list(), screening_criteria: dict(), requested_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::RecruitmentCancelled(RecruitmentCancelled {
            request_id: "r-1".into(), partner_id: "p-1".into(), reason: "the project was stopped".into(),
            cancelled_at: "2025-01-16T10:30:00Z".into(), revision: 2,
        }),
        Event::RecruitmentExpired(RecruitmentExpired {
            request_id: "r-1".into(), partner_id: "p-1".into(), expired_at: "2025-02-16T00:00:00Z".into(),
            revision: 3,
        }),
        Event::PartnerMetricsSnapshot(PartnerMetricsSnapshot {
            snapshot_id: "s-1".into(), partner_id: "p-1".into(), revision: 5, trigger: "CHANGE".into(),
            taken_at: "2025-01-15T10:30:00Z".into(), partner_status: "VALIDATED".into(),
            contracts_activated: 1, successful_hires: 2, recruitment_costs: list(),
            time_to_hire_days_sum: 50, time_to_hire_count: 2, average_time_to_hire_hundredths: Some(2500),
            recruitment_requests: dict(), candidates_matched: 7, campaigns: list(), open_budget_alerts: list(),
        }),
    );
}

/// Accepts S2-EV-2, S2-TOP-5, S2-TOP-6, S2-TOP-7, G-2, G-10.
#[test]
fn events_of_onboarding_are_carried_with_every_field() {
    use onboarding::{
        ContractActivated, ContractEnded, ContractExpiring, ContractSigned, EmploymentContractCreated,
        EmploymentContractEnded, EmploymentContractPending, EmploymentContractSigned, Event,
    };
    carried!(onboarding:
        Event::ContractSigned(ContractSigned {
            contract_id: "c-1".into(), partner_id: "p-1".into(), contract_type: "PREMIUM".into(),
            signed_at: "2025-01-15T10:30:00Z".into(), signatories: list(), document_hash: "00ff".into(),
            revision: 4,
        }),
        Event::ContractActivated(ContractActivated {
            contract_id: "c-1".into(), partner_id: "p-1".into(), contract_type: "PREMIUM".into(),
            effective_date: "2025-02-01".into(), expiration_date: "2026-02-01".into(),
            campaign_permissions: list(), budget_limits: dict(), feature_flags: dict(), sla_terms: dict(),
            commission_structure: dict(), payment_terms: dict(), revision: 5, renews: Some("c-0".into()),
            activated_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::ContractEnded(ContractEnded {
            contract_id: "c-1".into(), partner_id: "p-1".into(), contract_type: "PREMIUM".into(),
            outcome: "RENEWED".into(), ended_at: "2025-01-15T10:30:00Z".into(), reason: Some("x".into()),
            renewed_by: Some("c-2".into()), revision: 6,
        }),
        Event::ContractExpiring(ContractExpiring {
            contract_id: "c-1".into(), partner_id: "p-1".into(), contract_type: "PREMIUM".into(),
            expiration_date: "2026-02-01".into(), days: 30, revision: 7,
        }),
        Event::EmploymentContractCreated(EmploymentContractCreated {
            employment_contract_id: "e-1".into(), hiring_id: "h-1".into(), partner_id: "p-1".into(),
            candidate_id: "k-1".into(), job_id: "j-1".into(), job_title: "Dev".into(),
            department: "IT".into(), employment_type: "PERMANENT".into(), start_date: "2025-03-01".into(),
            agreed_salary: number("50000.5"), agreed_salary_minor: 5_000_050, currency: "USD".into(),
            benefits_package: dict(), employment_terms: dict(), document_hash: "00ff".into(),
            status: "DRAFT".into(), created_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::EmploymentContractSigned(EmploymentContractSigned {
            employment_contract_id: "e-1".into(), hiring_id: "h-1".into(), partner_id: "p-1".into(),
            candidate_id: "k-1".into(), signed_at: "2025-01-15T10:30:00Z".into(), signatories: list(),
            document_hash: "00ff".into(), revision: 4,
        }),
        Event::EmploymentContractPending(EmploymentContractPending {
            employment_contract_id: "e-1".into(), hiring_id: "h-1".into(), partner_id: "p-1".into(),
            candidate_id: "k-1".into(), waiting_for: list(), sent_at: "2025-01-15T10:30:00Z".into(), days: 3,
            revision: 3,
        }),
        Event::EmploymentContractEnded(EmploymentContractEnded {
            employment_contract_id: "e-1".into(), hiring_id: "h-1".into(), partner_id: "p-1".into(),
            candidate_id: "k-1".into(), reason: "otra persona".into(), ended_at: "2025-01-15T10:30:00Z".into(),
            revision: 5,
        }),
    );
}

/// Accepts S2-EV-4, S2-TOP-8, S2-TOP-9, S2-TOP-10, G-2, G-10, C-16.
#[test]
fn events_of_recruitment_are_carried_with_every_field() {
    use recruitment::{CandidateHired, CandidateMatched, Event, RecruitmentCompleted};
    carried!(recruitment:
        Event::CandidateMatched(CandidateMatched {
            match_id: "m-1".into(), job_id: "j-1".into(), partner_id: "p-1".into(),
            candidate_id: "k-1".into(), score: number("87.5"), score_bp: 8750, rank: 1, components: list(),
            explanation: dict(), request_id: Some("r-1".into()), job_version: 2,
            matched_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::CandidateHired(CandidateHired {
            hiring_id: "h-1".into(), partner_id: "p-1".into(), candidate_id: "k-1".into(),
            job_id: "j-1".into(), employment_details: dict(), job_title: "Dev".into(),
            department: "IT".into(), start_date: "2025-03-01".into(), employment_type: "PERMANENT".into(),
            agreed_salary: number("50000.5"), agreed_salary_minor: 5_000_050, currency: "USD".into(),
            benefits_package: dict(), hiring_process_metrics: dict(), time_to_hire: 25,
            recruitment_cost: number("1200"), recruitment_cost_minor: 120_000,
            recruitment_cost_currency: "USD".into(), time_to_fill: 25, candidate_time_to_hire: 12,
            request_id: None, hired_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::RecruitmentCompleted(RecruitmentCompleted {
            job_id: "j-1".into(), partner_id: "p-1".into(), request_id: Some("r-1".into()),
            outcome: "FILLED".into(), openings: 1, hiring_ids: list(), hires: 1, candidates_considered: 40,
            total_cost: number("1200.25"), total_cost_minor: 120_025, currency: "USD".into(),
            opened_at: "2025-01-01T00:00:00Z".into(), completed_at: "2025-01-15T10:30:00Z".into(),
            reason: None,
        }),
    );
}

fn campaign() -> campaigns::Campaign {
    campaigns::Campaign {
        campaign_id: "cmp-1".into(),
        partner_id: "p-1".into(),
        revision: 1,
        name: "Verano".into(),
        campaign_type: "SEARCH".into(),
        channel: "WEB".into(),
        status: "DRAFT".into(),
        start_date: Some("2025-02-01".into()),
        end_date: None,
        currency: "USD".into(),
        budget: dict(),
        targets: dict(),
        reason: None,
        changed_at: "2025-01-15T10:30:00Z".into(),
    }
}

/// Accepts S2-EV-5, S2-EV-6, S2-TOP-11, S2-TOP-12, S2-TOP-13, S2-TOP-14, G-10, G-11.
#[test]
fn events_of_campaigns_are_carried_with_every_field() {
    use campaigns::{BudgetAlert, CampaignInsight, CampaignPerformanceReport, Event, OptimizationSuggestion};
    carried!(campaigns:
        Event::CampaignCreated(campaign()),
        Event::CampaignUpdated(campaign()),
        Event::CampaignPerformanceReport(CampaignPerformanceReport {
            report_id: "rep-1".into(), campaign_id: "cmp-1".into(), partner_id: "p-1".into(),
            reporting_period: dict(), performance_summary: dict(), kpi_achievements: dict(),
            roi_metrics: dict(), engagement_metrics: dict(), period_comparison: dict(),
            benchmark_comparison: dict(), trend_analysis: dict(), performance_insights: list(),
            optimization_suggestions: list(), risk_indicators: list(),
            generated_at: "2025-01-15T10:30:00Z".into(), version: 2, replaces: Some("rep-0".into()),
            renewal_reasons: list(),
        }),
        Event::BudgetAlert(BudgetAlert {
            alert_id: "a-1".into(), campaign_id: "cmp-1".into(), partner_id: "p-1".into(),
            budget_status: dict(), alert_type: "WARNING".into(), threshold_reached: number("81.25"),
            threshold_reached_bp: 8125, current_spend: number("812.5"), current_spend_minor: 81_250,
            budget_limit: number("1000"), budget_limit_minor: 100_000, projected_spend: number("1100.01"),
            projected_spend_minor: 110_001, days_remaining: 4, burn_rate: number("71.88"),
            burn_rate_minor: 7_188, currency: "USD".into(), recommended_actions: list(),
            automatic_actions_taken: List::default(), alerted_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::CampaignInsight(CampaignInsight {
            insight_id: "i-1".into(), campaign_id: "cmp-1".into(), partner_id: "p-1".into(),
            report_id: "rep-1".into(), insight_type: "CTR_UP".into(), severity: "INFO".into(),
            message: dict(), evidence: dict(), generated_at: "2025-01-15T10:30:00Z".into(),
        }),
        Event::OptimizationSuggestion(OptimizationSuggestion {
            suggestion_id: "o-1".into(), campaign_id: "cmp-1".into(), partner_id: "p-1".into(),
            report_id: "rep-1".into(), suggestion_type: "RAISE_BUDGET".into(), priority: "HIGH".into(),
            message: dict(), evidence: dict(), suggested_at: "2025-01-15T10:30:00Z".into(),
        }),
    );
}

/// A producer of the first version says less; readers know what that means.
///
/// Accepts C-8.
#[test]
fn data_of_the_first_versions_is_read() {
    let partner = r#"{"partner_id":"p","business_name":"b","email":"e","partner_type":"STARTUP","registration_data":"{\"a\":1}","registration_timestamp":"t","correlation_id":"c","event_version":1}"#;
    let Some(Ok(partners::Event::PartnerRegistrationCompleted(read))) =
        partners::Event::read("com.hexabuilders.partners.PartnerRegistrationCompleted", partner.as_bytes())
    else {
        panic!("it can be read")
    };
    assert_eq!((read.validation_status.as_str(), read.registration_data.get()), ("PENDING", r#"{"a":1}"#));
    let contract = r#"{"contract_id":"c","partner_id":"p","contract_type":"STANDARD","effective_date":"2025-01-01","campaign_permissions":"[\"SEARCH\"]","budget_limits":"{}","correlation_id":"c","event_version":1}"#;
    let Some(Ok(onboarding::Event::ContractActivated(read))) =
        onboarding::Event::read("com.hexabuilders.onboarding.ContractActivated", contract.as_bytes())
    else {
        panic!("it can be read")
    };
    assert_eq!(read.campaign_permissions.read::<Vec<String>>().unwrap(), ["SEARCH"]);
    assert!(read.commission_structure.is_empty() && read.expiration_date.is_empty());
    let report = r#"{"report_id":"r","campaign_id":"c","partner_id":"p","reporting_period":"{}","performance_summary":"{}","kpi_achievements":"{}","roi_metrics":"{}","engagement_metrics":"{}","period_comparison":"{}","benchmark_comparison":"{}","trend_analysis":"{}","performance_insights":"[]","optimization_suggestions":"[]","risk_indicators":"[]","generated_at":"t"}"#;
    let Some(Ok(campaigns::Event::CampaignPerformanceReport(read))) =
        campaigns::Event::read("com.hexabuilders.campaigns.CampaignPerformanceReport", report.as_bytes())
    else {
        panic!("it can be read")
    };
    assert_eq!((read.version, read.replaces, read.renewal_reasons.is_empty()), (1, None, true));
}
