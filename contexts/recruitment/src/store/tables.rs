//! What the tables look like.

use hexalpes_db::{Backend, Migration, columns};
use sea_query::{ColumnDef, Index, Table, TableCreateStatement};

/// What [`crate::api`] and [`crate::consumers`] need in their database, besides outbox, inbox and kept answers.
pub const MIGRATIONS: &[Migration] = &[
    Migration::new(
        "recruitment",
        1,
        "create job, candidate, application, interview, offer, hire and match",
        |backend| [jobs(backend), candidates(backend), applications(backend), results(backend)].concat(),
    ),
    Migration::new("recruitment", 2, "create matching_due", due),
    Migration::new("recruitment", 3, "create request_cancellation", cancellations),
    Migration::new("recruitment", 4, "keep requests that expired too", expiries),
];

/// Columns of one database, by what they hold.
#[derive(Clone, Copy)]
struct Columns(Backend);

impl Columns {
    fn id(self, name: &'static str) -> ColumnDef {
        columns::id(self.0, name).not_null().to_owned()
    }

    fn id_if_any(self, name: &'static str) -> ColumnDef {
        columns::id(self.0, name)
    }

    fn text(self, name: &'static str) -> ColumnDef {
        columns::text(self.0, name).not_null().to_owned()
    }

    fn text_if_any(self, name: &'static str) -> ColumnDef {
        columns::text(self.0, name)
    }

    /// A table whose rows are told apart by tenant and `key`, in that order.
    fn table(self, name: &'static str, key: &[&'static str], columns: Vec<ColumnDef>) -> String {
        let mut primary = Index::create();
        primary.col("tenant");
        for column in key {
            primary.col(*column);
        }
        let mut table: TableCreateStatement = Table::create();
        table.table(name).col(self.id("tenant"));
        for column in columns {
            table.col(column);
        }
        self.0.schema(table.primary_key(&mut primary))
    }

    fn index(self, name: &str, table: &'static str, by: &[&'static str]) -> String {
        let mut index = Index::create();
        index.name(name).table(table).col("tenant");
        for column in by {
            index.col(*column);
        }
        self.0.schema(&index)
    }

    fn unique(self, name: &str, table: &'static str, by: &[&'static str]) -> String {
        let mut index = Index::create();
        index.unique().name(name).table(table).col("tenant");
        for column in by {
            index.col(*column);
        }
        self.0.schema(&index)
    }
}

/// A whole number, minor units of money, or a time in microseconds.
fn number(name: &'static str) -> ColumnDef {
    columns::integer(name).not_null().to_owned()
}

fn jobs(backend: Backend) -> Vec<String> {
    let of = Columns(backend);
    let job = vec![
        of.id("id"),
        of.id("partner_id"),
        of.id_if_any("request_id"),
        number("revision"),
        number("version"),
        of.id("status"),
        number("hired"),
        of.id("currency"),
        of.id("experience_level"),
        of.id("job_type"),
        of.id("urgency"),
        // JSON: what is looked for.
        of.text("terms"),
        number("requested_at"),
        number("opened_at"),
        number("changed_at"),
        columns::integer("ended_at"),
        of.text_if_any("end_reason"),
    ];
    let cost = vec![
        of.id("id"),
        of.id("job_id"),
        of.id("kind"),
        number("amount_minor"),
        of.id("currency"),
        of.text_if_any("note"),
        // What the spender calls it: the same one twice is the same cost.
        of.id_if_any("reference"),
        number("recorded_at"),
    ];
    vec![
        of.table("job", &["id"], job),
        of.unique("job_request", "job", &["request_id"]),
        of.index("job_opened", "job", &["opened_at", "id"]),
        of.index("job_partner", "job", &["partner_id", "opened_at", "id"]),
        of.table("job_cost", &["id"], cost),
        of.unique("job_cost_reference", "job_cost", &["job_id", "reference"]),
        of.index("job_cost_recorded", "job_cost", &["job_id", "recorded_at", "id"]),
    ]
}

fn candidates(backend: Backend) -> Vec<String> {
    let of = Columns(backend);
    let candidate = vec![
        of.id("id"),
        number("revision"),
        of.id("status"),
        of.id_if_any("merged_into"),
        of.text("name"),
        of.text_if_any("email"),
        // The e-mail without regard to case.
        of.id_if_any("email_key"),
        of.id_if_any("phone"),
        of.id("source"),
        number("experience_years"),
        // JSON: the rest of what is said.
        of.text("profile"),
        number("registered_at"),
        number("changed_at"),
    ];
    let change = Table::create()
        .table("candidate_change")
        .col(columns::sequence("seq"))
        .col(of.id("tenant"))
        .col(of.id("candidate_id"))
        .to_owned();
    vec![
        of.table("candidate", &["id"], candidate),
        of.unique("candidate_email", "candidate", &["email_key"]),
        of.unique("candidate_phone", "candidate", &["phone"]),
        of.index("candidate_registered", "candidate", &["registered_at", "id"]),
        // Which skills a candidate has, to be listed by.
        of.table(
            "candidate_skill",
            &["skill_key", "candidate_id"],
            vec![of.id("skill_key"), of.id("candidate_id")],
        ),
        of.index("candidate_skill_of", "candidate_skill", &["candidate_id"]),
        // Pairs of words of a candidate's name, as they sound.
        of.table(
            "candidate_name_pair",
            &["pair", "candidate_id"],
            vec![of.id("pair"), of.id("candidate_id")],
        ),
        of.index("candidate_name_pair_of", "candidate_name_pair", &["candidate_id"]),
        // The newest change of each candidate: what the index goes by.
        backend.schema(&change),
        of.unique("candidate_change_of", "candidate_change", &["candidate_id"]),
    ]
}

