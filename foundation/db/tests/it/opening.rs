//! A database that cannot be had says why, in one line.

use hexalpes_db::{DatabaseUrl, Db, DbOptions, OpenError};

async fn refusal(url: &DatabaseUrl) -> OpenError {
    let error = Db::open(url, DbOptions::default()).await.unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    error
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letter.txt");
    let letter = "Dear database, ".repeat(100);
    std::fs::write(&path, &letter).unwrap();
    let error = refusal(&DatabaseUrl::file(&path)).await;
    assert_eq!(error, OpenError::NotADatabase { path: path.display().to_string() });
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);
}

#[tokio::test]
async fn a_file_whose_pages_do_not_fit_together_is_refused_and_left_alone() {
    const PAGE: usize = 4096;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let url = DatabaseUrl::file(&path);
    let db = Db::open(&url, DbOptions::default()).await.unwrap();
    db.migrate(crate::support::MIGRATIONS).await.unwrap();
    db.close().await;
    let whole = std::fs::read(&path).unwrap();
    assert!(whole.len() >= 3 * PAGE);
    for at in (0..whole.len()).step_by(PAGE) {
        let mut damaged = whole.clone();
        damaged[at..at + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
        std::fs::write(&path, &damaged).unwrap();
        let error = refusal(&url).await;
        let is_named = matches!(error, OpenError::Damaged { .. } | OpenError::NotADatabase { .. });
        assert!(is_named, "page {}: {error}", at / PAGE);
        assert!(std::fs::read(&path).unwrap() == damaged, "page {} was changed", at / PAGE);
    }
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/a.db");
    let error = refusal(&DatabaseUrl::file(&path)).await;
    assert_eq!(error, OpenError::NoFolder { path: path.display().to_string() });
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(refusal(&DatabaseUrl::file(folder.path())).await, OpenError::File { .. }));
    // Not even root makes files here.
    assert!(matches!(refusal(&DatabaseUrl::file("/proc/a.db")).await, OpenError::File { .. }));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    for scheme in ["postgresql", "mysql"] {
        // Port 1 is nobody's.
        let url = DatabaseUrl::parse(&format!("{scheme}://me:hunter2@127.0.0.1:1/db")).unwrap();
        let text = refusal(&url).await.to_string();
        assert!(text.starts_with(&format!("{scheme}://me@127.0.0.1:1/db: ")), "{text}");
        assert!(text.ends_with(": the database is not available: nothing answers at its address"), "{text}");
        assert!(!text.contains("hunter2"));
    }
}

#[tokio::test]
async fn mariadb_goes_by_its_own_name_too() {
    for database in hexalpes_engines::databases() {
        let Some(rest) = database.url().strip_prefix("mysql:") else { continue };
        let url = DatabaseUrl::parse(&format!("mariadb:{rest}")).unwrap();
        Db::open(&url, DbOptions::default()).await.unwrap().close().await;
    }
}
