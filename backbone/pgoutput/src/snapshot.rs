//! What a table held at one place of the log.
//!
//! The server's present position is no such place: a transaction may have written its commit there and not be seen
//! yet by who looks into the table. So a slot is made for the moment that it takes: the server then says a position
//! from which on every transaction is whole in the log, and shows its session the tables as all transactions before
//! that position left them, by what the log says of them. It is what the server's own subscriptions do. The slot goes
//! at once, the view stays as long as the transaction.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_capture::{
    Detail, Inserted, LogError, Origin, PAGE_BYTES, Position, Snapshot, Table, TableName, Value,
};
use hexalpes_kernel::Timestamp;

use crate::connection::{Connection, Row};
use crate::failure::{Failure, code, refused};
use crate::options::SlotOptions;
use crate::setup::{self, create_for_snapshot, not_created};
use crate::sql::{self, identifier, literal};
use crate::value::Kind;

const CONNECTOR: &str = "postgresql";

/// Keys that one statement compares.
const COMPARED_MAX: usize = 500;

/// One transaction, which lasts as long as this value: rows that are deleted or replaced meanwhile stay on the
/// server's disk for it.
pub struct SlotSnapshot {
    connection: Connection,
    position: Position,
    origin: Arc<Origin>,
    table: Arc<Table>,
    kinds: Vec<Kind>,
    /// The key's column, by its place.
    key: usize,
    /// A query without its condition, and its order.
    select: String,
    order: String,
    /// The key's type, and what its values are compared by.
    key_type: String,
    collation: &'static str,
    cursor: Cursor,
    /// What lets the user read the table.
    grant: String,
}

/// What the server's cursor gives next.
#[derive(PartialEq)]
enum Cursor {
    /// There may be one, of which nobody knows.
    Unknown,
    First,
    Behind(Value),
}

impl Cursor {
    fn at(key: Option<&Value>) -> Self {
        key.map_or(Self::First, |key| Self::Behind(key.clone()))
    }
}

impl std::fmt::Debug for SlotSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlotSnapshot")
            .field("position", &self.position)
            .field("table", &self.table.name)
            .finish_non_exhaustive()
    }
}

impl SlotSnapshot {
    /// Waits until the transactions that are open have ended. `key` is a column whose values are unique and not null;
    /// texts are ordered by their bytes, whatever the column's own order is.
    pub(crate) async fn open(options: &SlotOptions, name: &TableName, key: &str) -> Result<Self, LogError> {
        let mut connection = setup::connect(options).await?;
        let slot = format!("hexalpes_snapshot_{}", connection.process);
        connection.query("BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ").await?;
        let rows = connection.query(&create_for_snapshot(&slot)).await.map_err(not_created)?;
        let consistent = rows.first().and_then(|row| row.lsn(1));
        let offset =
            consistent.ok_or_else(|| LogError::Unreadable("a snapshot without a position".to_owned()))?;
        connection.query(&format!("DROP_REPLICATION_SLOT {}", identifier(&slot))).await?;

        let columns = Columns::ask(&mut connection, options, name).await?;
        let (at, key) = columns.key(name, key)?;
        let collation = if key.has_collation { " COLLATE \"C\"" } else { "" };
        let (order, key_type) = (format!("{}{collation}", identifier(&key.name)), key.full_type.clone());
        let names: Vec<String> = columns.0.iter().map(|column| column.name.clone()).collect();
        let selected: Vec<String> = names.iter().map(|name| identifier(name)).collect();
        let rows = connection.query("SELECT current_database(), now(), current_user").await?;
        let row = rows.first().ok_or_else(|| Failure::Protocol("no row of the time".to_owned()))?;
        let now = row.text(1).and_then(|now| Timestamp::parse(now).ok());
        let position = Position::new("", offset);
        let origin = Origin {
            connector: CONNECTOR,
            begins: position.clone(),
            at: now.ok_or_else(|| Failure::Protocol("no time".to_owned()))?,
            fields: vec![("lsn", Detail::Number(offset)), ("sequence", Detail::Sequence(None, offset))],
            is_snapshot: true,
        };
        let user = identifier(row.text(2).unwrap_or_default());
        let grant = format!(
            "GRANT USAGE ON SCHEMA {} TO {user}; GRANT SELECT ON {} TO {user};",
            identifier(&name.schema),
            sql::table(name)
        );
        let table = Table {
            database: row.text(0).unwrap_or_default().to_owned(),
            schema: Some(name.schema.clone()),
            name: name.name.clone(),
            columns: names,
        };
        Ok(Self {
            connection,
            position,
            origin: Arc::new(origin),
            table: Arc::new(table),
            kinds: columns.0.iter().map(|column| column.kind).collect(),
            key: at,
            select: format!("SELECT {} FROM {}", selected.join(", "), sql::table(name)),
            order,
            key_type,
            collation,
            cursor: Cursor::Unknown,
            grant,
        })
    }

