//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Iden, Index, Table, TableCreateStatement};

/// What [`crate::api`] and [`crate::consumers`] need in their database, besides outbox and inbox.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new(
        "campaigns",
        1,
        "create campaign, budget, spend, result, report and what is known",
        |backend| {
            [
                known(backend),
                campaigns(backend),
                budgets(backend),
                spend(backend),
                results(backend),
                reports(backend),
            ]
            .concat()
        },
    ),
    Migration::new("campaigns", 2, "pause campaigns that their partners may not run", bar),
    Migration::new("campaigns", 3, "create campaign_schedule", schedules),
    Migration::new("campaigns", 4, "renew reports whose figures changed", renewals),
    Migration::new("campaigns", 5, "keep what renewals follow from", |backend| {
        let mut correlation = columns::id(backend, Renewals::Correlation);
        vec![backend.schema(Table::alter().table(Renewals::Table).add_column(&mut correlation))]
    }),
];

/// What contracts grant.
#[derive(Iden, Clone, Copy)]
pub(super) enum Grants {
    #[iden = "campaign_grant"]
    Table,
    Tenant,
    ContractId,
    PartnerId,
    Revision,
    EffectiveDay,
    ExpiresDay,
    /// JSON: the contract's words.
    Permissions,
    /// JSON: minor units by name.
    Limits,
    ToldAt,
}

/// That contracts ended.
#[derive(Iden, Clone, Copy)]
pub(super) enum Ends {
    #[iden = "contract_end"]
    Table,
    Tenant,
    ContractId,
    PartnerId,
    Outcome,
    /// What it was renewed by.
    RenewedBy,
    EndedAt,
    Revision,
}

