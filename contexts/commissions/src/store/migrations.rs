//! The tables of this context, and what becomes of rows that are older than a step.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Index, Table};

use super::Col;
use super::{
    contracts, history, journal, known, payments, payouts, rated, refunds, reratings, rules, snapshots, terms,
};

/// What the routers need in their database, besides the outbox.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new("commissions", 1, "create commission", create_commission),
    Migration::new("commissions", 2, "give commissions a life and books", give_books),
    Migration::new("commissions", 3, "pay commissions out", |backend| {
        [payouts::create(backend), terms::create(backend)].concat()
    }),
    Migration::new("commissions", 4, "know programs and affiliates", known::create),
    Migration::new("commissions", 5, "have rules, and keep what they look at", |backend| {
        [rules::create(backend), rated::create(backend)].concat()
    }),
    Migration::new("commissions", 6, "rate conversions anew", reratings::create),
    Migration::new("commissions", 7, "know contracts with partners", contracts::create),
    Migration::new("commissions", 8, "note what contracts a rerating looked at", reratings::note_contracts),
    Migration::new("commissions", 9, "pay partners as their contracts say", payments::create),
];

fn create_commission(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Col::Table)
                .col(id(Col::Id).not_null().primary_key())
                .col(id(Col::Tenant).not_null())
                .col(id(Col::ConversionId).not_null())
                .col(id(Col::RuleSlot).not_null())
                .col(id(Col::AffiliateId).not_null())
                .col(id(Col::CampaignId))
                .col(columns::integer(Col::GrossMinor).not_null())
                .col(columns::integer(Col::CommissionMinor).not_null())
                .col(id(Col::Currency).not_null())
                .col(id(Col::RatePercent).not_null())
                .col(columns::text(backend, Col::Explanation).not_null())
                .col(id(Col::Status).not_null())
                .col(columns::text(backend, Col::Reason))
                .col(columns::timestamp(Col::HeldUntil))
                .col(columns::timestamp(Col::CreatedAt).not_null())
                .col(columns::timestamp(Col::ApprovedAt)),
        ),
        backend.schema(
            Index::create()
                .unique()
                .name("commission_conversion")
                .table(Col::Table)
                .col(Col::Tenant)
                .col(Col::ConversionId)
                .col(Col::RuleSlot),
        ),
    ]
}

fn give_books(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    let add = |column: &mut ColumnDef| backend.schema(Table::alter().table(Col::Table).add_column(column));
    let index = |name: &str, of: &[Col]| {
        let mut index = Index::create().name(name).table(Col::Table).to_owned();
        for column in of {
            index.col(*column);
        }
        backend.schema(&index)
    };
    let mut statements = vec![
        add(id(Col::ProgramId).not_null().default("default")),
        add(columns::integer(Col::ReversedMinor).not_null().default(0)),
        add(columns::integer(Col::RefundedMinor).not_null().default(0)),
        add(ColumnDef::new(Col::HoldApproves).boolean().not_null().default(false)),
        add(&mut id(Col::PayoutId)),
        add(&mut columns::integer(Col::ReservedMinor)),
        add(&mut columns::integer(Col::NettedMinor)),
        add(&mut columns::timestamp(Col::PaidAt)),
        add(&mut columns::timestamp(Col::EndedAt)),
        index("commission_created", &[Col::Tenant, Col::CreatedAt, Col::Id]),
        index("commission_partner", &[Col::Tenant, Col::AffiliateId, Col::Currency, Col::Status]),
        index("commission_due", &[Col::Tenant, Col::Status, Col::HeldUntil]),
    ];
    statements.extend(history::create(backend));
    statements.extend(refunds::create(backend));
    statements.extend(journal::create(backend));
    statements.extend(snapshots::create(backend));
    statements.extend(journal::openings());
    statements
}
