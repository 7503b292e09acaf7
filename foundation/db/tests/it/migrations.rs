//! What was applied stays as it was, and is applied once.

use hexalpes_db::{Backend, DatabaseUrl, Db, DbError, DbOptions, MigrateError, Migration, Tx, columns};
use sea_query::{Query, Table};

fn table(backend: Backend, name: &'static str) -> String {
    backend.schema(Table::create().table(name).col(columns::id(backend, "id").not_null().primary_key()))
}

const FIRST: Migration =
    Migration::new("shop", 1, "create customer", |backend| vec![table(backend, "customer")]);
const SECOND: Migration = Migration::new("shop", 2, "create cart and item", |backend| {
    vec![table(backend, "cart"), table(backend, "item")]
});
const OTHER: Migration =
    Migration::new("outbox", 1, "create outbox", |backend| vec![table(backend, "outbox")]);

async fn each_empty_database(test: impl AsyncFn(Db, DatabaseUrl)) {
    for database in hexalpes_engines::databases() {
        println!("on {}", database.engine());
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        test(db.clone(), url).await;
        db.close().await;
    }
}

async fn rows(db: &Db, table: &'static str) -> Result<usize, DbError> {
    db.read(async move |tx: &Tx| {
        tx.fetch_all(Query::select().column("id").from(table)).await.map(|rows| rows.len())
    })
    .await
}

#[tokio::test]
async fn each_step_is_applied_once_and_components_count_for_themselves() {
    each_empty_database(async |db, _| {
        db.migrate(&[FIRST]).await.unwrap();
        db.migrate(&[FIRST, OTHER, SECOND]).await.unwrap();
        db.migrate(&[OTHER]).await.unwrap();
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        for table in ["customer", "cart", "item", "outbox"] {
            assert_eq!(rows(&db, table).await, Ok(0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_step_that_changed_is_refused() {
    const CHANGED: Migration =
        Migration::new("shop", 1, "create client", |backend| vec![table(backend, "client")]);
    each_empty_database(async |db, _| {
        db.migrate(&[FIRST]).await.unwrap();
        let error = db.migrate(&[CHANGED, SECOND]).await.unwrap_err();
        assert_eq!(error, MigrateError::Changed { component: "shop", number: 1, name: "create client" });
        assert!(rows(&db, "cart").await.is_err(), "nothing was applied");
    })
    .await;
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_refused() {
    each_empty_database(async |db, _| {
        db.check(&[FIRST]).await.unwrap();
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        db.check(&[FIRST, SECOND]).await.unwrap();
        let error = db.migrate(&[OTHER, FIRST]).await.unwrap_err();
        assert_eq!(db.check(&[OTHER, FIRST]).await, Err(error.clone()));
        assert!(rows(&db, "outbox").await.is_err(), "nothing was applied");
        assert_eq!(
            error.to_string(),
            "the database was made by a newer version: it has migration 2 of shop, this program knows 1"
        );
    })
    .await;
}

#[tokio::test]
async fn a_gap_in_the_program_is_refused() {
    each_empty_database(async |db, _| {
        let error = db.migrate(&[SECOND]).await.unwrap_err();
        assert_eq!(error, MigrateError::Numbering { component: "shop", after: 0, number: 2 });
    })
    .await;
}

#[tokio::test]
async fn a_gap_in_the_database_is_refused() {
    each_empty_database(async |db, _| {
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        db.write(async |tx: &Tx| {
            use sea_query::{Expr, ExprTrait as _};
            tx.execute(Query::delete().from_table("hexalpes_migration").and_where(Expr::col("number").eq(1)))
                .await
        })
        .await
        .unwrap();
        let error = db.migrate(&[FIRST, SECOND]).await.unwrap_err();
        assert_eq!(error, MigrateError::Gap { component: "shop", number: 1 });
    })
    .await;
}

#[tokio::test]
async fn a_step_that_failed_midway_goes_on_where_it_stopped() {
    each_empty_database(async |db, _| {
        // The second statement of the step cannot be applied while its table is there.
        const IN_THE_WAY: Migration =
            Migration::new("squatter", 1, "create item", |backend| vec![table(backend, "item")]);
        const AWAY: Migration = Migration::new("squatter", 2, "drop item", |backend| {
            vec![backend.schema(Table::drop().table("item"))]
        });
        db.migrate(&[FIRST, IN_THE_WAY]).await.unwrap();
        let error = db.migrate(&[FIRST, SECOND]).await.unwrap_err();
        assert!(matches!(error, MigrateError::Failed { component: "shop", number: 2, .. }), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
        db.migrate(&[IN_THE_WAY, AWAY]).await.unwrap();
        db.migrate(&[FIRST, SECOND]).await.unwrap();
        assert_eq!(rows(&db, "cart").await, Ok(0));
        assert_eq!(rows(&db, "item").await, Ok(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_migrate_one_after_the_other() {
    each_empty_database(async |_, url| {
        let starts = (0..6).map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let db = Db::open(&url, DbOptions::default()).await.unwrap();
                db.migrate(&[FIRST, SECOND, OTHER]).await.unwrap();
                db.close().await;
            })
        });
        for start in futures::future::join_all(starts).await {
            start.unwrap();
        }
    })
    .await;
}