/// What was told of partners' validation, and who changes what a partner has.
#[derive(Iden, Clone, Copy)]
pub(super) enum Partners {
    #[iden = "known_partner"]
    Table,
    Tenant,
    Id,
    /// Null: nobody said.
    Validation,
    IsBarred,
    Revision,
    ToldAt,
    /// Counts the changes of what a contract limits: of two that come at once, one waits.
    Claims,
    /// Counts the changes of what it may.
    Rights,
    /// The day on which that changes by itself.
    RightsDay,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Campaigns {
    #[iden = "campaign"]
    Table,
    Tenant,
    Id,
    PartnerId,
    ContractId,
    Kind,
    Name,
    Channel,
    Currency,
    StartDay,
    EndDay,
    /// JSON, as in answers.
    Targets,
    Stage,
    RunningSince,
    EndedAt,
    CancelReason,
    HoldReason,
    HeldAt,
    BarredBy,
    BarredReason,
    BarredAt,
    ExhaustedAt,
    /// What others see, for lists.
    Status,
    SpentMinor,
    Revision,
    /// Counts changes of spend and budgets: of two that come at once, one waits.
    Claims,
    /// The last day on which it was looked whether a new day frees it.
    LookedDay,
    /// What its partner may, as it was when it was last looked whether it may go on: [`Partners::Rights`] of then.
    Rights,
    CreatedAt,
    ChangedAt,
}

/// What became of campaigns, revision by revision.
#[derive(Iden, Clone, Copy)]
pub(super) enum History {
    #[iden = "campaign_history"]
    Table,
    Tenant,
    CampaignId,
    Revision,
    Fact,
    Status,
    Reason,
    Actor,
    Correlation,
    At,
}

/// The newest version of each budget.
#[derive(Iden, Clone, Copy)]
pub(super) enum Budgets {
    #[iden = "campaign_budget"]
    Table,
    Tenant,
    Id,
    CampaignId,
    Kind,
    Version,
    Currency,
    LimitMinor,
    WarningBp,
    CriticalBp,
    ExhaustedBp,
    Reason,
    SetBy,
    SetAt,
}

/// All versions of all budgets.
#[derive(Iden, Clone, Copy)]
pub(super) enum Versions {
    #[iden = "campaign_budget_version"]
    Table,
}

/// Spend came near a budget: once per version, day of a daily budget, and level.
#[derive(Iden, Clone, Copy)]
pub(super) enum Alerts {
    #[iden = "budget_alert"]
    Table,
    Tenant,
    BudgetId,
    Version,
    Level,
    /// The day of a daily budget; 0 of others.
    Day,
    Id,
    CampaignId,
    PartnerId,
    Kind,
    /// The event, as it was told.
    Data,
    At,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Spend {
    #[iden = "campaign_spend"]
    Table,
    Tenant,
    CampaignId,
    #[iden = "spend_id"]
    Id,
    Kind,
    /// The spend that it corrects.
    Corrects,
    StatedMinor,
    DifferenceMinor,
    Currency,
    OccurredAt,
    Day,
    IsLate,
    Note,
    RecordedAt,
}

/// What happened on which day, spend and results, summed.
#[derive(Iden, Clone, Copy)]
pub(super) enum Days {
    #[iden = "campaign_day"]
    Table,
    Tenant,
    CampaignId,
    Day,
    /// The campaign's, for sums over several.
    PartnerId,
    Currency,
    Impressions,
    Clicks,
    Leads,
    Conversions,
    RevenueMinor,
    SpendMinor,
}

/// Results as they were told.
#[derive(Iden, Clone, Copy)]
pub(super) enum Results {
    #[iden = "campaign_result"]
    Table,
    Tenant,
    CampaignId,
    ResultId,
    Day,
    Impressions,
    Clicks,
    Leads,
    Conversions,
    RevenueMinor,
    /// Who told it: `API` or `CONVERSIONS`.
    Source,
    RecordedAt,
}

/// What was given back for conversions that are not known here yet.
#[derive(Iden, Clone, Copy)]
pub(super) enum Refunds {
    #[iden = "waiting_refund"]
    Table,
    Tenant,
    RefundId,
    ConversionId,
    AmountMinor,
    Currency,
    At,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Reports {
    #[iden = "campaign_report"]
    Table,
    Tenant,
    Id,
    CampaignId,
    PartnerId,
    Granularity,
    StartDay,
    EndDay,
    /// Of those that are made by themselves: what makes each version of each be made once.
    Schedule,
    /// Counts from 1 for each period.
    Version,
    /// The id of the next version.
    ReplacedBy,
    /// JSON, as in answers.
    Data,
    GeneratedAt,
}

/// Of which period the next report of a kind is.
#[derive(Iden, Clone, Copy)]
pub(super) enum Schedules {
    #[iden = "campaign_schedule"]
    Table,
    Tenant,
    CampaignId,
    Granularity,
    /// The period's first. Null: there will be no other report.
    NextDay,
}

/// Reports that are no longer right.
#[derive(Iden, Clone, Copy)]
pub(super) enum Renewals {
    #[iden = "campaign_report_renewal"]
    Table,
    Tenant,
    CampaignId,
    Granularity,
    /// The period's first.
    StartDay,
    Reason,
    /// Of the first that came in for this reason.
    #[iden = "correlation_id"]
    Correlation,
}

fn known(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Grants::Table)
                .col(columns::id(backend, Grants::Tenant).not_null())
                .col(columns::id(backend, Grants::ContractId).not_null())
                .col(columns::id(backend, Grants::PartnerId).not_null())
                .col(columns::integer(Grants::Revision).not_null())
                .col(columns::integer(Grants::EffectiveDay).not_null())
                .col(columns::integer(Grants::ExpiresDay))
                .col(columns::text(backend, Grants::Permissions).not_null())
                .col(columns::text(backend, Grants::Limits).not_null())
                .col(columns::timestamp(Grants::ToldAt).not_null())
                .primary_key(Index::create().col(Grants::Tenant).col(Grants::ContractId)),
        ),
        backend.schema(
            Index::create()
                .name("campaign_grant_partner")
                .table(Grants::Table)
                .col(Grants::Tenant)
                .col(Grants::PartnerId),
        ),
        backend.schema(
            Table::create()
                .table(Partners::Table)
                .col(columns::id(backend, Partners::Tenant).not_null())
                .col(columns::id(backend, Partners::Id).not_null())
                .col(columns::id(backend, Partners::Validation))
                .col(ColumnDef::new(Partners::IsBarred).boolean().not_null())
                .col(columns::integer(Partners::Revision).not_null())
                .col(columns::timestamp(Partners::ToldAt))
                .col(columns::integer(Partners::Claims).not_null())
                .primary_key(Index::create().col(Partners::Tenant).col(Partners::Id)),
        ),
    ]
}

