//! What happened, in the words that other contexts know, on its way into the outbox.

use hexalpes_contracts::partners::{
    AmountRange, Event, PartnerMetricsSnapshot, PartnerRegistrationCompleted, PartnerValidationCompleted,
    RecruitmentCancelled, RecruitmentExpired, RecruitmentRequested,
};
use hexalpes_contracts::{Dict, List};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Actor, Cause, Ids, Money, Timestamp, Uuid};
use hexalpes_outbox::NewEvent;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{
    Asked, Check, Day, Figures, Json, Metrics, MoneyRange, Partner, PartnerId, PartnerStatus, PayPeriod,
    RecruitmentRequest, SnapshotTrigger, Timeline,
};
use crate::views::{CostView, CountsView, OpenAlertView};
use crate::words;

/// Who made a check that follows from what is known.
const SYSTEM: &str = "system";

pub(crate) async fn of_registration(
    tx: &Tx,
    id: Uuid,
    partner: &Partner,
    cause: &Cause,
) -> Result<(), DbError> {
    let registration = partner.registration();
    let event = Event::PartnerRegistrationCompleted(PartnerRegistrationCompleted {
        partner_id: partner.id().to_string(),
        business_name: registration.business_name.clone(),
        email: registration.email.to_string(),
        partner_type: registration.kind.name().to_owned(),
        registration_data: registration_data(partner),
        validation_status: partner.validation().name().to_owned(),
        preferred_contract_type: registration.preferred_contract.name().to_owned(),
        registration_source: registration.source.name().to_owned(),
        registration_timestamp: partner.registered_at().to_string(),
        revision: i64::from(partner.revision()),
    });
    append(tx, id, &event, cause).await
}

/// What the form had, and the documents that came with it.
fn registration_data(partner: &Partner) -> Dict {
    #[derive(Serialize)]
    struct Paper<'a> {
        document_id: &'a str,
        kind: &'a str,
        reference: &'a str,
        hash: &'a str,
    }
    let given = dict(&partner.registration().data);
    if partner.documents().is_empty() {
        return given;
    }
    let papers: Vec<Paper<'_>> = partner
        .documents()
        .iter()
        .map(|document| Paper {
            document_id: document.id.as_str(),
            kind: document.details.kind.name(),
            reference: &document.details.reference,
            hash: document.details.hash.as_str(),
        })
        .collect();
    // Read as texts of JSON, so that no number in them changes.
    let mut members: std::collections::BTreeMap<String, Box<RawValue>> = given.read().unwrap_or_default();
    members.insert("documents".to_owned(), List::of(&papers).into_raw());
    Dict::of(&members)
}

pub(crate) async fn of_validation(
    tx: &Tx,
    id: Uuid,
    partner: &Partner,
    cause: &Cause,
) -> Result<(), DbError> {
    #[derive(Serialize)]
    struct Told {
        name: &'static str,
        passed: Option<bool>,
        reason: String,
        checked_at: Option<Timestamp>,
        checked_by: Option<String>,
    }
    let checks = partner.checks();
    let last = checks.iter().filter_map(|check| Some((check.at?, check))).max_by_key(|(at, _)| *at);
    let by = |check: &Check| check.by.as_ref().map_or(SYSTEM, Actor::as_str).to_owned();
    let told: Vec<Told> = checks
        .iter()
        .map(|check| Told {
            name: check.name,
            passed: check.passed,
            reason: words::reason(&check.reason).english().to_owned(),
            checked_at: check.at,
            checked_by: check.at.map(|_| by(check)),
        })
        .collect();
    let event = Event::PartnerValidationCompleted(PartnerValidationCompleted {
        partner_id: partner.id().to_string(),
        validation_status: partner.validation().name().to_owned(),
        validated_at: cause.at.to_string(),
        validated_by: last.map_or_else(|| SYSTEM.to_owned(), |(_, check)| by(check)),
        checks: List::of(&told),
        partner_type: partner.registration().kind.name().to_owned(),
        partner_status: partner.status().name().to_owned(),
        revision: i64::from(partner.revision()),
    });
    append(tx, id, &event, cause).await
}

pub(crate) async fn of_request(
    tx: &Tx,
    id: Uuid,
    request: &RecruitmentRequest,
    cause: &Cause,
) -> Result<(), DbError> {
    let asked = &request.asked;
    let sources: Vec<&str> = asked.sources.iter().map(|source| source.name()).collect();
    let event = Event::RecruitmentRequested(RecruitmentRequested {
        request_id: request.id.to_string(),
        partner_id: request.partner.to_string(),
        job_requirements: dict(&asked.job_requirements),
        required_skills: list(&asked.required_skills),
        experience_level: asked.experience.name().to_owned(),
        job_type: asked.job_type.name().to_owned(),
        remote_work_allowed: asked.remote,
        location_preferences: List::of(&asked.locations),
        salary_range: asked
            .salary
            .map_or_else(Dict::default, |(range, period)| Dict::of(&amounts(range, Some(period)))),
        budget_range: asked.budget.map_or_else(Dict::default, |range| Dict::of(&amounts(range, None))),
        hiring_timeline: timeline(asked),
        urgency_level: asked.urgency.name().to_owned(),
        candidate_sources: List::of(&sources),
        screening_criteria: dict(&asked.screening),
        requested_at: request.requested_at.to_string(),
    });
    append(tx, id, &event, cause).await
}

