//! A table as the log describes it, before the rows of each statement: the types of its columns always, their names,
//! signs and character sets as far as `binlog_row_metadata` says.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use hexalpes_capture::{LogError, Mend, Table, TableName};

use crate::charset::Charset;
use crate::columns::Described;
use crate::cursor::{Cursor, Malformed, bit_from_high};
use crate::value::{Content, Kind};

// Types of columns as the log numbers them.
const TINY: u8 = 1;
const SHORT: u8 = 2;
const LONG: u8 = 3;
const FLOAT: u8 = 4;
const DOUBLE: u8 = 5;
const OLD_TIMESTAMP: u8 = 7;
const LONG_LONG: u8 = 8;
const INT24: u8 = 9;
const DATE: u8 = 10;
const OLD_TIME: u8 = 11;
const OLD_DATE_TIME: u8 = 12;
const YEAR: u8 = 13;
const NEW_DATE: u8 = 14;
const VARCHAR: u8 = 15;
const BIT: u8 = 16;
const TIMESTAMP: u8 = 17;
const DATE_TIME: u8 = 18;
const TIME: u8 = 19;
const COMPRESSED_BLOB: u8 = 140;
const COMPRESSED_VARCHAR: u8 = 141;
const VECTOR: u8 = 242;
const JSON: u8 = 245;
const DECIMAL: u8 = 246;
const ENUM: u8 = 247;
const SET: u8 = 248;
const BLOB: u8 = 252;
const VAR_STRING: u8 = 253;
const STRING: u8 = 254;
const GEOMETRY: u8 = 255;

/// Of a second: microseconds.
const DECIMALS_MAX: usize = 6;

/// What `binlog_row_metadata` adds, by the numbers of its fields.
mod added {
    pub(super) const SIGNS: usize = 1;
    pub(super) const DEFAULT_CHARSET: usize = 2;
    pub(super) const CHARSETS: usize = 3;
    pub(super) const NAMES: usize = 4;
    pub(super) const SET_MEMBERS: usize = 5;
    pub(super) const ENUM_MEMBERS: usize = 6;
    pub(super) const MEMBERS_DEFAULT_CHARSET: usize = 10;
    pub(super) const MEMBERS_CHARSETS: usize = 11;
}

/// Whose rows follow, without what is of interest for wanted tables alone.
pub(crate) fn table_of(bytes: &[u8]) -> Result<(u64, TableName), Malformed> {
    head(&mut Cursor(bytes))
}

fn head(rest: &mut Cursor<'_>) -> Result<(u64, TableName), Malformed> {
    let id = rest.number(6)?;
    rest.take(2)?;
    let schema = name(rest)?;
    Ok((id, TableName::new(schema, name(rest)?)))
}

fn name(rest: &mut Cursor<'_>) -> Result<String, Malformed> {
    let length = rest.packed()?;
    let name = String::from_utf8(rest.take(length)?.to_vec()).map_err(|_| Malformed("a name is no UTF-8"))?;
    rest.take(1)?;
    Ok(name)
}

/// A table map, read.
#[derive(Debug)]
pub(crate) struct TableMap {
    pub(crate) table: TableName,
    columns: Vec<Column>,
}

/// A column as far as the log describes it.
#[derive(Debug, Default)]
struct Column {
    /// That of an `ENUM` or a `SET` is their own, though the log writes them as strings.
    kind: u8,
    /// What their types say besides: lengths, digits.
    detail: (u8, u8),
    name: Option<String>,
    unsigned: Option<bool>,
    /// The collation's number.
    collation: Option<u64>,
    members: Option<Vec<Vec<u8>>>,
}

impl TableMap {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Cursor(bytes);
        let (_, table) = head(&mut rest)?;
        let count = rest.packed()?;
        let types = rest.take(count)?;
        let mut details = Cursor(rest.counted()?);
        let mut columns =
            types.iter().map(|kind| column(*kind, &mut details)).collect::<Result<Vec<_>, _>>()?;
        rest.take(count.div_ceil(8))?;
        while !rest.is_empty() {
            let field = usize::from(rest.byte()?);
            add(&mut columns, field, Cursor(rest.counted()?))?;
        }
        Ok(Self { table, columns })
    }

    /// Whether the log says what its columns are called.
    pub(crate) fn has_names(&self) -> bool {
        self.columns.iter().all(|column| column.name.is_some())
    }

    /// How its rows are read, with what the log does not say from what the database says now.
    pub(crate) fn with(self, database: &Schema<'_>) -> Result<Layout, LogError> {
        let described = self.described(database.columns)?;
        let mut kinds = Vec::with_capacity(self.columns.len());
        let mut names = Vec::with_capacity(self.columns.len());
        let mut is_virtual = Vec::with_capacity(self.columns.len());
        for (column, described) in self.columns.into_iter().zip(described) {
            let name = column.name.clone().or_else(|| described.map(|described| described.name.clone()));
            let name = name.unwrap_or_default();
            kinds.push(column.kind(&name, described, &self.table, database.charsets)?);
            names.push(name);
            is_virtual.push(described.is_some_and(|described| described.is_virtual));
        }
        let table =
            Table { database: self.table.schema, schema: None, name: self.table.name, columns: names };
        Ok(Layout { table: Arc::new(table), kinds, is_virtual })
    }

    /// What the database says of each column: by its name if the log says that. Otherwise by their order, and then the
    /// types must be those of the log; columns may have been added at the end since.
    fn described<'a>(&self, now: &'a [Described]) -> Result<Vec<Option<&'a Described>>, LogError> {
        if self.has_names() {
            let by_name = |column: &Column| now.iter().find(|now| Some(&now.name) == column.name.as_ref());
            let fits = |now: &&Described, column: &Column| now.may_be(column.type_in_log());
            let same = |column: &Column| by_name(column).filter(|now| fits(now, column));
            return Ok(self.columns.iter().map(same).collect());
        }
        let fits = now.len() >= self.columns.len()
            && self.columns.iter().zip(now).all(|(column, now)| now.may_be(column.type_in_log()));
        if fits {
            return Ok(now.iter().take(self.columns.len()).map(Some).collect());
        }
        Err(changed(&self.table))
    }
}

