//! What the tables of the channels look like.

use hexalpes_db::{Backend, columns};
use sea_query::{ColumnDef, Index, Table, TableCreateStatement};

/// Builds a table of this context: each row has its tenant.
struct Made {
    backend: Backend,
    table: TableCreateStatement,
}

impl Made {
    fn new(backend: Backend, name: &'static str) -> Self {
        let mut table = Table::create();
        table.table(name);
        Self { backend, table }.ids(&["tenant"])
    }

    fn ids(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(columns::id(self.backend, *name).not_null());
        }
        self
    }

    fn maybe_ids(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(columns::id(self.backend, *name));
        }
        self
    }

    fn texts(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(columns::text(self.backend, *name).not_null());
        }
        self
    }

    fn maybe_texts(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(columns::text(self.backend, *name));
        }
        self
    }

    fn integers(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(columns::integer(*name).not_null());
        }
        self
    }

    fn maybe_integers(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(columns::integer(*name));
        }
        self
    }

    fn flags(mut self, names: &[&'static str]) -> Self {
        for name in names {
            self.table.col(ColumnDef::new(*name).boolean().not_null());
        }
        self
    }

    fn keyed(mut self, key: &[&'static str]) -> String {
        let mut index = Index::create();
        for column in key {
            index.col(*column);
        }
        self.table.primary_key(&mut index);
        self.backend.schema(&self.table)
    }
}

fn index(
    backend: Backend,
    name: &'static str,
    table: &'static str,
    columns: &[&'static str],
    unique: bool,
) -> String {
    let mut index = Index::create();
    index.name(name).table(table);
    if unique {
        index.unique();
    }
    for column in columns {
        index.col(*column);
    }
    backend.schema(&index)
}

/// All of them. Times are microseconds, minutes of the day count from midnight.
pub(crate) fn channels(backend: Backend) -> Vec<String> {
    let made = |name| Made::new(backend, name);
    let mut numbered = Table::create();
    numbered.table("notification").col(columns::sequence("seq"));
    let notification = Made { backend, table: numbered }
        .ids(&["tenant", "id", "recipient_id", "event_id", "event_type", "urgency", "language"])
        .maybe_ids(&["correlation_id", "causation_id", "subject"])
        .texts(&["title", "body", "data"])
        .integers(&["template_version", "created_at"])
        .maybe_integers(&["occurred_at", "read_at"])
        .flags(&["in_app", "awaits_address"]);
    vec![
        made("recipient")
            .ids(&["id", "kind", "language", "zone", "digest"])
            .maybe_texts(&["name", "email"])
            .maybe_integers(&["quiet_from", "quiet_to"])
            .flags(&["is_known"])
            .integers(&["revision", "created_at", "updated_at"])
            .keyed(&["tenant", "id"]),
        index(backend, "recipient_created", "recipient", &["tenant", "created_at", "id"], false),
        made("preference").ids(&["recipient_id", "event_type", "channel"]).flags(&["is_on"]).keyed(&[
            "tenant",
            "recipient_id",
            "event_type",
            "channel",
        ]),
        index(backend, "preference_type", "preference", &["tenant", "event_type", "is_on"], false),
        made("webhook")
            .ids(&["id", "recipient_id", "status"])
            .texts(&["url", "secret_sealed"])
            .maybe_texts(&["kinds", "reason"])
            .integers(&["failures", "revision", "created_at", "updated_at"])
            .keyed(&["tenant", "id"]),
        index(backend, "webhook_recipient", "webhook", &["tenant", "recipient_id"], false),
        backend.schema(&notification.table),
        index(backend, "notification_id", "notification", &["tenant", "id"], true),
        index(backend, "notification_once", "notification", &["tenant", "event_id", "recipient_id"], true),
        index(backend, "notification_inbox", "notification", &["tenant", "recipient_id", "seq"], false),
        made("delivery")
            .ids(&[
                "id",
                "notification_id",
                "recipient_id",
                "event_id",
                "event_type",
                "channel",
                "target",
                "state",
            ])
            .maybe_ids(&["correlation_id", "message_id"])
            .maybe_texts(&["trouble"])
            .flags(&["gathered"])
            .integers(&["attempts", "due_at", "created_at"])
            .maybe_integers(&["sent_at"])
            .keyed(&["tenant", "id"]),
        index(
            backend,
            "delivery_once",
            "delivery",
            &["tenant", "event_id", "recipient_id", "channel", "target"],
            true,
        ),
        index(backend, "delivery_due", "delivery", &["state", "target", "due_at"], false),
        index(backend, "delivery_created", "delivery", &["tenant", "created_at", "id"], false),
        index(backend, "delivery_message", "delivery", &["message_id"], false),
        made("template")
            .ids(&["event_type", "language", "written_by"])
            .integers(&["version", "created_at"])
            .texts(&["title", "body"])
            .keyed(&["tenant", "event_type", "language", "version"]),
        made("payout_recipient").ids(&["payout_id", "recipient_id"]).keyed(&[
            "tenant",
            "payout_id",
            "recipient_id",
        ]),
    ]
}

/// In the order in which an inbox is paged.
pub(crate) fn inbox_by_time(backend: Backend) -> Vec<String> {
    let columns = ["tenant", "recipient_id", "created_at", "seq"];
    vec![index(backend, "notification_inbox_time", "notification", &columns, false)]
}

/// For who asks what became of a notification.
pub(crate) fn deliveries_by_notification(backend: Backend) -> Vec<String> {
    vec![index(backend, "delivery_notification", "delivery", &["notification_id"], false)]
}

/// Whom a payout paid was noted there; each line of a payout tells of itself now.
pub(crate) fn no_payout_recipients(backend: Backend) -> Vec<String> {
    vec![backend.schema(Table::drop().table("payout_recipient"))]
}
