//! TLS, on a server that lets a user in with it alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::LogError;
use hexalpes_engines::{Engine, MariaDb};

use crate::world::{World, ids, rows, worlds};

const PEMS: &str = "../../foundation/tls/tests/it/pems";

/// Where the server may read it who runs as somebody else.
fn put(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    fs::copy(Path::new(PEMS).join(name), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_server_is_believed_as_its_address_says() {
    if !worlds(&[]).iter().any(World::is_mariadb) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let [certificate, key, another] =
        ["one.certificate.pem", "one.key.pem", "two.certificate.pem"].map(|name| put(folder.path(), name));
    let flags = [
        format!("--ssl-cert={certificate}"),
        format!("--ssl-key={key}"),
        "--bind-address=127.0.0.1,127.0.0.2".to_owned(),
    ];
    let server = MariaDb::start_with(&flags.each_ref().map(String::as_str)).unwrap();
    let world = World::alone(Engine::MariaDb, &server.url(), "alone", &["notes"]).await;
    world
        .run(&[
            "CREATE TABLE notes (id INT PRIMARY KEY)",
            "CREATE USER tls@'%' IDENTIFIED BY 'geheim' REQUIRE SSL",
            "GRANT ALL ON *.* TO tls@'%'",
        ])
        .await;
    let options = |query: &str| {
        let url = world.options.url.replace("hexalpes:hexalpes@", "tls:geheim@");
        BinlogOptions { url: format!("{url}?{query}"), ..world.options.clone() }
    };

    let (trusted, full) = (
        format!("ssl-mode=VERIFY_CA&ssl-ca={certificate}"),
        format!("ssl-mode=VERIFY_IDENTITY&ssl-ca={certificate}"),
    );
    for query in ["", "ssl-mode=PREFERRED", "ssl-mode=REQUIRED", &trusted, &full] {
        Binlog::check(&options(query)).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    }
    let by_another = format!("ssl-mode=VERIFY_CA&ssl-ca={another}");
    for query in ["ssl-mode=DISABLED", "ssl-mode=VERIFY_CA", "ssl-mode=VERIFY_IDENTITY", &by_another] {
        let error = Binlog::check(&options(query)).await.unwrap_err();
        assert!(matches!(error, LogError::Refused { .. }), "{query}: {error}");
        assert!(!error.to_string().contains("geheim"), "{error}");
    }

    // The certificate is for another host. Who asks only who signed it should not mind; the driver does (mysql_async 0.37
    // looks for a word in the error that rustls does not say), which is on the safe side.
    let elsewhere = |query: &str| {
        let url = options(query).url.replace("127.0.0.1", "127.0.0.2");
        BinlogOptions { url, ..world.options.clone() }
    };
    for query in [&trusted, &full] {
        let error = Binlog::check(&elsewhere(query)).await.unwrap_err();
        assert!(matches!(error, LogError::Refused { .. }), "{query}: {error}");
    }

    let from = Binlog::position(&options(&full)).await.unwrap();
    let mut log = Binlog::open(options(&full), from).await.unwrap();
    world.run(&["INSERT INTO notes VALUES (1)"]).await;
    assert_eq!(ids(&rows(&mut log, 1).await.0), [1]);
}
