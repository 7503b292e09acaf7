//! Tells SQLite what its planner cannot know of new tables: that all rows have the same tenant.
//!
//! Without statistics, SQLite takes a column that a statement compares for one that leaves a few rows. Every unique key
//! begins with the tenant, so a list of what one partner has, ordered by its id, went through all rows by the key
//! instead of through an index on the partner. Measured statistics would not do: they are those of an empty table, and
//! later a statement would be planned anew while it is used.

use sea_query::{Expr, ExprTrait as _, Query};

use crate::{DbError, Tx};

/// Of a table with tenants: so many rows, all of which have the same; each column of an index after it leaves about as
/// many as SQLite takes for granted elsewhere, and the last one of a unique index a single one.
const TELL: &str = r#"
    INSERT INTO sqlite_stat1 (tbl, idx, stat)
    WITH part AS (
        SELECT m.name AS tbl, l.name AS idx, i.seqno AS place, i.name AS col, l."unique" AS is_unique,
            count(*) OVER (PARTITION BY l.name) AS parts,
            max(i.name = 'tenant') OVER (PARTITION BY m.name) AS has_tenants
        FROM sqlite_schema AS m
        JOIN pragma_index_list(m.name) AS l
        JOIN pragma_index_info(l.name) AS i
        WHERE m.type = 'table'
    )
    SELECT tbl, idx, '1000000' || group_concat(
        CASE
            WHEN place = 0 AND col = 'tenant' THEN ' 1000000'
            WHEN is_unique AND place = parts - 1 THEN ' 1'
            ELSE ' ' || max(5, 11 - place)
        END, '' ORDER BY place)
    FROM part
    WHERE has_tenants
    GROUP BY tbl, idx"#;

/// Whether this database was ever told.
pub(crate) async fn are_told(tx: &Tx) -> Result<bool, DbError> {
    let table = Query::select()
        .column("name")
        .from("sqlite_schema")
        .and_where(Expr::col("name").eq("sqlite_stat1"))
        .to_owned();
    Ok(tx.fetch_optional(&table).await?.is_some())
}

/// To be called whenever the schema may have changed, in the transaction that changed it.
pub(crate) async fn tell(tx: &Tx) -> Result<(), DbError> {
    // It makes the table of statistics, and has them read when that is there.
    tx.execute_text("ANALYZE sqlite_schema").await?;
    tx.execute_text("DELETE FROM sqlite_stat1").await?;
    tx.execute_text(TELL).await?;
    tx.execute_text("ANALYZE sqlite_schema").await
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use crate::{DatabaseUrl, Db, DbOptions, Migration};

    const MIGRATIONS: &[Migration] = &[Migration::new("shop", 1, "create cart", |_| {
        [
            "CREATE TABLE cart (tenant TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, made INTEGER NOT NULL,
                PRIMARY KEY (tenant, id))",
            "CREATE INDEX cart_owner ON cart (tenant, owner)",
            "CREATE INDEX cart_made ON cart (tenant, made, id)",
        ]
        .map(str::to_owned)
        .to_vec()
    })];

    #[tokio::test]
    async fn rows_are_looked_for_by_what_tells_them_apart_and_not_by_the_tenant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let db = Db::open(&DatabaseUrl::file(&path), DbOptions::default()).await.unwrap();
        db.migrate(MIGRATIONS).await.unwrap();
        let connection = Connection::open(&path).unwrap();
        let plan = |rest: &str| {
            let explain = format!("EXPLAIN QUERY PLAN SELECT * FROM cart WHERE tenant = ? AND {rest}");
            let mut statement = connection.prepare(&explain).unwrap();
            let parameters = vec!["x"; statement.parameter_count()];
            let lines =
                statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3)).unwrap();
            lines.collect::<Result<Vec<String>, _>>().unwrap()[0].clone()
        };
        assert_eq!(
            plan("owner = ? ORDER BY id"),
            "SEARCH cart USING INDEX cart_owner (tenant=? AND owner=?)"
        );
        assert_eq!(
            plan("owner = ? ORDER BY made DESC, id DESC LIMIT 10"),
            "SEARCH cart USING INDEX cart_owner (tenant=? AND owner=?)"
        );
        let by_key = "SEARCH cart USING INDEX sqlite_autoindex_cart_1 (tenant=? AND id=?)";
        assert_eq!(plan("id = ?"), by_key);
        assert_eq!(plan("id = ? AND owner = ?"), by_key);
        assert_eq!(
            plan("made > ? ORDER BY made, id LIMIT 10"),
            "SEARCH cart USING INDEX cart_made (tenant=? AND made>?)"
        );
        db.close().await;
    }
}
