//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Iden, Index, Table};

/// What [`crate::api`] needs in its database, besides the outbox.
pub const MIGRATIONS: &[Migration] =
    &[Migration::new("affiliates", 1, "create program, affiliate, link", |backend| {
        [programs(backend), affiliates(backend), links(backend)].concat()
    })];

#[derive(Iden, Clone, Copy)]
pub(super) enum Programs {
    #[iden = "program"]
    Table,
    Tenant,
    Id,
    Revision,
    Name,
    Currency,
    DefaultRate,
    HoldSeconds,
    AutoApprove,
    Attribution,
    WindowSeconds,
    Status,
    CreatedAt,
    ValidFrom,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Affiliates {
    #[iden = "affiliate"]
    Table,
    Tenant,
    Id,
    Revision,
    ProgramId,
    Name,
    Email,
    /// The e-mail without regard to case.
    EmailKey,
    Kind,
    BaseRate,
    PremiumRate,
    RatesValidFrom,
    Code,
    Country,
    Status,
    Reason,
    PayoutSealed,
    RegisteredAt,
    ChangedAt,
}

/// Which rates were valid when.
#[derive(Iden, Clone, Copy)]
pub(super) enum History {
    #[iden = "affiliate_rates"]
    Table,
    Tenant,
    AffiliateId,
    Revision,
    Kind,
    BaseRate,
    PremiumRate,
    ValidFrom,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum Links {
    #[iden = "affiliate_link"]
    Table,
    Tenant,
    Id,
    AffiliateId,
    ProgramId,
    CampaignId,
    Slug,
    Destination,
    CreatedAt,
}

fn programs(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Programs::Table)
                .col(id(Programs::Tenant).not_null())
                .col(id(Programs::Id).not_null())
                .col(columns::integer(Programs::Revision).not_null())
                .col(columns::text(backend, Programs::Name).not_null())
                .col(id(Programs::Currency).not_null())
                .col(id(Programs::DefaultRate).not_null())
                .col(columns::integer(Programs::HoldSeconds).not_null())
                .col(ColumnDef::new(Programs::AutoApprove).boolean().not_null())
                .col(id(Programs::Attribution).not_null())
                .col(columns::integer(Programs::WindowSeconds).not_null())
                .col(id(Programs::Status).not_null())
                .col(columns::timestamp(Programs::CreatedAt).not_null())
                .col(columns::timestamp(Programs::ValidFrom).not_null())
                .primary_key(Index::create().col(Programs::Tenant).col(Programs::Id)),
        ),
    ]
}

fn affiliates(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let history = |name| columns::id(backend, name);
    let unique = |name: &str, column| {
        backend.schema(
            Index::create()
                .unique()
                .name(name)
                .table(Affiliates::Table)
                .col(Affiliates::Tenant)
                .col(Affiliates::ProgramId)
                .col(column),
        )
    };
    vec![
        backend.schema(
            Table::create()
                .table(Affiliates::Table)
                .col(id(Affiliates::Tenant).not_null())
                .col(id(Affiliates::Id).not_null())
                .col(columns::integer(Affiliates::Revision).not_null())
                .col(id(Affiliates::ProgramId).not_null())
                .col(columns::text(backend, Affiliates::Name).not_null())
                .col(columns::text(backend, Affiliates::Email).not_null())
                .col(id(Affiliates::EmailKey).not_null())
                .col(id(Affiliates::Kind).not_null())
                .col(id(Affiliates::BaseRate))
                .col(id(Affiliates::PremiumRate))
                .col(columns::timestamp(Affiliates::RatesValidFrom).not_null())
                .col(id(Affiliates::Code).not_null())
                .col(id(Affiliates::Country))
                .col(id(Affiliates::Status).not_null())
                .col(columns::text(backend, Affiliates::Reason))
                .col(columns::text(backend, Affiliates::PayoutSealed))
                .col(columns::timestamp(Affiliates::RegisteredAt).not_null())
                .col(columns::timestamp(Affiliates::ChangedAt).not_null())
                .primary_key(Index::create().col(Affiliates::Tenant).col(Affiliates::Id)),
        ),
        unique("affiliate_email", Affiliates::EmailKey),
        unique("affiliate_code", Affiliates::Code),
        backend.schema(
            Index::create()
                .name("affiliate_registered")
                .table(Affiliates::Table)
                .col(Affiliates::Tenant)
                .col(Affiliates::RegisteredAt)
                .col(Affiliates::Id),
        ),
        backend.schema(
            Table::create()
                .table(History::Table)
                .col(history(History::Tenant).not_null())
                .col(history(History::AffiliateId).not_null())
                .col(columns::integer(History::Revision).not_null())
                .col(history(History::Kind).not_null())
                .col(history(History::BaseRate))
                .col(history(History::PremiumRate))
                .col(columns::timestamp(History::ValidFrom).not_null())
                .primary_key(
                    Index::create().col(History::Tenant).col(History::AffiliateId).col(History::Revision),
                ),
        ),
    ]
}

fn links(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Links::Table)
                .col(id(Links::Tenant).not_null())
                .col(id(Links::Id).not_null())
                .col(id(Links::AffiliateId).not_null())
                .col(id(Links::ProgramId).not_null())
                .col(id(Links::CampaignId))
                .col(id(Links::Slug).not_null())
                .col(columns::text(backend, Links::Destination).not_null())
                .col(columns::timestamp(Links::CreatedAt).not_null())
                .primary_key(Index::create().col(Links::Tenant).col(Links::Id)),
        ),
        backend.schema(
            Index::create().unique().name("affiliate_link_slug").table(Links::Table).col(Links::Slug),
        ),
        backend.schema(
            Index::create()
                .name("affiliate_link_created")
                .table(Links::Table)
                .col(Links::Tenant)
                .col(Links::AffiliateId)
                .col(Links::CreatedAt)
                .col(Links::Id),
        ),
    ]
}
