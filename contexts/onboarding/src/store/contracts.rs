//! Contracts as rows, with their signatories and proposals.

use std::collections::BTreeMap;

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement, Value};

use super::TENANT;
use super::tables::{Contracts, Proposals, Signatories};
use crate::domain::audit::Head;
use crate::domain::{
    Contract, ContractId, ContractType, Document, Draft, Fact, Language, Origin, Outcome, Partner, PartnerId,
    PartnerType, Party, Proposal, Signatory, Signing, State, Stored, TemplateId, Validity,
};
use crate::{requests, views};

/// Inserts a contract unless its partner is being taken on already; tells whether it did.
pub(crate) async fn insert(tx: &Tx, contract: &Contract) -> Result<bool, DbError> {
    let parts = contract.parts();
    let draft = &parts.draft;
    let registered = matches!(draft.origin, Origin::Registration).then(|| draft.partner.id.as_str());
    let (columns, values): (Vec<_>, Vec<_>) = row_of(contract).into_iter().unzip();
    let fixed: [(Contracts, Value); 11] = [
        (Contracts::Tenant, TENANT.into()),
        (Contracts::Id, parts.id.as_str().into()),
        (Contracts::PartnerId, draft.partner.id.as_str().into()),
        (Contracts::PartnerType, draft.partner.partner_type.name().into()),
        (Contracts::ContractType, draft.contract_type.name().into()),
        (Contracts::TemplateId, draft.template.as_str().into()),
        (Contracts::Language, draft.language.name().into()),
        (Contracts::InitialData, draft.initial_data.as_str().into()),
        (Contracts::Origin, draft.origin.name().into()),
        (Contracts::Renews, draft.origin.renews().map(ContractId::as_str).into()),
        (Contracts::RegisteredPartner, registered.into()),
    ];
    let (fixed_columns, fixed_values): (Vec<_>, Vec<_>) = fixed.into_iter().unzip();
    let created: (Contracts, Value) = (Contracts::CreatedAt, parts.created_at.as_micros().into());
    let insert = Query::insert()
        .into_table(Contracts::Table)
        .columns(fixed_columns.into_iter().chain([created.0]).chain(columns))
        .values_panic(fixed_values.into_iter().chain([created.1]).chain(values).map(Expr::from))
        .to_owned();
    if !tx.insert_new(&insert, Contracts::Id).await? {
        return Ok(false);
    }
    save_signatories(tx, contract.id(), contract.signatories()).await?;
    Ok(true)
}

/// Writes what the facts changed, if nobody else changed it meanwhile.
pub(crate) async fn save(tx: &Tx, contract: &Contract, before: u32, facts: &[Fact]) -> Result<(), DbError> {
    let update = Query::update()
        .table(Contracts::Table)
        .values(row_of(contract).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::Id).eq(contract.id().as_str()))
        .and_where(Expr::col(Contracts::Revision).eq(i64::from(before)))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Err(DbError::Conflict("the contract was changed a moment ago".to_owned()));
    }
    let signatories = |fact: &Fact| {
        matches!(fact, Fact::Changed | Fact::Sent { .. } | Fact::TokenRenewed { .. } | Fact::SignedBy { .. })
    };
    if facts.iter().any(signatories) {
        save_signatories(tx, contract.id(), contract.signatories()).await?;
    }
    let proposals =
        |fact: &Fact| matches!(fact, Fact::Proposed { .. } | Fact::Accepted { .. } | Fact::Rejected { .. });
    if facts.iter().any(proposals) {
        // A verb makes or decides the last one, and supersedes at most the one before it; what is older stays.
        for proposal in contract.parts().proposals.iter().rev().take(2).rev() {
            save_proposal(tx, contract.id().as_str(), proposal).await?;
        }
    }
    Ok(())
}

