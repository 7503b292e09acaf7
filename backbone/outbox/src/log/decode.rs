//! A row of our table as a log has it.

use std::mem;

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

/// Takes the texts out of it, unless it cannot be read.
pub(crate) fn row(row: &mut Inserted, ordinal: i64) -> Result<OutboxRow, ShapeError> {
    let occurred_at = Timestamp::from_micros(integer(row, "occurred_at")?);
    let occurred_at = occurred_at.ok_or_else(|| damaged("occurred_at"))?;
    let headers = serde_json::from_str(borrowed(row, "headers")?).map_err(|_| damaged("headers"))?;
    let payload: &RawValue =
        serde_json::from_str(borrowed(row, "payload")?).map_err(|_| damaged("payload"))?;
    let (payload, seq) = (payload.to_owned(), seq(row)?);
    for column in ["id", "aggregatetype", "aggregateid", "type"] {
        borrowed(row, column)?;
    }
    Ok(OutboxRow {
        ordinal,
        seq,
        id: taken(row, "id")?,
        aggregatetype: taken(row, "aggregatetype")?,
        aggregateid: taken(row, "aggregateid")?,
        kind: taken(row, "type")?,
        payload,
        headers,
        headers_json: taken(row, "headers")?,
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
    borrowed(row, column).map(str::to_owned)
}

/// `MySQL` has names in binary columns, so that they compare byte by byte.
fn borrowed<'a>(row: &'a Inserted, column: &str) -> Result<&'a str, ShapeError> {
    match row.get(column) {
        Some(Value::Text(text) | Value::Json(text)) => Ok(text),
        Some(Value::Bytes(bytes)) => str::from_utf8(bytes).map_err(|_| damaged(column)),
        _ => Err(damaged(column)),
    }
}

fn taken(row: &mut Inserted, column: &str) -> Result<String, ShapeError> {
    match row.get_mut(column) {
        Some(Value::Text(text) | Value::Json(text)) => Ok(mem::take(text)),
        _ => text(row, column),
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
