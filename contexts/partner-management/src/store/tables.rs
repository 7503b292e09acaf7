//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Iden, Index, Table};

/// What [`crate::api`] and [`crate::consumers`] need in their database, besides the outbox.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new(
        "partner-management",
        1,
        "create partner, recruitment_request and what others told",
        |backend| {
            [
                partners(backend),
                documents(backend),
                contracts(backend),
                history(backend),
                requests(backend),
                matches(backend),
                hires(backend),
                figures(backend),
                alerts(backend),
                snapshots(backend),
            ]
            .concat()
        },
    ),
    Migration::new("partner-management", 2, "add partner_contract.ended_at", |backend| {
        let ended_at = columns::timestamp(Contracts::EndedAt);
        vec![backend.schema(Table::alter().table(Contracts::Table).add_column(ended_at))]
    }),
];

#[derive(Iden, Clone, Copy)]
pub(super) enum Partners {
    #[iden = "partner"]
    Table,
    Tenant,
    Id,
    Revision,
    BusinessName,
    Email,
    /// The e-mail without regard to case.
    EmailKey,
    PartnerType,
    PreferredContract,
    Source,
    RegistrationData,
    /// `NONE`, `SUSPENDED` or `TERMINATED`: what was done here.
    Intervention,
    Reason,
    /// What follows, for lists.
    Status,
    ValidationStatus,
    RegisteredAt,
    ChangedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Documents {
    #[iden = "partner_document"]
    Table,
    Tenant,
    PartnerId,
    Id,
    Kind,
    Reference,
    Hash,
    IssuedOn,
    ExpiresOn,
    /// When it is no longer valid.
    ValidUntil,
    Status,
    Reason,
    DecidedAt,
    DecidedBy,
    AddedAt,
    AddedBy,
}

/// What onboarding told, whether the partner is known or not.
#[derive(Iden, Clone, Copy)]
pub(super) enum Contracts {
    #[iden = "partner_contract"]
    Table,
    Tenant,
    Id,
    PartnerId,
    ContractType,
    SignedAt,
    ActivatedAt,
    ActiveUntil,
    EndedAt,
}

/// Each move of a partner's status.
#[derive(Iden, Clone, Copy)]
pub(super) enum History {
    #[iden = "partner_status"]
    Table,
    Tenant,
    PartnerId,
    Revision,
    FromStatus,
    ToStatus,
    Reason,
    At,
    Actor,
    Correlation,
    Causation,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Requests {
    #[iden = "recruitment_request"]
    Table,
    Tenant,
    Id,
    PartnerId,
    Revision,
    JobRequirements,
    Openings,
    RequiredSkills,
    ExperienceLevel,
    JobType,
    RemoteWorkAllowed,
    LocationPreferences,
    SalaryMin,
    SalaryMax,
    SalaryCurrency,
    SalaryPeriod,
    BudgetMin,
    BudgetMax,
    BudgetCurrency,
    StartBy,
    FillBy,
    MaxDays,
    ExpiresAt,
    UrgencyLevel,
    CandidateSources,
    ScreeningCriteria,
    Matches,
    Hires,
    Outcome,
    CancelReason,
    IsExpired,
    Status,
    RequestedAt,
    RequestedBy,
    ChangedAt,
}

/// What the recruiters said last of a request, also of one that is not known.
#[derive(Iden, Clone, Copy)]
pub(super) enum Outcomes {
    #[iden = "recruitment_outcome"]
    Table,
    Tenant,
    JobId,
    RequestId,
    Outcome,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Matches {
    #[iden = "candidate_match"]
    Table,
    Tenant,
    Id,
    PartnerId,
    RequestId,
    JobId,
    CandidateId,
    ScoreBp,
    RankInJob,
    Explanation,
    MatchedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Hires {
    #[iden = "hire"]
    Table,
    Tenant,
    Id,
    PartnerId,
    RequestId,
    JobId,
    CandidateId,
    JobTitle,
    EmploymentType,
    StartDate,
    /// Null: they make no sense.
    Days,
    CostMinor,
    CostCurrency,
    HiredAt,
}

/// The newest of each campaign.
#[derive(Iden, Clone, Copy)]
pub(super) enum Campaigns {
    #[iden = "campaign_figures"]
    Table,
    Tenant,
    CampaignId,
    PartnerId,
    ReportId,
    PeriodStart,
    PeriodEnd,
    Summary,
    Kpis,
    Roi,
    ReportedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Alerts {
    #[iden = "budget_alert"]
    Table,
    Tenant,
    Id,
    PartnerId,
    CampaignId,
    AlertType,
    BudgetKind,
    BudgetVersion,
    BudgetDay,
    ReachedBp,
    SpendMinor,
    LimitMinor,
    Currency,
    AlertedAt,
    /// One of a later version or day has come.
    IsOvertaken,
    AcknowledgedAt,
    AcknowledgedBy,
}

/// When a partner's figures were told last; at the end of time, for one that was terminated.
#[derive(Iden, Clone, Copy)]
pub(super) enum Snapshots {
    #[iden = "metrics_snapshot"]
    Table,
    Tenant,
    PartnerId,
    Revision,
    TakenAt,
}

fn partners(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let index = |name: &str, column| {
        let mut index = Index::create();
        index.name(name).table(Partners::Table).col(Partners::Tenant).col(column).col(Partners::Id);
        backend.schema(&index)
    };
    vec![
        backend.schema(
            Table::create()
                .table(Partners::Table)
                .col(id(Partners::Tenant).not_null())
                .col(id(Partners::Id).not_null())
                .col(columns::integer(Partners::Revision).not_null())
                .col(columns::text(backend, Partners::BusinessName).not_null())
                .col(columns::text(backend, Partners::Email).not_null())
                .col(id(Partners::EmailKey).not_null())
                .col(id(Partners::PartnerType).not_null())
                .col(id(Partners::PreferredContract).not_null())
                .col(id(Partners::Source).not_null())
                .col(columns::text(backend, Partners::RegistrationData).not_null())
                .col(id(Partners::Intervention).not_null())
                .col(columns::text(backend, Partners::Reason))
                .col(id(Partners::Status).not_null())
                .col(id(Partners::ValidationStatus).not_null())
                .col(columns::timestamp(Partners::RegisteredAt).not_null())
                .col(columns::timestamp(Partners::ChangedAt).not_null())
                .primary_key(Index::create().col(Partners::Tenant).col(Partners::Id)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("partner_email")
                .table(Partners::Table)
                .col(Partners::Tenant)
                .col(Partners::EmailKey),
        ),
        index("partner_registered", Partners::RegisteredAt),
        index("partner_changed", Partners::ChangedAt),
    ]
}

fn documents(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Documents::Table)
                .col(id(Documents::Tenant).not_null())
                .col(id(Documents::PartnerId).not_null())
                .col(id(Documents::Id).not_null())
                .col(id(Documents::Kind).not_null())
                .col(columns::text(backend, Documents::Reference).not_null())
                .col(id(Documents::Hash).not_null())
                .col(id(Documents::IssuedOn))
                .col(id(Documents::ExpiresOn))
                .col(columns::timestamp(Documents::ValidUntil))
                .col(id(Documents::Status).not_null())
                .col(columns::text(backend, Documents::Reason))
                .col(columns::timestamp(Documents::DecidedAt))
                .col(id(Documents::DecidedBy))
                .col(columns::timestamp(Documents::AddedAt).not_null())
                .col(id(Documents::AddedBy).not_null())
                .primary_key(
                    Index::create().col(Documents::Tenant).col(Documents::PartnerId).col(Documents::Id),
                ),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("partner_document_once")
                .table(Documents::Table)
                .col(Documents::Tenant)
                .col(Documents::PartnerId)
                .col(Documents::Kind)
                .col(Documents::Hash),
        ),
        backend.schema(
            Index::create()
                .name("partner_document_valid")
                .table(Documents::Table)
                .col(Documents::Tenant)
                .col(Documents::Status)
                .col(Documents::ValidUntil),
        ),
    ]
}

fn contracts(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Contracts::Table)
                .col(id(Contracts::Tenant).not_null())
                .col(id(Contracts::Id).not_null())
                .col(id(Contracts::PartnerId).not_null())
                .col(id(Contracts::ContractType).not_null())
                .col(columns::timestamp(Contracts::SignedAt))
                .col(columns::timestamp(Contracts::ActivatedAt))
                .col(columns::timestamp(Contracts::ActiveUntil))
                .primary_key(Index::create().col(Contracts::Tenant).col(Contracts::Id)),
        ),
        backend.schema(
            Index::create()
                .name("partner_contract_partner")
                .table(Contracts::Table)
                .col(Contracts::Tenant)
                .col(Contracts::PartnerId),
        ),
    ]
}

