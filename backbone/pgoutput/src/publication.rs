//! The publication: of which tables the server gives rows.

use hexalpes_capture::{LogError, TableName};

use crate::connection::Connection;
use crate::failure::{code, gap, refused};
use crate::options::SlotOptions;
use crate::sql::{identifier, literal, table};

/// A statement that makes it. Partitions are given under the name of the table that they are of.
pub(crate) fn create(options: &SlotOptions) -> String {
    let tables: Vec<String> = options.tables.iter().map(table).collect();
    format!(
        "CREATE PUBLICATION {} FOR TABLE {} WITH (publish = 'insert', publish_via_partition_root = true);",
        identifier(&options.publication),
        tables.join(", ")
    )
}

/// A publication that is there and gives inserted rows.
#[derive(Debug)]
pub(crate) struct Publication {
    via_root: bool,
}

impl Publication {
    pub(crate) async fn find(
        connection: &mut Connection,
        options: &SlotOptions,
    ) -> Result<Option<Self>, LogError> {
        let asked = format!(
            "SELECT pubinsert, pubviaroot FROM pg_publication WHERE pubname = {}",
            literal(&options.publication)
        );
        let rows = connection.query(&asked).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        if !row.is_true(0) {
            return Err(refused(
                format!("the publication {} gives no inserted rows", options.publication),
                format!("ALTER PUBLICATION {} SET (publish = 'insert');", identifier(&options.publication)),
            ));
        }
        Ok(Some(Self { via_root: row.is_true(1) }))
    }

    /// Whether it gives every row of every table.
    pub(crate) async fn covers(
        &self,
        connection: &mut Connection,
        options: &SlotOptions,
    ) -> Result<(), LogError> {
        for name in &options.tables {
            TableState::ask(connection, options, name).await?.is_published(options, name, self.via_root)?;
        }
        Ok(())
    }
}

/// What makes each table one of the publication's, by the server's number for that: it is another one when a table was
/// taken out and put in again, or made anew, and none while it is not in it. What was inserted between is never given. None
/// where there is no publication.
pub(crate) fn membership(options: &SlotOptions) -> String {
    let of_table = |name: &TableName| {
        format!(
            "(SELECT CASE WHEN NOT p.pubinsert THEN 0 ELSE coalesce(\
             (SELECT r.oid FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid), \
             (SELECT s.oid FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = n.oid), \
             CASE WHEN p.puballtables THEN p.oid END, 0) END::text \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {} AND c.relname = {} AND c.relkind IN ('r', 'p'))",
            literal(&name.schema),
            literal(&name.name)
        )
    };
    let tables: Vec<String> =
        options.tables.iter().map(|name| format!("coalesce({}, '0')", of_table(name))).collect();
    format!(
        "(SELECT concat_ws('.', {}) FROM pg_publication p WHERE p.pubname = {})",
        tables.join(", "),
        literal(&options.publication)
    )
}

/// Rows of a table were inserted that the publication did not give, or may have been.
pub(crate) fn left(options: &SlotOptions) -> LogError {
    let tables: Vec<String> = options.tables.iter().map(TableName::to_string).collect();
    gap(
        format!(
            "{} was made anew, or was not in the publication {} for a while: what was inserted then is not given",
            tables.join(", "),
            options.publication
        ),
        "take the table's rows anew (resnapshot)",
    )
}

/// Whether one that is missing may be made.
pub(crate) async fn may_be_made(connection: &mut Connection, options: &SlotOptions) -> Result<(), LogError> {
    for name in &options.tables {
        TableState::ask(connection, options, name).await?.may_be_published(options, name)?;
    }
    let asked = "SELECT has_database_privilege(current_database(), 'CREATE')";
    let rows = connection.query(asked).await?;
    if rows.first().is_some_and(|row| row.is_true(0)) {
        return Ok(());
    }
    Err(not_ours(options, "the user may make nothing in the database"))
}

