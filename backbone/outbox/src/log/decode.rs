//! A row of our table as a log has it.

use bytestring::ByteString;
use hexalpes_capture::{Inserted, Value};
use hexalpes_kernel::Timestamp;

use crate::{
    payload::Payload,
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
    let occurred_at = occurred_at.ok_or_else(|| damaged("occurred_at"))?;
    let headers_json = part(row, "headers")?;
    Ok(OutboxRow {
        ordinal,
        seq: seq(row)?,
        id: part(row, "id")?,
        aggregatetype: part(row, "aggregatetype")?,
        aggregateid: part(row, "aggregateid")?,
        kind: part(row, "type")?,
        payload: Payload::parse(&part(row, "payload")?).map_err(|_| damaged("payload"))?,
        headers: serde_json::from_str(&headers_json).map_err(|_| damaged("headers"))?,
        headers_json,
        occurred_at,
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

pub(crate) fn text(row: &Inserted, column: &str) -> Result<String, ShapeError> {
    part(row, column).map(String::from)
}

/// `MySQL` has names in binary columns, so that they compare byte by byte.
fn part(row: &Inserted, column: &str) -> Result<ByteString, ShapeError> {
    match row.get(column) {
        Some(Value::Text(text) | Value::Json(text)) => Ok(text.clone()),
        Some(Value::Bytes(bytes)) => ByteString::try_from(bytes.clone()).map_err(|_| damaged(column)),
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
