//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Iden, Index, Table};

/// What [`crate::api`] and [`crate::consumers`] need in their database, besides outbox and inbox.
pub const MIGRATIONS: &[Migration] =
    &[Migration::new("conversions", 1, "create conversion, refund, click and what is known", |backend| {
        [known(backend), conversions(backend), refunds(backend), clicks(backend)].concat()
    })];

/// What the affiliates context told last of each program.
#[derive(Iden, Clone, Copy)]
pub(super) enum KnownPrograms {
    #[iden = "known_program"]
    Table,
    Tenant,
    Id,
    Revision,
    Currency,
    Model,
    WindowSeconds,
    IsActive,
}

/// The same of each affiliate.
#[derive(Iden, Clone, Copy)]
pub(super) enum KnownAffiliates {
    #[iden = "known_affiliate"]
    Table,
    Tenant,
    Id,
    Revision,
    ProgramId,
    Code,
    IsActive,
}

/// Links that can be followed.
#[derive(Iden, Clone, Copy)]
pub(super) enum KnownLinks {
    #[iden = "known_link"]
    Table,
    Tenant,
    Slug,
    AffiliateId,
    ProgramId,
    CampaignId,
    Destination,
}

/// What customers did.
#[derive(Iden, Clone, Copy)]
pub(crate) enum Conversions {
    #[iden = "conversion"]
    Table,
    Tenant,
    Id,
    ProgramId,
    AffiliateId,
    CampaignId,
    Kind,
    Currency,
    GrossMinor,
    RefundedMinor,
    ProductId,
    Country,
    NewCustomer,
    ExternalId,
    /// How its affiliate was found.
    Found,
    ClickId,
    ClicksCounted,
    ProgramRevision,
    AffiliateRevision,
    OccurredAt,
    RecordedAt,
    /// Days since 1970 until it happened.
    Day,
}

/// What an order consists of.
#[derive(Iden, Clone, Copy)]
pub(super) enum Lines {
    #[iden = "conversion_line"]
    Table,
    Tenant,
    ConversionId,
    Ordinal,
    LineId,
    ProductId,
    AmountMinor,
    RefundedMinor,
}

/// What was given back; two can never lead to the same total.
#[derive(Iden, Clone, Copy)]
pub(super) enum Refunds {
    #[iden = "refund"]
    Table,
    Tenant,
    Id,
    ConversionId,
    AmountMinor,
    TotalMinor,
    Currency,
    /// JSON: pairs of line and minor units.
    Lines,
    Reason,
    ExternalId,
    At,
}

/// Who followed which link.
#[derive(Iden, Clone, Copy)]
pub(super) enum Clicks {
    #[iden = "click"]
    Table,
    Tenant,
    Id,
    VisitorId,
    Slug,
    AffiliateId,
    ProgramId,
    CampaignId,
    At,
}

fn known(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(KnownPrograms::Table)
                .col(columns::id(backend, KnownPrograms::Tenant).not_null())
                .col(columns::id(backend, KnownPrograms::Id).not_null())
                .col(columns::integer(KnownPrograms::Revision).not_null())
                .col(columns::id(backend, KnownPrograms::Currency).not_null())
                .col(columns::id(backend, KnownPrograms::Model).not_null())
                .col(columns::integer(KnownPrograms::WindowSeconds).not_null())
                .col(ColumnDef::new(KnownPrograms::IsActive).boolean().not_null())
                .primary_key(Index::create().col(KnownPrograms::Tenant).col(KnownPrograms::Id)),
        ),
        backend.schema(
            Table::create()
                .table(KnownAffiliates::Table)
                .col(columns::id(backend, KnownAffiliates::Tenant).not_null())
                .col(columns::id(backend, KnownAffiliates::Id).not_null())
                .col(columns::integer(KnownAffiliates::Revision).not_null())
                .col(columns::id(backend, KnownAffiliates::ProgramId).not_null())
                .col(columns::id(backend, KnownAffiliates::Code).not_null())
                .col(ColumnDef::new(KnownAffiliates::IsActive).boolean().not_null())
                .primary_key(Index::create().col(KnownAffiliates::Tenant).col(KnownAffiliates::Id)),
        ),
        backend.schema(
            Index::create()
                .name("known_affiliate_code")
                .table(KnownAffiliates::Table)
                .col(KnownAffiliates::Tenant)
                .col(KnownAffiliates::ProgramId)
                .col(KnownAffiliates::Code),
        ),
        backend.schema(
            Table::create()
                .table(KnownLinks::Table)
                .col(columns::id(backend, KnownLinks::Tenant).not_null())
                .col(columns::id(backend, KnownLinks::Slug).not_null())
                .col(columns::id(backend, KnownLinks::AffiliateId).not_null())
                .col(columns::id(backend, KnownLinks::ProgramId).not_null())
                .col(columns::id(backend, KnownLinks::CampaignId))
                .col(columns::text(backend, KnownLinks::Destination).not_null())
                .primary_key(Index::create().col(KnownLinks::Tenant).col(KnownLinks::Slug)),
        ),
    ]
}

