use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Migration, Tx, columns};
use sea_query::{Query, Table};

const MIGRATIONS: &[Migration] = &[Migration::new("notes", 1, "create note", |backend| {
    vec![
        backend.schema(
            Table::create()
                .table("note")
                .col(columns::id(backend, "id").not_null().primary_key())
                .col(columns::text(backend, "text").not_null()),
        ),
    ]
})];

#[tokio::test]
async fn a_read_sees_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DatabaseUrl::file(folder.path().join("a.db")), DbOptions::default()).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    let insert = Query::insert()
        .into_table("note")
        .columns(["id", "text"])
        .values_panic(["a".into(), "b".into()])
        .to_owned();
    db.write(async move |tx: &Tx| tx.execute(&insert).await).await.unwrap();
    let text: String = db
        .read(async |tx: &Tx| -> Result<String, DbError> {
            tx.fetch_one(Query::select().column("text").from("note")).await?.get("text")
        })
        .await
        .unwrap();
    assert_eq!(text, "b");
    db.close().await;
}
