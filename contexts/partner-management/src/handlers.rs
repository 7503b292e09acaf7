//! What this context does with messages: it keeps what contracts, recruiters and campaigns tell of its partners.
//!
//! Each is told of one thing under its own id, and acts once, in whatever order they come: nothing here waits for
//! anything else. Not here: inbox, retries and dead letters, which are the consumer's.

use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{
    ConsumerOptions, Event, EventConsumer, HandleError, Handler, Rejection, field, word,
};
use hexalpes_contracts::campaigns::{self, BudgetAlert, CampaignPerformanceReport};
use hexalpes_contracts::kind_on;
use hexalpes_contracts::onboarding::{self, ContractActivated, ContractEnded, ContractSigned};
use hexalpes_contracts::recruitment::{self, CandidateHired, CandidateMatched, RecruitmentCompleted};
use hexalpes_db::{Db, Tx};
use hexalpes_kernel::{Cause, Currency, Edge, Money, Timestamp};
use serde::Deserialize;

use crate::commands::{self, NotLearned};
use crate::domain::{
    Activation, Alert, AlertId, AlertType, BudgetAt, CampaignId, CandidateId, Contract, ContractId,
    ContractType, Day, Figures, Hire, HiringId, JobId, Json, Match, MatchId, Outcome, PartnerId, ReportId,
    RequestId,
};

/// This context's name on the wire.
const SERVICE: &str = "partner-management";

/// What is listened to, each under a subscription of its own: its name, the topic, and the type that is taken there.
const TOPICS: [(&str, &str, &str); 8] = [
    // That a contract ended is told there alone, among all that onboarding tells.
    ("contract-ended", onboarding::TOPIC, "com.hexabuilders.onboarding.ContractEnded"),
    ("contract-signed", onboarding::SIGNED_TOPIC, "com.hexabuilders.onboarding.ContractSigned"),
    ("contract-activated", onboarding::ACTIVATED_TOPIC, "com.hexabuilders.onboarding.ContractActivated"),
    ("candidate-matched", recruitment::MATCHED_TOPIC, "com.hexabuilders.recruitment.CandidateMatched"),
    ("candidate-hired", recruitment::HIRED_TOPIC, "com.hexabuilders.recruitment.CandidateHired"),
    (
        "recruitment-completed",
        recruitment::COMPLETED_TOPIC,
        "com.hexabuilders.recruitment.RecruitmentCompleted",
    ),
    ("performance-report", campaigns::REPORT_TOPIC, "com.hexabuilders.campaigns.CampaignPerformanceReport"),
    ("budget-alert", campaigns::ALERT_TOPIC, "com.hexabuilders.campaigns.BudgetAlert"),
];

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<Vec<EventConsumer>, OpenError> {
    let start = |(handler, topic, kind): (&'static str, &str, &'static str)| {
        let only_kind = kind_on(topic);
        let options =
            ConsumerOptions { only_kind, ..ConsumerOptions::new(SERVICE, handler, TopicName::parse(topic)?) };
        let told = Others { edge: Arc::clone(edge), kind };
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(edge), told, options)
    };
    TOPICS.into_iter().map(start).collect()
}

/// Takes in what the other contexts tell, of one type: another subscription may hear the rest of the topic.
#[derive(Clone, Debug)]
pub struct Others {
    pub edge: Arc<dyn Edge>,
    /// In full.
    pub kind: &'static str,
}