/// Makes it. Who makes it at the same time makes the same.
pub(crate) async fn make(connection: &mut Connection, options: &SlotOptions) -> Result<(), LogError> {
    match connection.query(&create(options)).await {
        Ok(_) => Ok(()),
        Err(failure) => match failure.code() {
            Some(code::DUPLICATE_OBJECT | code::UNIQUE_VIOLATION) => Ok(()),
            Some(code::INSUFFICIENT_PRIVILEGE) => Err(not_ours(options, &failure.to_string())),
            _ => Err(failure.into()),
        },
    }
}

fn not_ours(options: &SlotOptions, why: &str) -> LogError {
    refused(
        format!("the publication {} is missing and cannot be made: {why}", options.publication),
        format!("as who owns the tables, or a superuser: {}", create(options)),
    )
}

struct TableState {
    partitioned: bool,
    unlogged: bool,
    ours: bool,
    published: bool,
    filter: Option<String>,
}

impl TableState {
    async fn ask(
        connection: &mut Connection,
        options: &SlotOptions,
        name: &TableName,
    ) -> Result<Self, LogError> {
        let asked = format!(
            "SELECT c.relkind = 'p', c.relpersistence <> 'p', pg_has_role(c.relowner, 'USAGE'), \
             p.tablename IS NOT NULL, p.rowfilter \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_publication_tables p \
             ON p.pubname = {} AND p.schemaname = n.nspname AND p.tablename = c.relname \
             WHERE n.nspname = {} AND c.relname = {} AND c.relkind IN ('r', 'p')",
            literal(&options.publication),
            literal(&name.schema),
            literal(&name.name)
        );
        let rows = connection.query(&asked).await?;
        let row = rows.first().ok_or_else(|| {
            refused(format!("there is no table {name}"), "make it, or name one that is there")
        })?;
        Ok(Self {
            partitioned: row.is_true(0),
            unlogged: row.is_true(1),
            ours: row.is_true(2),
            published: row.is_true(3),
            filter: row.text(4).map(str::to_owned),
        })
    }

    fn may_be_published(&self, options: &SlotOptions, name: &TableName) -> Result<(), LogError> {
        if self.unlogged {
            return Err(refused(
                format!("the rows of {name} are in no log"),
                format!("ALTER TABLE {} SET LOGGED;", table(name)),
            ));
        }
        if !self.ours {
            return Err(not_ours(options, &format!("the user does not own {name}")));
        }
        Ok(())
    }

    fn is_published(&self, options: &SlotOptions, name: &TableName, via_root: bool) -> Result<(), LogError> {
        let publication = identifier(&options.publication);
        if self.partitioned && !via_root {
            return Err(refused(
                format!("the publication {} gives {name} under the names of its parts", options.publication),
                format!("ALTER PUBLICATION {publication} SET (publish_via_partition_root = true);"),
            ));
        }
        if !self.published {
            return Err(refused(
                format!("the publication {} has no table {name}", options.publication),
                format!("ALTER PUBLICATION {publication} ADD TABLE {};", table(name)),
            ));
        }
        if let Some(filter) = &self.filter {
            let it = table(name);
            return Err(refused(
                format!("the publication {} leaves out rows of {name}: {filter}", options.publication),
                format!(
                    "ALTER PUBLICATION {publication} DROP TABLE {it}; \
                     ALTER PUBLICATION {publication} ADD TABLE {it};"
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_gives_inserted_rows_alone() {
        let options = SlotOptions {
            url: String::new(),
            tables: vec![TableName::new("alpes", "outbox_event"), TableName::new("Other", "t")],
            slot: "s".to_owned(),
            publication: "p".to_owned(),
        };
        let expected = "CREATE PUBLICATION \"p\" FOR TABLE \"alpes\".\"outbox_event\", \"Other\".\"t\" \
                        WITH (publish = 'insert', publish_via_partition_root = true);";
        assert_eq!(create(&options), expected);
    }
}
