//! Rows that were inserted, as the log has them: which columns they have, then for each row which are null, then the
//! values of the others.

use std::sync::Arc;

use bytes::Bytes;
use hexalpes_capture::{LogError, Mend, Table, Value};

use crate::cursor::{Cursor, Malformed, bit};
use crate::tablemap::Layout;

/// What of a table's map the rows follow.
pub(crate) fn table_id(bytes: &[u8]) -> Result<u64, Malformed> {
    Cursor(bytes).number(6)
}

/// The rows of one event, to be read one by one.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    whole: &'a Bytes,
    rest: Cursor<'a>,
    layout: &'a Layout,
    /// Of the columns that the rows have, which may be fewer than the table's.
    pub(crate) table: Arc<Table>,
    present: &'a [u8],
    count: usize,
}

impl<'a> Rows<'a> {
    /// `is_second_version`: with room for what plugins add.
    pub(crate) fn read(
        whole: &'a Bytes,
        is_second_version: bool,
        layout: &'a Layout,
    ) -> Result<Self, RowsError> {
        let mut rest = Cursor(whole);
        rest.take(8)?;
        if is_second_version {
            let added = rest.size(2)?;
            rest.take(added.checked_sub(2).ok_or(Malformed("an event is shorter than its own length"))?)?;
        }
        let width = rest.packed()?;
        if width != layout.kinds.len() {
            return Err(Malformed("rows have another number of columns than their table").into());
        }
        let present = rest.take(width.div_ceil(8))?;
        let count = (0..width).filter(|at| bit(present, *at)).count();
        if count == 0 {
            return Err(Malformed("rows have no columns").into());
        }
        let table = if count == width { layout.table.clone() } else { narrowed(layout, present)? };
        Ok(Self { whole, rest, layout, table, present, count })
    }

    /// The next row's values; none behind the last.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<Value>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let nulls = self.rest.take(self.count.div_ceil(8))?;
        let mut values = Vec::with_capacity(self.count);
        for (at, kind) in self.layout.kinds.iter().enumerate() {
            if bit(self.present, at) {
                let is_null = bit(nulls, values.len());
                values.push(if is_null { Value::Null } else { kind.read(&mut self.rest, self.whole)? });
            }
        }
        Ok(Some(values))
    }

    /// Bytes that have not been read.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.0.len()
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RowsError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The table without the columns that the rows have not. Only those that are computed may be missing: of others the
/// rows would have to say what they are.
fn narrowed(layout: &Layout, present: &[u8]) -> Result<Arc<Table>, LogError> {
    let mut table = Table::clone(&layout.table);
    let missing = (0..layout.kinds.len()).find(|at| !bit(present, *at) && !layout.is_virtual[*at]);
    if let Some(missing) = missing {
        return Err(LogError::Refused {
            what: format!(
                "a row of {}.{} was logged without its column {}",
                table.database, table.name, table.columns[missing]
            ),
            mend: Mend(
                "SET GLOBAL binlog_row_image = 'FULL'; and end the sessions that have set it themselves"
                    .into(),
            ),
        });
    }
    let mut at = 0..;
    table.columns.retain(|_| at.next().is_some_and(|at| bit(present, at)));
    Ok(Arc::new(table))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;
    use crate::columns::Described;
    use crate::tablemap::{Schema, TableMap};

    /// Types that a column may have in the log, and how many bytes of details each has.
    const TYPES: [(u8, usize); 24] = [
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 1),
        (5, 1),
        (7, 0),
        (8, 0),
        (9, 0),
        (10, 0),
        (11, 0),
        (12, 0),
        (13, 0),
        (15, 2),
        (16, 2),
        (17, 1),
        (18, 1),
        (19, 1),
        (245, 1),
        (246, 2),
        (252, 1),
        (253, 2),
        (254, 2),
        (242, 1),
        (255, 1),
    ];

    fn map(columns: &[(usize, [u8; 2])]) -> Vec<u8> {
        let types = columns.iter().map(|(at, _)| TYPES[*at % TYPES.len()]);
        let details: Vec<u8> = columns
            .iter()
            .zip(types.clone())
            .flat_map(|((_, detail), (_, has))| detail[..has].to_vec())
            .collect();
        let count = u8::try_from(columns.len()).unwrap();
        let mut map = b"\0\0\0\0\0\0\0\0\x01d\0\x01t\0".to_vec();
        map.push(count);
        map.extend(types.map(|(kind, _)| kind));
        map.push(u8::try_from(details.len()).unwrap());
        map.extend(details);
        map.extend(vec![0; columns.len().div_ceil(8)]);
        map
    }

    fn unknown() -> Described {
        Described {
            name: "a".to_owned(),
            data_type: "unknown".to_owned(),
            unsigned: false,
            charset: Some("utf8mb4".to_owned()),
            members: vec!["x".to_owned()],
            decimals: 0,
            bits: 0,
            is_virtual: false,
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            columns in vec((any::<usize>(), any::<[u8; 2]>()), 1..12),
            bytes in vec(any::<u8>(), 0..200),
        ) {
            let described = vec![unknown(); columns.len()];
            let map = TableMap::read(&map(&columns)).unwrap();
            let charsets = HashMap::new();
            if let Ok(layout) = map.with(&Schema { columns: &described, charsets: &charsets }) {
                let width = u8::try_from(columns.len()).unwrap();
                let event = [&[0; 8][..], &[width], &vec![0xff; columns.len().div_ceil(8)], &bytes].concat();
                let event = Bytes::from(event);
                let mut rows = Rows::read(&event, false, &layout).unwrap();
                while let Ok(Some(row)) = rows.next() {
                    assert_eq!(row.len(), columns.len());
                }
            }
        }

        #[test]
        fn any_bytes_are_a_table_or_none(bytes in vec(any::<u8>(), 0..200)) {
            let read = TableMap::read(&bytes);
            assert!(read.is_err() || bytes.len() > 14);
        }
    }
}
