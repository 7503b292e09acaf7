//! The balance of a partner with a long history.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::interval;

use super::{MARKETING, PATIENCE};
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::request::Connection;
use crate::stats::Latencies;

const PARTNER: &str = "af_bench";
const ENTRIES: i64 = 1_000_000;
const ENTRIES_AT_ONCE: i64 = 500;
const READS: u32 = 2_000;
const BALANCE_MS: f64 = 1.0;

/// Entries are written behind the product's back; it takes its snapshots by itself.
pub(super) fn balance(runtime: &Runtime, report: &mut Report) -> Result<()> {
    let mut product = Process::start("up")?;
    product.ready(product.api_port(), "/health")?;
    let (settled, latencies) = runtime.block_on(async {
        let url = DatabaseUrl::file(product.database_file("commissions"));
        let db = Db::open(&url, DbOptions::default()).await?;
        for first in (0..ENTRIES).step_by(usize::try_from(ENTRIES_AT_ONCE)?) {
            write(&db, first).await?;
        }
        let since = Instant::now();
        let mut looks = interval(Duration::from_millis(100));
        while done(&db).await? < ENTRIES {
            ensure!(since.elapsed() < PATIENCE, "no snapshot was taken: {}", product.log());
            looks.tick().await;
        }
        let settled = since.elapsed();
        let mut connection = Connection::open(product.port(MARKETING)).await?;
        let path = format!("/v1/balances?affiliateId={PARTNER}");
        let found = connection.json("GET", &path, "").await?;
        ensure!(found["items"][0]["balances"][0]["pendingMinor"] == json!(ENTRIES), "{found}");
        let request = connection.request("GET", &path, "");
        let mut latencies = Latencies::default();
        for _ in 0..READS {
            let asked = Instant::now();
            ensure!(connection.send(&request).await? == 200, "a balance is answered");
            latencies.add(asked.elapsed());
        }
        anyhow::Ok((settled, latencies))
    })?;
    let what = "balance of a partner with 1,000,000 entries";
    report.add(Line::new("snapshots, behind the last of 1,000,000 entries", "s", settled.as_secs_f64()));
    let p50 = Line::new(format!("{what}, p50"), "ms", latencies.percentile_ms(50));
    report.add(p50.aim(Some(Aim::AtMost(BALANCE_MS))));
    report.add(Line::new(format!("{what}, p99"), "ms", latencies.percentile_ms(99)));
    product.stop()
}

/// Each of one minor unit that is owed.
async fn write(db: &Db, first: i64) -> Result<()> {
    let mut insert = Query::insert()
        .into_table("journal_entry")
        .columns(["tenant", "transaction_id", "affiliate_id", "account", "currency", "minor", "at"])
        .to_owned();
    for number in first..first + ENTRIES_AT_ONCE {
        insert.values_panic([
            "default".into(),
            format!("bench-{number}").into(),
            PARTNER.into(),
            "pending".into(),
            "USD".into(),
            (-1_i64).into(),
            (1_700_000_000_000_000_i64 + number).into(),
        ]);
    }
    Ok(db.write(async move |tx: &Tx| -> Result<(), DbError> { tx.execute(&insert).await.map(drop) }).await?)
}

/// Up to which entry there are snapshots.
async fn done(db: &Db) -> Result<i64> {
    let select = Query::select().expr_as(Expr::col("done_seq").max(), "done").from("journal_mark").to_owned();
    let read =
        async move |tx: &Tx| -> Result<Option<i64>, DbError> { tx.fetch_one(&select).await?.get("done") };
    Ok(db.read(read).await?.unwrap_or_default())
}
