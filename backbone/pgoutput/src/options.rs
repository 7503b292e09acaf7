//! What is read, and by which slot.

use std::fmt;

use hexalpes_capture::TableName;

/// A slot, a publication and the tables whose rows are wanted. Its `Debug` never shows the address, which may hold a
/// password.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotOptions {
    /// `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; `?sslmode=`, `sslrootcert=`, `sslcert=`, `sslkey=`, `host=`
    /// and `options=` mean what libpq means by them.
    pub url: String,
    pub tables: Vec<TableName>,
    /// Lower-case letters, digits and `_`. One reader at a time has it.
    pub slot: String,
    pub publication: String,
}

impl fmt::Debug for SlotOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotOptions")
            .field("tables", &self.tables)
            .field("slot", &self.slot)
            .field("publication", &self.publication)
            .finish_non_exhaustive()
    }
}
