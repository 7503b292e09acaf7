//! Pages that stay in order, and reads that wait.

use std::time::Duration;

use hexalpes_db::{DbError, Keyset, Tx};
use sea_query::Query;

use crate::support::{a_note, insert, on_each_database, the_note};

#[tokio::test]
async fn pages_lead_through_ties_in_both_directions() {
    on_each_database(async |db| {
        let notes = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "x"), ("e", "w")];
        db.write(async move |tx: &Tx| -> Result<(), DbError> {
            for (id, text) in notes {
                tx.execute(&a_note(id, text)).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
        for (is_descending, expected) in
            [(false, ["e", "a", "c", "d", "b"]), (true, ["b", "d", "c", "a", "e"])]
        {
            let mut seen: Vec<String> = Vec::new();
            let mut after = None;
            loop {
                let mut select = Query::select().columns(["id", "text"]).from("note").to_owned();
                Keyset { is_descending, after: after.clone(), limit: 2 }.apply(&mut select, "text", "id");
                let read = async move |tx: &Tx| tx.fetch_all(&select).await;
                let rows = db.read::<_, _, DbError>(read).await.unwrap();
                let Some(last) = rows.last() else { break };
                let cell = |name| last.get::<String>(name).unwrap();
                after = Some((cell("text").into(), cell("id").into()));
                seen.extend(rows.iter().map(|row| row.get::<String>("id").unwrap()));
            }
            assert_eq!(seen, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_read_waits_for_what_is_written_meanwhile() {
    on_each_database(async |db| {
        let look = async |tx: &Tx| tx.fetch_optional(&the_note("late")).await;
        let never = db.read_until::<_, _, DbError>(Duration::ZERO, look).await.unwrap();
        assert!(never.is_none());
        let waiting = tokio::spawn({
            let db = db.clone();
            async move { db.read_until::<_, _, DbError>(Duration::from_secs(30), look).await }
        });
        db.write(async |tx: &Tx| insert(tx, "late").await).await.unwrap();
        assert!(waiting.await.unwrap().unwrap().is_some());
    })
    .await;
}
