//! How a transaction begins in the log: with its global id, and where the server says it, the moment of its commit.

use bytestring::ByteString;
use uuid::Uuid;

use crate::cursor::{Cursor, Malformed};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// None for a transaction without one.
    pub(crate) gtid: Option<ByteString>,
    /// Microseconds since the epoch.
    pub(crate) committed: Option<i64>,
    /// Its rows follow at once, without a statement that begins it.
    pub(crate) has_begun: bool,
}

/// `MySQL`'s, with or without an id.
pub(crate) fn mysql(body: &[u8], is_anonymous: bool) -> Result<Start, Malformed> {
    let mut rest = Cursor(body);
    rest.take(1)?;
    let server = Uuid::from_slice(rest.take(16)?).map_err(|_| Malformed("a server has no UUID"))?;
    let number = rest.number(8)?;
    // The order in which a replica may apply it.
    rest.take(17).ok();
    // The highest bit says that the moment of the first commit follows, where that was on another server.
    let committed = rest.number(7).ok().map(|micros| (micros & !(1 << 55)).cast_signed());
    let gtid = (!is_anonymous).then(|| format!("{server}:{number}").into());
    Ok(Start { gtid, committed, has_begun: false })
}

/// `MariaDB`'s: domain, server and number.
pub(crate) fn mariadb(body: &[u8], server_id: u32) -> Result<Start, Malformed> {
    /// It is one statement without a commit, such as `CREATE TABLE`.
    const STANDALONE: u8 = 1;
    let mut rest = Cursor(body);
    let number = rest.number(8)?;
    let domain = rest.number(4)?;
    let has_begun = rest.byte()? & STANDALONE == 0;
    Ok(Start { gtid: Some(format!("{domain}-{server_id}-{number}").into()), committed: None, has_begun })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_the_servers_write_them() {
        let body = [7, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 12, 0, 0, 0];
        assert_eq!(mariadb(&body, 5).unwrap().gtid.as_deref(), Some("2-5-7"));
        assert!(mariadb(&body, 5).unwrap().has_begun);

        let mut body = vec![1];
        body.extend([0x11; 16]);
        body.extend(42_u64.to_le_bytes());
        assert_eq!(mysql(&body, false).unwrap().gtid.unwrap(), "11111111-1111-1111-1111-111111111111:42");
        body.extend([0; 17]);
        body.extend(&1_736_944_800_000_000_u64.to_le_bytes()[..7]);
        let start = mysql(&body, true).unwrap();
        assert_eq!((start.gtid, start.committed), (None, Some(1_736_944_800_000_000)));
    }
}
