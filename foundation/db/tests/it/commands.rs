//! What a command may count on, on every database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hexalpes_db::{Backend, Db, DbError, ErrorKind, Tx};
use sea_query::{Expr, ExprTrait as _, Query};

use crate::support::{a_note, ids, insert, on_each_database, the_note};

#[tokio::test]
async fn a_read_sees_every_answered_write() {
    on_each_database(async |db| {
        for number in 0..20 {
            let id = number.to_string();
            db.write({
                let id = id.clone();
                async move |tx: &Tx| insert(tx, &id).await
            })
            .await
            .unwrap();
            let found = db.read(async move |tx: &Tx| tx.fetch_optional(&the_note(&id)).await).await.unwrap();
            assert!(found.is_some());
        }
    })
    .await;
}

#[derive(Debug, PartialEq)]
enum Refusal {
    OnPurpose,
    Database(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

#[tokio::test]
async fn a_command_that_fails_leaves_nothing() {
    on_each_database(async |db| {
        let outcome: Result<(), Refusal> = db
            .write(async |tx: &Tx| {
                insert(tx, "a").await?;
                Err(Refusal::OnPurpose)
            })
            .await;
        assert_eq!(outcome, Err(Refusal::OnPurpose));
        assert_eq!(ids(&db).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_command_that_panics_leaves_nothing() {
    on_each_database(async |db| {
        let outcome: Result<(), DbError> = db
            .write(async |tx: &Tx| {
                insert(tx, "a").await?;
                panic!("on purpose");
            })
            .await;
        assert_eq!(outcome, Err(DbError::Panicked));
        assert_eq!(ids(&db).await, Vec::<String>::new());
        db.write(async |tx: &Tx| insert(tx, "b").await).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_failed_statement_dooms_its_command() {
    on_each_database(async |db| {
        db.write(async |tx: &Tx| insert(tx, "there").await).await.unwrap();
        let outcome: Result<(), DbError> = db
            .write(async |tx: &Tx| {
                insert(tx, "new").await?;
                let _ = insert(tx, "there").await;
                Ok(())
            })
            .await;
        assert!(matches!(outcome, Err(DbError::Constraint(_))), "{outcome:?}");
        assert_eq!(ids(&db).await, ["there"]);
    })
    .await;
}

#[tokio::test]
async fn a_query_cannot_write() {
    on_each_database(async |db| {
        let outcome = db.read(async |tx: &Tx| insert(tx, "a").await).await;
        assert!(outcome.is_err());
        assert_eq!(ids(&db).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_transaction_inside_a_transaction_is_refused() {
    on_each_database(async |db| {
        let inner = db.clone();
        let write: Result<(), DbError> = db
            .write(async move |tx: &Tx| {
                insert(tx, "outer").await?;
                inner.write(async |tx: &Tx| insert(tx, "inner").await).await.map(drop)
            })
            .await;
        assert_eq!(write, Err(DbError::Nested));
        let inner = db.clone();
        assert_eq!(db.write(async move |_: &Tx| read_one(&inner).await).await, Err(DbError::Nested));
        let inner = db.clone();
        assert_eq!(db.read(async move |_: &Tx| read_one(&inner).await).await, Err(DbError::Nested));
        assert_eq!(ids(&db).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn an_error_is_one_line_without_the_data() {
    on_each_database(async |db| {
        let secret = "hunter2";
        db.write(async move |tx: &Tx| insert(tx, secret).await).await.unwrap();
        let duplicate = db.write(async move |tx: &Tx| insert(tx, secret).await).await.unwrap_err();
        assert_eq!(duplicate.kind(), ErrorKind::Rejected);
        let malformed = db
            .write(async move |tx: &Tx| {
                let update = Query::update().table("note").value("number", secret).to_owned();
                tx.execute(&update).await
            })
            .await;
        // SQLite takes text in any column.
        assert_eq!(malformed.is_ok(), db.backend() == Backend::Sqlite);
        let unknown = db
            .read(async move |tx: &Tx| {
                tx.fetch_all(
                    Query::select().column("gone").from("note").and_where(Expr::col("id").eq(secret)),
                )
                .await
            })
            .await
            .unwrap_err();
        assert!(unknown.to_string().contains("gone"), "{unknown}");
        for error in [duplicate, malformed.err().unwrap_or(DbError::NoRow), unknown] {
            let text = format!("{error} {error:?}");
            assert!(!text.contains(secret) && !text.contains('\n'), "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn commits_are_counted() {
    on_each_database(async |db| {
        let mut commits = db.commits();
        let before = *commits.borrow_and_update();
        db.write(async |tx: &Tx| insert(tx, "a").await).await.unwrap();
        assert_eq!(*commits.borrow_and_update(), before + 1);
        db.write(async |tx: &Tx| insert(tx, "a").await).await.unwrap_err();
        assert!(!commits.has_changed().unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_inserts_of_one_key_one_inserts() {
    on_each_database(async |db| {
        let inserted = Arc::new(AtomicU32::new(0));
        let all = (0..64).map(|number| {
            let (db, inserted) = (db.clone(), inserted.clone());
            tokio::spawn(async move {
                let text = number.to_string();
                if db.write(async move |tx: &Tx| tx.insert_new(&a_note("one", &text), "id").await).await? {
                    inserted.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, DbError>(())
            })
        });
        for outcome in futures::future::join_all(all).await {
            outcome.unwrap().unwrap();
        }
        assert_eq!(inserted.load(Ordering::Relaxed), 1);
        assert_eq!(ids(&db).await, ["one"]);
    })
    .await;
}

#[tokio::test]
async fn a_duplicate_leaves_the_row_as_it_was() {
    on_each_database(async |db| {
        let insert_new = async |text: &'static str| {
            db.write(async move |tx: &Tx| tx.insert_new(&a_note("a", text), "id").await).await.unwrap()
        };
        assert!(insert_new("first").await);
        assert!(!insert_new("second").await);
        let text: String = db
            .read(async |tx: &Tx| -> Result<_, DbError> { tx.fetch_one(&the_note("a")).await?.get("text") })
            .await
            .unwrap();
        assert_eq!(text, "first");
    })
    .await;
}

#[tokio::test]
async fn what_was_accepted_is_finished_before_the_close_and_the_rest_is_refused() {
    on_each_database(async |db| {
        let accepted = futures::future::join_all((0..20).map(|number| {
            let db = db.clone();
            async move { db.write(async move |tx: &Tx| insert(tx, &number.to_string()).await).await }
        }));
        let (outcomes, ()) = tokio::join!(accepted, db.close());
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let late = db.write(async |tx: &Tx| insert(tx, "late").await).await;
        assert_eq!(late, Err(DbError::Closed));
        assert_eq!(read_one(&db).await, Err(DbError::Closed));
    })
    .await;
}

async fn read_one(db: &Db) -> Result<(), DbError> {
    db.read(async |tx: &Tx| tx.fetch_optional(&the_note("0")).await.map(drop)).await
}
