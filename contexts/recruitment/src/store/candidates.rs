//! Candidates as rows, and by what they are found again.

use std::collections::BTreeMap;

use hexalpes_db::{DbError, Keyset, Row, Tx};
use sea_query::{Expr, ExprTrait as _, Query};

use super::json::{ProfileJson, read, written};
use super::{Cells, TENANT, by_id, changes, hit, insert, narrow, select, update};
use crate::domain::{
    ALIKE_BP, Candidate, CandidateId, CandidateStatus, NameSound, Phone, Profile, Source, StoredCandidate,
};
use hexalpes_kernel::Email;

/// Candidates with a like name that are looked at.
const NAMESAKES_MAX: u64 = 200;
/// And those that are told of.
const ALIKE_MAX: usize = 5;

/// What another candidate has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Email { by: CandidateId },
    Phone { by: CandidateId },
}

/// Inserts a candidate, or tells what it has in common with one that is there.
pub(crate) async fn insert_candidate(tx: &Tx, candidate: &Candidate) -> Result<Option<Taken>, DbError> {
    let mut cells: Cells = vec![
        ("id", candidate.id().as_str().into()),
        ("registered_at", candidate.registered_at().as_micros().into()),
    ];
    cells.extend(changing(candidate));
    if tx.insert_new(&insert("candidate", cells), "id").await? {
        insert_skills(tx, candidate).await?;
        insert_pairs(tx, candidate).await?;
        changes::note(tx, candidate.id(), true).await?;
        return Ok(None);
    }
    match taken(tx, candidate).await? {
        Some(taken) => Ok(Some(taken)),
        None => Err(DbError::Conflict("somebody registered the same a moment ago".to_owned())),
    }
}

/// Writes a candidate over what it was, or tells that another has its e-mail or telephone.
pub(crate) async fn save_candidate(
    tx: &Tx,
    candidate: &Candidate,
    before: &Candidate,
) -> Result<Option<Taken>, DbError> {
    // On a server, another that takes them meanwhile makes this fail as a whole and run again.
    if let Some(taken) = taken(tx, candidate).await? {
        return Ok(Some(taken));
    }
    let mut update = update("candidate", candidate.id().as_str(), changing(candidate));
    update.and_where(Expr::col("revision").eq(i64::from(before.revision())));
    hit(tx, &update).await?;
    if candidate.profile().skills != before.profile().skills {
        forget(tx, "candidate_skill", candidate.id()).await?;
        insert_skills(tx, candidate).await?;
    }
    if candidate.profile().name != before.profile().name {
        forget(tx, "candidate_name_pair", candidate.id()).await?;
        insert_pairs(tx, candidate).await?;
    }
    changes::note(tx, candidate.id(), false).await?;
    Ok(None)
}

pub(crate) async fn load_candidate(tx: &Tx, id: &CandidateId) -> Result<Option<Candidate>, DbError> {
    tx.fetch_optional(&by_id("candidate", id.as_str())).await?.map(|row| candidate(&row)).transpose()
}

/// In no order.
pub(crate) async fn load_candidates(tx: &Tx, ids: &[&str]) -> Result<Vec<Candidate>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = select("candidate");
    select.and_where(Expr::col("id").is_in(ids.iter().copied()));
    tx.fetch_all(&select).await?.iter().map(candidate).collect()
}

/// The revisions of those who can be hired, by their ids.
pub(crate) async fn revisions_of_active(tx: &Tx, ids: &[&str]) -> Result<BTreeMap<String, u32>, DbError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let select = Query::select()
        .columns(["id", "revision"])
        .from("candidate")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .and_where(Expr::col("status").eq(CandidateStatus::Active.name()))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("revision")?))).collect()
}

/// What a list of candidates is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct CandidateFilter {
    pub(crate) email: Option<Email>,
    pub(crate) phone: Option<Phone>,
    pub(crate) source: Option<Source>,
    pub(crate) status: Option<&'static str>,
    /// The key of a skill.
    pub(crate) skill: Option<String>,
    pub(crate) years_min: Option<i64>,
}

/// By when they were registered.
pub(crate) async fn page_of_candidates(
    tx: &Tx,
    filter: CandidateFilter,
    page: Keyset,
) -> Result<Vec<Candidate>, DbError> {
    let CandidateFilter { email, phone, source, status, skill, years_min } = filter;
    let filters = [
        ("email_key", email.map(|email| email.key())),
        ("phone", phone.map(|phone| phone.to_string())),
        ("source", source.map(|source| source.name().to_owned())),
        ("status", status.map(str::to_owned)),
    ];
    let mut select = select("candidate");
    narrow(&mut select, filters);
    select.and_where_option(years_min.map(|years| Expr::col("experience_years").gte(years)));
    if let Some(skill) = skill {
        let with_skill = Query::select()
            .column("candidate_id")
            .from("candidate_skill")
            .and_where(Expr::col("tenant").eq(TENANT))
            .and_where(Expr::col("skill_key").eq(skill))
            .to_owned();
        select.and_where(Expr::col("id").in_subquery(with_skill));
    }
    page.apply(&mut select, "registered_at", "id");
    tx.fetch_all(&select).await?.iter().map(candidate).collect()
}

/// A candidate whose name sounds like another's, with how much, in basis points.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    pub(crate) id: CandidateId,
    pub(crate) name: String,
    pub(crate) similarity_bp: u32,
}

