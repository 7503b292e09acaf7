//! What the database says of a table's columns now, which the log does not say, or not everywhere.

use hexalpes_capture::{LogError, Mend, TableName};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use crate::charset::Charset;
use crate::connection::failure;
use crate::value::{Content, Kind};

/// A column as `information_schema` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) name: String,
    /// In lower case, without length and attributes: `bigint`, `varchar`, `uuid`.
    pub(crate) data_type: String,
    pub(crate) unsigned: bool,
    /// By its name; none for what is no text.
    pub(crate) charset: Option<String>,
    /// Of an `ENUM` or a `SET`.
    pub(crate) members: Vec<String>,
    /// Digits behind the second.
    pub(crate) decimals: usize,
    pub(crate) bits: u64,
    /// Computed when it is read: a row need not have it.
    pub(crate) is_virtual: bool,
}

type Raw = (String, String, String, Option<String>, Option<u64>, Option<u64>, String);

/// The columns of a table in their order; none if there is no such table.
pub(crate) async fn describe(connection: &mut Conn, table: &TableName) -> Result<Vec<Described>, LogError> {
    let rows: Vec<Raw> = connection
        .exec(
            "SELECT COLUMN_NAME, DATA_TYPE, CAST(COLUMN_TYPE AS CHAR), CHARACTER_SET_NAME, \
             CAST(DATETIME_PRECISION AS UNSIGNED), CAST(NUMERIC_PRECISION AS UNSIGNED), COALESCE(EXTRA, '') \
             FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
            (&table.schema, &table.name),
        )
        .await
        .map_err(|error| failure(&error))?;
    Ok(rows.into_iter().map(described).collect())
}

fn described((name, data_type, column_type, charset, decimals, bits, extra): Raw) -> Described {
    let data_type = data_type.to_ascii_lowercase();
    let has_members = matches!(data_type.as_str(), "enum" | "set");
    Described {
        members: if has_members { members(&column_type) } else { Vec::new() },
        unsigned: column_type
            .to_ascii_lowercase()
            .split(' ')
            .any(|word| word == "unsigned" || word == "zerofill"),
        decimals: decimals.and_then(|decimals| usize::try_from(decimals).ok()).unwrap_or(0),
        bits: bits.unwrap_or(0),
        is_virtual: extra.to_ascii_uppercase().contains("VIRTUAL GENERATED"),
        name,
        data_type,
        charset,
    }
}

/// Of `enum('a','it''s')`. Only quotes are doubled in it.
fn members(column_type: &str) -> Vec<String> {
    let mut members = Vec::new();
    let mut rest = column_type;
    while let Some((_, quoted)) = rest.split_once('\'') {
        let mut member = String::new();
        let mut characters = quoted.char_indices();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                member.push(character);
            } else if quoted[at + 1..].starts_with('\'') {
                member.push('\'');
                characters.next();
            } else {
                end = at + 1;
                break;
            }
        }
        members.push(member);
        rest = &quoted[end..];
    }
    members
}

impl Described {
    /// Whether a row's column with this type in the log may be this one; types that are not known may be anything.
    pub(crate) fn may_be(&self, type_in_log: u8) -> bool {
        let types: &[u8] = match self.data_type.as_str() {
            "tinyint" => &[1],
            "smallint" => &[2],
            "mediumint" => &[9],
            "int" => &[3],
            "bigint" => &[8],
            "decimal" => &[246],
            "float" => &[4],
            "double" => &[5],
            "bit" => &[16],
            "year" => &[13],
            "date" => &[10, 14],
            "time" => &[11, 19],
            "datetime" => &[12, 18],
            "timestamp" => &[7, 17],
            "char" | "binary" | "enum" | "set" | "uuid" | "inet4" | "inet6" => &[254],
            "varchar" | "varbinary" => &[15, 141, 253],
            "tinytext" | "text" | "mediumtext" | "longtext" | "tinyblob" | "blob" | "mediumblob"
            | "longblob" => &[140, 252],
            "json" => &[245],
            _ => return true,
        };
        types.contains(&type_in_log)
    }

    /// What is in it if its bytes are of no type of their own in the log.
    pub(crate) fn content(&self) -> Option<Content> {
        match self.data_type.as_str() {
            "uuid" => Some(Content::Uuid),
            "inet4" => Some(Content::Inet4),
            "inet6" => Some(Content::Inet6),
            _ => None,
        }
    }

    /// The character set; an error where it is not read.
    pub(crate) fn charset(&self, table: &TableName) -> Result<Charset, LogError> {
        let Some(name) = &self.charset else { return Ok(Charset::Binary) };
        Charset::named(name).ok_or_else(|| LogError::Refused {
            what: format!(
                "the column {} of {table} is in the character set {name}, which is not read",
                self.name
            ),
            mend: Mend(format!("ALTER TABLE {} CONVERT TO CHARACTER SET utf8mb4;", quoted_table(table))),
        })
    }
}

/// What a column's type needs besides, where the log does not say it.
impl Described {
    pub(crate) fn is_old_with_fractions(&self, kind: &Kind) -> bool {
        matches!(kind, Kind::OldTime | Kind::OldDateTime | Kind::OldTimestamp) && self.decimals > 0
    }
}

/// A name as SQL takes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

pub(crate) fn quoted_table(table: &TableName) -> String {
    format!("{}.{}", quoted(&table.schema), quoted(&table.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_taken_out_of_their_quotes() {
        assert_eq!(members("enum('a','it''s',' b,c','')"), ["a", "it's", " b,c", ""]);
        assert_eq!(members("set('x')"), ["x"]);
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted_table(&TableName::new("a", "b`c")), "`a`.`b``c`");
    }
}
