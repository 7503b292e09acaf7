//! Partners as rows, with their documents, their contracts and the moves of their status.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Cause, Email, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query, SelectStatement, Value};

use super::tables::{Contracts, Documents, History, Partners};
use super::{TENANT, actor};
use crate::domain::{
    Activation, Contract, ContractId, ContractType, Day, Document, DocumentDetails, DocumentId, DocumentKind,
    DocumentStanding, DocumentStatus, Hash, Intervention, Json, Partner, PartnerId, PartnerStatus,
    PartnerType, Registration, RegistrationSource, StoredPartner, ValidationStatus,
};

/// A partner as lists show it: without documents and contracts, with what follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: PartnerId,
    pub(crate) revision: u32,
    pub(crate) registration: Registration,
    pub(crate) intervention: Intervention,
    pub(crate) status: PartnerStatus,
    pub(crate) validation: ValidationStatus,
    pub(crate) registered_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

impl From<&Partner> for Listed {
    fn from(partner: &Partner) -> Self {
        Self {
            id: partner.id().clone(),
            revision: partner.revision(),
            registration: partner.registration().clone(),
            intervention: partner.intervention().clone(),
            status: partner.status(),
            validation: partner.validation(),
            registered_at: partner.registered_at(),
            changed_at: partner.changed_at(),
        }
    }
}

/// Another partner has the e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmailTaken {
    pub(crate) by: PartnerId,
}

/// Inserts a partner with its documents; its contracts are there already.
pub(crate) async fn insert_partner(tx: &Tx, partner: &Partner) -> Result<Option<EmailTaken>, DbError> {
    let (columns, values): (Vec<_>, Vec<_>) = row_of(partner).into_iter().unzip();
    let insert = Query::insert()
        .into_table(Partners::Table)
        .columns([Partners::Tenant, Partners::Id, Partners::RegisteredAt].into_iter().chain(columns))
        .values_panic(
            [TENANT.into(), partner.id().as_str().into(), partner.registered_at().as_micros().into()]
                .into_iter()
                .chain(values.into_iter().map(Expr::from)),
        )
        .to_owned();
    if tx.insert_new(&insert, Partners::Id).await? {
        for document in partner.documents() {
            save_document(tx, partner.id(), document).await?;
        }
        return Ok(None);
    }
    match taken(tx, partner).await? {
        Some(taken) => Ok(Some(taken)),
        None => Err(DbError::Conflict("somebody registered the same a moment ago".to_owned())),
    }
}

/// Writes what changed, or tells that another partner has the new e-mail.
pub(crate) async fn save_partner(
    tx: &Tx,
    before: &Partner,
    partner: &Partner,
) -> Result<Option<EmailTaken>, DbError> {
    let has_moved = before.registration().email.key() != partner.registration().email.key();
    if has_moved && let Some(taken) = taken(tx, partner).await? {
        return Ok(Some(taken));
    }
    let update = Query::update()
        .table(Partners::Table)
        .values(row_of(partner).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(partner.id().as_str()))
        .to_owned();
    if tx.execute(&update).await? == 0 {
        return Err(DbError::NoRow);
    }
    for document in partner.documents() {
        if !before.documents().contains(document) {
            save_document(tx, partner.id(), document).await?;
        }
    }
    Ok(None)
}

pub(crate) async fn load_partner(tx: &Tx, id: &PartnerId) -> Result<Option<Partner>, DbError> {
    let select = select().and_where(Expr::col(Partners::Id).eq(id.as_str())).to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    let Listed { id, revision, registration, intervention, registered_at, changed_at, .. } = listed(&row)?;
    let (documents, contracts) = (documents_of(tx, &id).await?, contracts_of(tx, &id).await?);
    Ok(Some(Partner::restore(StoredPartner {
        id,
        revision,
        registration,
        intervention,
        documents,
        contracts,
        registered_at,
        changed_at,
    })))
}

/// The status and the revision of a partner, if it is there.
pub(crate) async fn standing_of(tx: &Tx, id: &PartnerId) -> Result<Option<(PartnerStatus, u32)>, DbError> {
    let select = Query::select()
        .columns([Partners::Status, Partners::Revision])
        .from(Partners::Table)
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::Id).eq(id.as_str()))
        .to_owned();
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| Ok((row.parsed("status", PartnerStatus::parse)?, row.get("revision")?))).transpose()
}

