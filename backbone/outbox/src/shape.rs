//! How rows that a log has become rows of an outbox: those of our own table, or of one that others write.

use std::{borrow::Cow, fmt, sync::Arc};

use bytes::Bytes;
use hexalpes_capture::{Inserted, Value};
use hexalpes_kernel::{Actor, CausationId, CorrelationId, Timestamp};
use hexalpes_routing::Fields;
use serde_json::value::RawValue;

use crate::{
    log::{decode, snapshot::key},
    parked::ParkedRow,
    row::{Headers, OutboxRow},
};

/// Why a row is none of an outbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(pub String);

/// What a table's columns say.
pub trait Shape: fmt::Debug + Send + Sync {
    /// The column by which a snapshot's rows are in order.
    fn key_column(&self) -> &str;

    /// What it holds.
    fn key(&self, row: &Inserted) -> Result<Value, ShapeError>;

    /// The event's id.
    fn id(&self, row: &Inserted) -> Result<String, ShapeError>;

    /// Whether rows that are published are marked so.
    fn has_marks(&self) -> bool;

    /// Whether somebody had published it when it was read.
    fn is_published(&self, row: &Inserted) -> Result<bool, ShapeError>;

    /// The row's number in its table by which it is marked as published; none where nobody marks.
    fn seq(&self, row: &Inserted) -> Result<Option<i64>, ShapeError>;

    /// The row, whose place in the log is `ordinal`.
    fn row(&self, row: &Inserted, ordinal: i64) -> Result<OutboxRow, ShapeError>;

    /// What can be told of a row that is none of an outbox, which is parked so. An error: no row can be read, and all wait.
    fn told(&self, row: &Inserted) -> Result<Told, ShapeError>;

    /// A field that rules look at, by the name of its column or as the outbox calls it; none if that cannot be told. Other
    /// fields of the row may be wrong.
    fn field<'a>(&self, row: &'a Inserted, name: &str) -> Option<Cow<'a, str>>;
}

/// What a row is, where it is no event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The event's; none: it goes by its place in the log.
    pub id: Option<String>,
    /// Type and id of the aggregate, whose later rows wait behind it; none: it waits alone.
    pub aggregate: Option<(String, String)>,
}

/// A row of a log that is none of an outbox.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) ordinal: i64,
    pub(crate) id: String,
    pub(crate) aggregatetype: String,
    pub(crate) aggregateid: String,
    pub(crate) why: ShapeError,
    /// As the log had it; none of a row of our own table that was read there.
    row: Option<Inserted>,
    is_own: bool,
    shape: Arc<dyn Shape>,
}

/// A place in the log without a row that can be sent.
#[derive(Debug)]
pub(crate) enum Blank {
    Unreadable(Unreadable),
    /// It is not in its table any more, and on all topics.
    Gone {
        ordinal: i64,
    },
}

impl Blank {
    pub(crate) fn ordinal(&self) -> i64 {
        match self {
            Self::Unreadable(Unreadable { ordinal, .. }) | Self::Gone { ordinal } => *ordinal,
        }
    }

    /// What it is called, if it is there.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Unreadable(Unreadable { id, .. }) => Some(id),
            Self::Gone { .. } => None,
        }
    }
}

impl Unreadable {
    pub(crate) fn new(
        shape: &Arc<dyn Shape>,
        row: &Inserted,
        ordinal: i64,
        why: ShapeError,
    ) -> Result<Self, ShapeError> {
        let Told { id, aggregate } = shape.told(row)?;
        let id = id.map_or_else(|| place_of(&**shape, row, ordinal), Ok)?;
        let (aggregatetype, aggregateid) = aggregate.unwrap_or_else(|| (row.table.name.clone(), id.clone()));
        let is_own = shape.seq(row)?.is_some();
        let (row, shape) = (Some(row.clone()), Arc::clone(shape));
        Ok(Self { ordinal, id, aggregatetype, aggregateid, why, row, is_own, shape })
    }

    /// One that is parked, and as it was kept with it.
    pub(crate) fn of_parked(
        shape: &Arc<dyn Shape>,
        parked: &ParkedRow,
        row: Option<Inserted>,
        why: ShapeError,
    ) -> Self {
        let ParkedRow { ordinal, id, .. } = parked;
        let (aggregatetype, aggregateid) = parked.aggregate();
        let (is_own, shape) = (row.is_none(), Arc::clone(shape));
        Self { ordinal: *ordinal, id: id.clone(), aggregatetype, aggregateid, why, row, is_own, shape }
    }

    /// What is kept of it; none if it is in our own table.
    pub(crate) fn inserted(&self) -> Option<&Inserted> {
        self.row.as_ref().filter(|_| !self.is_own)
    }

