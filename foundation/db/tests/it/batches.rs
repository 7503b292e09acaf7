//! Commands that share a sync on SQLite share nothing else.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use hexalpes_db::{Db, DbError, DbOptions, Tx};

use crate::support::{a_note, ids, insert, on_sqlite};

type Outcome = Pin<Box<dyn Future<Output = Result<(), DbError>>>>;

/// Makes the commands one batch: a first command holds the writer until all are in its queue.
async fn in_one_batch(db: &Db, commands: Vec<Outcome>) -> Vec<Result<(), DbError>> {
    let gate = Arc::new(Barrier::new(2));
    let passed = Arc::new(AtomicU32::new(0));
    let hold: Outcome = Box::pin({
        let (db, gate) = (db.clone(), gate.clone());
        async move {
            db.write(async move |_: &Tx| {
                if passed.fetch_add(1, Ordering::Relaxed) == 0 {
                    gate.wait();
                }
                Ok(())
            })
            .await
        }
    });
    let release: Outcome = Box::pin(async move {
        gate.wait();
        Ok(())
    });
    // `join_all` polls in order, so the gate opens once every command is queued.
    let mut outcomes =
        futures::future::join_all([hold].into_iter().chain(commands).chain([release])).await.into_iter();
    outcomes.next().unwrap().unwrap();
    outcomes.next_back().unwrap().unwrap();
    outcomes.collect()
}

fn command<F>(db: &Db, work: F) -> Outcome
where
    F: AsyncFn(&Tx) -> Result<(), DbError> + Send + 'static,
{
    let db = db.clone();
    Box::pin(async move { db.write(work).await })
}

fn insertion(db: &Db, id: &'static str) -> Outcome {
    command(db, async move |tx: &Tx| insert(tx, id).await.map(drop))
}

#[tokio::test]
async fn commands_that_wait_together_share_one_commit() {
    let (_folder, db) = on_sqlite(DbOptions::default()).await;
    let before = *db.commits().borrow();
    let outcomes = in_one_batch(&db, ["a", "b", "c"].map(|id| insertion(&db, id)).into()).await;
    assert_eq!(outcomes, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(*db.commits().borrow(), before + 1);
}

#[tokio::test]
async fn what_fails_panics_or_waits_is_rolled_back_alone() {
    let (_folder, db) = on_sqlite(DbOptions::default()).await;
    let outcomes = in_one_batch(
        &db,
        vec![
            insertion(&db, "first"),
            command(&db, async |tx: &Tx| {
                insert(tx, "failed").await?;
                Err(DbError::NoRow)
            }),
            insertion(&db, "second"),
            command(&db, async |tx: &Tx| {
                insert(tx, "panicked").await?;
                panic!("on purpose");
            }),
            command(&db, async |tx: &Tx| {
                insert(tx, "waited").await?;
                std::future::pending().await
            }),
            command(&db, async |tx: &Tx| insert(tx, "first").await.map(drop)),
            insertion(&db, "third"),
        ],
    )
    .await;
    assert_eq!(outcomes[1], Err(DbError::NoRow));
    assert_eq!(outcomes[3], Err(DbError::Panicked));
    assert_eq!(outcomes[4], Err(DbError::Waited));
    assert!(matches!(outcomes[5], Err(DbError::Constraint(_))));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(ids(&db).await, ["first", "second", "third"]);
}

#[tokio::test]
async fn when_sqlite_rolls_the_batch_back_the_others_run_again() {
    let options = DbOptions { sqlite_bytes_max: Some(128 << 10), ..DbOptions::default() };
    let (_folder, db) = on_sqlite(options).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = command(&db, {
        let runs = runs.clone();
        async move |tx: &Tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            insert(tx, "before").await.map(drop)
        }
    });
    let too_large =
        command(&db, async |tx: &Tx| tx.execute(&a_note("large", &"x".repeat(256 << 10))).await.map(drop));
    let outcomes = in_one_batch(&db, vec![counted, too_large, insertion(&db, "after")]).await;
    assert_eq!(outcomes, [Ok(()), Err(DbError::Full), Ok(())]);
    assert_eq!(ids(&db).await, ["after", "before"]);
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_abandoned_command_that_has_not_begun_is_not_run() {
    let (_folder, db) = on_sqlite(DbOptions::default()).await;
    let abandoned = command(&db, {
        let db = db.clone();
        async move |tx: &Tx| {
            let _ = &db;
            insert(tx, "abandoned").await.map(drop)
        }
    });
    let drop_it: Outcome = Box::pin(async move {
        // Polled once it is in the queue; then its caller goes.
        let mut abandoned = abandoned;
        assert!(futures::poll!(&mut abandoned).is_pending());
        Ok(())
    });
    in_one_batch(&db, vec![drop_it, insertion(&db, "kept")]).await;
    assert_eq!(ids(&db).await, ["kept"]);
}

#[tokio::test]
async fn what_fails_without_a_write_lets_the_others_be() {
    let (_folder, db) = on_sqlite(DbOptions::default()).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = |id: &'static str| {
        let runs = runs.clone();
        command(&db, async move |tx: &Tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            insert(tx, id).await.map(drop)
        })
    };
    let refused = || command(&db, async |_: &Tx| Err(DbError::NoRow));
    let outcomes = in_one_batch(&db, vec![counted("a"), refused(), counted("b"), refused()]).await;
    assert_eq!(outcomes, [Ok(()), Err(DbError::NoRow), Ok(()), Err(DbError::NoRow)]);
    assert_eq!(ids(&db).await, ["a", "b"]);
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn after_a_command_that_wrote_and_failed_each_is_undone_alone() {
    let (_folder, db) = on_sqlite(DbOptions::default()).await;
    let (runs, failures) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counted = |id: &'static str| {
        let runs = runs.clone();
        command(&db, async move |tx: &Tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            insert(tx, id).await.map(drop)
        })
    };
    let spoiling = |id: &'static str| {
        let failures = failures.clone();
        command(&db, async move |tx: &Tx| {
            failures.fetch_add(1, Ordering::Relaxed);
            insert(tx, id).await?;
            Err(DbError::NoRow)
        })
    };
    let outcomes = in_one_batch(&db, vec![counted("a"), spoiling("x"), counted("b")]).await;
    assert_eq!(outcomes, [Ok(()), Err(DbError::NoRow), Ok(())]);
    assert_eq!(runs.load(Ordering::Relaxed), 3, "the one before it ran again");
    let outcomes = in_one_batch(&db, vec![counted("c"), spoiling("y"), counted("d")]).await;
    assert_eq!(outcomes, [Ok(()), Err(DbError::NoRow), Ok(())]);
    assert_eq!(runs.load(Ordering::Relaxed), 5, "this time it only had to be undone");
    assert_eq!(failures.load(Ordering::Relaxed), 2);
    assert_eq!(ids(&db).await, ["a", "b", "c", "d"]);
}
