//! Seals what only this installation may read, such as where to pay an affiliate to.
//!
//! A sealed text is `v1.` and the base64 (URL-safe, unpadded) of a nonce of 96 random bits and what ChaCha20-Poly1305
//! (RFC 8439) makes of the text. Its context, such as the affiliate's id, is authenticated with it: a sealed text that
//! was moved to another row does not open. The key is 32 random bytes in a file that its owner alone may read.
//!
//! Not here: what is sealed, and who may see it open.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics is a test that fails"))]

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// What a sealed text begins with.
const VERSION: &str = "v1.";
const KEY_BYTES: usize = 32;
/// A key file has its owner's rights alone.
const OTHERS: u32 = 0o077;

/// The installation's key; clones share it.
#[derive(Clone)]
pub struct Vault {
    key: Arc<LessSafeKey>,
    random: SystemRandom,
}

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the secret key {} cannot be {what}: {source}", path.display())]
    File { path: PathBuf, what: &'static str, source: io::Error },
    #[error("the secret key {} has {bytes} bytes instead of {KEY_BYTES}: it is none of ours", path.display())]
    Length { path: PathBuf, bytes: usize },
    #[error(
        "the secret key {} may be read by others (mode {mode:03o}): take their rights away with chmod 600, and change \
         what it sealed if they may have read it",
        path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
}

/// A sealed text that does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    #[error("it is no sealed text of this version")]
    Format,
    #[error("it was sealed with another key, for something else, or was changed")]
    Key,
}

impl Vault {
    /// Opens the key in a file that is there.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File { path: path.to_owned(), what: "read", source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(VaultError::Exposed { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
        // One more than a key has, to know a file that is longer.
        file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes)
            .map_err(|_| VaultError::Length { path: path.to_owned(), bytes: bytes.len() })?;
        Ok(Self { key: Arc::new(LessSafeKey::new(key)), random: SystemRandom::new() })
    }

    /// Opens the key in a file, and makes one if there is none: durable before anything is sealed with it.
    pub fn open_or_make(path: &Path) -> Result<Self, VaultError> {
        match make(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(VaultError::File { path: path.to_owned(), what: "made", source }),
        }
        Self::open(path)
    }

    /// Seals a text; the same text is never sealed the same way twice.
    pub fn seal(&self, context: &str, text: &str) -> String {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).expect("the system has random numbers");
        let mut sealed = text.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .expect("a text is shorter than 256 GB");
        let bytes = [&nonce[..], &sealed].concat();
        format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Opens what was sealed in the same context.
    pub fn unseal(&self, context: &str, sealed: &str) -> Result<String, UnsealError> {
        let bytes = sealed.strip_prefix(VERSION).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let mut bytes = bytes.ok_or(UnsealError::Format)?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(UnsealError::Format)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError::Format)?;
        let text = self.key.open_in_place(nonce, Aad::from(context), text).map_err(|_| UnsealError::Key)?;
        str::from_utf8(text).map(str::to_owned).map_err(|_| UnsealError::Key)
    }
}

/// Writes a new key beside its place and moves it there, unless something is there by then.
fn make(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut key = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system has no random numbers"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(&key)?;
    file.sync_all()?;
    // A link, unlike a rename, does not replace what another process made meanwhile.
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    File::open(folder)?.sync_all()
}

/// Tells nothing of the key.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(folder: &Path) -> Vault {
        Vault::open_or_make(&folder.join("secret.key")).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_context_alone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path());
        let sealed = vault.seal("af_1", "ES91 2100 0418 4502 0005 1332 Ñ");
        assert!(!sealed.contains("2100"));
        assert_eq!(vault.unseal("af_1", &sealed).unwrap(), "ES91 2100 0418 4502 0005 1332 Ñ");
        assert_eq!(vault.unseal("af_2", &sealed), Err(UnsealError::Key));
        assert_ne!(vault.seal("af_1", "x"), vault.seal("af_1", "x"));
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path());
        let sealed = vault.seal("af_1", "secret");
        for index in VERSION.len()..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let opened = vault.unseal("af_1", &String::from_utf8(changed).unwrap());
            assert!(opened.is_err(), "byte {index}");
        }
        for text in ["", "v1.", "v1.AAAA", "v2.AAAA", "secret"] {
            assert_eq!(vault.unseal("af_1", text), Err(UnsealError::Format), "{text}");
        }
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = vault(folder.path()).seal("c", "text");
        assert_eq!(vault(folder.path()).unseal("c", &sealed).unwrap(), "text");
        let path = folder.path().join("secret.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_is_missing_short_or_readable_by_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        assert!(matches!(Vault::open(&path), Err(VaultError::File { what: "read", .. })));
        fs::write(&path, b"short").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(Vault::open_or_make(&path), Err(VaultError::Length { bytes: 5, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Vault::open(&path).unwrap_err().to_string();
        assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");
    }
}
