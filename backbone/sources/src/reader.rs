//! As whom a source reads from its server: where two did, only one of them could.

use sha2::{Digest as _, Sha256};

use crate::{
    config::{Connector, SourceConfig},
    sources::SourcesError,
    value::hex,
};

/// What a database keeps for a reader, or knows it by.
#[derive(PartialEq)]
pub(crate) enum Reader<'a> {
    Slot { server: (&'a str, u16), name: &'a str },
    Replica { server: (&'a str, u16), id: u32 },
}

impl<'a> Reader<'a> {
    pub(crate) fn of(config: &'a SourceConfig) -> Self {
        let server = (config.host.as_str(), config.port);
        match config.connector {
            Connector::Postgres => Self::Slot { server, name: &config.slot },
            Connector::MySql | Connector::MariaDb => Self::Replica { server, id: config.server_id },
        }
    }

    /// The same for the same one, in few letters.
    pub(crate) fn digest(&self) -> String {
        let ((host, port), what) = match self {
            Self::Slot { server, name } => (server, format!("slot {name}")),
            Self::Replica { server, id } => (server, format!("server id {id}")),
        };
        hex(&Sha256::digest(format!("{host}:{port} {what}"))[..16])
    }

    pub(crate) fn is_of(&self, other: String) -> SourcesError {
        let (what, key) = match self {
            Self::Slot { name, .. } => (format!("the slot {name}"), "slot.name, and publication.name"),
            Self::Replica { id, .. } => (format!("the server id {id}"), "database.server.id"),
        };
        SourcesError::SameReader { other, what, key }
    }
}

/// It is not another source's: names and numbers come from a source's own name, which sources of two namespaces may share.
pub(crate) fn reads_beside(config: &SourceConfig, other: &SourceConfig) -> Result<(), SourcesError> {
    let reader = Reader::of(config);
    if reader == Reader::of(other) { Err(reader.is_of(other.full_name())) } else { Ok(()) }
}
