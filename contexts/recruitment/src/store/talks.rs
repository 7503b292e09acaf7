//! Interviews and offers as rows.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Query, SelectStatement};

use super::json::{EmploymentJson, read, written};
use super::{Cells, TENANT, by_id, hit, insert, select, update};
use crate::domain::{
    ApplicationId, Feedback, Interview, InterviewId, InterviewMode, InterviewState, Offer, OfferId,
    OfferState, Verdict,
};

pub(crate) async fn insert_interview(tx: &Tx, interview: &Interview) -> Result<(), DbError> {
    let mut cells: Cells = vec![
        ("id", interview.id.as_str().into()),
        ("application_id", interview.application.as_str().into()),
        ("scheduled_at", interview.scheduled_at.as_micros().into()),
        ("minutes", i64::from(interview.minutes).into()),
        ("mode", interview.mode.name().into()),
        ("interviewers", written(&interview.interviewers).into()),
        ("created_at", interview.created_at.as_micros().into()),
    ];
    cells.extend(interview_state(interview));
    tx.execute(&insert("interview", cells)).await.map(drop)
}

/// Writes how an interview ended, unless another did meanwhile.
pub(crate) async fn save_interview(tx: &Tx, interview: &Interview) -> Result<(), DbError> {
    let mut update = update("interview", interview.id.as_str(), interview_state(interview));
    update.and_where(Expr::col("status").eq("SCHEDULED"));
    hit(tx, &update).await
}

/// Calls off those of an application that did not take place yet.
pub(crate) async fn cancel_interviews(tx: &Tx, application: &ApplicationId) -> Result<(), DbError> {
    let cancelled = InterviewState::Cancelled { reason: None };
    let update = Query::update()
        .table("interview")
        .value("status", cancelled.name())
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("application_id").eq(application.as_str()))
        .and_where(Expr::col("status").eq(InterviewState::Scheduled.name()))
        .to_owned();
    tx.execute(&update).await.map(drop)
}

/// Cancels the interviews that are scheduled, and ends the offers that are open, of the applications that are selected.
pub(super) async fn end_talks(
    tx: &Tx,
    of: &SelectStatement,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), DbError> {
    let cancelled = InterviewState::Cancelled { reason: None };
    let interviews = Query::update()
        .table("interview")
        .value("status", cancelled.name())
        .value("notes", reason)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("application_id").in_subquery(of.clone()))
        .and_where(Expr::col("status").eq(InterviewState::Scheduled.name()))
        .to_owned();
    tx.execute(&interviews).await?;
    let at = at.as_micros();
    let sooner = Expr::case(Expr::col("expires_at").lt(at), Expr::col("expires_at")).finally(at);
    let offers = Query::update()
        .table("offer")
        .value("status", "EXPIRED")
        .value("expires_at", sooner)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("application_id").in_subquery(of.clone()))
        .and_where(Expr::col("status").eq("OPEN"))
        .to_owned();
    tx.execute(&offers).await.map(drop)
}

fn interview_state(interview: &Interview) -> Cells {
    let (held_at, feedback, notes) = match &interview.state {
        InterviewState::Scheduled => (None, None, None),
        InterviewState::Held { at, feedback } => {
            (Some(at.as_micros()), Some(feedback), feedback.notes.clone())
        }
        InterviewState::Cancelled { reason } => (None, None, reason.clone()),
    };
    vec![
        ("status", interview.state.name().into()),
        ("held_at", held_at.into()),
        ("rating", feedback.map(|feedback| i64::from(feedback.rating)).into()),
        ("verdict", feedback.map(|feedback| feedback.verdict.name()).into()),
        ("notes", notes.into()),
    ]
}

pub(crate) async fn load_interview(tx: &Tx, id: &InterviewId) -> Result<Option<Interview>, DbError> {
    tx.fetch_optional(&by_id("interview", id.as_str())).await?.map(|row| interview(&row)).transpose()
}

/// Those of an application, by when they were arranged.
pub(crate) async fn interviews_of(
    tx: &Tx,
    application: &ApplicationId,
    page: Keyset,
) -> Result<Vec<Interview>, DbError> {
    let mut select = select("interview");
    select.and_where(Expr::col("application_id").eq(application.as_str()));
    page.apply(&mut select, "created_at", "id");
    tx.fetch_all(&select).await?.iter().map(interview).collect()
}

fn interview(row: &Row) -> Result<Interview, DbError> {
    let notes: Option<String> = row.get("notes")?;
    let state = match row.get::<String>("status")?.as_str() {
        "SCHEDULED" => InterviewState::Scheduled,
        "HELD" => {
            let (rating, verdict) = (row.get("rating")?, row.parsed("verdict", Verdict::parse)?);
            InterviewState::Held { at: row.get("held_at")?, feedback: Feedback { rating, verdict, notes } }
        }
        "CANCELLED" => InterviewState::Cancelled { reason: notes },
        _ => return Err(DbError::column("status", "it is no state of an interview")),
    };
    Ok(Interview {
        id: row.parsed("id", |id| InterviewId::parse(id).ok())?,
        application: row.parsed("application_id", |id| ApplicationId::parse(id).ok())?,
        scheduled_at: row.get("scheduled_at")?,
        minutes: row.get("minutes")?,
        mode: row.parsed("mode", InterviewMode::parse)?,
        interviewers: read("interviewers", &row.get::<String>("interviewers")?)?,
        state,
        created_at: row.get("created_at")?,
    })
}

