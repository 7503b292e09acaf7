//! Whether a server is set up so that its log can be read, and the statement that mends what is not.

use hexalpes_capture::{LogError, Mend, TableName};
use mysql_async::Row;
use mysql_async::prelude::Queryable;

use crate::claim;
use crate::columns::{describe, quoted, quoted_table};
use crate::connection::{answered, failure, is_denied, is_denied_database};
use crate::options::BinlogOptions;
use crate::server::{Flavour, Server, cell};

pub(crate) async fn check(options: &BinlogOptions) -> Result<(), LogError> {
    let mut server = Server::connect(&options.url).await?;
    // First, for whoever waits for it asks again and again.
    claim::is_free(&mut server, options.server_id).await?;
    settings(&mut server).await?;
    ids(&mut server, options.server_id).await?;
    rights(&mut server).await?;
    filters(&mut server, &options.tables).await?;
    for table in &options.tables {
        check_table(&mut server, table).await?;
    }
    Ok(())
}

/// `MySQL` locks a table while a snapshot begins, and says whether it may only when it does. So it is asked for a table that
/// is not there: a right that is missing is said before that, in words of the database and not of the table.
pub(crate) async fn check_snapshot(options: &BinlogOptions) -> Result<(), LogError> {
    let mut server = Server::connect(&options.url).await?;
    if server.flavour == Flavour::MariaDb {
        return Ok(());
    }
    for TableName { schema, .. } in &options.tables {
        let nothing = quoted_table(&TableName::new(schema.clone(), "hexalpes_is_not_there"));
        let locking = server.connection.query_drop(format!("LOCK TABLES {nothing} READ")).await;
        if locking.as_ref().is_err_and(is_denied_database) {
            return Err(server.lacks("LOCK TABLES", &format!("{}.*", quoted(schema))).await?);
        }
    }
    Ok(())
}

fn refused(what: impl Into<String>, mend: impl Into<String>) -> LogError {
    LogError::Refused { what: what.into(), mend: Mend(mend.into()) }
}