/// What a verb may change.
fn row_of(contract: &Contract) -> Vec<(Contracts, Value)> {
    let parts = contract.parts();
    let draft = &parts.draft;
    let micros = |at: Option<Timestamp>| -> Value { at.map(Timestamp::as_micros).into() };
    let ending = parts.state.ending();
    let document = parts.document.as_ref();
    let open = parts.state.is_open().then(|| draft.partner.id.as_str());
    vec![
        (Contracts::Revision, i64::from(parts.revision).into()),
        (Contracts::BusinessName, draft.partner.business_name.as_str().into()),
        (Contracts::Email, draft.partner.email.as_str().into()),
        (Contracts::Terms, views::terms_json(&draft.terms).get().into()),
        (Contracts::OpenPartner, open.into()),
        (Contracts::Status, parts.state.name().into()),
        (Contracts::Reason, ending.reason.into()),
        (Contracts::RenewedBy, ending.renewed_by.map(ContractId::as_str).into()),
        (Contracts::EndedAt, micros(ending.at)),
        (Contracts::EffectiveDate, micros(draft.effective_date)),
        (Contracts::SignedAt, micros(parts.signed_at)),
        (Contracts::ValidFrom, micros(parts.validity.map(|validity| validity.from))),
        (Contracts::ValidUntil, micros(parts.validity.map(|validity| validity.until))),
        (Contracts::RemindedDays, parts.reminded_days.map(i64::from).into()),
        (Contracts::DueAt, micros(contract.due_at())),
        (Contracts::DocumentTitle, document.map(|document| document.title.as_str()).into()),
        (Contracts::DocumentText, document.map(|document| document.text.as_str()).into()),
        (Contracts::DocumentHtml, document.map(|document| document.html.as_str()).into()),
        (Contracts::DocumentHash, document.map(|document| document.hash.as_str()).into()),
        (Contracts::SentAt, micros(document.map(|document| document.sent_at))),
        (Contracts::TrailEntries, i64::from(parts.trail.entries).into()),
        (Contracts::TrailHash, parts.trail.hash.as_str().into()),
        (Contracts::ChangedAt, parts.changed_at.as_micros().into()),
    ]
}

/// They may be replaced by others before the contract is sent.
pub(super) async fn save_signatories(
    tx: &Tx,
    contract: &ContractId,
    signatories: &[Signatory],
) -> Result<(), DbError> {
    let id = contract.as_str();
    let delete = Query::delete()
        .from_table(Signatories::Table)
        .and_where(Expr::col(Signatories::Tenant).eq(TENANT))
        .and_where(Expr::col(Signatories::ContractId).eq(id))
        .to_owned();
    tx.execute(&delete).await?;
    for one in signatories {
        insert_signatory(tx, id, one).await?;
    }
    Ok(())
}

async fn insert_signatory(tx: &Tx, contract: &str, one: &Signatory) -> Result<(), DbError> {
    let (until, signed_at, signed_as) = match &one.signing {
        Signing::NotAsked => (None, None, None),
        Signing::Asked { until, .. } => (Some(*until), None, None),
        Signing::Signed { at, signed_as, .. } => (None, Some(*at), Some(signed_as.as_str())),
    };
    let insert = Query::insert()
        .into_table(Signatories::Table)
        .columns([
            Signatories::Tenant,
            Signatories::ContractId,
            Signatories::Position,
            Signatories::Party,
            Signatories::Name,
            Signatories::Email,
            Signatories::TokenHash,
            Signatories::TokenUntil,
            Signatories::SignedAt,
            Signatories::SignedAs,
        ])
        .values_panic([
            TENANT.into(),
            contract.into(),
            i64::from(one.position).into(),
            one.party.name().into(),
            one.name.as_str().into(),
            one.email.as_str().into(),
            one.token_hash().into(),
            until.map(Timestamp::as_micros).into(),
            signed_at.map(Timestamp::as_micros).into(),
            signed_as.into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

async fn save_proposal(tx: &Tx, contract: &str, proposal: &Proposal) -> Result<(), DbError> {
    let decided = proposal.outcome.decided();
    let decided_by = decided.and_then(|(actor, _)| actor);
    let decided_at = decided.map(|(_, at)| at.as_micros());
    let update = Query::update()
        .table(Proposals::Table)
        .value(Proposals::Outcome, proposal.outcome.name())
        .value(Proposals::DecidedBy, decided_by)
        .value(Proposals::DecidedAt, decided_at)
        .and_where(Expr::col(Proposals::Tenant).eq(TENANT))
        .and_where(Expr::col(Proposals::ContractId).eq(contract))
        .and_where(Expr::col(Proposals::Number).eq(i64::from(proposal.number)))
        .to_owned();
    if tx.execute(&update).await? > 0 {
        return Ok(());
    }
    let insert = Query::insert()
        .into_table(Proposals::Table)
        .columns([
            Proposals::Tenant,
            Proposals::ContractId,
            Proposals::Number,
            Proposals::Party,
            Proposals::Actor,
            Proposals::At,
            Proposals::Terms,
            Proposals::Note,
            Proposals::Outcome,
            Proposals::DecidedBy,
            Proposals::DecidedAt,
        ])
        .values_panic([
            TENANT.into(),
            contract.into(),
            i64::from(proposal.number).into(),
            proposal.by.name().into(),
            proposal.actor.as_str().into(),
            proposal.at.as_micros().into(),
            views::terms_json(&proposal.terms).get().into(),
            proposal.note.as_deref().into(),
            proposal.outcome.name().into(),
            decided_by.into(),
            decided_at.into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}

pub(crate) async fn load(tx: &Tx, id: &ContractId) -> Result<Option<Contract>, DbError> {
    let select = select().and_where(Expr::col(Contracts::Id).eq(id.as_str())).to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    Ok(whole(tx, &[row]).await?.pop())
}

/// The contract with which a partner is being taken on.
pub(crate) async fn open_of(tx: &Tx, partner: &PartnerId) -> Result<Option<ContractId>, DbError> {
    let select = Query::select()
        .column(Contracts::Id)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::OpenPartner).eq(partner.as_str()))
        .to_owned();
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| row.parsed("id", |id| ContractId::parse(id).ok())).transpose()
}

/// What the newest contract of a partner is written in, if it has one.
pub(crate) async fn language_of(tx: &Tx, partner: &PartnerId) -> Result<Option<Language>, DbError> {
    let select = Query::select()
        .column(Contracts::Language)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::PartnerId).eq(partner.as_str()))
        .order_by(Contracts::CreatedAt, Order::Desc)
        .order_by(Contracts::Id, Order::Desc)
        .limit(1)
        .to_owned();
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| row.parsed("language", Language::parse)).transpose()
}