/// What a list of partners is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartnerFilter {
    pub(crate) status: Option<PartnerStatus>,
    pub(crate) kind: Option<PartnerType>,
    pub(crate) validation: Option<ValidationStatus>,
    pub(crate) contract: Option<ContractType>,
    pub(crate) source: Option<RegistrationSource>,
    pub(crate) email: Option<Email>,
}

/// By the time of registration, or of the last change.
pub(crate) async fn page_of_partners(
    tx: &Tx,
    filter: PartnerFilter,
    by_change: bool,
    page: Keyset,
) -> Result<Vec<Listed>, DbError> {
    let PartnerFilter { status, kind, validation, contract, source, email } = filter;
    let filters = [
        (Partners::Status, status.map(|status| status.name().to_owned())),
        (Partners::PartnerType, kind.map(|kind| kind.name().to_owned())),
        (Partners::ValidationStatus, validation.map(|status| status.name().to_owned())),
        (Partners::PreferredContract, contract.map(|kind| kind.name().to_owned())),
        (Partners::Source, source.map(|source| source.name().to_owned())),
        (Partners::EmailKey, email.map(|email| email.key())),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    let at = if by_change { Partners::ChangedAt } else { Partners::RegisteredAt };
    page.apply(&mut select, at, Partners::Id);
    tx.fetch_all(&select).await?.iter().map(listed).collect()
}

/// A move of a partner's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) revision: u32,
    /// `None`: it registered.
    pub(crate) from: Option<PartnerStatus>,
    pub(crate) to: PartnerStatus,
    pub(crate) reason: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) correlation: String,
    pub(crate) causation: String,
}

