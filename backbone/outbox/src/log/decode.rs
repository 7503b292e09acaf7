//! A row of our table as a log has it.

use hexalpes_capture::{Inserted, Value};
use hexalpes_kernel::Timestamp;
use serde_json::value::RawValue;

use crate::{
    row::{Captured, OutboxRow},
    shape::ShapeError,
};

/// The column of the table's own numbers.
pub(crate) const SEQ: &str = "seq";

/// The table's own number of a row: the key of a snapshot, and what marks name.
pub(crate) fn seq(row: &Inserted) -> Result<i64, ShapeError> {
    integer(row, SEQ)
}

/// Whether somebody had published it when it was read.
pub(crate) fn is_published(row: &Inserted) -> Result<bool, ShapeError> {
    Ok(integer(row, "published")? != 0)
}

pub(crate) fn id(row: &Inserted) -> Result<String, ShapeError> {
    text(row, "id")
}

pub(crate) fn aggregate(row: &Inserted) -> Result<(String, String), ShapeError> {
    Ok((text(row, "aggregatetype")?, text(row, "aggregateid")?))
}

pub(crate) fn row(row: &Inserted, ordinal: i64) -> Result<OutboxRow, ShapeError> {
    let occurred_at = Timestamp::from_micros(integer(row, "occurred_at")?);
    Ok(OutboxRow {
        ordinal,
        seq: seq(row)?,
        id: id(row)?,
        aggregatetype: text(row, "aggregatetype")?,
        aggregateid: text(row, "aggregateid")?,
        kind: text(row, "type")?,
        payload: RawValue::from_string(text(row, "payload")?).map_err(|_| damaged("payload"))?,
        headers: serde_json::from_str(&text(row, "headers")?).map_err(|_| damaged("headers"))?,
        occurred_at: occurred_at.ok_or_else(|| damaged("occurred_at"))?,
        published: 0,
        published_at: None,
        captured: Some(Captured { table: row.table.clone(), origin: row.origin.clone() }),
        foreign: None,
    })
}

fn integer(row: &Inserted, column: &str) -> Result<i64, ShapeError> {
    match row.get(column) {
        Some(Value::Integer(number)) => Ok(*number),
        _ => Err(damaged(column)),
    }
}

/// `MySQL` has names in binary columns, so that they compare byte by byte.
pub(crate) fn text(row: &Inserted, column: &str) -> Result<String, ShapeError> {
    match row.get(column) {
        Some(Value::Text(text) | Value::Json(text)) => Ok(text.clone()),
        Some(Value::Bytes(bytes)) => String::from_utf8(bytes.to_vec()).map_err(|_| damaged(column)),
        _ => Err(damaged(column)),
    }
}

fn damaged(column: &str) -> ShapeError {
    ShapeError(format!("outbox_event.{column} cannot be read from the log"))
}

/// About how many bytes it takes.
pub(crate) fn size(row: &Inserted) -> usize {
    let of = |value: &Value| match value {
        Value::Text(text) | Value::Json(text) | Value::Decimal(text) | Value::Local(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 8,
    };
    row.values.iter().map(of).sum()
}