/// The contract that began with a partner's registration.
pub(crate) async fn registered(tx: &Tx, partner: &PartnerId) -> Result<Option<ContractId>, DbError> {
    let select = Query::select()
        .column(Contracts::Id)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::RegisteredPartner).eq(partner.as_str()))
        .to_owned();
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| row.parsed("id", |id| ContractId::parse(id).ok())).transpose()
}

/// Those for which time brings something about by now, the longest due first.
pub(crate) async fn due(tx: &Tx, now: Timestamp, limit: u64) -> Result<Vec<ContractId>, DbError> {
    let select = Query::select()
        .column(Contracts::Id)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::DueAt).lte(now.as_micros()))
        .order_by(Contracts::DueAt, Order::Asc)
        .limit(limit)
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    rows.iter().map(|row| row.parsed("id", |id| ContractId::parse(id).ok())).collect()
}

/// What a list of contracts is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContractFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) contract_type: Option<ContractType>,
    pub(crate) status: Option<&'static str>,
}

/// By the time of their drafting.
pub(crate) async fn page(tx: &Tx, filter: ContractFilter, page: Keyset) -> Result<Vec<Contract>, DbError> {
    let ContractFilter { partner, contract_type, status } = filter;
    let mut select = select();
    select
        .and_where_option(partner.map(|id| Expr::col(Contracts::PartnerId).eq(id.as_str())))
        .and_where_option(contract_type.map(|of| Expr::col(Contracts::ContractType).eq(of.name())))
        .and_where_option(status.map(|status| Expr::col(Contracts::Status).eq(status)));
    page.apply(&mut select, Contracts::CreatedAt, Contracts::Id);
    whole(tx, &tx.fetch_all(&select).await?).await
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .to_owned()
}

/// Contracts with what belongs to them, in the order of their rows.
async fn whole(tx: &Tx, rows: &[Row]) -> Result<Vec<Contract>, DbError> {
    let ids = rows.iter().map(|row| row.get("id")).collect::<Result<Vec<String>, _>>()?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut signatories = signatories_of(tx, &ids).await?;
    let mut proposals = proposals_of(tx, &ids).await?;
    let mut of =
        |id: &String| (signatories.remove(id).unwrap_or_default(), proposals.remove(id).unwrap_or_default());
    rows.iter().zip(&ids).map(|(row, id)| contract(row, of(id))).collect()
}

fn contract(
    row: &Row,
    (signatories, proposals): (Vec<Signatory>, Vec<Proposal>),
) -> Result<Contract, DbError> {
    let (from, until): (Option<Timestamp>, Option<Timestamp>) =
        (row.get("valid_from")?, row.get("valid_until")?);
    let signed_at: Option<Timestamp> = row.get("signed_at")?;
    Ok(Contract::restore(Stored {
        state: state(row, signed_at)?,
        id: row.parsed("id", |id| ContractId::parse(id).ok())?,
        revision: row.get("revision")?,
        draft: Draft {
            partner: Partner {
                id: row.parsed("partner_id", |id| PartnerId::parse(id).ok())?,
                partner_type: row.parsed("partner_type", PartnerType::parse)?,
                business_name: row.get("business_name")?,
                email: row.get("email")?,
            },
            contract_type: row.parsed("contract_type", ContractType::parse)?,
            template: row.parsed("template_id", |id| TemplateId::parse(id).ok())?,
            language: row.parsed("language", Language::parse)?,
            terms: row.parsed("terms", requests::kept_terms)?,
            initial_data: row.get("initial_data")?,
            origin: origin(row)?,
            signatories,
            effective_date: row.get("effective_date")?,
        },
        proposals,
        document: document(row)?,
        signed_at,
        validity: from.zip(until).map(|(from, until)| Validity { from, until }),
        reminded_days: row.get("reminded_days")?,
        trail: Head { entries: row.get("trail_entries")?, hash: row.get("trail_hash")? },
        created_at: row.get("created_at")?,
        changed_at: row.get("changed_at")?,
    }))
}