fn conversions(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Conversions::Table)
                .col(columns::id(backend, Conversions::Tenant).not_null())
                .col(columns::id(backend, Conversions::Id).not_null())
                .col(columns::id(backend, Conversions::ProgramId).not_null())
                .col(columns::id(backend, Conversions::AffiliateId).not_null())
                .col(columns::id(backend, Conversions::CampaignId))
                .col(columns::id(backend, Conversions::Kind).not_null())
                .col(columns::id(backend, Conversions::Currency).not_null())
                .col(columns::integer(Conversions::GrossMinor).not_null())
                .col(columns::integer(Conversions::RefundedMinor).not_null())
                .col(columns::id(backend, Conversions::ProductId))
                .col(columns::id(backend, Conversions::Country))
                .col(ColumnDef::new(Conversions::NewCustomer).boolean())
                .col(columns::id(backend, Conversions::ExternalId))
                .col(columns::id(backend, Conversions::Found).not_null())
                .col(columns::id(backend, Conversions::ClickId))
                .col(columns::integer(Conversions::ClicksCounted).not_null())
                .col(columns::integer(Conversions::ProgramRevision).not_null())
                .col(columns::integer(Conversions::AffiliateRevision).not_null())
                .col(columns::timestamp(Conversions::OccurredAt).not_null())
                .col(columns::timestamp(Conversions::RecordedAt).not_null())
                .col(columns::integer(Conversions::Day).not_null())
                .primary_key(Index::create().col(Conversions::Tenant).col(Conversions::Id)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("conversion_external")
                .table(Conversions::Table)
                .col(Conversions::Tenant)
                .col(Conversions::ProgramId)
                .col(Conversions::ExternalId),
        ),
        backend.schema(
            Index::create()
                .name("conversion_recorded")
                .table(Conversions::Table)
                .col(Conversions::Tenant)
                .col(Conversions::RecordedAt)
                .col(Conversions::Id),
        ),
        backend.schema(
            Index::create()
                .name("conversion_occurred")
                .table(Conversions::Table)
                .col(Conversions::Tenant)
                .col(Conversions::OccurredAt)
                .col(Conversions::Id),
        ),
        backend.schema(
            Index::create()
                .name("conversion_affiliate")
                .table(Conversions::Table)
                .col(Conversions::Tenant)
                .col(Conversions::AffiliateId)
                .col(Conversions::OccurredAt)
                .col(Conversions::Id),
        ),
        backend.schema(
            Table::create()
                .table(Lines::Table)
                .col(columns::id(backend, Lines::Tenant).not_null())
                .col(columns::id(backend, Lines::ConversionId).not_null())
                .col(columns::integer(Lines::Ordinal).not_null())
                .col(columns::id(backend, Lines::LineId).not_null())
                .col(columns::id(backend, Lines::ProductId))
                .col(columns::integer(Lines::AmountMinor).not_null())
                .col(columns::integer(Lines::RefundedMinor).not_null())
                .primary_key(Index::create().col(Lines::Tenant).col(Lines::ConversionId).col(Lines::LineId)),
        ),
    ]
}

fn refunds(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Refunds::Table)
                .col(columns::id(backend, Refunds::Tenant).not_null())
                .col(columns::id(backend, Refunds::Id).not_null())
                .col(columns::id(backend, Refunds::ConversionId).not_null())
                .col(columns::integer(Refunds::AmountMinor).not_null())
                .col(columns::integer(Refunds::TotalMinor).not_null())
                .col(columns::id(backend, Refunds::Currency).not_null())
                .col(columns::text(backend, Refunds::Lines).not_null())
                .col(columns::text(backend, Refunds::Reason))
                .col(columns::id(backend, Refunds::ExternalId))
                .col(columns::timestamp(Refunds::At).not_null())
                .primary_key(Index::create().col(Refunds::Tenant).col(Refunds::Id)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("refund_external")
                .table(Refunds::Table)
                .col(Refunds::Tenant)
                .col(Refunds::ConversionId)
                .col(Refunds::ExternalId),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("refund_total")
                .table(Refunds::Table)
                .col(Refunds::Tenant)
                .col(Refunds::ConversionId)
                .col(Refunds::TotalMinor),
        ),
    ]
}

fn clicks(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Clicks::Table)
                .col(columns::id(backend, Clicks::Tenant).not_null())
                .col(columns::id(backend, Clicks::Id).not_null())
                .col(columns::id(backend, Clicks::VisitorId).not_null())
                .col(columns::id(backend, Clicks::Slug).not_null())
                .col(columns::id(backend, Clicks::AffiliateId).not_null())
                .col(columns::id(backend, Clicks::ProgramId).not_null())
                .col(columns::id(backend, Clicks::CampaignId))
                .col(columns::timestamp(Clicks::At).not_null())
                .primary_key(Index::create().col(Clicks::Tenant).col(Clicks::Id)),
        ),
        backend.schema(
            Index::create()
                .name("click_visitor")
                .table(Clicks::Table)
                .col(Clicks::Tenant)
                .col(Clicks::VisitorId)
                .col(Clicks::ProgramId)
                .col(Clicks::At),
        ),
    ]
}
