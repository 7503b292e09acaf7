//! The tables.
//!
//! `outbox_event` has the columns of Debezium's outbox event router (`id`, `aggregatetype`, `aggregateid`,
//! `type`, `payload`), so that a real Debezium can read it, and the seeds' `published` and `occurred_at`.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{Index, Table};

/// Belongs to every database that has commands.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new("outbox", 1, "create outbox_event", |backend| {
        vec![outbox_event(backend), by_occurrence(backend)]
    }),
    Migration::new("outbox", 2, "create relay_checkpoint", |backend| vec![relay_checkpoint(backend)]),
    Migration::new("outbox", 3, "add holder and events to relay_checkpoint", |backend| {
        vec![holder(backend), events(backend)]
    }),
    Migration::new("outbox", 4, "create relay_layout", |backend| vec![relay_layout(backend)]),
    Migration::new("outbox", 5, "create relay_rules", |backend| vec![relay_rules(backend)]),
];

fn outbox_event(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("outbox_event")
            .if_not_exists()
            .col(columns::sequence("seq"))
            .col(columns::id(backend, "id").not_null().unique_key())
            .col(columns::id(backend, "aggregatetype").not_null())
            .col(columns::id(backend, "aggregateid").not_null())
            .col(columns::id(backend, "type").not_null())
            .col(columns::text(backend, "payload").not_null())
            .col(columns::text(backend, "headers").not_null())
            .col(columns::timestamp("occurred_at").not_null())
            .col(columns::integer("published").not_null())
            .col(columns::timestamp("published_at")),
    )
}

fn by_occurrence(backend: Backend) -> String {
    let mut index = Index::create();
    index.name("outbox_event_by_occurrence").table("outbox_event").col("occurred_at");
    backend.schema(&index)
}

fn relay_checkpoint(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_checkpoint")
            .if_not_exists()
            .col(columns::id(backend, "source").not_null().primary_key())
            .col(columns::id(backend, "epoch").not_null())
            .col(columns::integer("ordinal").not_null()),
    )
}

/// Which relay may move the checkpoint.
fn holder(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_checkpoint").add_column(columns::id(backend, "holder")))
}

/// The ordinal of the last row that went to the topics of events: others go to topics of their own.
fn events(backend: Backend) -> String {
    let mut column = columns::integer("events");
    column.not_null().default(0_i64);
    backend.schema(Table::alter().table("relay_checkpoint").add_column(column))
}

/// How the rows are spread over the partitions of a topic, one row for each topic that has some. Names may be longer
/// than a key's column.
fn relay_layout(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_layout")
            .if_not_exists()
            .col(columns::sequence("number"))
            .col(columns::text(backend, "topic").not_null())
            .col(columns::integer("partitions_before").not_null())
            .col(columns::integer("partitions").not_null())
            .col(columns::integer("since").not_null()),
    )
}

/// By which rules rows go to topics of their own, those up to `since` and those after it.
fn relay_rules(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_rules")
            .if_not_exists()
            .col(columns::id(backend, "source").not_null().primary_key())
            .col(columns::text(backend, "rules_before").not_null())
            .col(columns::text(backend, "rules").not_null())
            .col(columns::integer("since").not_null()),
    )
}
