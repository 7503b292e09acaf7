//! The tables. They belong to every database whose context handles events; the outbox's beside them.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{Index, Table};

pub const MIGRATIONS: &[Migration] = &[Migration::new("consumer", 1, "create the inbox", |backend| {
    vec![inbox_event(backend), by_time(backend), inbox_run(backend), inbox_blocked_key(backend)]
})];

/// What has been handled. `digest` tells an event that came again from another one under its id.
fn inbox_event(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("inbox_event")
            .if_not_exists()
            .col(columns::id(backend, "consumer").not_null())
            .col(columns::id(backend, "event_id").not_null())
            .col(columns::id(backend, "digest").not_null())
            .col(columns::timestamp("processed_at").not_null())
            .primary_key(Index::create().col("consumer").col("event_id")),
    )
}

fn by_time(backend: Backend) -> String {
    let mut index = Index::create();
    index.name("inbox_event_by_time").table("inbox_event").col("consumer").col("processed_at");
    backend.schema(&index)
}

/// The runs of events that were not handled yet, so that a crash does not begin anew.
fn inbox_run(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("inbox_run")
            .if_not_exists()
            .col(columns::id(backend, "consumer").not_null())
            .col(columns::id(backend, "event_id").not_null())
            .col(columns::integer("runs").not_null())
            .col(columns::timestamp("first_at").not_null())
            .col(columns::timestamp("due_at").not_null())
            .col(columns::text(backend, "why").not_null())
            .primary_key(Index::create().col("consumer").col("event_id")),
    )
}

/// Keys of which an event is a dead letter, and the first of these.
fn inbox_blocked_key(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("inbox_blocked_key")
            .if_not_exists()
            .col(columns::id(backend, "consumer").not_null())
            .col(columns::id(backend, "event_key").not_null())
            .col(columns::id(backend, "event_id").not_null())
            .col(columns::timestamp("blocked_at").not_null())
            .primary_key(Index::create().col("consumer").col("event_key")),
    )
}
