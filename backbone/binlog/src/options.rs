//! What to read, and as whom.

use std::fmt;

use hexalpes_capture::TableName;

/// What to read, and as whom. Its `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct BinlogOptions {
    /// `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, or `mariadb://…`; the database does not matter. `ssl-mode` and
    /// `ssl-ca` are understood.
    pub url: String,
    /// Whose rows are read.
    pub tables: Vec<TableName>,
    /// The number of this reader, which no server and no other reader of the log has.
    pub server_id: u32,
}

impl fmt::Debug for BinlogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BinlogOptions")
            .field("tables", &self.tables)
            .field("server_id", &self.server_id)
            .finish_non_exhaustive()
    }
}
