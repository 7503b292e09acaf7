//! How long it takes to find who fits one job among 100,000 candidates, on SQLite:
//! `cargo run --release -p hexalpes-recruitment --example match`.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_http::IfMatch;
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Currency, Edge, SystemEdge};
use hexalpes_recruitment::commands::{self, OpenJob, StartMatching};
use hexalpes_recruitment::domain::{
    Document, ExperienceLevel, JobId, JobTerms, JobType, MoneyRange, PartnerId, PayRange, Period, Place,
    RequiredSkill, Shortlist, Skill, Urgency,
};
use hexalpes_recruitment::{CandidateIndex, look};
use sea_query::Query;

const CANDIDATES: usize = 100_000;
const IN_ONE_STATEMENT: usize = 500;
const IN_ONE_TRANSACTION: usize = 10_000;
const JOBS: usize = 200;
/// For one job.
const AIM: Duration = Duration::from_millis(300);
const SKILLS: [&str; 24] = [
    "Rust",
    "PostgreSQL",
    "Kafka",
    "Pulsar",
    "Go",
    "Java",
    "Python",
    "TypeScript",
    "React",
    "AWS",
    "Terraform",
    "Kubernetes",
    "Linux",
    "Docker",
    "Redis",
    "MySQL",
    "C++",
    "C#",
    "Scala",
    "Kotlin",
    "Swift",
    "PHP",
    "Ruby",
    "SQL",
];
const PLACES: [&str; 8] = [
    "Bogotá, Colombia",
    "Medellín",
    "Lima",
    "Quito",
    "Santiago",
    "Madrid",
    "Ciudad de México",
    "Buenos Aires",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("recruitment.db").display());
    let db = Db::open(&DatabaseUrl::parse(&url)?, DbOptions::default()).await?;
    db.migrate(hexalpes_outbox::MIGRATIONS).await?;
    db.migrate(hexalpes_recruitment::MIGRATIONS).await?;
    let edge: Arc<dyn Edge> = Arc::new(SystemEdge);

    let started = Instant::now();
    for first in (0..CANDIDATES).step_by(IN_ONE_TRANSACTION) {
        db.write(async move |tx: &Tx| register(tx, first).await).await?;
    }
    println!("registered {CANDIDATES} candidates in {:.1?}", started.elapsed());
    let started = Instant::now();
    let index = CandidateIndex::default();
    index.warm(&db).await?;
    println!("read {} of them into memory, as after a start, in {:.0?}", index.len(), started.elapsed());

    let (mut times, mut written) = (Vec::with_capacity(JOBS), Vec::with_capacity(JOBS));
    for number in 0..JOBS {
        let job = JobId::new(edge.uuid());
        let partner = PartnerId::parse("partner-1")?;
        let open =
            OpenJob { id: job.clone(), partner, request: None, terms: terms(number)?, requested_at: None };
        let (opened_by, matched_by, ids) = (cause(&*edge), cause(&*edge), Arc::clone(&edge));
        db.write(async move |tx: &Tx| commands::open_job(tx, open.clone(), &opened_by).await).await?;
        let start = StartMatching { job: job.clone(), seen: IfMatch::default(), because_of: BTreeMap::new() };
        let started = Instant::now();
        let found = look(&db, &index, &job).await?;
        let looked = Instant::now();
        let matched = db
            .write(async move |tx: &Tx| {
                commands::start_matching(tx, start.clone(), &found, &*ids, &matched_by).await
            })
            .await?;
        times.push(started.elapsed());
        written.push(looked.elapsed());
        assert!(matched.told > 0, "somebody fits");
    }
    println!("matched {JOBS} jobs with all of them, shortlists, explanations and events included:");
    println!("  of it in the transaction, which others wait for: {}", spread(&mut written));
    println!("  all of it: {}; the aim is {AIM:?}", spread(&mut times));
    db.close().await;
    Ok(())
}

