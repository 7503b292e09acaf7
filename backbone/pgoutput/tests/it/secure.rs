//! Passwords and TLS, on a server that asks for them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use hexalpes_capture::LogError;
use hexalpes_engines::{Engine, Postgres, TestDatabase, databases};
use hexalpes_pgoutput::{Slot, SlotOptions};

use tokio::time::timeout;

use crate::place::{LIMIT, Place};

/// What the tests of other TLS have.
fn pem(name: &str) -> PathBuf {
    Path::new("../client/tests/it/tls").join(name)
}

/// A file that is the server's own.
fn give(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    let owner = fs::metadata(folder).unwrap();
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
}

async fn checked(options: &SlotOptions, user: &str, query: &str) -> Result<(), LogError> {
    let mut options = options.clone();
    let (_, place) = options.url.split_once('@').unwrap();
    options.url = format!("postgresql://{user}@{place}?{query}");
    Slot::check(&options).await
}

#[tokio::test]
async fn a_password_is_proved_and_a_server_too() {
    if databases().iter().all(|database| database.engine() != Engine::Postgres) {
        return;
    }
    let server = Postgres::start_with(&["listen_addresses=127.0.0.1,127.0.0.2"]).unwrap();
    let database = TestDatabase::on_server(Engine::Postgres, &server.url());
    let mut place = Place::on(database, "CREATE TABLE outbox (id int PRIMARY KEY)", &["outbox"]).await;
    let folder = PathBuf::from(place.ask("SHOW data_directory").await.unwrap());
    let options = place.options.clone();

    place
        .run(
            "SET password_encryption = 'md5'; CREATE ROLE old SUPERUSER LOGIN PASSWORD 'pä:ss'; \
             SET password_encryption = 'scram-sha-256'; CREATE ROLE scram SUPERUSER LOGIN PASSWORD 'pä:ss'; \
             CREATE ROLE clear SUPERUSER LOGIN PASSWORD 'pä:ss'; CREATE ROLE tls SUPERUSER LOGIN PASSWORD 'pä:ss'",
        )
        .await;
    give(&folder, "server.crt", &fs::read(pem("certificate.pem")).unwrap());
    give(&folder, "server.key", &fs::read(pem("key.pem")).unwrap());
    let access = "host all old all md5\nhost all scram all scram-sha-256\nhost all clear all password\n\
                  hostssl all tls all scram-sha-256\nhost all postgres all trust\n";
    give(&folder, "pg_hba.conf", access.as_bytes());
    place.run("SELECT pg_reload_conf()").await;
    for user in ["old", "scram", "clear"] {
        // A reload is the server's to do in its own time.
        let refusing = async {
            loop {
                if let Err(error) = checked(&options, &format!("{user}:wrong"), "sslmode=disable").await {
                    return error;
                }
            }
        };
        let refused = timeout(LIMIT, refusing).await.unwrap();
        assert!(matches!(refused, LogError::Refused { .. }), "{user}: {refused}");
        assert!(
            checked(&options, user, "sslmode=disable").await.unwrap_err().to_string().contains("has none")
        );
        checked(&options, &format!("{user}:p%C3%A4%3Ass"), "sslmode=disable").await.unwrap();
    }

    let known = format!("sslrootcert={}", pem("certificate.pem").display());
    let without = checked(&options, "scram:p%C3%A4%3Ass", "sslmode=require").await.unwrap_err();
    assert!(
        without.to_string().starts_with("the server has no TLS; ALTER SYSTEM SET ssl = on;"),
        "{without}"
    );
    checked(&options, "scram:p%C3%A4%3Ass", "sslmode=prefer").await.unwrap();
    place.run("ALTER SYSTEM SET ssl = on").await;
    place.run("SELECT pg_reload_conf()").await;
    let serving = async { while checked(&options, "tls:p%C3%A4%3Ass", "sslmode=require").await.is_err() {} };
    timeout(LIMIT, serving).await.unwrap();
    let (trusted, full) = (format!("sslmode=verify-ca&{known}"), format!("sslmode=verify-full&{known}"));
    for query in ["", "sslmode=prefer", &trusted, &full] {
        checked(&options, "tls:p%C3%A4%3Ass", query).await.unwrap();
    }
    for query in ["sslmode=disable", "sslmode=verify-ca", "sslmode=verify-full"] {
        let refused = checked(&options, "tls:p%C3%A4%3Ass", query).await.unwrap_err();
        assert!(matches!(refused, LogError::Refused { .. }), "{query}: {refused}");
    }
    // The certificate is for another host: who asks only who signed it does not mind.
    let mut elsewhere = options.clone();
    elsewhere.url = elsewhere.url.replace("127.0.0.1", "127.0.0.2");
    checked(&elsewhere, "tls:p%C3%A4%3Ass", &trusted).await.unwrap();
    let refused = checked(&elsewhere, "tls:p%C3%A4%3Ass", &full).await.unwrap_err();
    assert!(matches!(refused, LogError::Refused { .. }), "{refused}");
    drop((place, server));
}
