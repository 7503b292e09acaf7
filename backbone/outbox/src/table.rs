//! The tables, and how an event gets into them.
//!
//! `outbox_event` has the columns of Debezium's outbox event router (`id`, `aggregatetype`, `aggregateid`,
//! `type`, `payload`), so that a real Debezium can read it, and the seeds' `published` and `occurred_at`.

use hexalpes_db::{Backend, DbError, Migration, Tx, columns};
use hexalpes_kernel::{Cause, Uuid};
use sea_query::{Index, Query, Table};
use serde_json::value::RawValue;

use crate::row::Headers;

/// Belongs to every database that has commands.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new("outbox", 1, "create outbox_event", |backend| {
        vec![outbox_event(backend), by_occurrence(backend)]
    }),
    Migration::new("outbox", 2, "create relay_checkpoint", |backend| vec![relay_checkpoint(backend)]),
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

/// A fact on its way out.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Becomes the `CloudEvent`'s id.
    pub id: Uuid,
    /// The context's name on the wire, such as `commissions`; the `CloudEvent`'s source is made of it.
    pub aggregate_type: &'static str,
    /// Becomes the subject and the message's key.
    pub aggregate_id: String,
    /// Full name of the fact: `com.hexabuilders.commissions.CommissionCalculated`.
    pub kind: &'static str,
    /// A JSON object.
    pub data: Box<RawValue>,
}

/// Appends an event in the transaction of the command that caused it.
pub async fn append(tx: &Tx, cause: &Cause, event: NewEvent) -> Result<(), DbError> {
    let headers = Headers {
        correlationid: cause.correlation.clone(),
        causationid: cause.causation.clone(),
        actor: cause.actor.clone(),
    };
    let insert = Query::insert()
        .into_table("outbox_event")
        .columns([
            "id",
            "aggregatetype",
            "aggregateid",
            "type",
            "payload",
            "headers",
            "occurred_at",
            "published",
        ])
        .values_panic([
            event.id.to_string().into(),
            event.aggregate_type.into(),
            event.aggregate_id.into(),
            event.kind.into(),
            event.data.get().into(),
            headers.to_json().into(),
            cause.at.as_micros().into(),
            0_i64.into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(drop)
}
