//! What the recruitment context tells others: who fits a job, who was hired, and that a search is over.
//!
//! Times are RFC 3339 in UTC, dates ISO 8601. No name and no address of a candidate is told to anybody.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Dict, List, events::events};

/// Every event of this context, in order, as structured `CloudEvents`.
pub const TOPIC: &str = "persistent://hexabuilders/recruitment/candidate-events";
pub const MATCHED_TOPIC: &str = "persistent://hexabuilders/recruitment/candidate-matched";
pub const HIRED_TOPIC: &str = "persistent://hexabuilders/recruitment/candidate-hired";
pub const COMPLETED_TOPIC: &str = "persistent://hexabuilders/recruitment/recruitment-completed";

/// A candidate fits a job. Once per `match_id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateMatched {
    pub match_id: String,
    pub job_id: String,
    pub partner_id: String,
    pub candidate_id: String,
    /// A JSON number from 0 to 100 with two decimals.
    pub score: Box<RawValue>,
    /// The same in basis points, from 0 to 10,000: what counts.
    pub score_bp: i64,
    /// From 1, the best.
    pub rank: i64,
    /// Each: `name`, `score_bp`, `weight_bp`, `reason` (`es`, `en`).
    pub components: List,
    /// `es`, `en`: a sentence each.
    pub explanation: Dict,
    /// The partner's request; null: the job was opened here.
    #[serde(default)]
    pub request_id: Option<String>,
    /// Which version of the job was matched.
    #[serde(default)]
    pub job_version: i64,
    #[serde(default)]
    pub matched_at: String,
}

/// A candidate was hired. Once per `hiring_id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateHired {
    pub hiring_id: String,
    /// The employer.
    pub partner_id: String,
    pub candidate_id: String,
    pub job_id: String,
    /// `job_type`, `location`, `remote`, `salary_period` (`YEAR`, `MONTH`, `HOUR`), `probation_days`, `end_date`,
    /// `offer_id` and whatever else was agreed.
    pub employment_details: Dict,
    pub job_title: String,
    pub department: String,
    pub start_date: String,
    /// `PERMANENT`, `CONTRACT` or `INTERNSHIP`.
    pub employment_type: String,
    /// A JSON number in major units, exact.
    pub agreed_salary: Box<RawValue>,
    pub agreed_salary_minor: i64,
    /// ISO 4217, of the salary.
    pub currency: String,
    /// As it was offered.
    pub benefits_package: Dict,
    /// `applications`, `interviews`, `offers`: how many; `stages`: a list of `stage`, `entered_at`.
    pub hiring_process_metrics: Dict,
    /// Days from request to hire.
    pub time_to_hire: i64,
    /// A JSON number in major units, exact.
    pub recruitment_cost: Box<RawValue>,
    pub recruitment_cost_minor: i64,
    /// ISO 4217; empty: as the salary's.
    #[serde(default)]
    pub recruitment_cost_currency: String,
    /// As `time_to_hire`, by the name that others give it.
    #[serde(default)]
    pub time_to_fill: i64,
    /// Days from when the candidate applied to when the offer was accepted.
    #[serde(default)]
    pub candidate_time_to_hire: i64,
    /// The partner's request; null: the job was opened here.
    #[serde(default)]
    pub request_id: Option<String>,
    #[serde(default)]
    pub hired_at: String,
}

/// Nobody is looked for any longer. Once per job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecruitmentCompleted {
    pub job_id: String,
    pub partner_id: String,
    /// The partner's request; null: the job was opened here.
    pub request_id: Option<String>,
    /// `FILLED`, `CLOSED` or `CANCELLED`.
    pub outcome: String,
    pub openings: i64,
    /// Each a text: the hires, in their order.
    pub hiring_ids: List,
    pub hires: i64,
    pub candidates_considered: i64,
    /// A JSON number in major units, exact: what all of it cost.
    pub total_cost: Box<RawValue>,
    pub total_cost_minor: i64,
    /// ISO 4217.
    pub currency: String,
    pub opened_at: String,
    pub completed_at: String,
    pub reason: Option<String>,
}

events! { "com.hexabuilders.recruitment.":
    CandidateMatched(CandidateMatched) by job_id to MATCHED_TOPIC;
    CandidateHired(CandidateHired) by hiring_id to HIRED_TOPIC;
    RecruitmentCompleted(RecruitmentCompleted) by job_id to COMPLETED_TOPIC;
}
