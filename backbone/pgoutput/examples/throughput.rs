//! How fast a log is read: writes a table of outbox rows, and reads them all from its slot.
//!
//! `cargo run --release -p hexalpes-pgoutput --example throughput -- URL [ROWS]`, where URL is of an empty database
//! and its user may do everything.

use std::env;
use std::error::Error;
use std::time::Instant;

use hexalpes_capture::{Log, Step, TableName};
use hexalpes_pgoutput::{Slot, SlotOptions};
use sqlx::{Connection, PgConnection};

const ROWS_IN_A_TRANSACTION: u64 = 100;

const TABLE: &str = "CREATE TABLE throughput (id uuid NOT NULL, seq bigserial PRIMARY KEY, aggregatetype text, \
    aggregateid text, type text, payload text, headers text, occurred_at timestamptz)";
/// A payload as a commission has it, about 400 bytes.
const ROWS: &str = "INSERT INTO throughput (id, aggregatetype, aggregateid, type, payload, headers, occurred_at) \
    SELECT gen_random_uuid(), 'commission', 'aff-' || n % 1000, 'CommissionCalculated', \
    '{\"commissionId\":\"' || gen_random_uuid() || '\",\"amount\":\"12.05\",\"note\":\"' || repeat('x', 330) || '\"}', \
    '{}', now() FROM generate_series(1, 100) n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("say the address of an empty database")?;
    let rows: u64 = arguments.next().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let options = SlotOptions {
        url: url.clone(),
        tables: vec![TableName::new("public", "throughput")],
        slot: "hexalpes_throughput".to_owned(),
        publication: "hexalpes_throughput".to_owned(),
    };
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql(TABLE).execute(&mut connection).await?;
    let from = Slot::position(&options).await?;
    let written = Instant::now();
    for _ in 0..rows.div_ceil(ROWS_IN_A_TRANSACTION) {
        sqlx::raw_sql(ROWS).execute(&mut connection).await?;
    }
    println!("{rows} rows written in {:.1} s", written.elapsed().as_secs_f64());

    let (mut read, mut steps) = (0, 0_u64);
    let mut log = Slot::open(options.clone(), from).await?;
    let started = Instant::now();
    while read < rows {
        match log.next().await? {
            Step::Rows(given) => read += given.len() as u64,
            Step::Boundary(position) => log.confirm(&position).await?,
            Step::Dropped(table) => return Err(format!("{table} was dropped").into()),
        }
        steps += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a million rows are exact")]
    let rate = read as f64 / seconds;
    println!("{read} rows read in {seconds:.2} s and {steps} steps: {rate:.0} rows/s");
    drop(log);
    connection.close().await?;
    Ok(())
}