pub(crate) async fn of_cancelled(
    tx: &Tx,
    id: Uuid,
    request: &RecruitmentRequest,
    cause: &Cause,
) -> Result<(), DbError> {
    let event = Event::RecruitmentCancelled(RecruitmentCancelled {
        request_id: request.id.to_string(),
        partner_id: request.partner.to_string(),
        reason: request.cancelled.clone().unwrap_or_default(),
        cancelled_at: request.changed_at.to_string(),
        revision: i64::from(request.revision),
    });
    append(tx, id, &event, cause).await
}

pub(crate) async fn of_expired(
    tx: &Tx,
    id: Uuid,
    request: &RecruitmentRequest,
    cause: &Cause,
) -> Result<(), DbError> {
    let event = Event::RecruitmentExpired(RecruitmentExpired {
        request_id: request.id.to_string(),
        partner_id: request.partner.to_string(),
        expired_at: request.expires_at().unwrap_or(request.changed_at).to_string(),
        revision: i64::from(request.revision),
    });
    append(tx, id, &event, cause).await
}

pub(crate) fn amounts(range: MoneyRange, period: Option<PayPeriod>) -> AmountRange {
    let number = |money: Option<Money>| money.map(|money| money.amount().to_json());
    AmountRange {
        min: number(range.min()),
        min_minor: range.min().map(Money::minor),
        max: number(range.max()),
        max_minor: range.max().map(Money::minor),
        currency: Some(range.currency().code().to_owned()),
        period: period.map(|period| period.name().to_owned()),
    }
}

fn timeline(asked: &Asked) -> Dict {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        start_by: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fill_by: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_days: Option<u32>,
    }
    let Timeline { start_by, fill_by, max_days } = &asked.timeline;
    Dict::of(&Told {
        start_by: start_by.as_ref().map(Day::as_str),
        fill_by: fill_by.as_ref().map(Day::as_str),
        max_days: *max_days,
    })
}

pub(crate) async fn of_metrics(
    tx: &Tx,
    ids: &dyn Ids,
    (of, status): (&PartnerId, PartnerStatus),
    metrics: &Metrics,
    (revision, trigger): (i64, SnapshotTrigger),
    cause: &Cause,
) -> Result<(), DbError> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let costs: Vec<CostView> = metrics.costs.iter().map(CostView::from).collect();
    let campaigns: Vec<InCampaign<'_>> = metrics.campaigns.iter().map(InCampaign::from).collect();
    let alerts: Vec<OpenAlertView> = metrics.open_alerts.iter().map(OpenAlertView::from).collect();
    let event = Event::PartnerMetricsSnapshot(PartnerMetricsSnapshot {
        snapshot_id: ids.uuid().to_string(),
        partner_id: of.to_string(),
        revision,
        trigger: trigger.name().to_owned(),
        taken_at: cause.at.to_string(),
        partner_status: status.name().to_owned(),
        contracts_activated: count(metrics.contracts_activated),
        successful_hires: count(metrics.hires),
        recruitment_costs: List::of(&costs),
        time_to_hire_days_sum: count(metrics.days_sum),
        time_to_hire_count: count(metrics.days_count),
        average_time_to_hire_hundredths: metrics.average_hundredths().map(count),
        recruitment_requests: Dict::of(&CountsView::from(metrics.requests)),
        candidates_matched: count(metrics.matched),
        campaigns: List::of(&campaigns),
        open_budget_alerts: List::of(&alerts),
    });
    append(tx, ids.uuid(), &event, cause).await
}

#[derive(Serialize)]
struct InCampaign<'a> {
    campaign_id: &'a str,
    period_start: &'a str,
    period_end: &'a str,
    performance_summary: Dict,
}

impl<'a> From<&'a Figures> for InCampaign<'a> {
    fn from(figures: &'a Figures) -> Self {
        Self {
            campaign_id: figures.campaign.as_str(),
            period_start: figures.start.as_str(),
            period_end: figures.end.as_str(),
            performance_summary: dict(&figures.summary),
        }
    }
}

fn dict(json: &Json) -> Dict {
    Dict::parse(json.as_str()).unwrap_or_default()
}

fn list(json: &Json) -> List {
    List::parse(json.as_str()).unwrap_or_default()
}

async fn append(tx: &Tx, id: Uuid, event: &Event, cause: &Cause) -> Result<(), DbError> {
    let new = NewEvent {
        id,
        aggregate_type: "partners",
        aggregate_id: event.aggregate_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}