fn applications(backend: Backend) -> Vec<String> {
    let of = Columns(backend);
    let application = vec![
        of.id("id"),
        of.id("job_id"),
        of.id("candidate_id"),
        of.id("partner_id"),
        of.id("source"),
        of.id("stage"),
        number("revision"),
        number("applied_at"),
        number("changed_at"),
    ];
    let step = vec![
        of.id("application_id"),
        number("ordinal"),
        of.id("stage"),
        number("at"),
        of.id("actor"),
        of.text_if_any("reason"),
    ];
    let interview = vec![
        of.id("id"),
        of.id("application_id"),
        number("scheduled_at"),
        number("minutes"),
        of.id("mode"),
        // JSON: names.
        of.text("interviewers"),
        of.id("status"),
        columns::integer("held_at"),
        columns::integer("rating"),
        of.id_if_any("verdict"),
        // Of the feedback, or why it was cancelled.
        of.text_if_any("notes"),
        number("created_at"),
    ];
    let offer = vec![
        of.id("id"),
        of.id("application_id"),
        // JSON: what was offered.
        of.text("employment"),
        number("expires_at"),
        of.id("status"),
        columns::integer("answered_at"),
        of.text_if_any("reason"),
        number("created_at"),
    ];
    vec![
        of.table("application", &["id"], application),
        of.unique("application_once", "application", &["job_id", "candidate_id"]),
        of.index("application_of", "application", &["candidate_id"]),
        of.index("application_applied", "application", &["applied_at", "id"]),
        of.table("application_step", &["application_id", "ordinal"], step),
        of.table("interview", &["id"], interview),
        of.index("interview_of", "interview", &["application_id", "created_at", "id"]),
        of.table("offer", &["id"], offer),
        of.index("offer_of", "offer", &["application_id", "created_at", "id"]),
    ]
}

fn results(backend: Backend) -> Vec<String> {
    let of = Columns(backend);
    let hire = vec![
        of.id("id"),
        of.id("application_id"),
        of.id("job_id"),
        of.id("partner_id"),
        of.id("candidate_id"),
        of.id_if_any("request_id"),
        of.id_if_any("offer_id"),
        of.id("job_type"),
        // JSON: what was agreed, and when which stage was entered.
        of.text("employment"),
        of.text("stages"),
        number("applications"),
        number("interviews"),
        number("offers"),
        number("cost_minor"),
        of.id("cost_currency"),
        number("time_to_hire"),
        number("candidate_time_to_hire"),
        number("hired_at"),
    ];
    let matched = vec![
        of.id("id"),
        of.id("job_id"),
        number("job_version"),
        of.id("candidate_id"),
        of.id("partner_id"),
        number("score_bp"),
        // Null: by now others fit better.
        columns::integer("place"),
        // JSON: scores and sentences.
        of.text("components"),
        of.text("explanation_en"),
        of.text("explanation_es"),
        number("matched_at"),
        number("changed_at"),
    ];
    vec![
        of.table("hire", &["id"], hire),
        of.unique("hire_once", "hire", &["application_id"]),
        of.index("hire_job", "hire", &["job_id", "hired_at", "id"]),
        of.index("hire_hired", "hire", &["hired_at", "id"]),
        of.table("job_match", &["id"], matched),
        of.unique("job_match_once", "job_match", &["job_id", "job_version", "candidate_id"]),
        of.index("job_match_matched", "job_match", &["matched_at", "id"]),
        of.index("job_match_candidate", "job_match", &["candidate_id"]),
    ]
}

fn due(backend: Backend) -> Vec<String> {
    let of = Columns(backend);
    let due = Table::create()
        .table("matching_due")
        .col(columns::sequence("seq"))
        .col(of.id("tenant"))
        // One of the two at least.
        .col(of.id_if_any("job_id"))
        .col(of.id_if_any("candidate_id"))
        .col(of.id("correlation"))
        .col(of.id("causation"))
        .col(of.id("actor"))
        .to_owned();
    vec![backend.schema(&due), of.index("job_status", "job", &["status", "id"])]
}

fn cancellations(backend: Backend) -> Vec<String> {
    let of = Columns(backend);
    let cancellation =
        vec![of.id("request_id"), of.id("partner_id"), of.text("reason"), number("cancelled_at")];
    vec![
        of.table("request_cancellation", &["request_id", "partner_id"], cancellation),
        of.index("application_job", "application", &["job_id", "stage"]),
    ]
}

/// Those that are there already were called off.
fn expiries(backend: Backend) -> Vec<String> {
    let status = columns::id(backend, "status").not_null().default("CANCELLED").to_owned();
    vec![backend.schema(Table::alter().table("request_cancellation").add_column(status))]
}
