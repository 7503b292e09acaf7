//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Iden, Index, IndexCreateStatement, Table};

use crate::domain::audit::Head;

/// What [`crate::api`] needs in its database, besides the outbox.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new(
        "onboarding",
        1,
        "create contract_template, contract and what belongs to them, employment_contract",
        |backend| [templates(backend), contracts(backend), parts(backend), employment(backend)].concat(),
    ),
    Migration::new("onboarding", 2, "have templates and contracts in a language", languages),
    Migration::new("onboarding", 3, "have contracts of employment signed", sign_employment),
    Migration::new("onboarding", 4, "have contracts of employment in a language", employment_language),
];

#[derive(Iden, Clone, Copy)]
pub(super) enum Templates {
    #[iden = "contract_template"]
    Table,
    Tenant,
    Id,
    ContractType,
    PartnerType,
    Language,
    Version,
    Title,
    Body,
    /// JSON, as it is answered.
    Terms,
    CreatedBy,
    CreatedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Contracts {
    #[iden = "contract"]
    Table,
    Tenant,
    Id,
    Revision,
    PartnerId,
    PartnerType,
    BusinessName,
    Email,
    ContractType,
    TemplateId,
    Language,
    /// JSON, as it is answered.
    Terms,
    InitialData,
    Origin,
    /// The contract that this one renews.
    Renews,
    /// The partner, while the contract is open; null after that: a partner is taken on once at a time.
    OpenPartner,
    /// The partner, where the contract began with its registration: one does.
    RegisteredPartner,
    Status,
    Reason,
    RenewedBy,
    EndedAt,
    EffectiveDate,
    SignedAt,
    ValidFrom,
    ValidUntil,
    RemindedDays,
    /// When time brings something about next.
    DueAt,
    DocumentTitle,
    DocumentText,
    DocumentHtml,
    DocumentHash,
    SentAt,
    TrailEntries,
    TrailHash,
    CreatedAt,
    ChangedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Signatories {
    #[iden = "contract_signatory"]
    Table,
    Tenant,
    ContractId,
    Position,
    Party,
    Name,
    Email,
    TokenHash,
    TokenUntil,
    SignedAt,
    SignedAs,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Proposals {
    #[iden = "contract_proposal"]
    Table,
    Tenant,
    ContractId,
    Number,
    Party,
    Actor,
    At,
    Terms,
    Note,
    Outcome,
    DecidedBy,
    DecidedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Audit {
    #[iden = "contract_audit"]
    Table,
    Tenant,
    ContractId,
    Number,
    At,
    Actor,
    Action,
    Details,
    PreviousHash,
    Hash,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Employment {
    #[iden = "employment_contract"]
    Table,
    Tenant,
    Id,
    HiringId,
    PartnerId,
    CandidateId,
    JobId,
    JobTitle,
    Department,
    StartDate,
    #[iden = "employment_type"]
    Kind,
    SalaryMinor,
    Currency,
    Benefits,
    Agreed,
    Language,
    DocumentTitle,
    DocumentText,
    DocumentHtml,
    DocumentHash,
    Revision,
    Status,
    Reason,
    SentAt,
    SignedAt,
    EndedAt,
    RemindedDays,
    /// When somebody is to be reminded next.
    DueAt,
    TrailEntries,
    TrailHash,
    CreatedAt,
    /// Null: not since it was drafted.
    ChangedAt,
}

fn templates(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let text = |name| columns::text(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Templates::Table)
                .col(id(Templates::Tenant).not_null())
                .col(id(Templates::Id).not_null())
                .col(id(Templates::ContractType).not_null())
                .col(id(Templates::PartnerType).not_null())
                .col(columns::integer(Templates::Version).not_null())
                .col(text(Templates::Title).not_null())
                .col(text(Templates::Body).not_null())
                .col(text(Templates::Terms).not_null())
                .col(id(Templates::CreatedBy).not_null())
                .col(columns::timestamp(Templates::CreatedAt).not_null())
                .primary_key(Index::create().col(Templates::Tenant).col(Templates::Id)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("contract_template_version")
                .table(Templates::Table)
                .col(Templates::Tenant)
                .col(Templates::ContractType)
                .col(Templates::PartnerType)
                .col(Templates::Version),
        ),
    ]
}

/// What is there already is in Spanish.
fn languages(backend: Backend) -> Vec<String> {
    let spanish = |column: &mut ColumnDef| column.not_null().default("es").to_owned();
    let of_template = spanish(&mut columns::id(backend, Templates::Language));
    let of_contract = spanish(&mut columns::id(backend, Contracts::Language));
    vec![
        backend.schema(Table::alter().table(Templates::Table).add_column(of_template)),
        backend.schema(Table::alter().table(Contracts::Table).add_column(of_contract)),
        backend.schema(Index::drop().name("contract_template_version").table(Templates::Table)),
        backend.schema(
            Index::create()
                .unique()
                .name("contract_template_language_version")
                .table(Templates::Table)
                .col(Templates::Tenant)
                .col(Templates::ContractType)
                .col(Templates::PartnerType)
                .col(Templates::Language)
                .col(Templates::Version),
        ),
    ]
}

/// Those that are there already are drafts, whose trails begin with what is done next.
fn sign_employment(backend: Backend) -> Vec<String> {
    let add =
        |column: &mut ColumnDef| backend.schema(Table::alter().table(Employment::Table).add_column(column));
    let time = |name: Employment| columns::timestamp(name);
    let no_hash = Head::empty().hash;
    vec![
        add(columns::integer(Employment::Revision).not_null().default(1)),
        add(columns::id(backend, Employment::Status).not_null().default("DRAFT")),
        add(&mut columns::text(backend, Employment::Reason)),
        add(&mut time(Employment::SentAt)),
        add(&mut time(Employment::SignedAt)),
        add(&mut time(Employment::EndedAt)),
        add(&mut columns::integer(Employment::RemindedDays)),
        add(&mut time(Employment::DueAt)),
        add(columns::integer(Employment::TrailEntries).not_null().default(0)),
        add(columns::id(backend, Employment::TrailHash).not_null().default(no_hash)),
        add(&mut time(Employment::ChangedAt)),
        backend.schema(
            Index::create()
                .name("employment_contract_due")
                .table(Employment::Table)
                .col(Employment::Tenant)
                .col(Employment::DueAt),
        ),
    ]
}

/// What is there already is in Spanish.
fn employment_language(backend: Backend) -> Vec<String> {
    let language = columns::id(backend, Employment::Language).not_null().default("es").to_owned();
    vec![backend.schema(Table::alter().table(Employment::Table).add_column(language))]
}

fn contracts(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let text = |name| columns::text(backend, name);
    let time = |name: Contracts| columns::timestamp(name);
    let index = |name: &str, of: &[Contracts]| -> IndexCreateStatement {
        let mut index = Index::create().name(name).table(Contracts::Table).col(Contracts::Tenant).to_owned();
        for column in of {
            index.col(*column);
        }
        index
    };
    vec![
        backend.schema(
            Table::create()
                .table(Contracts::Table)
                .col(id(Contracts::Tenant).not_null())
                .col(id(Contracts::Id).not_null())
                .col(columns::integer(Contracts::Revision).not_null())
                .col(id(Contracts::PartnerId).not_null())
                .col(id(Contracts::PartnerType).not_null())
                .col(text(Contracts::BusinessName).not_null())
                .col(text(Contracts::Email).not_null())
                .col(id(Contracts::ContractType).not_null())
                .col(id(Contracts::TemplateId).not_null())
                .col(text(Contracts::Terms).not_null())
                .col(text(Contracts::InitialData).not_null())
                .col(id(Contracts::Origin).not_null())
                .col(id(Contracts::Renews))
                .col(id(Contracts::OpenPartner))
                .col(id(Contracts::RegisteredPartner))
                .col(id(Contracts::Status).not_null())
                .col(text(Contracts::Reason))
                .col(id(Contracts::RenewedBy))
                .col(time(Contracts::EndedAt))
                .col(time(Contracts::EffectiveDate))
                .col(time(Contracts::SignedAt))
                .col(time(Contracts::ValidFrom))
                .col(time(Contracts::ValidUntil))
                .col(columns::integer(Contracts::RemindedDays))
                .col(time(Contracts::DueAt))
                .col(text(Contracts::DocumentTitle))
                .col(text(Contracts::DocumentText))
                .col(text(Contracts::DocumentHtml))
                .col(id(Contracts::DocumentHash))
                .col(time(Contracts::SentAt))
                .col(columns::integer(Contracts::TrailEntries).not_null())
                .col(id(Contracts::TrailHash).not_null())
                .col(time(Contracts::CreatedAt).not_null())
                .col(time(Contracts::ChangedAt).not_null())
                .primary_key(Index::create().col(Contracts::Tenant).col(Contracts::Id)),
        ),
        backend.schema(index("contract_open", &[Contracts::OpenPartner]).unique()),
        backend.schema(index("contract_registered", &[Contracts::RegisteredPartner]).unique()),
        backend.schema(&index("contract_created", &[Contracts::CreatedAt, Contracts::Id])),
        backend
            .schema(&index("contract_partner", &[Contracts::PartnerId, Contracts::CreatedAt, Contracts::Id])),
        backend.schema(&index("contract_due", &[Contracts::DueAt])),
    ]
}

fn parts(backend: Backend) -> Vec<String> {
    let text = |name: Signatories| columns::text(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Signatories::Table)
                .col(columns::id(backend, Signatories::Tenant).not_null())
                .col(columns::id(backend, Signatories::ContractId).not_null())
                .col(columns::integer(Signatories::Position).not_null())
                .col(columns::id(backend, Signatories::Party).not_null())
                .col(text(Signatories::Name).not_null())
                .col(text(Signatories::Email).not_null())
                .col(columns::id(backend, Signatories::TokenHash))
                .col(columns::timestamp(Signatories::TokenUntil))
                .col(columns::timestamp(Signatories::SignedAt))
                .col(text(Signatories::SignedAs))
                .primary_key(
                    Index::create()
                        .col(Signatories::Tenant)
                        .col(Signatories::ContractId)
                        .col(Signatories::Position),
                ),
        ),
        backend.schema(
            Table::create()
                .table(Proposals::Table)
                .col(columns::id(backend, Proposals::Tenant).not_null())
                .col(columns::id(backend, Proposals::ContractId).not_null())
                .col(columns::integer(Proposals::Number).not_null())
                .col(columns::id(backend, Proposals::Party).not_null())
                .col(columns::id(backend, Proposals::Actor).not_null())
                .col(columns::timestamp(Proposals::At).not_null())
                .col(columns::text(backend, Proposals::Terms).not_null())
                .col(columns::text(backend, Proposals::Note))
                .col(columns::id(backend, Proposals::Outcome).not_null())
                .col(columns::id(backend, Proposals::DecidedBy))
                .col(columns::timestamp(Proposals::DecidedAt))
                .primary_key(
                    Index::create().col(Proposals::Tenant).col(Proposals::ContractId).col(Proposals::Number),
                ),
        ),
        backend.schema(
            Table::create()
                .table(Audit::Table)
                .col(columns::id(backend, Audit::Tenant).not_null())
                .col(columns::id(backend, Audit::ContractId).not_null())
                .col(columns::integer(Audit::Number).not_null())
                .col(columns::timestamp(Audit::At).not_null())
                .col(columns::id(backend, Audit::Actor).not_null())
                .col(columns::id(backend, Audit::Action).not_null())
                .col(columns::text(backend, Audit::Details).not_null())
                .col(columns::id(backend, Audit::PreviousHash).not_null())
                .col(columns::id(backend, Audit::Hash).not_null())
                .primary_key(Index::create().col(Audit::Tenant).col(Audit::ContractId).col(Audit::Number)),
        ),
    ]
}

fn employment(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let text = |name| columns::text(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Employment::Table)
                .col(id(Employment::Tenant).not_null())
                .col(id(Employment::Id).not_null())
                .col(id(Employment::HiringId).not_null())
                .col(id(Employment::PartnerId).not_null())
                .col(id(Employment::CandidateId).not_null())
                .col(id(Employment::JobId).not_null())
                .col(text(Employment::JobTitle).not_null())
                .col(text(Employment::Department).not_null())
                .col(text(Employment::StartDate).not_null())
                .col(id(Employment::Kind).not_null())
                .col(columns::integer(Employment::SalaryMinor).not_null())
                .col(id(Employment::Currency).not_null())
                .col(text(Employment::Benefits).not_null())
                .col(text(Employment::Agreed).not_null())
                .col(text(Employment::DocumentTitle).not_null())
                .col(text(Employment::DocumentText).not_null())
                .col(text(Employment::DocumentHtml).not_null())
                .col(id(Employment::DocumentHash).not_null())
                .col(columns::timestamp(Employment::CreatedAt).not_null())
                .primary_key(Index::create().col(Employment::Tenant).col(Employment::Id)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("employment_contract_hiring")
                .table(Employment::Table)
                .col(Employment::Tenant)
                .col(Employment::HiringId),
        ),
        backend.schema(
            Index::create()
                .name("employment_contract_partner")
                .table(Employment::Table)
                .col(Employment::Tenant)
                .col(Employment::PartnerId)
                .col(Employment::CreatedAt)
                .col(Employment::Id),
        ),
        backend.schema(
            Index::create()
                .name("employment_contract_created")
                .table(Employment::Table)
                .col(Employment::Tenant)
                .col(Employment::CreatedAt)
                .col(Employment::Id),
        ),
    ]
}