pub(crate) async fn insert_move(
    tx: &Tx,
    partner: &Partner,
    from: Option<PartnerStatus>,
    cause: &Cause,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(History::Table)
        .columns([
            History::Tenant,
            History::PartnerId,
            History::Revision,
            History::FromStatus,
            History::ToStatus,
            History::Reason,
            History::At,
            History::Actor,
            History::Correlation,
            History::Causation,
        ])
        .values_panic([
            TENANT.into(),
            partner.id().as_str().into(),
            i64::from(partner.revision()).into(),
            from.map(PartnerStatus::name).into(),
            partner.status().name().into(),
            partner.intervention().reason().into(),
            cause.at.as_micros().into(),
            cause.actor.as_str().into(),
            cause.correlation.as_str().into(),
            cause.causation.as_str().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(drop)
}

/// All moves, the oldest first.
pub(crate) async fn moves_of(tx: &Tx, id: &PartnerId) -> Result<Vec<Moved>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(History::Table)
        .and_where(Expr::col(History::Tenant).eq(TENANT))
        .and_where(Expr::col(History::PartnerId).eq(id.as_str()))
        .order_by(History::Revision, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        Ok(Moved {
            revision: row.get("revision")?,
            from: row.parsed_if_any("from_status", PartnerStatus::parse)?,
            to: row.parsed("to_status", PartnerStatus::parse)?,
            reason: row.get("reason")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            correlation: row.get("correlation")?,
            causation: row.get("causation")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

/// Partners with a document that was verified and is no longer valid.
pub(crate) async fn with_documents_over(
    tx: &Tx,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<PartnerId>, DbError> {
    let select = Query::select()
        .distinct()
        .column(Documents::PartnerId)
        .from(Documents::Table)
        .and_where(Expr::col(Documents::Tenant).eq(TENANT))
        .and_where(Expr::col(Documents::Status).eq(DocumentStatus::Verified.name()))
        .and_where(Expr::col(Documents::ValidUntil).lte(now.as_micros()))
        .limit(limit)
        .to_owned();
    let id = |row: &Row| row.parsed("partner_id", |id| PartnerId::parse(id).ok());
    tx.fetch_all(&select).await?.iter().map(id).collect()
}

/// Keeps what is known of a contract, whether its partner is known or not; `false` if it is another partner's.
pub(crate) async fn save_contract(tx: &Tx, of: &PartnerId, contract: &Contract) -> Result<bool, DbError> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    let (signed, activated) = (micros(contract.signed_at), micros(contract.activation.map(|one| one.at)));
    let until = micros(contract.activation.and_then(|one| one.until));
    let ended = micros(contract.ended_at);
    let insert = Query::insert()
        .into_table(Contracts::Table)
        .columns([
            Contracts::Tenant,
            Contracts::Id,
            Contracts::PartnerId,
            Contracts::ContractType,
            Contracts::SignedAt,
            Contracts::ActivatedAt,
            Contracts::ActiveUntil,
            Contracts::EndedAt,
        ])
        .values_panic([
            TENANT.into(),
            contract.id.as_str().into(),
            of.as_str().into(),
            contract.kind.name().into(),
            signed.into(),
            activated.into(),
            until.into(),
            ended.into(),
        ])
        .to_owned();
    if tx.insert_new(&insert, Contracts::Id).await? {
        return Ok(true);
    }
    let update = Query::update()
        .table(Contracts::Table)
        .value(Contracts::SignedAt, signed)
        .value(Contracts::ActivatedAt, activated)
        .value(Contracts::ActiveUntil, until)
        .value(Contracts::EndedAt, ended)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::Id).eq(contract.id.as_str()))
        .and_where(Expr::col(Contracts::PartnerId).eq(of.as_str()))
        .to_owned();
    Ok(tx.execute(&update).await? > 0)
}

/// In the order of their names.
pub(crate) async fn contracts_of(tx: &Tx, id: &PartnerId) -> Result<Vec<Contract>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where(Expr::col(Contracts::PartnerId).eq(id.as_str()))
        .order_by(Contracts::Id, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        let until: Option<Timestamp> = row.get("active_until")?;
        let activated: Option<Timestamp> = row.get("activated_at")?;
        Ok(Contract {
            id: row.parsed("id", |id| ContractId::parse(id).ok())?,
            kind: row.parsed("contract_type", ContractType::parse)?,
            signed_at: row.get("signed_at")?,
            activation: activated.map(|at| Activation { at, until }),
            ended_at: row.get("ended_at")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

async fn save_document(tx: &Tx, of: &PartnerId, document: &Document) -> Result<(), DbError> {
    let DocumentDetails { kind, reference, hash, issued_on, expires_on } = &document.details;
    let (decided_at, decided_by, reason) = match &document.standing {
        DocumentStanding::Submitted => (None, None, None),
        DocumentStanding::Verified { at, by } => (Some(*at), Some(by.as_str()), None),
        DocumentStanding::Rejected { at, by, reason } => {
            (Some(*at), Some(by.as_str()), Some(reason.as_str()))
        }
        DocumentStanding::Expired { at } => (Some(*at), None, None),
    };
    let decided_at = decided_at.map(Timestamp::as_micros);
    let insert = Query::insert()
        .into_table(Documents::Table)
        .columns([
            Documents::Tenant,
            Documents::PartnerId,
            Documents::Id,
            Documents::Kind,
            Documents::Reference,
            Documents::Hash,
            Documents::IssuedOn,
            Documents::ExpiresOn,
            Documents::ValidUntil,
            Documents::Status,
            Documents::Reason,
            Documents::DecidedAt,
            Documents::DecidedBy,
            Documents::AddedAt,
            Documents::AddedBy,
        ])
        .values_panic([
            TENANT.into(),
            of.as_str().into(),
            document.id.as_str().into(),
            kind.name().into(),
            reference.as_str().into(),
            hash.as_str().into(),
            issued_on.as_ref().map(Day::as_str).into(),
            expires_on.as_ref().map(Day::as_str).into(),
            document.valid_until().map(Timestamp::as_micros).into(),
            document.status().name().into(),
            reason.into(),
            decided_at.into(),
            decided_by.into(),
            document.added_at.as_micros().into(),
            document.added_by.as_str().into(),
        ])
        .to_owned();
    if tx.insert_new(&insert, Documents::Id).await? {
        return Ok(());
    }
    let update = Query::update()
        .table(Documents::Table)
        .value(Documents::Status, document.status().name())
        .value(Documents::Reason, reason)
        .value(Documents::DecidedAt, decided_at)
        .value(Documents::DecidedBy, decided_by)
        .and_where(Expr::col(Documents::Tenant).eq(TENANT))
        .and_where(Expr::col(Documents::PartnerId).eq(of.as_str()))
        .and_where(Expr::col(Documents::Id).eq(document.id.as_str()))
        .to_owned();
    match tx.execute(&update).await? {
        0 => Err(DbError::Conflict("somebody added the same document a moment ago".to_owned())),
        _ => Ok(()),
    }
}

/// In the order in which they were added.
async fn documents_of(tx: &Tx, id: &PartnerId) -> Result<Vec<Document>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Documents::Table)
        .and_where(Expr::col(Documents::Tenant).eq(TENANT))
        .and_where(Expr::col(Documents::PartnerId).eq(id.as_str()))
        .order_by(Documents::AddedAt, Order::Asc)
        .order_by(Documents::Id, Order::Asc)
        .to_owned();
    tx.fetch_all(&select).await?.iter().map(document).collect()
}

fn document(row: &Row) -> Result<Document, DbError> {
    let decided_at = || row.get::<Timestamp>("decided_at");
    let decided_by = || row.parsed("decided_by", actor);
    let standing = match row.parsed("status", DocumentStatus::parse)? {
        DocumentStatus::Submitted => DocumentStanding::Submitted,
        DocumentStatus::Verified => DocumentStanding::Verified { at: decided_at()?, by: decided_by()? },
        DocumentStatus::Rejected => {
            DocumentStanding::Rejected { at: decided_at()?, by: decided_by()?, reason: row.get("reason")? }
        }
        DocumentStatus::Expired => DocumentStanding::Expired { at: decided_at()? },
    };
    Ok(Document {
        id: row.parsed("id", |id| DocumentId::parse(id).ok())?,
        details: DocumentDetails {
            kind: row.parsed("kind", DocumentKind::parse)?,
            reference: row.get("reference")?,
            hash: row.parsed("hash", |hash| Hash::parse(hash).ok())?,
            issued_on: row.parsed_if_any("issued_on", |day| Day::parse(day).ok())?,
            expires_on: row.parsed_if_any("expires_on", |day| Day::parse(day).ok())?,
        },
        standing,
        added_at: row.get("added_at")?,
        added_by: row.parsed("added_by", actor)?,
    })
}

async fn taken(tx: &Tx, partner: &Partner) -> Result<Option<EmailTaken>, DbError> {
    let select = Query::select()
        .column(Partners::Id)
        .from(Partners::Table)
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .and_where(Expr::col(Partners::EmailKey).eq(partner.registration().email.key()))
        .and_where(Expr::col(Partners::Id).ne(partner.id().as_str()))
        .to_owned();
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| Ok(EmailTaken { by: row.parsed("id", |id| PartnerId::parse(id).ok())? })).transpose()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Partners::Table)
        .and_where(Expr::col(Partners::Tenant).eq(TENANT))
        .to_owned()
}

/// What a change may change.
fn row_of(partner: &Partner) -> Vec<(Partners, Value)> {
    let Registration { business_name, email, kind, preferred_contract, source, data } =
        partner.registration();
    let intervention = match partner.intervention() {
        Intervention::None => "NONE",
        Intervention::Suspended { .. } => "SUSPENDED",
        Intervention::Terminated { .. } => "TERMINATED",
    };
    vec![
        (Partners::Revision, i64::from(partner.revision()).into()),
        (Partners::BusinessName, business_name.as_str().into()),
        (Partners::Email, email.as_str().into()),
        (Partners::EmailKey, email.key().into()),
        (Partners::PartnerType, kind.name().into()),
        (Partners::PreferredContract, preferred_contract.name().into()),
        (Partners::Source, source.name().into()),
        (Partners::RegistrationData, data.as_str().into()),
        (Partners::Intervention, intervention.into()),
        (Partners::Reason, partner.intervention().reason().into()),
        (Partners::Status, partner.status().name().into()),
        (Partners::ValidationStatus, partner.validation().name().into()),
        (Partners::ChangedAt, partner.changed_at().as_micros().into()),
    ]
}

fn listed(row: &Row) -> Result<Listed, DbError> {
    let reason = || row.get::<String>("reason");
    let intervention = match row.get::<String>("intervention")?.as_str() {
        "NONE" => Intervention::None,
        "SUSPENDED" => Intervention::Suspended { reason: reason()? },
        "TERMINATED" => Intervention::Terminated { reason: reason()? },
        _ => return Err(DbError::column("intervention", "it is none that there is")),
    };
    Ok(Listed {
        id: row.parsed("id", |id| PartnerId::parse(id).ok())?,
        revision: row.get("revision")?,
        registration: Registration {
            business_name: row.get("business_name")?,
            email: row.parsed("email", |email| Email::parse(email).ok())?,
            kind: row.parsed("partner_type", PartnerType::parse)?,
            preferred_contract: row.parsed("preferred_contract", ContractType::parse)?,
            source: row.parsed("source", RegistrationSource::parse)?,
            data: Json::kept(row.get::<String>("registration_data")?),
        },
        intervention,
        status: row.parsed("status", PartnerStatus::parse)?,
        validation: row.parsed("validation_status", ValidationStatus::parse)?,
        registered_at: row.get("registered_at")?,
        changed_at: row.get("changed_at")?,
    })
}
