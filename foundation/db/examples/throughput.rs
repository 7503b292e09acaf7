//! Measures small commands: `cargo run --release -p hexalpes-db --example throughput [DATABASE_URL]`.
//! Without a URL: SQLite, in the working directory.
//!
//! A command is what a service's smallest is: find out whether a key is new, insert it, read it back.

use std::time::Instant;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Migration, Tx, columns};
use sea_query::{Expr, ExprTrait as _, Query, Table};

const MIGRATIONS: &[Migration] = &[Migration::new("throughput", 1, "create entry", |backend| {
    vec![
        backend.schema(
            Table::create()
                .table("entry")
                .col(columns::sequence("seq"))
                .col(columns::id(backend, "id").not_null().unique_key())
                .col(columns::text(backend, "payload").not_null()),
        ),
    ]
})];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let url = match std::env::args().nth(1) {
        Some(url) => DatabaseUrl::parse(&url)?,
        None => DatabaseUrl::file(folder.path().join("a.db")),
    };
    let db = Db::open(&url, DbOptions::default()).await?;
    db.migrate(MIGRATIONS).await?;
    sync_alone(folder.path())?;
    for (waiting, commands) in [(1, 2_000), (16, 20_000), (64, 60_000), (256, 200_000)] {
        let started = Instant::now();
        let before = *db.commits().borrow();
        let workers: Vec<_> = (0..waiting)
            .map(|worker| {
                let db = db.clone();
                tokio::spawn(async move {
                    for number in 0..commands / waiting {
                        insert(&db, format!("{waiting}-{worker}-{number}")).await?;
                    }
                    Ok::<_, DbError>(())
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        let elapsed = started.elapsed();
        println!(
            "{waiting:>4} waiting: {:>7.0} commands/s, {:>7.0} µs each, {} commits",
            f64::from(commands) / elapsed.as_secs_f64(),
            elapsed.as_secs_f64() * 1e6 * f64::from(waiting) / f64::from(commands),
            *db.commits().borrow() - before,
        );
    }
    let started = Instant::now();
    let reads = 100_000;
    for number in 0..reads {
        db.read(async move |tx: &Tx| -> Result<String, DbError> {
            let select = Query::select()
                .column("payload")
                .from("entry")
                .and_where(Expr::col("seq").eq(number % 1_000 + 1))
                .to_owned();
            tx.fetch_one(&select).await?.get("payload")
        })
        .await?;
    }
    println!("one read: {:.1} µs", started.elapsed().as_secs_f64() * 1e6 / f64::from(reads));
    db.close().await;
    Ok(())
}

async fn insert(db: &Db, id: String) -> Result<bool, DbError> {
    db.write(async move |tx: &Tx| {
        let insert = Query::insert()
            .into_table("entry")
            .columns(["id", "payload"])
            .values_panic([id.as_str().into(), "x".repeat(200).into()])
            .to_owned();
        tx.insert_new(&insert, "id").await
    })
    .await
}

/// What the disk can do: one synced write after another, of the size of a small commit.
fn sync_alone(folder: &std::path::Path) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let page = vec![7; 2 * 4_096];
    let started = Instant::now();
    for _ in 0..1_000 {
        file.write_all(&page)?;
        file.sync_data()?;
    }
    println!("one sync: {:.0} µs", started.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