/// A setting, the values that will do, and what to say else.
type Wanted = (&'static str, &'static [&'static str], &'static str);

const SETTINGS: [Wanted; 4] = [
    ("log_bin", &["ON", "1"], "write log_bin = binlog under [mysqld] in my.cnf and start the server again"),
    (
        "binlog_format",
        &["ROW"],
        "SET GLOBAL binlog_format = 'ROW'; and write binlog_format = ROW under [mysqld] in my.cnf",
    ),
    (
        "binlog_row_image",
        &["FULL", "FULL_NODUP"],
        "SET GLOBAL binlog_row_image = 'FULL'; and write binlog_row_image = FULL under [mysqld] in my.cnf",
    ),
    (
        "log_bin_compress",
        &["OFF", "0"],
        "SET GLOBAL log_bin_compress = OFF; and write log_bin_compress = OFF under [mysqld] in my.cnf",
    ),
];

async fn settings(server: &mut Server) -> Result<(), LogError> {
    for (name, will_do, mend) in SETTINGS {
        // Some have not all of them.
        let Some(value) = server.variable(name).await? else { continue };
        if !will_do.contains(&value.to_ascii_uppercase().as_str()) {
            return Err(refused(format!("{name} is {value}"), mend));
        }
    }
    Ok(())
}

/// A reader has a number of its own among all that read or write the log.
async fn ids(server: &mut Server, own: u32) -> Result<(), LogError> {
    let theirs = server.variable("server_id").await?.and_then(|id| id.parse::<u32>().ok()).unwrap_or(0);
    if theirs == 0 {
        return Err(refused(
            "the server's own server_id is 0, and so nobody may read its log",
            "SET GLOBAL server_id = 1; and write server_id = 1 under [mysqld] in my.cnf",
        ));
    }
    if own == 0 || own == theirs {
        return Err(refused(
            format!("the server id {own} is the server's own or none"),
            "give this reader a server id that no server and no other reader has",
        ));
    }
    Ok(())
}

/// Where the log is takes one right, to read it another, which no statement needs that would do no harm.
async fn rights(server: &mut Server) -> Result<(), LogError> {
    server.files().await?;
    let may_read = match server.flavour {
        Flavour::MySql => server.readers().await?.is_some(),
        Flavour::MariaDb => {
            let rows: Vec<Row> = answered(server.connection.query("SHOW GRANTS")).await?;
            let grants = |row: &Row| cell::<String>(row, 0).is_some_and(|grant| grants_log(&grant));
            rows.iter().any(grants)
        }
    };
    if may_read { Ok(()) } else { Err(server.lacks("REPLICATION SLAVE", "*.*").await?) }
}

fn grants_log(grant: &str) -> bool {
    let grant = grant.to_ascii_uppercase();
    let (what, on) = grant.split_once(" ON ").unwrap_or_default();
    let log = ["ALL PRIVILEGES", "REPLICATION SLAVE", "REPLICATION REPLICA"];
    on.starts_with("*.*")
        && log.iter().any(|right| what.trim_start_matches("GRANT ").split(", ").any(|has| has == *right))
}

/// A log may have some databases alone.
async fn filters(server: &mut Server, tables: &[TableName]) -> Result<(), LogError> {
    let Some(status) = server.log_status().await? else { return Ok(()) };
    let list = |at| cell::<String>(&status, at).unwrap_or_default();
    let (only, without) = (list(2), list(3));
    let names = |list: &str, name: &str| list.split(',').any(|listed| listed.trim() == name);
    for TableName { schema, .. } in tables {
        if (!only.is_empty() && !names(&only, schema)) || names(&without, schema) {
            return Err(refused(
                format!("the log does not have the database {schema}"),
                "take binlog_do_db and binlog_ignore_db out of my.cnf and start the server again",
            ));
        }
    }
    Ok(())
}

async fn check_table(server: &mut Server, table: &TableName) -> Result<(), LogError> {
    let name = quoted_table(table);
    if let Err(error) = server.connection.query_drop(format!("SELECT 1 FROM {name} LIMIT 0")).await {
        return Err(if is_denied(&error) { server.lacks("SELECT", &name).await? } else { failure(&error) });
    }
    let columns = describe(&mut server.connection, table).await?;
    for column in &columns {
        column.charset(table)?;
    }
    let found: Option<(String, String, Option<String>)> = answered(server.connection.exec_first(
        "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
        (&table.schema, &table.name),
    ))
    .await?;
    let engine = match found {
        // With lower_case_table_names a table answers to names that the log does not have.
        Some((schema, name, _)) if (&schema, &name) != (&table.schema, &table.name) => {
            let there = TableName::new(schema, name);
            return Err(refused(
                format!("the log calls the table {table} {there}"),
                format!("write {there}"),
            ));
        }
        found => found.and_then(|(_, _, engine)| engine).unwrap_or_default(),
    };
    let transactions: Option<Option<String>> = answered(
        server
            .connection
            .exec_first("SELECT TRANSACTIONS FROM information_schema.ENGINES WHERE ENGINE = ?", (&engine,)),
    )
    .await?;
    if transactions.flatten().as_deref() == Some("YES") {
        return Ok(());
    }
    Err(refused(
        format!("the table {table} is no table of a transactional engine: {engine:?}"),
        format!("ALTER TABLE {name} ENGINE = InnoDB;"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_to_read_the_log_is_for_all_databases() {
        assert!(grants_log("GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `u`@`%`"));
        assert!(grants_log("GRANT ALL PRIVILEGES ON *.* TO `u`@`%` WITH GRANT OPTION"));
        assert!(!grants_log("GRANT ALL PRIVILEGES ON `alpes`.* TO `u`@`%`"));
        assert!(!grants_log("GRANT REPLICATION SLAVE ADMIN ON *.* TO `u`@`%`"));
    }
}