/// Whoever is there already is looked at: rights of 1 are later than those that a campaign of 0 has seen.
fn bar(backend: Backend) -> Vec<String> {
    let of_partner =
        |column: &mut ColumnDef| backend.schema(Table::alter().table(Partners::Table).add_column(column));
    let of_campaign =
        |column: &mut ColumnDef| backend.schema(Table::alter().table(Campaigns::Table).add_column(column));
    vec![
        of_partner(columns::integer(Partners::Rights).not_null().default(1)),
        of_partner(columns::integer(Partners::RightsDay).default(0)),
        of_campaign(columns::integer(Campaigns::Rights).not_null().default(0)),
        of_campaign(&mut columns::id(backend, Campaigns::BarredBy)),
        of_campaign(&mut columns::text(backend, Campaigns::BarredReason)),
        of_campaign(&mut columns::timestamp(Campaigns::BarredAt)),
        backend.schema(
            Table::create()
                .table(Ends::Table)
                .col(columns::id(backend, Ends::Tenant).not_null())
                .col(columns::id(backend, Ends::ContractId).not_null())
                .col(columns::id(backend, Ends::PartnerId).not_null())
                .col(columns::id(backend, Ends::Outcome).not_null())
                .col(columns::id(backend, Ends::RenewedBy))
                .col(columns::timestamp(Ends::EndedAt).not_null())
                .col(columns::integer(Ends::Revision).not_null())
                .primary_key(Index::create().col(Ends::Tenant).col(Ends::ContractId)),
        ),
        backend.schema(
            Index::create()
                .name("contract_end_partner")
                .table(Ends::Table)
                .col(Ends::Tenant)
                .col(Ends::PartnerId),
        ),
    ]
}

fn campaigns(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Campaigns::Table)
                .col(columns::id(backend, Campaigns::Tenant).not_null())
                .col(columns::id(backend, Campaigns::Id).not_null())
                .col(columns::id(backend, Campaigns::PartnerId).not_null())
                .col(columns::id(backend, Campaigns::ContractId))
                .col(columns::id(backend, Campaigns::Kind).not_null())
                .col(columns::text(backend, Campaigns::Name).not_null())
                .col(columns::text(backend, Campaigns::Channel).not_null())
                .col(columns::id(backend, Campaigns::Currency).not_null())
                .col(columns::integer(Campaigns::StartDay).not_null())
                .col(columns::integer(Campaigns::EndDay).not_null())
                .col(columns::text(backend, Campaigns::Targets).not_null())
                .col(columns::id(backend, Campaigns::Stage).not_null())
                .col(columns::timestamp(Campaigns::RunningSince))
                .col(columns::timestamp(Campaigns::EndedAt))
                .col(columns::text(backend, Campaigns::CancelReason))
                .col(columns::text(backend, Campaigns::HoldReason))
                .col(columns::timestamp(Campaigns::HeldAt))
                .col(columns::timestamp(Campaigns::ExhaustedAt))
                .col(columns::id(backend, Campaigns::Status).not_null())
                .col(columns::integer(Campaigns::SpentMinor).not_null())
                .col(columns::integer(Campaigns::Revision).not_null())
                .col(columns::integer(Campaigns::Claims).not_null())
                .col(columns::integer(Campaigns::LookedDay).not_null())
                .col(columns::timestamp(Campaigns::CreatedAt).not_null())
                .col(columns::timestamp(Campaigns::ChangedAt).not_null())
                .primary_key(Index::create().col(Campaigns::Tenant).col(Campaigns::Id)),
        ),
        backend.schema(
            Index::create()
                .name("campaign_created")
                .table(Campaigns::Table)
                .col(Campaigns::Tenant)
                .col(Campaigns::CreatedAt)
                .col(Campaigns::Id),
        ),
        backend.schema(
            Index::create()
                .name("campaign_partner")
                .table(Campaigns::Table)
                .col(Campaigns::Tenant)
                .col(Campaigns::PartnerId)
                .col(Campaigns::CreatedAt)
                .col(Campaigns::Id),
        ),
        backend.schema(
            Index::create()
                .name("campaign_stage")
                .table(Campaigns::Table)
                .col(Campaigns::Tenant)
                .col(Campaigns::Stage),
        ),
        backend.schema(
            Table::create()
                .table(History::Table)
                .col(columns::id(backend, History::Tenant).not_null())
                .col(columns::id(backend, History::CampaignId).not_null())
                .col(columns::integer(History::Revision).not_null())
                .col(columns::id(backend, History::Fact).not_null())
                .col(columns::id(backend, History::Status).not_null())
                .col(columns::text(backend, History::Reason))
                .col(columns::id(backend, History::Actor).not_null())
                .col(columns::id(backend, History::Correlation).not_null())
                .col(columns::timestamp(History::At).not_null())
                .primary_key(
                    Index::create().col(History::Tenant).col(History::CampaignId).col(History::Revision),
                ),
        ),
    ]
}

