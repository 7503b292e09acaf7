//! How many rows a second are decoded on one core: a table like an outbox is filled and its log read.
//!
//! ```sh
//! cargo run --release -p hexalpes-binlog --example throughput -- mysql://USER:PASSWORD@HOST:PORT/DATABASE [ROWS]
//! ```

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "it prints a rate")]

use std::error::Error;
use std::time::Instant;

use hexalpes_binlog::{Binlog, BinlogOptions};
use hexalpes_capture::{Log as _, Step, TableName};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

const ROWS_A_STATEMENT: u32 = 1_000;
const TABLE: &str = "CREATE TABLE hexalpes_throughput (id CHAR(36) NOT NULL, seq BIGINT AUTO_INCREMENT \
    PRIMARY KEY, aggregatetype VARCHAR(64) NOT NULL, aggregateid VARCHAR(64) NOT NULL, type VARCHAR(128) NOT NULL, \
    payload MEDIUMBLOB NOT NULL, headers TEXT NOT NULL, occurred_at BIGINT NOT NULL)";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("the address of a database is missing")?;
    let rows: u32 = arguments.next().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let schema = url.rsplit('/').next().unwrap_or_default().to_owned();
    let table = TableName::new(schema, "hexalpes_throughput");
    let options = BinlogOptions { url: url.clone(), tables: vec![table], server_id: 77_077 };

    let mut connection = Conn::new(Opts::from_url(&url)?).await?;
    connection.query_drop("DROP TABLE IF EXISTS hexalpes_throughput").await?;
    connection.query_drop(TABLE).await?;
    let from = Binlog::position(&options).await?;
    let payload = "x".repeat(300);
    for first in (0..rows).step_by(ROWS_A_STATEMENT as usize) {
        let row = |at| {
            format!(
                "('0190b3a0-1111-7abc-8abc-{at:012}', 'Conversion', 'conversion-{}', 'ConversionTracked', '{payload}', \
                 '{{}}', 1736944800000000)",
                at % 1_000
            )
        };
        let values: Vec<String> = (first..(first + ROWS_A_STATEMENT).min(rows)).map(row).collect();
        let insert = "INSERT INTO hexalpes_throughput (id, aggregatetype, aggregateid, type, payload, headers, occurred_at)";
        connection.query_drop(format!("{insert} VALUES {}", values.join(", "))).await?;
    }

    let mut log = Binlog::open(options, from).await?;
    let (begin, mut seen) = (Instant::now(), 0);
    while seen < rows as usize {
        if let Step::Rows(rows) = log.next().await? {
            seen += rows.len();
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{seen} rows in {seconds:.2} s: {:.0} rows/s", seen as f64 / seconds);
    connection.query_drop("DROP TABLE hexalpes_throughput").await?;
    Ok(())
}
