//! A table of notes on a fresh database of every kind.

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Migration, Tx, columns};
use sea_query::{ColumnDef, Expr, ExprTrait as _, InsertStatement, Order, Query, SelectStatement, Table};

pub(crate) const MIGRATIONS: &[Migration] = &[Migration::new("notes", 1, "create note", |backend| {
    vec![
        backend.schema(
            Table::create()
                .table("note")
                .col(columns::id(backend, "id").not_null().primary_key())
                .col(columns::text(backend, "text"))
                .col(columns::blob(backend, "bytes"))
                .col(columns::integer("number"))
                .col(ColumnDef::new("flag").boolean())
                .col(ColumnDef::new("real").double()),
        ),
    ]
})];

/// Runs a test on each database, one after the other.
pub(crate) async fn on_each_database(test: impl AsyncFn(Db)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        test(db.clone()).await;
        db.close().await;
    }
}

/// A SQLite database and the folder that goes with it.
pub(crate) async fn on_sqlite(options: DbOptions) -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DatabaseUrl::file(folder.path().join("test.db")), options).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    (folder, db)
}

pub(crate) fn a_note(id: &str, text: &str) -> InsertStatement {
    Query::insert()
        .into_table("note")
        .columns(["id", "text"])
        .values_panic([id.into(), text.into()])
        .to_owned()
}

pub(crate) async fn insert(tx: &Tx, id: &str) -> Result<u64, DbError> {
    tx.execute(&a_note(id, "")).await
}

pub(crate) fn the_note(id: &str) -> SelectStatement {
    Query::select().column(sea_query::Asterisk).from("note").and_where(Expr::col("id").eq(id)).to_owned()
}

/// The ids of all notes in the database's order.
pub(crate) async fn ids(db: &Db) -> Vec<String> {
    db.read(async |tx: &Tx| -> Result<Vec<String>, DbError> {
        let select = Query::select().column("id").from("note").order_by("id", Order::Asc).to_owned();
        tx.fetch_all(&select).await?.iter().map(|row| row.get("id")).collect()
    })
    .await
    .unwrap()
}