fn budgets(backend: Backend) -> Vec<String> {
    let columns_of = |table: &mut TableCreateStatement| {
        table
            .col(columns::id(backend, Budgets::Tenant).not_null())
            .col(columns::id(backend, Budgets::Id).not_null())
            .col(columns::id(backend, Budgets::CampaignId).not_null())
            .col(columns::id(backend, Budgets::Kind).not_null())
            .col(columns::integer(Budgets::Version).not_null())
            .col(columns::id(backend, Budgets::Currency).not_null())
            .col(columns::integer(Budgets::LimitMinor).not_null())
            .col(columns::integer(Budgets::WarningBp).not_null())
            .col(columns::integer(Budgets::CriticalBp).not_null())
            .col(columns::integer(Budgets::ExhaustedBp).not_null())
            .col(columns::text(backend, Budgets::Reason))
            .col(columns::text(backend, Budgets::SetBy).not_null())
            .col(columns::timestamp(Budgets::SetAt).not_null());
    };
    let mut newest = Table::create().table(Budgets::Table).to_owned();
    columns_of(&mut newest);
    newest.primary_key(Index::create().col(Budgets::Tenant).col(Budgets::Id));
    let mut versions = Table::create().table(Versions::Table).to_owned();
    columns_of(&mut versions);
    versions.primary_key(Index::create().col(Budgets::Tenant).col(Budgets::Id).col(Budgets::Version));
    vec![
        backend.schema(&newest),
        backend.schema(
            Index::create()
                .unique()
                .name("campaign_budget_kind")
                .table(Budgets::Table)
                .col(Budgets::Tenant)
                .col(Budgets::CampaignId)
                .col(Budgets::Kind),
        ),
        backend.schema(
            Index::create()
                .name("campaign_budget_set")
                .table(Budgets::Table)
                .col(Budgets::Tenant)
                .col(Budgets::SetAt)
                .col(Budgets::Id),
        ),
        backend.schema(&versions),
        backend.schema(
            Table::create()
                .table(Alerts::Table)
                .col(columns::id(backend, Alerts::Tenant).not_null())
                .col(columns::id(backend, Alerts::BudgetId).not_null())
                .col(columns::integer(Alerts::Version).not_null())
                .col(columns::id(backend, Alerts::Level).not_null())
                .col(columns::integer(Alerts::Day).not_null())
                .col(columns::id(backend, Alerts::Id).not_null())
                .col(columns::id(backend, Alerts::CampaignId).not_null())
                .col(columns::id(backend, Alerts::PartnerId).not_null())
                .col(columns::id(backend, Alerts::Kind).not_null())
                .col(columns::text(backend, Alerts::Data).not_null())
                .col(columns::timestamp(Alerts::At).not_null())
                .primary_key(
                    Index::create()
                        .col(Alerts::Tenant)
                        .col(Alerts::BudgetId)
                        .col(Alerts::Version)
                        .col(Alerts::Level)
                        .col(Alerts::Day),
                ),
        ),
        backend.schema(
            Index::create()
                .name("budget_alert_at")
                .table(Alerts::Table)
                .col(Alerts::Tenant)
                .col(Alerts::At)
                .col(Alerts::Id),
        ),
        backend.schema(
            Index::create()
                .name("budget_alert_campaign")
                .table(Alerts::Table)
                .col(Alerts::Tenant)
                .col(Alerts::CampaignId)
                .col(Alerts::At)
                .col(Alerts::Id),
        ),
    ]
}

