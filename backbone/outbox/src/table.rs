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
    Migration::new("outbox", 6, "add a place in the log to relay_checkpoint", place_in_log),
    Migration::new("outbox", 7, "create relay_deed and relay_parked", |backend| {
        vec![paused(backend), relay_deed(backend), relay_parked(backend), parked_turn(backend)]
    }),
    Migration::new("outbox", 8, "have the names in outbox_event as text", names_as_text),
    Migration::new("outbox", 9, "add inserted to relay_parked", |backend| vec![parked_inserted(backend)]),
    Migration::new("outbox", 10, "add log_unmarked to relay_checkpoint", |backend| vec![unmarked(backend)]),
    Migration::new("outbox", 11, "add had and given_up to relay_parked", |backend| {
        vec![parked_had(backend), parked_given_up(backend)]
    }),
    Migration::new("outbox", 12, "have a smaller index of occurrence", by_occurrence_of_pages),
    Migration::new("outbox", 13, "add sent and log_columns to relay_checkpoint", |backend| {
        vec![sent(backend), columns_in_log(backend)]
    }),
    Migration::new("outbox", 14, "add last_event to relay_checkpoint", |backend| vec![last_event(backend)]),
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

const BY_OCCURRENCE: &str = "outbox_event_by_occurrence";

fn by_occurrence(backend: Backend) -> String {
    let mut index = Index::create();
    index.name(BY_OCCURRENCE).table("outbox_event").col("occurred_at");
    backend.schema(&index)
}

/// Where a server can know pages by the times of their rows, which are written nearly in that order. An entry for each row
/// is a record of the log more, which whoever reads the log goes through: of a row's five records it was one.
fn by_occurrence_of_pages(backend: Backend) -> Vec<String> {
    if backend != Backend::Postgres {
        return Vec::new();
    }
    let entries = Index::drop().name(BY_OCCURRENCE).table("outbox_event").to_owned();
    let pages = format!(
        "CREATE INDEX \"{BY_OCCURRENCE}\" ON \"outbox_event\" USING brin (\"occurred_at\") WITH (autosummarize = on)"
    );
    vec![backend.schema(&entries), pages]
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

/// What the table's columns are where reading the database's log goes on.
fn columns_in_log(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_checkpoint").add_column(columns::text(backend, "log_columns")))
}

/// The ordinal of the last row that was ever sent, which only a relay that has ended in order has written down.
fn sent(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_checkpoint").add_column(columns::integer("sent")))
}

/// The event at the ordinal, where a log is read.
fn last_event(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_checkpoint").add_column(columns::text(backend, "last_event")))
}

/// The ordinal of the last row that went to the topics of events: others go to topics of their own.
fn events(backend: Backend) -> String {
    let mut column = columns::integer("events");
    column.not_null().default(0_i64);
    backend.schema(Table::alter().table("relay_checkpoint").add_column(column))
}

/// Where reading the database's log goes on; and which rows are to be published, without a look at all the others.
fn place_in_log(backend: Backend) -> Vec<String> {
    let mut base = columns::integer("log_base");
    base.not_null().default(0_i64);
    let columns = [
        columns::text(backend, "log_identity"),
        columns::text(backend, "log_position"),
        base,
        columns::text(backend, "log_segments"),
        columns::text(backend, "log_chunk"),
    ];
    let add = |column| backend.schema(Table::alter().table("relay_checkpoint").add_column(column));
    let mut statements: Vec<String> = columns.into_iter().map(add).collect();
    // On SQLite the rows behind the checkpoint are those.
    if backend != Backend::Sqlite {
        let mut index = Index::create();
        index.name("outbox_event_by_published").table("outbox_event").col("published").col("seq");
        statements.push(backend.schema(&index));
    }
    statements
}

/// By whom and why nothing is to be published.
fn paused(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_checkpoint").add_column(columns::text(backend, "paused")))
}

/// Events that cannot be published, and those behind them.
fn relay_parked(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_parked")
            .if_not_exists()
            .col(columns::sequence("number"))
            .col(columns::id(backend, "id").not_null().unique_key())
            .col(columns::id(backend, "aggregatetype").not_null())
            .col(columns::id(backend, "aggregateid").not_null())
            .col(columns::integer("ordinal").not_null())
            .col(columns::text(backend, "reason").not_null())
            .col(columns::timestamp("parked_at").not_null())
            .col(columns::integer("turn")),
    )
}

/// The row itself, where it is of a table that others write.
fn parked_inserted(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_parked").add_column(columns::text(backend, "inserted")))
}

/// On which topics it was when it was parked.
fn parked_had(backend: Backend) -> String {
    backend.schema(Table::alter().table("relay_parked").add_column(columns::text(backend, "had")))
}

/// It is never to be published, and not forgotten before it can come by no more.
fn parked_given_up(backend: Backend) -> String {
    let mut column = columns::integer("given_up");
    column.not_null().default(0_i64);
    backend.schema(Table::alter().table("relay_parked").add_column(column))
}

/// The last turn that was given to one of them.
fn parked_turn(backend: Backend) -> String {
    let mut column = columns::integer("parked_turn");
    column.not_null().default(0_i64);
    backend.schema(Table::alter().table("relay_checkpoint").add_column(column))
}

/// Rows before the place in the log whose marks are still to be made.
fn unmarked(backend: Backend) -> String {
    backend
        .schema(Table::alter().table("relay_checkpoint").add_column(columns::text(backend, "log_unmarked")))
}

/// What operators did with the relay.
fn relay_deed(backend: Backend) -> String {
    backend.schema(
        Table::create()
            .table("relay_deed")
            .if_not_exists()
            .col(columns::sequence("number"))
            .col(columns::timestamp("done_at").not_null())
            .col(columns::text(backend, "who").not_null())
            .col(columns::text(backend, "what").not_null())
            .col(columns::text(backend, "why").not_null()),
    )
}

/// Debezium's outbox event router reads names as texts, and `MySQL` had them as bytes. None of these ends with blanks,
/// which this collation does not tell apart.
fn names_as_text(backend: Backend) -> Vec<String> {
    if backend != Backend::MySql {
        return Vec::new();
    }
    let text =
        |name| format!("MODIFY `{name}` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL");
    let columns = ["id", "aggregatetype", "aggregateid", "type"].map(text);
    vec![format!("ALTER TABLE `outbox_event` {}", columns.join(", "))]
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