impl Handler for Others {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if !event.is(self.kind) {
            return Ok(());
        }
        let ids = &*self.edge;
        match event.bare_kind() {
            "ContractSigned" => {
                let (partner, contract) = signed(&event.data_as::<ContractSigned>()?)?;
                Ok(commands::learn_contract(tx, ids, &partner, &contract, cause).await?)
            }
            "ContractActivated" => {
                let (partner, contract) = activated(&event.data_as::<ContractActivated>()?, cause.at)?;
                Ok(commands::learn_contract(tx, ids, &partner, &contract, cause).await?)
            }
            "ContractEnded" => {
                let (partner, contract) = ended(&event.data_as::<ContractEnded>()?)?;
                Ok(commands::learn_contract(tx, ids, &partner, &contract, cause).await?)
            }
            "CandidateMatched" => {
                let found = matched(&event.data_as::<CandidateMatched>()?, cause.at)?;
                Ok(commands::learn_match(tx, ids, &found, cause).await?)
            }
            "CandidateHired" => {
                let hire = hired(&event.data_as::<CandidateHired>()?, cause.at)?;
                Ok(commands::learn_hire(tx, ids, &hire, cause).await?)
            }
            "RecruitmentCompleted" => {
                let told: RecruitmentCompleted = event.data_as()?;
                // A job that the recruiters opened themselves answers no request.
                let Some(request) = &told.request_id else { return Ok(()) };
                let request = field("request_id", RequestId::parse(request))?;
                let job = field("job_id", JobId::parse(&told.job_id))?;
                let partner = field("partner_id", PartnerId::parse(&told.partner_id))?;
                let outcome = word("outcome", &told.outcome, Outcome::parse)?;
                let of = (&job, &request);
                Ok(commands::complete_recruitment(tx, ids, &partner, of, outcome, cause).await?)
            }
            "CampaignPerformanceReport" => {
                let figures = reported(&event.data_as::<CampaignPerformanceReport>()?, cause.at)?;
                Ok(commands::learn_figures(tx, ids, &figures, cause).await?)
            }
            "BudgetAlert" => {
                let alert = alerted(&event.data_as::<BudgetAlert>()?, cause.at)?;
                Ok(commands::learn_alert(tx, ids, &alert, cause).await?)
            }
            // A type that this version does not know is none of its business.
            _ => Ok(()),
        }
    }
}

fn signed(told: &ContractSigned) -> Result<(PartnerId, Contract), HandleError> {
    let contract = Contract {
        id: field("contract_id", ContractId::parse(&told.contract_id))?,
        kind: word("contract_type", &told.contract_type, ContractType::parse)?,
        signed_at: Some(field("signed_at", Timestamp::parse(&told.signed_at))?),
        activation: None,
        ended_at: None,
    };
    Ok((field("partner_id", PartnerId::parse(&told.partner_id))?, contract))
}

/// A contract that was activated has been signed, whether that was told or not; when, only the other event says.
fn activated(told: &ContractActivated, now: Timestamp) -> Result<(PartnerId, Contract), HandleError> {
    let until = Some(told.expiration_date.as_str()).filter(|date| !date.is_empty());
    let contract = Contract {
        id: field("contract_id", ContractId::parse(&told.contract_id))?,
        kind: word("contract_type", &told.contract_type, ContractType::parse)?,
        signed_at: None,
        activation: Some(Activation {
            at: moment("activated_at", &told.activated_at, now)?,
            until: until.map(|date| day_or_moment("expiration_date", date)).transpose()?,
        }),
        ended_at: None,
    };
    Ok((field("partner_id", PartnerId::parse(&told.partner_id))?, contract))
}

fn ended(told: &ContractEnded) -> Result<(PartnerId, Contract), HandleError> {
    let contract = Contract {
        id: field("contract_id", ContractId::parse(&told.contract_id))?,
        kind: word("contract_type", &told.contract_type, ContractType::parse)?,
        signed_at: None,
        activation: None,
        ended_at: Some(field("ended_at", Timestamp::parse(&told.ended_at))?),
    };
    Ok((field("partner_id", PartnerId::parse(&told.partner_id))?, contract))
}

fn matched(told: &CandidateMatched, now: Timestamp) -> Result<Match, HandleError> {
    Ok(Match {
        id: field("match_id", MatchId::parse(&told.match_id))?,
        partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
        request: of_request(told.request_id.as_deref())?,
        job: field("job_id", JobId::parse(&told.job_id))?,
        candidate: field("candidate_id", CandidateId::parse(&told.candidate_id))?,
        score_bp: told.score_bp,
        rank: told.rank,
        explanation: Json::kept(told.explanation.get()),
        at: moment("matched_at", &told.matched_at, now)?,
    })
}