fn spend(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Spend::Table)
                .col(columns::id(backend, Spend::Tenant).not_null())
                .col(columns::id(backend, Spend::CampaignId).not_null())
                .col(columns::id(backend, Spend::Id).not_null())
                .col(columns::id(backend, Spend::Kind).not_null())
                .col(columns::id(backend, Spend::Corrects))
                .col(columns::integer(Spend::StatedMinor).not_null())
                .col(columns::integer(Spend::DifferenceMinor).not_null())
                .col(columns::id(backend, Spend::Currency).not_null())
                .col(columns::timestamp(Spend::OccurredAt).not_null())
                .col(columns::integer(Spend::Day).not_null())
                .col(ColumnDef::new(Spend::IsLate).boolean().not_null())
                .col(columns::text(backend, Spend::Note))
                .col(columns::timestamp(Spend::RecordedAt).not_null())
                .primary_key(Index::create().col(Spend::Tenant).col(Spend::CampaignId).col(Spend::Id)),
        ),
        backend.schema(
            Index::create()
                .name("campaign_spend_recorded")
                .table(Spend::Table)
                .col(Spend::Tenant)
                .col(Spend::CampaignId)
                .col(Spend::RecordedAt)
                .col(Spend::Id),
        ),
        backend.schema(
            Index::create()
                .name("campaign_spend_corrects")
                .table(Spend::Table)
                .col(Spend::Tenant)
                .col(Spend::CampaignId)
                .col(Spend::Corrects),
        ),
    ]
}

fn results(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Days::Table)
                .col(columns::id(backend, Days::Tenant).not_null())
                .col(columns::id(backend, Days::CampaignId).not_null())
                .col(columns::integer(Days::Day).not_null())
                .col(columns::id(backend, Days::PartnerId).not_null())
                .col(columns::id(backend, Days::Currency).not_null())
                .col(columns::integer(Days::Impressions).not_null())
                .col(columns::integer(Days::Clicks).not_null())
                .col(columns::integer(Days::Leads).not_null())
                .col(columns::integer(Days::Conversions).not_null())
                .col(columns::integer(Days::RevenueMinor).not_null())
                .col(columns::integer(Days::SpendMinor).not_null())
                .primary_key(Index::create().col(Days::Tenant).col(Days::CampaignId).col(Days::Day)),
        ),
        backend.schema(
            Index::create()
                .name("campaign_day_currency")
                .table(Days::Table)
                .col(Days::Tenant)
                .col(Days::Currency)
                .col(Days::Day),
        ),
        backend.schema(
            Table::create()
                .table(Results::Table)
                .col(columns::id(backend, Results::Tenant).not_null())
                .col(columns::id(backend, Results::CampaignId).not_null())
                .col(columns::id(backend, Results::ResultId).not_null())
                .col(columns::integer(Results::Day).not_null())
                .col(columns::integer(Results::Impressions).not_null())
                .col(columns::integer(Results::Clicks).not_null())
                .col(columns::integer(Results::Leads).not_null())
                .col(columns::integer(Results::Conversions).not_null())
                .col(columns::integer(Results::RevenueMinor).not_null())
                .col(columns::id(backend, Results::Source).not_null())
                .col(columns::timestamp(Results::RecordedAt).not_null())
                .primary_key(
                    Index::create().col(Results::Tenant).col(Results::CampaignId).col(Results::ResultId),
                ),
        ),
        backend.schema(
            Index::create()
                .name("campaign_result_id")
                .table(Results::Table)
                .col(Results::Tenant)
                .col(Results::ResultId),
        ),
        backend.schema(
            Table::create()
                .table(Refunds::Table)
                .col(columns::id(backend, Refunds::Tenant).not_null())
                .col(columns::id(backend, Refunds::RefundId).not_null())
                .col(columns::id(backend, Refunds::ConversionId).not_null())
                .col(columns::integer(Refunds::AmountMinor).not_null())
                .col(columns::id(backend, Refunds::Currency).not_null())
                .col(columns::timestamp(Refunds::At).not_null())
                .primary_key(Index::create().col(Refunds::Tenant).col(Refunds::RefundId)),
        ),
        backend.schema(
            Index::create()
                .name("waiting_refund_conversion")
                .table(Refunds::Table)
                .col(Refunds::Tenant)
                .col(Refunds::ConversionId),
        ),
    ]
}

