//! A process that is killed keeps every command that it answered.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use hexalpes_db::{DatabaseUrl, Db, DbOptions, Tx};

use crate::support::{MIGRATIONS, ids, insert};

const CHILD_FILE: &str = "HEXALPES_TEST_CRASH_FILE";
const ANSWERS_BEFORE_THE_KILL: usize = 2_000;
const WRITERS: u32 = 32;

#[tokio::test]
async fn a_killed_process_keeps_every_answered_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_process_that_is_killed", "--nocapture"])
        .env(CHILD_FILE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let answer = |line: String| line.strip_prefix("answered ").map(str::to_owned);
    let mut answered: Vec<String> = lines.by_ref().filter_map(answer).take(ANSWERS_BEFORE_THE_KILL).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    answered.extend(lines.filter_map(answer));
    assert!(answered.len() >= ANSWERS_BEFORE_THE_KILL);

    let db = Db::open(&DatabaseUrl::file(&path), DbOptions::default()).await.unwrap();
    let kept: std::collections::HashSet<String> = ids(&db).await.into_iter().collect();
    let lost: Vec<_> = answered.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
}

/// Not a test of its own: the test above runs it as a process. It writes until it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD_FILE) else { return };
    let db = Db::open(&DatabaseUrl::file(&path), DbOptions::default()).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let db = db.clone();
        tokio::spawn(async move {
            for number in 0.. {
                let id = format!("{writer}-{number}");
                let inserted = id.clone();
                db.write(async move |tx: &Tx| insert(tx, &inserted).await).await.unwrap();
                println!("answered {id}");
            }
        })
    });
    futures::future::join_all(writers).await;
}
