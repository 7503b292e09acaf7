//! Where a key is, as Pulsar's settings say it.

use std::{fs, io, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Why a key's bytes are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("the key file {} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("a key after data: is base64, such as data:;base64,c2VjcmV0…")]
    Data,
}

/// The bytes of a key: of the file after `file://`, of `data:;base64,…`, or of the file of that name. A file holds the key
/// itself, not its base64.
pub fn key_bytes(source: &str) -> Result<Vec<u8>, SourceError> {
    if let Some(data) = source.strip_prefix("data:") {
        let (_, encoded) = data.split_once("base64,").ok_or(SourceError::Data)?;
        return STANDARD.decode(encoded.trim()).map_err(|_| SourceError::Data);
    }
    let path = source.strip_prefix("file://").or_else(|| source.strip_prefix("file:")).unwrap_or(source);
    fs::read(path).map_err(|source| SourceError::Unreadable { path: path.into(), source })
}
