//! What happened, in the words that other contexts know, on its way into the outbox. No name and no address of a
//! candidate is told.

use hexalpes_contracts::recruitment::{CandidateHired, CandidateMatched, Event, RecruitmentCompleted};
use hexalpes_contracts::{Dict, List};
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Uuid};
use hexalpes_outbox::NewEvent;
use serde::Serialize;

use crate::domain::{Hire, Job, RequestId};
use crate::store::{self, Match};

pub(crate) async fn of_matched(
    tx: &Tx,
    id: Uuid,
    matched: &Match,
    job: &Job,
    cause: &Cause,
) -> Result<(), DbError> {
    let explained = &matched.explained;
    let event = Event::CandidateMatched(CandidateMatched {
        match_id: matched.id.to_string(),
        job_id: matched.job.to_string(),
        partner_id: matched.partner.to_string(),
        candidate_id: matched.candidate.to_string(),
        score: Amount::new(i128::from(explained.score_bp), 2).to_json(),
        score_bp: i64::from(explained.score_bp),
        rank: i64::from(matched.rank.unwrap_or_default()),
        components: List::of(&explained.components),
        explanation: Dict::of(&explained.explanation),
        request_id: job.request().map(RequestId::to_string),
        job_version: i64::from(matched.job_version),
        matched_at: matched.matched_at.to_string(),
    });
    append(tx, id, &event, cause).await
}

#[derive(Serialize)]
struct Details<'a> {
    job_type: &'a str,
    location: Option<&'a str>,
    remote: bool,
    salary_period: &'a str,
    probation_days: Option<u32>,
    end_date: Option<String>,
    offer_id: Option<String>,
    application_id: &'a str,
}

#[derive(Serialize)]
struct Process<'a> {
    applications: u32,
    interviews: u32,
    offers: u32,
    stages: Vec<Entered<'a>>,
}

#[derive(Serialize)]
struct Entered<'a> {
    stage: &'a str,
    entered_at: String,
}

pub(crate) async fn of_hired(tx: &Tx, id: Uuid, hire: &Hire, cause: &Cause) -> Result<(), DbError> {
    let employment = &hire.employment;
    let details = Details {
        job_type: hire.job_type.name(),
        location: employment.location.as_deref(),
        remote: employment.remote,
        salary_period: employment.salary.period.name(),
        probation_days: employment.probation_days,
        end_date: employment.end.map(|date| date.to_string()),
        offer_id: hire.offer.as_ref().map(ToString::to_string),
        application_id: hire.application.as_str(),
    };
    let stages = hire.stages.iter();
    let stages = stages.map(|(stage, at)| Entered { stage: stage.name(), entered_at: at.to_string() });
    let process = Process {
        applications: hire.effort.applications,
        interviews: hire.effort.interviews,
        offers: hire.effort.offers,
        stages: stages.collect(),
    };
    let salary = employment.salary.money;
    let event = Event::CandidateHired(CandidateHired {
        hiring_id: hire.id.to_string(),
        partner_id: hire.partner.to_string(),
        candidate_id: hire.candidate.to_string(),
        job_id: hire.job.to_string(),
        employment_details: Dict::of(&details),
        job_title: employment.job_title.clone(),
        department: employment.department.clone().unwrap_or_default(),
        start_date: employment.start.to_string(),
        employment_type: employment.employment_type.name().to_owned(),
        agreed_salary: salary.amount().to_json(),
        agreed_salary_minor: salary.minor(),
        currency: salary.currency().to_string(),
        benefits_package: Dict::parse(employment.benefits.as_str()).unwrap_or_default(),
        hiring_process_metrics: Dict::of(&process),
        time_to_hire: hire.time_to_hire,
        recruitment_cost: hire.cost.amount().to_json(),
        recruitment_cost_minor: hire.cost.minor(),
        recruitment_cost_currency: hire.cost.currency().to_string(),
        time_to_fill: hire.time_to_hire,
        candidate_time_to_hire: hire.candidate_time_to_hire,
        request_id: hire.request.as_ref().map(ToString::to_string),
        hired_at: hire.hired_at.to_string(),
    });
    append(tx, id, &event, cause).await
}

/// A job's search is over, whatever came of it.
pub(crate) async fn of_completed(tx: &Tx, id: Uuid, job: &Job, cause: &Cause) -> Result<(), DbError> {
    let hires = store::hires_of_job(tx, job.id()).await?;
    let considered = store::considered(tx, job.id()).await?;
    let spent = store::spent(tx, job.id(), job.currency()).await?.total;
    let hiring_ids: Vec<&str> = hires.iter().map(|hire| hire.id.as_str()).collect();
    let completed_at = job.ending().map_or(job.changed_at(), |ending| ending.at);
    let event = Event::RecruitmentCompleted(RecruitmentCompleted {
        job_id: job.id().to_string(),
        partner_id: job.partner().to_string(),
        request_id: job.request().map(RequestId::to_string),
        outcome: job.status().name().to_owned(),
        openings: i64::from(job.terms().openings),
        hiring_ids: List::of(&hiring_ids),
        hires: i64::from(job.hired()),
        candidates_considered: i64::try_from(considered).unwrap_or(i64::MAX),
        total_cost: spent.amount().to_json(),
        total_cost_minor: spent.minor(),
        currency: spent.currency().to_string(),
        opened_at: job.opened_at().to_string(),
        completed_at: completed_at.to_string(),
        reason: job.ending().and_then(|ending| ending.reason.clone()),
    });
    append(tx, id, &event, cause).await
}

async fn append(tx: &Tx, id: Uuid, event: &Event, cause: &Cause) -> Result<(), DbError> {
    let new = NewEvent {
        id,
        aggregate_type: "recruitment",
        aggregate_id: event.aggregate_id().to_owned(),
        kind: event.kind(),
        data: event.data(),
    };
    hexalpes_outbox::append(tx, cause, new).await
}