fn reports(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Reports::Table)
                .col(columns::id(backend, Reports::Tenant).not_null())
                .col(columns::id(backend, Reports::Id).not_null())
                .col(columns::id(backend, Reports::CampaignId).not_null())
                .col(columns::id(backend, Reports::PartnerId).not_null())
                .col(columns::id(backend, Reports::Granularity).not_null())
                .col(columns::integer(Reports::StartDay).not_null())
                .col(columns::integer(Reports::EndDay).not_null())
                .col(columns::id(backend, Reports::Schedule))
                .col(columns::text(backend, Reports::Data).not_null())
                .col(columns::timestamp(Reports::GeneratedAt).not_null())
                .primary_key(Index::create().col(Reports::Tenant).col(Reports::Id)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("campaign_report_schedule")
                .table(Reports::Table)
                .col(Reports::Tenant)
                .col(Reports::CampaignId)
                .col(Reports::Schedule),
        ),
        backend.schema(
            Index::create()
                .name("campaign_report_made")
                .table(Reports::Table)
                .col(Reports::Tenant)
                .col(Reports::Schedule)
                .col(Reports::CampaignId),
        ),
        backend.schema(
            Index::create()
                .name("campaign_report_generated")
                .table(Reports::Table)
                .col(Reports::Tenant)
                .col(Reports::GeneratedAt)
                .col(Reports::Id),
        ),
    ]
}

fn schedules(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Schedules::Table)
                .col(columns::id(backend, Schedules::Tenant).not_null())
                .col(columns::id(backend, Schedules::CampaignId).not_null())
                .col(columns::id(backend, Schedules::Granularity).not_null())
                .col(columns::integer(Schedules::NextDay))
                .primary_key(
                    Index::create()
                        .col(Schedules::Tenant)
                        .col(Schedules::Granularity)
                        .col(Schedules::CampaignId),
                ),
        ),
        backend.schema(
            Index::create()
                .name("campaign_schedule_next")
                .table(Schedules::Table)
                .col(Schedules::Tenant)
                .col(Schedules::Granularity)
                .col(Schedules::NextDay)
                .col(Schedules::CampaignId),
        ),
    ]
}

fn renewals(backend: Backend) -> Vec<String> {
    let of_report =
        |column: &mut ColumnDef| backend.schema(Table::alter().table(Reports::Table).add_column(column));
    vec![
        of_report(columns::integer(Reports::Version).not_null().default(1)),
        of_report(&mut columns::id(backend, Reports::ReplacedBy)),
        backend.schema(
            Table::create()
                .table(Renewals::Table)
                .col(columns::id(backend, Renewals::Tenant).not_null())
                .col(columns::id(backend, Renewals::CampaignId).not_null())
                .col(columns::id(backend, Renewals::Granularity).not_null())
                .col(columns::integer(Renewals::StartDay).not_null())
                .col(columns::id(backend, Renewals::Reason).not_null())
                .primary_key(
                    Index::create()
                        .col(Renewals::Tenant)
                        .col(Renewals::CampaignId)
                        .col(Renewals::Granularity)
                        .col(Renewals::StartDay)
                        .col(Renewals::Reason),
                ),
        ),
    ]
}