fn hired(told: &CandidateHired, now: Timestamp) -> Result<Hire, HandleError> {
    // Who does not say what the cost is in means the salary's.
    let code = Some(told.recruitment_cost_currency.as_str()).filter(|code| !code.is_empty());
    let currency = field("currency", Currency::parse(code.unwrap_or(&told.currency)))?;
    Ok(Hire {
        id: field("hiring_id", HiringId::parse(&told.hiring_id))?,
        partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
        request: of_request(told.request_id.as_deref())?,
        job: field("job_id", JobId::parse(&told.job_id))?,
        candidate: field("candidate_id", CandidateId::parse(&told.candidate_id))?,
        job_title: told.job_title.clone(),
        employment_type: told.employment_type.clone(),
        start_date: told.start_date.clone(),
        days: u32::try_from(told.time_to_hire).ok(),
        cost: Money::from_minor(told.recruitment_cost_minor, currency),
        at: moment("hired_at", &told.hired_at, now)?,
    })
}

fn reported(told: &CampaignPerformanceReport, now: Timestamp) -> Result<Figures, HandleError> {
    #[derive(Deserialize)]
    struct Period {
        start: String,
        end: String,
    }
    let period: Period = field("reporting_period", told.reporting_period.read())?;
    Ok(Figures {
        campaign: field("campaign_id", CampaignId::parse(&told.campaign_id))?,
        partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
        report: field("report_id", ReportId::parse(&told.report_id))?,
        start: field("reporting_period/start", Day::parse(&period.start))?,
        end: field("reporting_period/end", Day::parse(&period.end))?,
        summary: Json::kept(told.performance_summary.get()),
        kpis: Json::kept(told.kpi_achievements.get()),
        roi: Json::kept(told.roi_metrics.get()),
        at: moment("generated_at", &told.generated_at, now)?,
    })
}

fn alerted(told: &BudgetAlert, now: Timestamp) -> Result<Alert, HandleError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Budget {
        kind: Option<String>,
        version: Option<i64>,
        day: Option<String>,
    }
    let Budget { kind, version, day } = field("budget_status", told.budget_status.read())?;
    let currency = field("currency", Currency::parse(&told.currency))?;
    Ok(Alert {
        id: field("alert_id", AlertId::parse(&told.alert_id))?,
        partner: field("partner_id", PartnerId::parse(&told.partner_id))?,
        campaign: field("campaign_id", CampaignId::parse(&told.campaign_id))?,
        kind: word("alert_type", &told.alert_type, AlertType::parse)?,
        budget: BudgetAt {
            kind: kind.unwrap_or_default(),
            version: version.unwrap_or_default(),
            day: day.unwrap_or_default(),
        },
        reached_bp: told.threshold_reached_bp,
        spend: Money::from_minor(told.current_spend_minor, currency),
        limit: Money::from_minor(told.budget_limit_minor, currency),
        at: moment("alerted_at", &told.alerted_at, now)?,
    })
}

fn of_request(id: Option<&str>) -> Result<Option<RequestId>, HandleError> {
    id.filter(|id| !id.is_empty()).map(|id| field("request_id", RequestId::parse(id))).transpose()
}

/// A time that a producer of the seeds need not say: then it is now.
fn moment(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, HandleError> {
    if text.is_empty() { Ok(now) } else { field(name, Timestamp::parse(text)) }
}

fn day_or_moment(name: &str, text: &str) -> Result<Timestamp, HandleError> {
    match Day::parse(text) {
        Ok(day) => Ok(day.begins()),
        Err(_) => field(name, Timestamp::parse(text)),
    }
}

impl From<NotLearned> for HandleError {
    fn from(error: NotLearned) -> Self {
        match error {
            NotLearned::OtherPartner(_) => Self::Rejected(Rejection::new("other_partner", error.to_string())),
            NotLearned::Database(error) => error.into(),
        }
    }
}
