//! Values come back as they went in, and compare byte by byte.

use hexalpes_db::{DbError, Row, Tx, columns};
use sea_query::{Expr, ExprTrait as _, Func, InsertStatement, Query};

use crate::support::{a_note, ids, insert, on_each_database, the_note};

const COLUMNS: [&str; 6] = ["id", "text", "bytes", "number", "flag", "real"];

async fn kept(db: &hexalpes_db::Db, note: InsertStatement, id: &'static str) -> Row {
    db.write(async move |tx: &Tx| tx.execute(&note).await).await.unwrap();
    db.read(async move |tx: &Tx| tx.fetch_one(&the_note(id)).await).await.unwrap()
}

#[tokio::test]
async fn each_type_survives() {
    on_each_database(async |db| {
        let bytes: Vec<u8> = (0..=255).collect();
        for (id, number, flag) in [("low", i64::MIN, false), ("high", i64::MAX, true)] {
            let note = Query::insert()
                .into_table("note")
                .columns(COLUMNS)
                .values_panic([
                    id.into(),
                    "".into(),
                    bytes.clone().into(),
                    number.into(),
                    flag.into(),
                    0.1_f64.into(),
                ])
                .to_owned();
            let row = kept(&db, note, id).await;
            assert_eq!(row.get::<String>("id").unwrap(), id);
            assert_eq!(row.get::<String>("text").unwrap(), "");
            assert_eq!(row.get::<Vec<u8>>("bytes").unwrap(), bytes);
            assert_eq!(row.get::<i64>("number").unwrap(), number);
            assert_eq!(row.get::<bool>("flag").unwrap(), flag);
            assert!((row.get::<f64>("real").unwrap() - 0.1).abs() < f64::EPSILON);
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_survives_as_nothing() {
    on_each_database(async |db| {
        let note = Query::insert()
            .into_table("note")
            .columns(COLUMNS)
            .values_panic([
                "none".into(),
                None::<String>.into(),
                None::<Vec<u8>>.into(),
                None::<i64>.into(),
                None::<bool>.into(),
                None::<f64>.into(),
            ])
            .to_owned();
        let row = kept(&db, note, "none").await;
        assert_eq!(row.get::<Option<String>>("text").unwrap(), None);
        assert_eq!(row.get::<Option<Vec<u8>>>("bytes").unwrap(), None);
        assert_eq!(row.get::<Option<i64>>("number").unwrap(), None);
        assert_eq!(row.get::<Option<bool>>("flag").unwrap(), None);
        assert_eq!(row.get::<Option<f64>>("real").unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_integer_that_no_database_keeps_is_refused() {
    on_each_database(async |db| {
        let outcome = db
            .write(async |tx: &Tx| tx.execute(Query::update().table("note").value("number", u64::MAX)).await)
            .await;
        assert!(matches!(outcome, Err(DbError::Range(_))), "{outcome:?}");
    })
    .await;
}

/// Accepts S1-ENC-1, as far as the databases go.
#[tokio::test]
async fn text_survives_in_every_alphabet() {
    on_each_database(async |db| {
        for text in ["Juan Pérez", "Ñandú & Cía", "📡", "'; DROP TABLE note; --", "a\u{301} \\ \" % _"]
        {
            let id = text.to_owned();
            db.write(async move |tx: &Tx| tx.execute(&a_note(&id, &id)).await).await.unwrap();
            let row = db.read(async move |tx: &Tx| tx.fetch_one(&the_note(text)).await).await.unwrap();
            assert_eq!(row.get::<String>("id").unwrap(), text);
            assert_eq!(row.get::<String>("text").unwrap(), text);
        }
    })
    .await;
}

#[tokio::test]
async fn ids_compare_byte_by_byte() {
    on_each_database(async |db| {
        let mut all =
            ["a", "A", "á", "a\u{301}", "a ", " a", "a  ", "", "b", "B", "Z", "ñ", "📡"].map(str::to_owned);
        for id in all.clone() {
            let is_new =
                db.write(async move |tx: &Tx| tx.insert_new(&a_note(&id, "x"), "id").await).await.unwrap();
            assert!(is_new);
        }
        all.sort_unstable();
        assert_eq!(ids(&db).await, all);
        let (same, after) = db
            .read(async |tx: &Tx| -> Result<_, DbError> {
                let after =
                    Query::select().column("id").from("note").and_where(Expr::col("id").gt("a")).to_owned();
                Ok((tx.fetch_all(&the_note("a")).await?.len(), tx.fetch_all(&after).await?.len()))
            })
            .await
            .unwrap();
        assert_eq!((same, after), (1, all.iter().filter(|id| id.as_str() > "a").count()));
    })
    .await;
}

#[tokio::test]
async fn counts_and_sums_are_integers_everywhere() {
    on_each_database(async |db| {
        let totals = async || -> Result<(i64, i64), DbError> {
            db.read(async |tx: &Tx| {
                let select = Query::select()
                    .expr_as(Func::count(Expr::col("id")), "notes")
                    .expr_as(columns::sum(tx.backend(), "number"), "total")
                    .from("note")
                    .to_owned();
                let row = tx.fetch_one(&select).await?;
                Ok((row.get("notes")?, row.get("total")?))
            })
            .await
        };
        assert_eq!(totals().await, Ok((0, 0)));
        db.write(async |tx: &Tx| {
            insert(tx, "a").await?;
            insert(tx, "b").await?;
            tx.execute(Query::update().table("note").value("number", 1_i64 << 60)).await
        })
        .await
        .unwrap();
        assert_eq!(totals().await, Ok((2, 1 << 61)));
    })
    .await;
}