fn history(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(History::Table)
                .col(id(History::Tenant).not_null())
                .col(id(History::PartnerId).not_null())
                .col(columns::integer(History::Revision).not_null())
                .col(id(History::FromStatus))
                .col(id(History::ToStatus).not_null())
                .col(columns::text(backend, History::Reason))
                .col(columns::timestamp(History::At).not_null())
                .col(id(History::Actor).not_null())
                .col(id(History::Correlation).not_null())
                .col(id(History::Causation).not_null())
                .primary_key(
                    Index::create().col(History::Tenant).col(History::PartnerId).col(History::Revision),
                ),
        ),
    ]
}

fn requests(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let text = |name| columns::text(backend, name);
    let mut table = Table::create();
    table
        .table(Requests::Table)
        .col(id(Requests::Tenant).not_null())
        .col(id(Requests::Id).not_null())
        .col(id(Requests::PartnerId).not_null())
        .col(columns::integer(Requests::Revision).not_null())
        .col(text(Requests::JobRequirements).not_null())
        .col(columns::integer(Requests::Openings).not_null())
        .col(text(Requests::RequiredSkills).not_null())
        .col(id(Requests::ExperienceLevel).not_null())
        .col(id(Requests::JobType).not_null())
        .col(ColumnDef::new(Requests::RemoteWorkAllowed).boolean().not_null())
        .col(text(Requests::LocationPreferences).not_null())
        .col(columns::integer(Requests::SalaryMin))
        .col(columns::integer(Requests::SalaryMax))
        .col(id(Requests::SalaryCurrency))
        .col(id(Requests::SalaryPeriod))
        .col(columns::integer(Requests::BudgetMin))
        .col(columns::integer(Requests::BudgetMax))
        .col(id(Requests::BudgetCurrency))
        .col(id(Requests::StartBy))
        .col(id(Requests::FillBy))
        .col(columns::integer(Requests::MaxDays))
        .col(columns::timestamp(Requests::ExpiresAt))
        .col(id(Requests::UrgencyLevel).not_null())
        .col(id(Requests::CandidateSources).not_null())
        .col(text(Requests::ScreeningCriteria).not_null())
        .col(columns::integer(Requests::Matches).not_null())
        .col(columns::integer(Requests::Hires).not_null())
        .col(id(Requests::Outcome))
        .col(text(Requests::CancelReason))
        .col(ColumnDef::new(Requests::IsExpired).boolean().not_null())
        .col(id(Requests::Status).not_null())
        .col(columns::timestamp(Requests::RequestedAt).not_null())
        .col(id(Requests::RequestedBy).not_null())
        .col(columns::timestamp(Requests::ChangedAt).not_null())
        .primary_key(Index::create().col(Requests::Tenant).col(Requests::Id));
    let mut outcomes = Table::create();
    outcomes
        .table(Outcomes::Table)
        .col(columns::id(backend, Outcomes::Tenant).not_null())
        .col(columns::id(backend, Outcomes::JobId).not_null())
        .col(columns::id(backend, Outcomes::RequestId).not_null())
        .col(columns::id(backend, Outcomes::Outcome).not_null())
        .primary_key(Index::create().col(Outcomes::Tenant).col(Outcomes::JobId));
    vec![
        backend.schema(&table),
        backend.schema(
            Index::create()
                .name("recruitment_request_partner")
                .table(Requests::Table)
                .col(Requests::Tenant)
                .col(Requests::PartnerId)
                .col(Requests::RequestedAt)
                .col(Requests::Id),
        ),
        backend.schema(
            Index::create()
                .name("recruitment_request_expires")
                .table(Requests::Table)
                .col(Requests::Tenant)
                .col(Requests::Status)
                .col(Requests::ExpiresAt),
        ),
        backend.schema(&outcomes),
        backend.schema(
            Index::create()
                .name("recruitment_outcome_request")
                .table(Outcomes::Table)
                .col(Outcomes::Tenant)
                .col(Outcomes::RequestId),
        ),
    ]
}