pub(crate) async fn insert_offer(tx: &Tx, offer: &Offer) -> Result<(), DbError> {
    let mut cells: Cells = vec![
        ("id", offer.id.as_str().into()),
        ("application_id", offer.application.as_str().into()),
        ("employment", written(&EmploymentJson::of(&offer.employment)).into()),
        ("expires_at", offer.expires_at.as_micros().into()),
        ("created_at", offer.created_at.as_micros().into()),
    ];
    cells.extend(offer_state(offer));
    tx.execute(&insert("offer", cells)).await.map(drop)
}

/// Writes how an offer was answered, unless another did meanwhile.
pub(crate) async fn save_offer(tx: &Tx, offer: &Offer) -> Result<(), DbError> {
    let mut update = update("offer", offer.id.as_str(), offer_state(offer));
    update.and_where(Expr::col("status").eq("OPEN"));
    hit(tx, &update).await
}

fn offer_state(offer: &Offer) -> Cells {
    let (status, at, reason): (_, Option<Timestamp>, _) = match &offer.state {
        OfferState::Open => ("OPEN", None, None),
        OfferState::Accepted { at } => ("ACCEPTED", Some(*at), None),
        OfferState::Declined { at, reason } => ("DECLINED", Some(*at), reason.clone()),
        OfferState::Expired => ("EXPIRED", None, None),
    };
    vec![
        ("status", status.into()),
        ("answered_at", at.map(Timestamp::as_micros).into()),
        ("reason", reason.into()),
    ]
}

pub(crate) async fn load_offer(tx: &Tx, id: &OfferId) -> Result<Option<Offer>, DbError> {
    tx.fetch_optional(&by_id("offer", id.as_str())).await?.map(|row| offer(&row)).transpose()
}

/// Those of an application, by when they were made; all of them without a page.
pub(crate) async fn offers_of(
    tx: &Tx,
    application: &ApplicationId,
    page: Option<Keyset>,
) -> Result<Vec<Offer>, DbError> {
    let mut select = select("offer");
    select.and_where(Expr::col("application_id").eq(application.as_str()));
    if let Some(page) = page {
        page.apply(&mut select, "created_at", "id");
    }
    tx.fetch_all(&select).await?.iter().map(offer).collect()
}

fn offer(row: &Row) -> Result<Offer, DbError> {
    let answered = || row.get("answered_at");
    let state = match row.get::<String>("status")?.as_str() {
        "OPEN" => OfferState::Open,
        "ACCEPTED" => OfferState::Accepted { at: answered()? },
        "DECLINED" => OfferState::Declined { at: answered()?, reason: row.get("reason")? },
        "EXPIRED" => OfferState::Expired,
        _ => return Err(DbError::column("status", "it is no state of an offer")),
    };
    let employment: EmploymentJson = read("employment", &row.get::<String>("employment")?)?;
    let employment = employment.employment();
    Ok(Offer {
        id: row.parsed("id", |id| OfferId::parse(id).ok())?,
        application: row.parsed("application_id", |id| ApplicationId::parse(id).ok())?,
        employment: employment.ok_or_else(|| DbError::column("employment", "it is no employment"))?,
        expires_at: row.get("expires_at")?,
        state,
        created_at: row.get("created_at")?,
    })
}

pub(crate) async fn count_interviews(tx: &Tx, application: &ApplicationId) -> Result<u32, DbError> {
    count(tx, "interview", application).await
}

pub(crate) async fn count_offers(tx: &Tx, application: &ApplicationId) -> Result<u32, DbError> {
    count(tx, "offer", application).await
}

async fn count(tx: &Tx, table: &'static str, application: &ApplicationId) -> Result<u32, DbError> {
    let select = Query::select()
        .expr_as(Expr::col("id").count(), "number")
        .from(table)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("application_id").eq(application.as_str()))
        .to_owned();
    tx.fetch_one(&select).await?.get("number")
}

/// Forgets what people wrote of a candidate in the talks of an application.
pub(crate) async fn forget_words(tx: &Tx, application: &ApplicationId) -> Result<(), DbError> {
    for (table, column) in [("interview", "notes"), ("offer", "reason")] {
        let update = Query::update()
            .table(table)
            .value(column, Option::<String>::None)
            .and_where(Expr::col("tenant").eq(TENANT))
            .and_where(Expr::col("application_id").eq(application.as_str()))
            .to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}