    /// The server sorts once, however many pieces are asked for one after another.
    async fn declare(&mut self, key: Option<&Value>) -> Result<(), LogError> {
        self.connection.query("CLOSE ALL").await?;
        let condition = match key.map(sql::value) {
            None => String::new(),
            Some(Some(key)) => format!(" WHERE {} > {key}", self.order),
            Some(None) => return Err(LogError::Unreadable("no key is above null".to_owned())),
        };
        let declare =
            format!("DECLARE rows NO SCROLL CURSOR FOR {}{condition} ORDER BY {}", self.select, self.order);
        match self.connection.query(&declare).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.code() == Some(code::INSUFFICIENT_PRIVILEGE) => Err(refused(
                format!("the table {} may not be read: {failure}", self.table.name),
                self.grant.clone(),
            )),
            Err(failure) => Err(failure.into()),
        }
    }

    fn inserted(&self, row: &Row) -> Result<Inserted, LogError> {
        let value = |(text, kind): (Option<&Bytes>, &Kind)| match text {
            None => Ok(Value::Null),
            Some(text) => kind
                .value(text, text)
                .ok_or_else(|| LogError::Unreadable(format!("a text in {} is no {kind:?}", self.table.name))),
        };
        let values = row.values().zip(&self.kinds).map(value).collect::<Result<Vec<_>, _>>()?;
        Ok(Inserted { table: Arc::clone(&self.table), values, origin: Arc::clone(&self.origin) })
    }
}

impl Snapshot for SlotSnapshot {
    fn position(&self) -> &Position {
        &self.position
    }

    async fn after(&mut self, key: Option<&Value>, limit: u32) -> Result<Vec<Inserted>, LogError> {
        if self.cursor != Cursor::at(key) {
            self.declare(key).await?;
        }
        // Who goes away within the answer has not seen what it gave.
        self.cursor = Cursor::Unknown;
        let fetch = format!("FETCH {limit} FROM rows");
        let (rows, are_all) = self.connection.query_up_to(&fetch, PAGE_BYTES).await?;
        let rows = rows.iter().map(|row| self.inserted(row)).collect::<Result<Vec<_>, _>>()?;
        if are_all {
            let last = rows.last().and_then(|row| row.values.get(self.key)).or(key);
            self.cursor = Cursor::at(last);
        }
        Ok(rows)
    }

    async fn above(&mut self, keys: &[Value], key: &Value) -> Result<Vec<bool>, LogError> {
        let written =
            |key| sql::value(key).ok_or_else(|| LogError::Unreadable("no key is above null".to_owned()));
        let Self { key_type, collation, .. } = self;
        let than = written(key)?;
        let mut above = Vec::with_capacity(keys.len());
        for some in keys.chunks(COMPARED_MAX) {
            let keys = some.iter().map(written).collect::<Result<Vec<_>, _>>()?.join(", ");
            let compare = format!(
                "SELECT given.key{collation} > {than}::{key_type}{collation} \
                 FROM unnest(ARRAY[{keys}]::{key_type}[]) WITH ORDINALITY AS given (key, place) ORDER BY place"
            );
            let rows = self.connection.query(&compare).await?;
            if rows.len() != some.len() {
                return Err(Failure::Protocol("keys were compared in part".to_owned()).into());
            }
            above.extend(rows.iter().map(|row| row.is_true(0)));
        }
        Ok(above)
    }
}

