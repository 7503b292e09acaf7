//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{Iden, Index, Table};

/// What [`crate::api`] and [`crate::consumers`] need in their database, besides outbox and inbox.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new("analytics", 1, "create period_report and newest_report", |backend| {
        [table(backend, PERIODS), table(backend, NEWEST), indexes(backend)].concat()
    }),
    Migration::new("analytics", 2, "create known_campaign", |backend| vec![campaigns(backend)]),
];

/// The report of each period of each campaign that was made last; its slot is the period's name.
pub(super) const PERIODS: &str = "period_report";
/// The report of each campaign's newest period: in a slot of each granularity, and in one of all.
pub(super) const NEWEST: &str = "newest_report";
/// The slot of all granularities.
pub(super) const ANY: &str = "ANY";

/// What campaigns are called.
#[derive(Iden, Clone, Copy)]
pub(super) enum Campaigns {
    #[iden = "known_campaign"]
    Table,
    Tenant,
    Id,
    PartnerId,
    Revision,
    Name,
    Kind,
    Channel,
    Status,
    StartDay,
    EndDay,
}

/// The columns of both tables of reports.
#[derive(Iden, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reports {
    Tenant,
    /// What only one report of a campaign is called by.
    Slot,
    CampaignId,
    PartnerId,
    /// The period's name.
    Period,
    Granularity,
    StartDay,
    EndDay,
    Currency,
    Impressions,
    Clicks,
    Leads,
    Conversions,
    SpendMinor,
    RevenueMinor,
    ProfitMinor,
    /// Ten-thousandths of a percent; the least number there is where nothing was spent.
    RoiRank,
    ReportId,
    Version,
    GeneratedAt,
    EventId,
    OccurredAt,
    Correlation,
    /// Counts what was in this slot.
    Revision,
    HeardAt,
    /// JSON, as the event had it. With the period alone.
    Data,
}

impl Reports {
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::CampaignId | Self::PartnerId | Self::Period | Self::Currency)
    }
}

fn table(backend: Backend, name: &'static str) -> Vec<String> {
    let mut table = Table::create();
    table
        .table(name)
        .col(columns::id(backend, Reports::Tenant).not_null())
        .col(columns::id(backend, Reports::Slot).not_null())
        .col(columns::id(backend, Reports::CampaignId).not_null())
        .col(columns::id(backend, Reports::PartnerId).not_null())
        .col(columns::id(backend, Reports::Period).not_null())
        .col(columns::id(backend, Reports::Granularity).not_null())
        .col(columns::integer(Reports::StartDay).not_null())
        .col(columns::integer(Reports::EndDay).not_null())
        .col(columns::id(backend, Reports::Currency).not_null())
        .col(columns::integer(Reports::Impressions).not_null())
        .col(columns::integer(Reports::Clicks).not_null())
        .col(columns::integer(Reports::Leads).not_null())
        .col(columns::integer(Reports::Conversions).not_null())
        .col(columns::integer(Reports::SpendMinor).not_null())
        .col(columns::integer(Reports::RevenueMinor).not_null())
        .col(columns::integer(Reports::ProfitMinor).not_null())
        .col(columns::integer(Reports::RoiRank).not_null())
        .col(columns::id(backend, Reports::ReportId).not_null())
        .col(columns::integer(Reports::Version).not_null())
        .col(columns::timestamp(Reports::GeneratedAt).not_null())
        .col(columns::id(backend, Reports::EventId).not_null())
        .col(columns::timestamp(Reports::OccurredAt).not_null())
        .col(columns::id(backend, Reports::Correlation).not_null())
        .col(columns::integer(Reports::Revision).not_null())
        .col(columns::timestamp(Reports::HeardAt).not_null())
        .col(columns::text(backend, Reports::Data))
        .primary_key(Index::create().col(Reports::Tenant).col(Reports::Slot).col(Reports::CampaignId));
    vec![backend.schema(&table)]
}

fn campaigns(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table(Campaigns::Table)
            .col(columns::id(backend, Campaigns::Tenant).not_null())
            .col(columns::id(backend, Campaigns::Id).not_null())
            .col(columns::id(backend, Campaigns::PartnerId).not_null())
            .col(columns::integer(Campaigns::Revision).not_null())
            .col(columns::text(backend, Campaigns::Name).not_null())
            .col(columns::text(backend, Campaigns::Kind).not_null())
            .col(columns::text(backend, Campaigns::Channel).not_null())
            .col(columns::text(backend, Campaigns::Status).not_null())
            .col(columns::integer(Campaigns::StartDay))
            .col(columns::integer(Campaigns::EndDay))
            .primary_key(Index::create().col(Campaigns::Tenant).col(Campaigns::Id)),
    )
}

fn indexes(backend: Backend) -> Vec<String> {
    let index = |name: &'static str, table: &'static str, columns: &[Reports]| {
        let mut index = Index::create();
        index.name(name).table(table).col(Reports::Tenant);
        for column in columns {
            index.col(*column);
        }
        backend.schema(&index)
    };
    let (start, end) = (Reports::StartDay, Reports::EndDay);
    vec![
        // Sums are made of this alone, in its order, so that a page of them reads no more than it shows.
        index(
            "period_report_sums",
            PERIODS,
            &[
                end,
                start,
                Reports::Period,
                Reports::Currency,
                Reports::PartnerId,
                Reports::Granularity,
                Reports::Impressions,
                Reports::Clicks,
                Reports::Leads,
                Reports::Conversions,
                Reports::SpendMinor,
                Reports::RevenueMinor,
                Reports::ProfitMinor,
                Reports::OccurredAt,
            ],
        ),
        index("period_report_occurred", PERIODS, &[Reports::OccurredAt, Reports::Slot]),
        index("period_report_campaign", PERIODS, &[Reports::CampaignId, end, start]),
        index("period_report_partner", PERIODS, &[Reports::PartnerId, end, start]),
        index("newest_report_period", NEWEST, &[Reports::Slot, end, start, Reports::CampaignId]),
        index("newest_report_partner", NEWEST, &[Reports::PartnerId, Reports::Slot, end, start]),
    ]
}
