//! A server that goes and does not come back.

use std::time::Duration;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions};
use hexalpes_engines::{Engine, TestDatabase, database_server, killable};
use tokio::time::timeout;

use crate::support::{MIGRATIONS, insert};

/// Far less than ten waits for a connection, and far more than a caller waits.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn who_asks_a_server_that_is_away_hears_it_soon_and_nothing_keeps_from_closing() {
    let Some(engine) = killable().into_iter().find(|engine| *engine == Engine::Postgres) else { return };
    let mut server = database_server(engine).unwrap().unwrap();
    let database = TestDatabase::on_server(engine, &server.url());
    let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    server.kill();
    let writing = db.write(async |tx| insert(tx, "a").await);
    let heard = timeout(SOON, writing).await.expect("it hears of it");
    assert!(matches!(heard, Err(DbError::Unavailable(_))), "{heard:?}");
    timeout(SOON, db.close()).await.expect("it closes");
    server.start_again().unwrap();
}
