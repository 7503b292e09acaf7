//! The rows that were there, while the process that takes them is killed.

use hexalpes_e2e::{PATIENCE, Product};
use hexalpes_engines::log_databases;

use super::table::{Table, at_least, ids};

const ROWS: u64 = 8_000;
const KILLS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_first_snapshot_goes_on_after_each_kill_and_each_row_is_there_once() {
    let mut product = Product::start();
    for database in log_databases() {
        let table = Table::make(database, "first");
        let keys = 0..usize::try_from(ROWS).expect("they are few");
        table.insert(keys.clone());
        table.create(&product);
        let mut came_to = 0;
        for kill in 0..KILLS {
            // It is amid them: some are written, and not all.
            let status = written_some(&product, &table).await;
            assert!(status < ROWS, "{}: it was over before kill {kill}", table.engine());
            product.kill();
            came_to += status;
            product.restart();
        }
        assert!(came_to < ROWS, "{}: {came_to} rows were written before the last kill", table.engine());
        let service = &product.urls().service;
        let expected: Vec<String> = keys.map(|key| format!("k-{key}")).collect();
        for topic in [table.events(), table.raw()] {
            let found = ids(&at_least(service, &topic, expected.len()).await);
            assert!(found == expected, "{topic}: {}", first_difference(&found, &expected));
        }
        let status = table.at_the_log(&product);
        assert!(status["alarm"].is_null(), "{status}");
        table.order(&product, &["delete", "--forget"]);
    }
}

/// Waits until some rows were written since the process started, and says how many.
async fn written_some(product: &Product, table: &Table) -> u64 {
    let path = format!("/admin/v3/sources/public/default/{}/relay", table.source);
    let some = async {
        loop {
            let (_, status) = product.get(&path).await;
            if let Some(written) = status["numWritten"].as_u64().filter(|written| *written > 0) {
                return written;
            }
        }
    };
    let some = tokio::time::timeout(PATIENCE, some).await;
    some.unwrap_or_else(|_| panic!("{}: no row is written: {}", table.engine(), product.log()))
}

fn first_difference(found: &[String], expected: &[String]) -> String {
    let at = found.iter().zip(expected).position(|(found, expected)| found != expected);
    let at = at.unwrap_or(found.len().min(expected.len()));
    format!(
        "{} of {} rows, and at {at} {:?}, not {:?}",
        found.len(),
        expected.len(),
        found.get(at),
        expected.get(at)
    )
}