struct Column {
    name: String,
    kind: Kind,
    has_collation: bool,
    is_unique: bool,
    is_nullable: bool,
    full_type: String,
    is_numbered: bool,
}

pub(crate) async fn numbered(options: &SlotOptions, name: &TableName) -> Result<Option<String>, LogError> {
    let mut connection = setup::connect(options).await?;
    let Columns(columns) = Columns::of(&mut connection, options, name).await?;
    connection.close().await;
    let is_it = |column: &Column| column.is_numbered && column.is_unique && !column.is_nullable;
    Ok(columns.into_iter().find(is_it).map(|column| column.name))
}

/// The columns that the log has of a table, with the types that it says.
struct Columns(Vec<Column>);

impl Columns {
    async fn ask(
        connection: &mut Connection,
        options: &SlotOptions,
        name: &TableName,
    ) -> Result<Self, LogError> {
        let columns = Self::of(connection, options, name).await?;
        if columns.0.is_empty() {
            return Err(refused(format!("there is no table {name}"), "make it, or name one that is there"));
        }
        Ok(columns)
    }

    /// Generated columns are in the log from PostgreSQL 18 on, if the publication has them. None of a table that is not there.
    async fn of(
        connection: &mut Connection,
        options: &SlotOptions,
        name: &TableName,
    ) -> Result<Self, LogError> {
        let asked = format!(
            "SELECT a.attname, a.atttypid, a.attcollation <> 0, EXISTS ( \
             SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid \
             AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL), \
             NOT a.attnotnull, format_type(a.atttypid, a.atttypmod), a.atttypmod, \
             a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             LEFT JOIN pg_publication_tables p \
             ON p.pubname = {} AND p.schemaname = n.nspname AND p.tablename = c.relname \
             WHERE n.nspname = {} AND c.relname = {} AND (p.attnames IS NULL OR a.attname = ANY (p.attnames)) \
             AND (a.attgenerated = '' OR current_setting('server_version_num')::int >= 180000) \
             ORDER BY a.attnum",
            literal(&options.publication),
            literal(&name.schema),
            literal(&name.name)
        );
        let rows = connection.query(&asked).await?;
        let column = |row: &Row| {
            Ok(Column {
                name: row.parsed(0)?,
                kind: Kind::of(row.parsed(1)?, row.parsed(6)?),
                has_collation: row.is_true(2),
                is_unique: row.is_true(3),
                is_nullable: row.is_true(4),
                full_type: row.parsed(5)?,
                is_numbered: row.is_true(7),
            })
        };
        Ok(Self(rows.iter().map(column).collect::<Result<_, Failure>>()?))
    }

    fn key(&self, table: &TableName, name: &str) -> Result<(usize, &Column), LogError> {
        let found = self.0.iter().enumerate().find(|(_, column)| column.name == name && column.is_unique);
        let what = format!("the rows of {table} cannot be told apart by {name}: it");
        let (at, column) = (sql::table(table), identifier(name));
        match found {
            Some((_, key)) if key.is_nullable => Err(refused(
                format!("{what} may be null"),
                format!(
                    "ALTER TABLE {at} ALTER COLUMN {column} SET NOT NULL; or name another one with \
                     hexalpes.snapshot.key"
                ),
            )),
            Some(found) => Ok(found),
            None => Err(refused(
                format!("{what} is not unique, or may be null"),
                format!("ALTER TABLE {at} ADD PRIMARY KEY ({column});"),
            )),
        }
    }
}