    pub(crate) fn kind(&self) -> Option<Cow<'_, str>> {
        self.field("type")
    }
}

/// As far as they can be told.
impl Fields for Unreadable {
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match (&self.row, name) {
            (Some(row), _) => self.shape.field(row, name),
            (None, "id") => Some(Cow::Borrowed(&self.id)),
            (None, "aggregatetype") => Some(Cow::Borrowed(&self.aggregatetype)),
            (None, "aggregateid") => Some(Cow::Borrowed(&self.aggregateid)),
            (None, _) => None,
        }
    }
}

/// What a row goes by that has no id: `{position}:{ordinal}`, and `snapshot:{key}` where it was read from the table. It
/// is the same whenever the row comes by.
fn place_of(shape: &dyn Shape, row: &Inserted, ordinal: i64) -> Result<String, ShapeError> {
    if row.origin.is_snapshot {
        Ok(format!("snapshot:{}", key(shape, row)?))
    } else {
        Ok(format!("{}:{ordinal}", row.origin.begins))
    }
}

/// Our own table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnTable;

impl Shape for OwnTable {
    fn key_column(&self) -> &str {
        decode::SEQ
    }

    fn key(&self, row: &Inserted) -> Result<Value, ShapeError> {
        decode::seq(row).map(Value::Integer)
    }

    fn id(&self, row: &Inserted) -> Result<String, ShapeError> {
        decode::id(row)
    }

    fn has_marks(&self) -> bool {
        true
    }

    fn is_published(&self, row: &Inserted) -> Result<bool, ShapeError> {
        decode::is_published(row)
    }

    fn seq(&self, row: &Inserted) -> Result<Option<i64>, ShapeError> {
        decode::seq(row).map(Some)
    }

    fn row(&self, row: &Inserted, ordinal: i64) -> Result<OutboxRow, ShapeError> {
        decode::row(row, ordinal)
    }

    fn told(&self, row: &Inserted) -> Result<Told, ShapeError> {
        Ok(Told { id: Some(decode::id(row)?), aggregate: Some(decode::aggregate(row)?) })
    }

    fn field<'a>(&self, row: &'a Inserted, name: &str) -> Option<Cow<'a, str>> {
        decode::text(row, name).ok().map(Cow::Owned)
    }
}

/// A row of a table that others write.
#[derive(Clone, Debug)]
pub struct ForeignRow {
    pub id: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub kind: String,
    /// The event's data.
    pub data: Box<RawValue>,
    pub occurred_at: Timestamp,
    /// Those of the event's id if the table has none: it is the first of what follows from it.
    pub correlation_id: Option<CorrelationId>,
    pub causation_id: Option<CausationId>,
    /// What goes to the raw topic.
    pub change: Bytes,
    /// The payload as it is in its column.
    pub payload: Bytes,
    pub inserted: Inserted,
    /// A column's value as text.
    pub text: fn(&Value) -> Option<Cow<'_, str>>,
}

/// What a row of others has that ours have not.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) change: Bytes,
    pub(crate) payload: Bytes,
    pub(crate) inserted: Inserted,
    text: fn(&Value) -> Option<Cow<'_, str>>,
}

impl Foreign {
    pub(crate) fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        (self.text)(self.inserted.get(name)?)
    }
}

impl ForeignRow {
    /// The row of an outbox that it is.
    pub fn at(self, ordinal: i64) -> Result<OutboxRow, ShapeError> {
        let no_id = |_| {
            ShapeError(format!(
                "{:?} cannot be the id of an event: give it up with `hexalpes relay skip --event`; or delete the source, create it \
                 anew with hexalpes.column.id naming another column, and `hexalpes relay retry`",
                self.id
            ))
        };
        let correlationid = self.correlation_id.map_or_else(|| CorrelationId::parse(&self.id), Ok);
        let causationid = self.causation_id.map_or_else(|| CausationId::parse(&self.id), Ok);
        let headers = Headers {
            correlationid: correlationid.map_err(no_id)?,
            causationid: causationid.map_err(no_id)?,
            actor: Actor::anonymous(),
            route: None,
        };
        Ok(OutboxRow {
            ordinal,
            seq: ordinal,
            id: self.id.into(),
            aggregatetype: self.aggregate_type.into(),
            aggregateid: self.aggregate_id.into(),
            kind: self.kind.into(),
            payload: self.data.into(),
            headers_json: headers.to_json().into(),
            headers,
            occurred_at: self.occurred_at,
            published: 0,
            published_at: None,
            captured: None,
            foreign: Some(Foreign {
                change: self.change,
                payload: self.payload,
                inserted: self.inserted,
                text: self.text,
            }),
        })
    }
}