/// Median, 99th percentile and the longest.
fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
    format!("p50 {:.1?}, p99 {:.1?}, at most {:.1?}", at(50), at(99), at(100))
}

fn cause(edge: &dyn Edge) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::anonymous(),
        at: edge.now(),
    }
}

/// Some numbers that look like chance and are the same each time.
fn drawn(candidate: usize, which: usize, of: usize) -> usize {
    let mut bits = (candidate as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (which as u64) << 32;
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (bits >> 33) as usize % of
}

/// Candidates as the context keeps them.
async fn register(tx: &Tx, first: usize) -> Result<(), DbError> {
    for start in (first..first + IN_ONE_TRANSACTION).step_by(IN_ONE_STATEMENT) {
        let mut candidates = Query::insert();
        candidates.into_table("candidate").columns([
            "tenant",
            "id",
            "revision",
            "status",
            "name",
            "email",
            "email_key",
            "source",
            "experience_years",
            "profile",
            "registered_at",
            "changed_at",
        ]);
        let mut changes = Query::insert();
        changes.into_table("candidate_change").columns(["tenant", "candidate_id"]);
        for number in start..start + IN_ONE_STATEMENT {
            let id = format!("{number:036}");
            let years = drawn(number, 0, 20);
            let skills: Vec<String> = (1..=8)
                .map(|which| {
                    let skill = SKILLS[drawn(number, which, SKILLS.len())];
                    format!(r#"{{"name":"{skill}","years":{}}}"#, drawn(number, which + 20, 10))
                })
                .collect();
            let profile = format!(
                r#"{{"skills":[{}],"years":{years},"locations":["{}"],"remote":{},"relocation":false,"pay":{{"minor":{},"currency":"USD","period":"YEAR"}},"job_types":["FULL_TIME"],"available_from":"2025-03-01","summary":null}}"#,
                skills.join(","),
                PLACES[drawn(number, 40, PLACES.len())],
                drawn(number, 41, 2) == 0,
                3_000_000 + drawn(number, 42, 6_000_000),
            );
            let email = format!("c{number}@example.com");
            candidates.values_panic([
                "default".into(),
                id.as_str().into(),
                1_i64.into(),
                "ACTIVE".into(),
                format!("Candidate {number}").into(),
                email.as_str().into(),
                email.as_str().into(),
                "EXTERNAL".into(),
                i64::try_from(years).unwrap_or(0).into(),
                profile.into(),
                0_i64.into(),
                0_i64.into(),
            ]);
            changes.values_panic(["default".into(), id.into()]);
        }
        tx.execute(&candidates).await?;
        tx.execute(&changes).await?;
    }
    Ok(())
}

fn terms(number: usize) -> Result<JobTerms, Box<dyn Error>> {
    let skill = |which: usize| Skill::parse(SKILLS[drawn(number, which, SKILLS.len())]);
    let mut required: Vec<RequiredSkill> = Vec::new();
    for which in 0..6 {
        let skill = skill(which)?;
        if !required.iter().any(|known| known.skill == skill) {
            required.push(RequiredSkill { skill, level: None, years: Some(3) });
        }
    }
    let range = MoneyRange::new(None, Some(6_000_000), Currency::USD)?;
    Ok(JobTerms {
        title: format!("Job {number}"),
        department: None,
        description: None,
        responsibilities: Vec::new(),
        details: Document::default(),
        openings: 1,
        required_skills: required,
        nice_to_have_skills: vec![skill(7)?, skill(8)?],
        experience_level: ExperienceLevel::Senior,
        job_type: JobType::FullTime,
        remote_work_allowed: number.is_multiple_of(2),
        locations: vec![Place::parse(PLACES[number % PLACES.len()])?],
        salary: Some(PayRange { range, period: Period::Year }),
        budget: None,
        start_by: None,
        fill_by: None,
        days_max: None,
        urgency: Urgency::High,
        sources: Vec::new(),
        screening: Document::default(),
        shortlist: Shortlist::default(),
    })
}