/// Active candidates whose names sound like this one's, the likest first.
pub(crate) async fn alike(tx: &Tx, of: &Candidate) -> Result<Vec<Alike>, DbError> {
    let sound = NameSound::of(&of.profile().name);
    let pairs = sound.pairs();
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let namesakes = Query::select()
        .column("candidate_id")
        .from("candidate_name_pair")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("pair").is_in(pairs))
        .to_owned();
    // A batch asks for each of its candidates: no more is read than is told.
    let named = Query::select()
        .columns(["id", "name"])
        .from("candidate")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("status").eq(CandidateStatus::Active.name()))
        .and_where(Expr::col("id").ne(of.id().as_str()))
        .and_where(Expr::col("id").in_subquery(namesakes))
        .limit(NAMESAKES_MAX)
        .to_owned();
    let read = |row: &Row| -> Result<Alike, DbError> {
        let name: String = row.get("name")?;
        let similarity_bp = sound.similarity_bp(&NameSound::of(&name));
        Ok(Alike { id: row.parsed("id", |id| CandidateId::parse(id).ok())?, name, similarity_bp })
    };
    let rows = tx.fetch_all(&named).await?;
    let mut alike: Vec<Alike> = rows.iter().map(read).collect::<Result<_, _>>()?;
    alike.retain(|other| other.similarity_bp >= ALIKE_BP);
    alike.sort_by(|one, other| {
        other.similarity_bp.cmp(&one.similarity_bp).then_with(|| one.id.cmp(&other.id))
    });
    alike.truncate(ALIKE_MAX);
    Ok(alike)
}

async fn taken(tx: &Tx, candidate: &Candidate) -> Result<Option<Taken>, DbError> {
    let Profile { email, phone, .. } = candidate.profile();
    if let Some(email) = email
        && let Some(by) = other_with(tx, candidate, "email_key", email.key()).await?
    {
        return Ok(Some(Taken::Email { by }));
    }
    let Some(phone) = phone else { return Ok(None) };
    let by = other_with(tx, candidate, "phone", phone.to_string()).await?;
    Ok(by.map(|by| Taken::Phone { by }))
}

async fn other_with(
    tx: &Tx,
    candidate: &Candidate,
    column: &'static str,
    value: String,
) -> Result<Option<CandidateId>, DbError> {
    let mut select = select("candidate");
    select.and_where(Expr::col(column).eq(value)).and_where(Expr::col("id").ne(candidate.id().as_str()));
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| row.parsed("id", |id| CandidateId::parse(id).ok())).transpose()
}

async fn insert_skills(tx: &Tx, candidate: &Candidate) -> Result<(), DbError> {
    let keys = candidate.profile().skills.iter().map(|held| held.skill.key().to_owned()).collect();
    insert_words(tx, "candidate_skill", "skill_key", keys, candidate.id()).await
}

async fn insert_pairs(tx: &Tx, candidate: &Candidate) -> Result<(), DbError> {
    let pairs = NameSound::of(&candidate.profile().name).pairs();
    insert_words(tx, "candidate_name_pair", "pair", pairs, candidate.id()).await
}

async fn insert_words(
    tx: &Tx,
    table: &'static str,
    column: &'static str,
    mut words: Vec<String>,
    of: &CandidateId,
) -> Result<(), DbError> {
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(table).columns(["tenant", column, "candidate_id"]);
    for word in words {
        insert.values_panic([TENANT.into(), word.into(), of.as_str().into()]);
    }
    tx.execute(&insert).await.map(drop)
}

async fn forget(tx: &Tx, table: &'static str, of: &CandidateId) -> Result<(), DbError> {
    let delete = Query::delete()
        .from_table(table)
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("candidate_id").eq(of.as_str()))
        .to_owned();
    tx.execute(&delete).await.map(drop)
}

fn changing(candidate: &Candidate) -> Cells {
    let profile = candidate.profile();
    let merged_into = match candidate.status() {
        CandidateStatus::Merged { into } => Some(into.as_str()),
        CandidateStatus::Active | CandidateStatus::Erased => None,
    };
    vec![
        ("revision", i64::from(candidate.revision()).into()),
        ("status", candidate.status().name().into()),
        ("merged_into", merged_into.into()),
        ("name", profile.name.as_str().into()),
        ("email", profile.email.as_ref().map(Email::as_str).into()),
        ("email_key", profile.email.as_ref().map(Email::key).into()),
        ("phone", profile.phone.as_ref().map(Phone::as_str).into()),
        ("source", profile.source.name().into()),
        ("experience_years", i64::from(profile.years()).into()),
        ("profile", written(&ProfileJson::of(profile)).into()),
        ("changed_at", candidate.changed_at().as_micros().into()),
    ]
}

pub(super) fn candidate(row: &Row) -> Result<Candidate, DbError> {
    let status = match row.get::<String>("status")?.as_str() {
        "ACTIVE" => CandidateStatus::Active,
        "MERGED" => {
            CandidateStatus::Merged { into: row.parsed("merged_into", |id| CandidateId::parse(id).ok())? }
        }
        "ERASED" => CandidateStatus::Erased,
        _ => return Err(DbError::column("status", "it is no state of a candidate")),
    };
    let profile: ProfileJson = read("profile", &row.get::<String>("profile")?)?;
    let profile =
        profile.profile().ok_or_else(|| DbError::column("profile", "it is no profile of a candidate"))?;
    Ok(Candidate::restore(StoredCandidate {
        id: row.parsed("id", |id| CandidateId::parse(id).ok())?,
        revision: row.get("revision")?,
        status,
        profile: Profile {
            name: row.get("name")?,
            email: row.parsed_if_any("email", |email| Email::parse(email).ok())?,
            phone: row.parsed_if_any("phone", |phone| Phone::parse(phone).ok())?,
            source: row.parsed("source", Source::parse)?,
            ..profile
        },
        registered_at: row.get("registered_at")?,
        changed_at: row.get("changed_at")?,
    }))
}
