//! Commands that get in each other's way, and connections that break.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hexalpes_db::{Backend, DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_engines::log_databases;
use sea_query::{Expr, ExprTrait as _, Query};
use sqlx::Connection as _;
use tokio::sync::{Barrier, Notify, oneshot};

use crate::support::{MIGRATIONS, ids, insert, on_each_database, the_note};

async fn set_number(tx: &Tx, id: &str, number: i64) -> Result<(), DbError> {
    let update =
        Query::update().table("note").value("number", number).and_where(Expr::col("id").eq(id)).to_owned();
    tx.execute(&update).await.map(drop)
}

/// Changes two notes; on its first run it waits in between until the other one has changed its first.
async fn change_both(db: Db, first: &'static str, second: &'static str, barrier: Arc<Barrier>) -> u32 {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    db.write(async move |tx: &Tx| {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        set_number(tx, first, 1).await?;
        if run == 0 {
            barrier.wait().await;
        }
        set_number(tx, second, 2).await
    })
    .await
    .unwrap();
    runs.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again() {
    on_each_database(async |db| {
        if db.backend() == Backend::Sqlite {
            return;
        }
        db.write(async |tx: &Tx| {
            insert(tx, "a").await?;
            insert(tx, "b").await
        })
        .await
        .unwrap();
        let barrier = Arc::new(Barrier::new(2));
        let (one, other) = tokio::join!(
            change_both(db.clone(), "a", "b", barrier.clone()),
            change_both(db.clone(), "b", "a", barrier)
        );
        assert!(one + other > 2, "one of them ran again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost_between_load_and_save() {
    on_each_database(async |db| {
        db.write(async |tx: &Tx| {
            insert(tx, "counter").await?;
            set_number(tx, "counter", 0).await
        })
        .await
        .unwrap();
        let all = (0..16).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(async |tx: &Tx| {
                    let number: i64 = tx.fetch_one(&the_note("counter")).await?.get("number")?;
                    set_number(tx, "counter", number + 1).await
                })
                .await
            })
        });
        for outcome in futures::future::join_all(all).await {
            outcome.unwrap().unwrap();
        }
        let number: i64 = db
            .read(async |tx: &Tx| -> Result<_, DbError> {
                tx.fetch_one(&the_note("counter")).await?.get("number")
            })
            .await
            .unwrap();
        assert_eq!(number, 16);
    })
    .await;
}

/// Ends another connection by its number, from a connection of its own.
async fn end_connection(backend: Backend, url: &str, number: i64) {
    let (kill, number) = match backend {
        Backend::Sqlite => return,
        Backend::Postgres => ("SELECT pg_terminate_backend", number),
        Backend::MySql => ("KILL ", number),
    };
    let sql = sqlx::AssertSqlSafe(format!("{kill}({number})"));
    if backend == Backend::Postgres {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn a_command_that_hangs_on_a_server_gives_its_connection_back() {
    for database in hexalpes_engines::databases() {
        let url = DatabaseUrl::parse(database.url()).unwrap();
        if url.backend() == Backend::Sqlite {
            continue;
        }
        let options = DbOptions {
            connections_max: 1,
            server_time_max: Duration::from_millis(500),
            ..DbOptions::default()
        };
        let db = Db::open(&url, options).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let hung: Result<(), DbError> = db
            .write(async |tx: &Tx| {
                insert(tx, "hung").await?;
                std::future::pending().await
            })
            .await;
        assert_eq!(hung, Err(DbError::Unavailable("it took longer than 500 ms".to_owned())));
        db.write(async |tx: &Tx| insert(tx, "next").await).await.unwrap();
        assert_eq!(ids(&db).await, ["next"]);
        db.close().await;
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_is_tried_again() {
    for database in hexalpes_engines::databases() {
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let my_number = match url.backend() {
            Backend::Sqlite => continue,
            Backend::Postgres => "pg_backend_pid()",
            Backend::MySql => "CONNECTION_ID()",
        };
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let (runs, address) = (Arc::new(AtomicU32::new(0)), database.url().to_owned());
        let counted = runs.clone();
        db.write(async move |tx: &Tx| {
            insert(tx, "a").await?;
            if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                let select = Query::select().expr_as(Expr::cust(my_number), "number").to_owned();
                let number = tx.fetch_one(&select).await?.get("number")?;
                end_connection(tx.backend(), &address, number).await;
            }
            insert(tx, "b").await
        })
        .await
        .unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        assert_eq!(ids(&db).await, ["a", "b"]);
        db.close().await;
    }
}

/// As when a test ends while something of it is amid a transaction, on the thread that would end it.
#[tokio::test]
async fn a_tests_database_goes_although_a_transaction_is_open_that_nobody_ends() {
    for database in log_databases() {
        let (engine, url) = (database.engine(), DatabaseUrl::parse(database.url()).unwrap());
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let (begun, has_begun) = oneshot::channel();
        let (begun, ended) = (Mutex::new(Some(begun)), Arc::new(Notify::new()));
        let is_ended = Arc::clone(&ended);
        let left = tokio::spawn(async move {
            db.read(async move |tx: &Tx| -> Result<(), DbError> {
                tx.fetch_all(&the_note("a")).await?;
                if let Some(begun) = begun.lock().unwrap().take() {
                    begun.send(()).unwrap();
                }
                is_ended.notified().await;
                Ok(())
            })
            .await
        });
        has_begun.await.unwrap();
        drop(database);
        let opened = Db::open(&url, DbOptions::default()).await;
        assert!(opened.is_err(), "it is still on {engine}");
        ended.notify_one();
        let _ = left.await.unwrap();
    }
}
