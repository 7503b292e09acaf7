//! The outbox table as others see it.

use hexalpes_db::{Backend, DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_outbox::MIGRATIONS;
use sea_query::{Expr, ExprTrait as _, Order, Query};

/// Names and types as the database gives them.
async fn columns(db: &Db) -> Vec<(String, String)> {
    let here = if db.backend() == Backend::Postgres { "current_schema()" } else { "database()" };
    let read = Query::select()
        .expr_as(Expr::cust("lower(column_name)"), "name")
        .expr_as(Expr::cust("lower(data_type)"), "type")
        .from(("information_schema", "columns"))
        .and_where(Expr::col("table_name").eq("outbox_event"))
        .and_where(Expr::col("table_schema").eq(Expr::cust(here)))
        .order_by("ordinal_position", Order::Asc)
        .to_owned();
    db.read(async move |tx: &Tx| -> Result<Vec<(String, String)>, DbError> {
        let rows = tx.fetch_all(&read).await?;
        rows.iter().map(|row| Ok((row.get("name")?, row.get("type")?))).collect()
    })
    .await
    .unwrap()
}

/// Its outbox event router wants `id`, `aggregatetype`, `aggregateid`, `type` and `payload`, all of which it takes for
/// texts.
///
/// Accepts C-19, G-12.
#[tokio::test]
async fn a_real_debezium_finds_the_columns_of_its_router_as_texts() {
    for database in hexalpes_engines::databases() {
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let (name, long) = match url.backend() {
            Backend::Sqlite => continue,
            Backend::Postgres => ("text", "text"),
            Backend::MySql => ("varchar", "longtext"),
        };
        let db = Db::open(&url, DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let expected = [
            ("seq", "bigint"),
            ("id", name),
            ("aggregatetype", name),
            ("aggregateid", name),
            ("type", name),
            ("payload", long),
            ("headers", long),
            ("occurred_at", "bigint"),
            ("published", "bigint"),
            ("published_at", "bigint"),
        ]
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        assert_eq!(columns(&db).await, expected);
        db.close().await;
    }
}