fn matches(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Matches::Table)
                .col(id(Matches::Tenant).not_null())
                .col(id(Matches::Id).not_null())
                .col(id(Matches::PartnerId).not_null())
                .col(id(Matches::RequestId))
                .col(id(Matches::JobId).not_null())
                .col(id(Matches::CandidateId).not_null())
                .col(columns::integer(Matches::ScoreBp).not_null())
                .col(columns::integer(Matches::RankInJob).not_null())
                .col(columns::text(backend, Matches::Explanation).not_null())
                .col(columns::timestamp(Matches::MatchedAt).not_null())
                .primary_key(Index::create().col(Matches::Tenant).col(Matches::Id)),
        ),
        backend.schema(
            Index::create()
                .name("candidate_match_partner")
                .table(Matches::Table)
                .col(Matches::Tenant)
                .col(Matches::PartnerId)
                .col(Matches::MatchedAt)
                .col(Matches::Id),
        ),
        backend.schema(
            Index::create()
                .name("candidate_match_request")
                .table(Matches::Table)
                .col(Matches::Tenant)
                .col(Matches::RequestId),
        ),
    ]
}

fn hires(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Hires::Table)
                .col(id(Hires::Tenant).not_null())
                .col(id(Hires::Id).not_null())
                .col(id(Hires::PartnerId).not_null())
                .col(id(Hires::RequestId))
                .col(id(Hires::JobId).not_null())
                .col(id(Hires::CandidateId).not_null())
                .col(columns::text(backend, Hires::JobTitle).not_null())
                .col(columns::text(backend, Hires::EmploymentType).not_null())
                .col(columns::text(backend, Hires::StartDate).not_null())
                .col(columns::integer(Hires::Days))
                .col(columns::integer(Hires::CostMinor).not_null())
                .col(id(Hires::CostCurrency).not_null())
                .col(columns::timestamp(Hires::HiredAt).not_null())
                .primary_key(Index::create().col(Hires::Tenant).col(Hires::Id)),
        ),
        backend.schema(
            Index::create()
                .name("hire_partner")
                .table(Hires::Table)
                .col(Hires::Tenant)
                .col(Hires::PartnerId)
                .col(Hires::HiredAt)
                .col(Hires::Id),
        ),
        backend.schema(
            Index::create().name("hire_request").table(Hires::Table).col(Hires::Tenant).col(Hires::RequestId),
        ),
    ]
}