/// Of rows that nobody can describe any more.
pub(crate) fn changed(table: &TableName) -> LogError {
    LogError::Refused {
        what: format!(
            "the log has rows of {table} from before its columns were changed, without the columns' names"
        ),
        mend: Mend("SET GLOBAL binlog_row_metadata = 'FULL'; and take the table's rows anew".to_owned()),
    }
}

/// What the database says now: the columns of the table, and the character sets of its collations by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema<'a> {
    pub(crate) columns: &'a [Described],
    pub(crate) charsets: &'a HashMap<u64, String>,
}

/// How the rows of a table are read.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) table: Arc<Table>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) is_virtual: Vec<bool>,
}

/// Its type, and the details that a column of it has.
fn column(kind: u8, details: &mut Cursor<'_>) -> Result<Column, Malformed> {
    let detail = match kind {
        STRING | VARCHAR | VAR_STRING | DECIMAL | BIT | ENUM | SET | COMPRESSED_VARCHAR => {
            (details.byte()?, details.byte()?)
        }
        FLOAT | DOUBLE | BLOB | COMPRESSED_BLOB | JSON | GEOMETRY | VECTOR | TIMESTAMP | DATE_TIME | TIME => {
            (details.byte()?, 0)
        }
        _ => (0, 0),
    };
    let kind = if kind == STRING && matches!(detail.0, ENUM | SET) { detail.0 } else { kind };
    Ok(Column { kind, detail, ..Column::default() })
}

fn add(columns: &mut [Column], field: usize, mut rest: Cursor<'_>) -> Result<(), Malformed> {
    match field {
        added::SIGNS => {
            let numbers = columns.iter_mut().filter(|column| column.is_number());
            numbers.enumerate().for_each(|(at, column)| column.unsigned = Some(bit_from_high(rest.0, at)));
        }
        added::NAMES => {
            for column in columns {
                column.name = Some(text(rest.counted()?)?);
            }
        }
        added::DEFAULT_CHARSET => default_collations(columns, Column::is_text, rest)?,
        added::MEMBERS_DEFAULT_CHARSET => default_collations(columns, Column::has_members, rest)?,
        added::CHARSETS => collations(columns, Column::is_text, rest)?,
        added::MEMBERS_CHARSETS => collations(columns, Column::has_members, rest)?,
        added::SET_MEMBERS | added::ENUM_MEMBERS => {
            let kind = if field == added::SET_MEMBERS { SET } else { ENUM };
            for column in columns.iter_mut().filter(|column| column.kind == kind) {
                let count = rest.packed()?;
                let members = (0..count).map(|_| rest.counted().map(<[u8]>::to_vec));
                column.members = Some(members.collect::<Result<_, _>>()?);
            }
        }
        // Keys, visibility, kinds of geometry.
        _ => {}
    }
    Ok(())
}

/// One collation for all, and then those that have another, by their number among these.
fn default_collations(
    columns: &mut [Column],
    which: fn(&Column) -> bool,
    mut rest: Cursor<'_>,
) -> Result<(), Malformed> {
    let default = rest.packed()? as u64;
    let mut these: Vec<&mut Column> = columns.iter_mut().filter(|column| which(column)).collect();
    for column in &mut these {
        column.collation = Some(default);
    }
    while !rest.is_empty() {
        let at = rest.packed()?;
        let collation = rest.packed()? as u64;
        let column = these.get_mut(at).ok_or(Malformed("a collation is of no column"))?;
        column.collation = Some(collation);
    }
    Ok(())
}

fn collations(
    columns: &mut [Column],
    which: fn(&Column) -> bool,
    mut rest: Cursor<'_>,
) -> Result<(), Malformed> {
    for column in columns.iter_mut().filter(|column| which(column)) {
        column.collation = Some(rest.packed()? as u64);
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed("a name is no UTF-8"))
}

