//! The column by which the rows of a snapshot are taken in pieces, and the order that the server has them in.

use hexalpes_capture::{LogError, Mend, TableName};
use mysql_async::prelude::Queryable;

use crate::columns::{Described, quoted, quoted_table};
use crate::connection::answered;
use crate::server::Server;

/// A column whose values are all different and never NULL.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// A parameter as a value of the column: texts are compared by the column's collation, and not by that of the
    /// connection.
    parameter: String,
}

/// How many indexes let no two rows have the same in one of `its` columns.
const UNIQUE_INDEXES: &str = "(SELECT COUNT(*) FROM information_schema.STATISTICS one WHERE one.TABLE_SCHEMA = its.TABLE_SCHEMA \
     AND one.TABLE_NAME = its.TABLE_NAME AND one.COLUMN_NAME = its.COLUMN_NAME AND one.NON_UNIQUE = 0 \
     AND one.SUB_PART IS NULL AND NOT EXISTS \
     (SELECT 1 FROM information_schema.STATISTICS other WHERE other.TABLE_SCHEMA = one.TABLE_SCHEMA \
     AND other.TABLE_NAME = one.TABLE_NAME AND other.INDEX_NAME = one.INDEX_NAME AND other.SEQ_IN_INDEX > 1))";

/// What `information_schema` says of it: its type in full, whether it may be NULL, its collation, and how many of its
/// indexes let no two rows have the same.
type Raw = (String, String, Option<String>, u64);

impl Key {
    /// Refused if it tells no rows apart, or none says how the server orders them: rows would be cut in two by a piece's
    /// end, or left out.
    pub(crate) async fn ask(
        server: &mut Server,
        table: &TableName,
        columns: &[Described],
        name: &str,
    ) -> Result<Self, LogError> {
        let asked: Option<Raw> = answered(server.connection.exec_first(
            format!(
                "SELECT CAST(COLUMN_TYPE AS CHAR), IS_NULLABLE, COLLATION_NAME, {UNIQUE_INDEXES} \
                 FROM information_schema.COLUMNS its \
                 WHERE its.TABLE_SCHEMA = ? AND its.TABLE_NAME = ? AND its.COLUMN_NAME = ?"
            ),
            (&table.schema, &table.name, name),
        ))
        .await?;
        let (at, column) = (quoted_table(table), quoted(name));
        let refused = |why: &str, mend: String| LogError::Refused {
            what: format!("the column {name} of {table} is not its key{why}"),
            mend: Mend(mend),
        };
        let another = "name another one with hexalpes.snapshot.key";
        let described = columns.iter().find(|described| described.name == name);
        let Some(((full_type, nullable, collation, indexes), described)) = asked.zip(described) else {
            return Err(refused(": there is no such column", format!("{another}, such as the primary key")));
        };
        if indexes == 0 {
            let mend = format!("ALTER TABLE {at} ADD UNIQUE ({column}); or {another}");
            return Err(refused(": it is not unique", mend));
        }
        if nullable == "YES" {
            let collated = collation.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
            let mend =
                format!("ALTER TABLE {at} MODIFY {column} {full_type}{collated} NOT NULL; or {another}");
            return Err(refused(": it may be NULL", mend));
        }
        let Some(parameter) = parameter(described, collation.as_deref()) else {
            let mend = format!("{another}, a column of whole numbers, texts, bytes or UUIDs");
            return Err(refused(&format!(": it is of type {}", described.data_type), mend));
        };
        Ok(Self { name: name.to_owned(), parameter })
    }

    /// The column by which the server numbers the rows of a table, if that alone tells them apart.
    pub(crate) async fn numbered(server: &mut Server, table: &TableName) -> Result<Option<String>, LogError> {
        let asked = format!(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS its \
             WHERE its.TABLE_SCHEMA = ? AND its.TABLE_NAME = ? AND EXTRA LIKE '%auto_increment%' \
             AND {UNIQUE_INDEXES} > 0"
        );
        answered(server.connection.exec_first(asked, (&table.schema, &table.name))).await
    }

    /// Whether the first of two parameters is above the second.
    pub(crate) fn is_above(&self) -> String {
        format!("{0} > {0}", self.parameter)
    }
}

/// None for types that no key has whose order would be known: an ENUM is ordered by its numbers and compared as a text.
fn parameter(column: &Described, collation: Option<&str>) -> Option<String> {
    Some(match (column.data_type.as_str(), &column.charset, collation) {
        ("tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year", ..) => "?".to_owned(),
        (
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext",
            Some(charset),
            Some(collation),
        ) => {
            format!("CONVERT(? USING {charset}) COLLATE {collation}")
        }
        ("binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob", ..) => {
            "CAST(? AS BINARY)".to_owned()
        }
        ("uuid" | "inet4" | "inet6", ..) => format!("CAST(? AS {})", column.data_type),
        _ => return None,
    })
}
