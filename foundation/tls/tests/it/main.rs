//! Files that make a server, those that do not, and those that change.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod handshake;

use std::{fs, path::PathBuf, sync::Arc};

use hexalpes_tls::{ServerTls, TlsError, TlsFiles};
use tempfile::TempDir;

const ONE: (&str, &str) = (include_str!("pems/one.certificate.pem"), include_str!("pems/one.key.pem"));
/// One that may vouch for clients, and two of its: one of X.509's first version, one of its third with two names.
const AUTHORITY: &str = include_str!("pems/authority.certificate.pem");
const OLD: (&str, &str) =
    (include_str!("pems/client-old.certificate.pem"), include_str!("pems/client-old.key.pem"));
const NEW: (&str, &str) =
    (include_str!("pems/client-new.certificate.pem"), include_str!("pems/client-new.key.pem"));
const TWO: (&str, &str) = (include_str!("pems/two.certificate.pem"), include_str!("pems/two.key.pem"));

struct Folder(TempDir);

impl Folder {
    fn with(certificate: &str, key: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("certificate.pem", certificate);
        folder.put("key.pem", key);
        folder
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn files(&self) -> TlsFiles {
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| self.0.path().join(name));
        TlsFiles { certificate, key, trust: None, must_show: false }
    }

    fn refusal(&self) -> String {
        ServerTls::open(self.files()).unwrap_err().to_string()
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let folder = Folder::with(ONE.0, ONE.1);
    fs::remove_file(folder.files().key).unwrap();
    let said = folder.refusal();
    assert!(said.contains("the key file") && said.contains("key.pem cannot be read"), "{said}");
}

#[test]
fn a_file_without_what_it_should_hold_is_named() {
    let said = Folder::with("no certificate", ONE.1).refusal();
    assert!(said.contains("certificate.pem holds no certificate in PEM form"), "{said}");
    let said = Folder::with(ONE.0, ONE.0).refusal();
    assert!(said.contains("key.pem holds no key in PEM form"), "{said}");
    let said = Folder::with(&ONE.0[..200], ONE.1).refusal();
    assert!(said.contains("certificate.pem is not PEM"), "{said}");
}

#[test]
fn a_certificate_that_is_none_inside_is_refused() {
    let nonsense = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let said = Folder::with(nonsense, ONE.1).refusal();
    assert!(said.contains("certificate.pem cannot be used"), "{said}");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let folder = Folder::with(ONE.0, TWO.1);
    let error = ServerTls::open(folder.files()).unwrap_err();
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
}

#[test]
fn a_trust_file_without_certificates_is_refused() {
    let folder = Folder::with(ONE.0, ONE.1);
    let trust = Some(folder.put("trust.pem", ""));
    let said = ServerTls::open(TlsFiles { trust, ..folder.files() }).unwrap_err().to_string();
    assert!(said.contains("the trust file") && said.contains("trust.pem"), "{said}");
}

#[test]
fn a_pair_that_is_renewed_is_served_and_a_broken_one_is_told_of_once_and_changes_nothing() {
    let folder = Folder::with(ONE.0, ONE.1);
    let tls = ServerTls::open(folder.files()).unwrap();
    let current = tls.watch();
    let first = Arc::clone(&current.borrow());
    assert!(!tls.refresh().unwrap());

    // Half of a renewal.
    folder.put("certificate.pem", TWO.0);
    assert!(matches!(tls.refresh(), Err(TlsError::Mismatch { .. })));
    assert!(!tls.refresh().unwrap(), "it is told of once");
    assert!(Arc::ptr_eq(&first, &current.borrow()), "what was good stays");

    folder.put("key.pem", TWO.1);
    assert!(tls.refresh().unwrap());
    assert!(!Arc::ptr_eq(&first, &current.borrow()));
}

#[test]
fn files_that_are_away_for_a_while_are_told_of_once() {
    let folder = Folder::with(ONE.0, ONE.1);
    let tls = ServerTls::open(folder.files()).unwrap();
    fs::remove_file(folder.files().certificate).unwrap();
    assert!(matches!(tls.refresh(), Err(TlsError::Unreadable { .. })));
    assert!(!tls.refresh().unwrap());
    folder.put("certificate.pem", ONE.0);
    assert!(tls.refresh().unwrap());
}