impl Column {
    fn is_number(&self) -> bool {
        matches!(self.kind, TINY | SHORT | INT24 | LONG | LONG_LONG | DECIMAL | FLOAT | DOUBLE | YEAR)
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, STRING | VAR_STRING | VARCHAR | BLOB)
    }

    fn has_members(&self) -> bool {
        matches!(self.kind, ENUM | SET)
    }

    fn type_in_log(&self) -> u8 {
        if self.has_members() { STRING } else { self.kind }
    }

    fn kind(
        self,
        name: &str,
        now: Option<&Described>,
        table: &TableName,
        charsets: &HashMap<u64, String>,
    ) -> Result<Kind, LogError> {
        let (first, second) = (usize::from(self.detail.0), usize::from(self.detail.1));
        let decimals = first;
        let length = first | second << 8;
        let unsigned = || self.unsigned.or_else(|| now.map(|now| now.unsigned)).unwrap_or(false);
        let integer = |bytes| Kind::Integer { bytes, unsigned: unsigned() };
        let content = || match now.and_then(Described::content) {
            Some(content) => Ok(content),
            None => self.charset(now, table, charsets).map(Content::Text),
        };
        let has_decimals = matches!(self.kind, TIME | DATE_TIME | TIMESTAMP);
        if has_decimals && decimals > DECIMALS_MAX {
            return Err(LogError::Unreadable(format!(
                "the column {name} of {table} has {decimals} decimals"
            )));
        }
        let kind = match self.kind {
            TINY => integer(1),
            SHORT => integer(2),
            INT24 => integer(3),
            LONG => integer(4),
            LONG_LONG => integer(8),
            FLOAT => Kind::Float,
            DOUBLE => Kind::Double,
            DECIMAL => Kind::Decimal { digits: first, scale: second },
            YEAR => Kind::Year,
            DATE | NEW_DATE => Kind::Date,
            TIME => Kind::Time { decimals },
            DATE_TIME => Kind::DateTime { decimals },
            TIMESTAMP => Kind::Timestamp { decimals },
            OLD_TIME => Kind::OldTime,
            OLD_DATE_TIME => Kind::OldDateTime,
            OLD_TIMESTAMP => Kind::OldTimestamp,
            VARCHAR | VAR_STRING => {
                Kind::Varying { prefix: if length < 256 { 1 } else { 2 }, content: content()? }
            }
            BLOB => Kind::Varying { prefix: first, content: content()? },
            GEOMETRY | VECTOR => Kind::Varying { prefix: first, content: Content::Text(Charset::Binary) },
            JSON => Kind::Json { prefix: first },
            BIT => Kind::Bit { bits: first + 8 * second },
            ENUM => Kind::Enum { bytes: second, members: self.members(now, table, charsets)? },
            SET => Kind::Set { bytes: second, members: self.members(now, table, charsets)? },
            STRING => {
                // Two bits of the length hide, turned, in what would be the type.
                let length = second | ((first & 0x30) ^ 0x30) << 4;
                Kind::Fixed { prefix: if length < 256 { 1 } else { 2 }, length, content: content()? }
            }
            COMPRESSED_BLOB | COMPRESSED_VARCHAR => {
                return Err(LogError::Refused {
                    what: format!("the column {name} of {table} is COMPRESSED, which is not read"),
                    mend: Mend(format!("alter the column {name} of {table} so that it is not COMPRESSED")),
                });
            }
            unknown => {
                return Err(LogError::Unreadable(format!(
                    "the column {name} of {table} is of the unknown type {unknown}"
                )));
            }
        };
        if now.is_some_and(|now| now.is_old_with_fractions(&kind)) {
            return Err(LogError::Refused {
                what: format!(
                    "the column {name} of {table} has a format for times that is not read any more"
                ),
                mend: Mend(format!("ALTER TABLE {} FORCE;", crate::columns::quoted_table(table))),
            });
        }
        Ok(kind)
    }

    /// By the log if it says it.
    fn charset(
        &self,
        now: Option<&Described>,
        table: &TableName,
        charsets: &HashMap<u64, String>,
    ) -> Result<Charset, LogError> {
        match (self.collation.and_then(|collation| charsets.get(&collation)), now) {
            (Some(name), Some(now)) => {
                Described { charset: Some(name.clone()), ..now.clone() }.charset(table)
            }
            (Some(name), None) => Ok(Charset::named(name).unwrap_or(Charset::Binary)),
            (None, Some(now)) => now.charset(table),
            (None, None) => Ok(Charset::Binary),
        }
    }

    fn members(
        &self,
        now: Option<&Described>,
        table: &TableName,
        charsets: &HashMap<u64, String>,
    ) -> Result<Vec<String>, LogError> {
        let Some(members) = &self.members else {
            return Ok(now.map(|now| now.members.clone()).unwrap_or_default());
        };
        let charset = match self.charset(now, table, charsets)? {
            Charset::Binary => Charset::Utf8,
            charset => charset,
        };
        let decoded =
            |member: &Vec<u8>| charset.decode(Bytes::copy_from_slice(member)).unwrap_or_default().into();
        Ok(members.iter().map(decoded).collect())
    }
}