fn origin(row: &Row) -> Result<Origin, DbError> {
    Ok(match row.get::<String>("origin")?.as_str() {
        "REGISTRATION" => Origin::Registration,
        "REQUEST" => Origin::Request,
        "RENEWAL" => Origin::Renewal { of: row.parsed("renews", |id| ContractId::parse(id).ok())? },
        _ => return Err(DbError::column("origin", "it is no origin of a contract")),
    })
}

fn state(row: &Row, signed_at: Option<Timestamp>) -> Result<State, DbError> {
    let ended = || row.get::<Timestamp>("ended_at");
    Ok(match row.get::<String>("status")?.as_str() {
        "DRAFT" => State::Draft,
        "NEGOTIATION" => State::Negotiation,
        "SENT" => State::Sent,
        "SIGNED" => {
            State::Signed { at: signed_at.ok_or_else(|| DbError::column("signed_at", "it is null"))? }
        }
        "ACTIVE" => State::Active,
        "EXPIRED" => State::Expired { at: ended()? },
        "RENEWED" => {
            State::Renewed { by: row.parsed("renewed_by", |id| ContractId::parse(id).ok())?, at: ended()? }
        }
        "TERMINATED" => State::Terminated { reason: row.get("reason")?, at: ended()? },
        _ => return Err(DbError::column("status", "it is no state of a contract")),
    })
}

fn document(row: &Row) -> Result<Option<Document>, DbError> {
    let Some(hash) = row.get::<Option<String>>("document_hash")? else { return Ok(None) };
    Ok(Some(Document {
        title: row.get("document_title")?,
        text: row.get("document_text")?,
        html: row.get("document_html")?,
        hash,
        sent_at: row.get("sent_at")?,
    }))
}

/// By contract, each contract's in their order.
pub(super) async fn signatories_of(
    tx: &Tx,
    ids: &[String],
) -> Result<BTreeMap<String, Vec<Signatory>>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Signatories::Table)
        .and_where(Expr::col(Signatories::Tenant).eq(TENANT))
        .and_where(Expr::col(Signatories::ContractId).is_in(ids.iter().map(String::as_str)))
        .order_by(Signatories::Position, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        let token_hash = row.get::<Option<String>>("token_hash")?;
        let signing = match (token_hash, row.get::<Option<Timestamp>>("signed_at")?) {
            (None, _) => Signing::NotAsked,
            (Some(token_hash), None) => Signing::Asked { token_hash, until: row.get("token_until")? },
            (Some(token_hash), Some(at)) => {
                Signing::Signed { token_hash, at, signed_as: row.get("signed_as")? }
            }
        };
        Ok(Signatory {
            position: row.get("position")?,
            party: row.parsed("party", Party::parse)?,
            name: row.get("name")?,
            email: row.get("email")?,
            signing,
        })
    };
    by_contract(&tx.fetch_all(&select).await?, read)
}

/// By contract, each contract's in their order.
async fn proposals_of(tx: &Tx, ids: &[String]) -> Result<BTreeMap<String, Vec<Proposal>>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Proposals::Table)
        .and_where(Expr::col(Proposals::Tenant).eq(TENANT))
        .and_where(Expr::col(Proposals::ContractId).is_in(ids.iter().map(String::as_str)))
        .order_by(Proposals::Number, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        let (actor, at) = (|| row.get::<String>("decided_by"), || row.get::<Timestamp>("decided_at"));
        let outcome = match row.get::<String>("outcome")?.as_str() {
            "OPEN" => Outcome::Open,
            "ACCEPTED" => Outcome::Accepted { actor: actor()?, at: at()? },
            "REJECTED" => Outcome::Rejected { actor: actor()?, at: at()? },
            "SUPERSEDED" => Outcome::Superseded { at: at()? },
            _ => return Err(DbError::column("outcome", "it is no outcome of a proposal")),
        };
        Ok(Proposal {
            number: row.get("number")?,
            by: row.parsed("party", Party::parse)?,
            actor: row.get("actor")?,
            at: row.get("at")?,
            terms: row.parsed("terms", requests::kept_terms)?,
            note: row.get("note")?,
            outcome,
        })
    };
    by_contract(&tx.fetch_all(&select).await?, read)
}

fn by_contract<T>(
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, DbError>,
) -> Result<BTreeMap<String, Vec<T>>, DbError> {
    let mut all: BTreeMap<String, Vec<T>> = BTreeMap::new();
    for row in rows {
        all.entry(row.get("contract_id")?).or_default().push(read(row)?);
    }
    Ok(all)
}