fn figures(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let text = |name| columns::text(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Campaigns::Table)
                .col(id(Campaigns::Tenant).not_null())
                .col(id(Campaigns::CampaignId).not_null())
                .col(id(Campaigns::PartnerId).not_null())
                .col(id(Campaigns::ReportId).not_null())
                .col(id(Campaigns::PeriodStart).not_null())
                .col(id(Campaigns::PeriodEnd).not_null())
                .col(text(Campaigns::Summary).not_null())
                .col(text(Campaigns::Kpis).not_null())
                .col(text(Campaigns::Roi).not_null())
                .col(columns::timestamp(Campaigns::ReportedAt).not_null())
                .primary_key(Index::create().col(Campaigns::Tenant).col(Campaigns::CampaignId)),
        ),
        backend.schema(
            Index::create()
                .name("campaign_figures_partner")
                .table(Campaigns::Table)
                .col(Campaigns::Tenant)
                .col(Campaigns::PartnerId)
                .col(Campaigns::CampaignId),
        ),
    ]
}

fn alerts(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Alerts::Table)
                .col(id(Alerts::Tenant).not_null())
                .col(id(Alerts::Id).not_null())
                .col(id(Alerts::PartnerId).not_null())
                .col(id(Alerts::CampaignId).not_null())
                .col(id(Alerts::AlertType).not_null())
                .col(id(Alerts::BudgetKind).not_null())
                .col(columns::integer(Alerts::BudgetVersion).not_null())
                .col(id(Alerts::BudgetDay).not_null())
                .col(columns::integer(Alerts::ReachedBp).not_null())
                .col(columns::integer(Alerts::SpendMinor).not_null())
                .col(columns::integer(Alerts::LimitMinor).not_null())
                .col(id(Alerts::Currency).not_null())
                .col(columns::timestamp(Alerts::AlertedAt).not_null())
                .col(ColumnDef::new(Alerts::IsOvertaken).boolean().not_null())
                .col(columns::timestamp(Alerts::AcknowledgedAt))
                .col(id(Alerts::AcknowledgedBy))
                .primary_key(Index::create().col(Alerts::Tenant).col(Alerts::Id)),
        ),
        backend.schema(
            Index::create()
                .name("budget_alert_partner")
                .table(Alerts::Table)
                .col(Alerts::Tenant)
                .col(Alerts::PartnerId)
                .col(Alerts::AlertedAt)
                .col(Alerts::Id),
        ),
        backend.schema(
            Index::create()
                .name("budget_alert_campaign")
                .table(Alerts::Table)
                .col(Alerts::Tenant)
                .col(Alerts::CampaignId)
                .col(Alerts::BudgetKind),
        ),
    ]
}

fn snapshots(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Snapshots::Table)
                .col(id(Snapshots::Tenant).not_null())
                .col(id(Snapshots::PartnerId).not_null())
                .col(columns::integer(Snapshots::Revision).not_null())
                .col(columns::timestamp(Snapshots::TakenAt).not_null())
                .primary_key(Index::create().col(Snapshots::Tenant).col(Snapshots::PartnerId)),
        ),
        backend.schema(
            Index::create()
                .name("metrics_snapshot_taken")
                .table(Snapshots::Table)
                .col(Snapshots::Tenant)
                .col(Snapshots::TakenAt)
                .col(Snapshots::PartnerId),
        ),
    ]
}
