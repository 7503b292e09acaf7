//! Why files do not make a server, each with the file that is to be looked at.

use std::{io, path::PathBuf};

/// Each names the file, and the setting's kind.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the {kind} file {} cannot be read: {source}", path.display())]
    Unreadable { kind: &'static str, path: PathBuf, source: io::Error },
    #[error("the {kind} file {} is not PEM: {reason}", path.display())]
    NotPem { kind: &'static str, path: PathBuf, reason: String },
    #[error("the {kind} file {} holds no {kind} in PEM form{hint}", path.display())]
    Empty { kind: &'static str, path: PathBuf, hint: &'static str },
    #[error("the {kind} file {} cannot be used: {reason}", path.display())]
    Unusable { kind: &'static str, path: PathBuf, reason: String },
    #[error(
        "the key in {} is not that of the certificate in {}: give the two that were made together, the server's \
         certificate first in its file", key.display(), certificate.display()
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },
}
