//! Conversions recorded in a second, on each database. What would follow stays in the outbox, on all alike.

use anyhow::Result;
use futures::future::try_join_all;
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_engines::{Engine, MariaDb, Postgres, TestDatabase};
use sea_query::Query;
use tokio::runtime::Runtime;

use super::{CONVERSIONS, PATH, SPAN, conversion};
use crate::load::keep_busy;
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::request::Connection;
use crate::stats::{Latencies, median};

const CONNECTIONS: [usize; 2] = [64, 256];
/// On SQLite.
const AIM: f64 = 8_000.0;
/// Whoever tells of affiliates does not run on with a server's database: so much is known beforehand.
const AFFILIATE: &str = "af_bench";

pub(super) fn measure(runtime: &Runtime, rounds: u32, report: &mut Report) -> Result<()> {
    on(runtime, rounds, Engine::Sqlite, None, report)?;
    match Postgres::start() {
        Ok(server) => on(runtime, rounds, Engine::Postgres, Some(server.url()), report)?,
        Err(absent) => eprintln!("{absent}"),
    }
    match MariaDb::start() {
        Ok(server) => on(runtime, rounds, Engine::MariaDb, Some(server.url()), report)?,
        Err(absent) => eprintln!("{absent}"),
    }
    Ok(())
}

fn on(
    runtime: &Runtime,
    rounds: u32,
    engine: Engine,
    server: Option<String>,
    report: &mut Report,
) -> Result<()> {
    let database = server.map(|url| TestDatabase::on_server(engine, &url));
    let environment = database.as_ref().map(|database| ("CONVERSIONS_DATABASE_URL", database.url()));
    let mut product = Process::start_set(&["up", "--no-relay"], environment.as_slice())?;
    product.ready(product.port(CONVERSIONS), "/health")?;
    let url = match &database {
        Some(database) => DatabaseUrl::parse(database.url())?,
        None => DatabaseUrl::file(product.database_file("conversions")),
    };
    runtime.block_on(introduce(&url))?;
    for connections in CONNECTIONS {
        let (mut rates, mut latencies) = (Vec::new(), Latencies::default());
        for _ in 0..rounds {
            let port = product.port(CONVERSIONS);
            let load = runtime.block_on(async {
                let opened = try_join_all((0..connections).map(|_| Connection::open(port))).await?;
                let body = conversion(AFFILIATE).to_string();
                let record = async |connection: &mut Connection| {
                    let request = connection.request("POST", PATH, &body);
                    connection.create(&request).await
                };
                keep_busy(opened, None, SPAN, record).await
            })?;
            rates.push(load.rate);
            latencies.append(load.latencies);
        }
        let what = format!("recorded on {engine}, {connections} connections");
        let aim = (engine == Engine::Sqlite).then_some(Aim::AtLeast(AIM));
        report.add(Line::new(what.clone(), "/s", median(rates)).aim(aim));
        report.add(Line::new(format!("{what}, p50"), "ms", latencies.percentile_ms(50)));
        report.add(Line::new(format!("{what}, p99"), "ms", latencies.percentile_ms(99)));
    }
    product.stop()
}

/// What the affiliates context would have told.
async fn introduce(url: &DatabaseUrl) -> Result<()> {
    let db = Db::open(url, DbOptions::default()).await?;
    let program = Query::insert()
        .into_table("known_program")
        .columns(["tenant", "id", "revision", "currency", "model", "window_seconds", "is_active"])
        .values_panic([
            "default".into(),
            "default".into(),
            1_i64.into(),
            "USD".into(),
            "last_click".into(),
            2_592_000_i64.into(),
            true.into(),
        ])
        .to_owned();
    let affiliate = Query::insert()
        .into_table("known_affiliate")
        .columns(["tenant", "id", "revision", "program_id", "code", "is_active"])
        .values_panic([
            "default".into(),
            AFFILIATE.into(),
            1_i64.into(),
            "default".into(),
            "BENCH".into(),
            true.into(),
        ])
        .to_owned();
    let write = async move |tx: &Tx| -> Result<(), DbError> {
        tx.execute(&program).await?;
        tx.execute(&affiliate).await.map(drop)
    };
    Ok(db.write(write).await?)
}
