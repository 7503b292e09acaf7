//! Transactions and migrations over SQLite, PostgreSQL and MySQL or MariaDB.
//!
//! ```
//! use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Migration, Tx, columns};
//! use sea_query::{Query, Table};
//!
//! const MIGRATIONS: &[Migration] = &[Migration::new("greetings", 1, "create greeting", |backend| {
//!     vec![backend.schema(
//!         Table::create()
//!             .table("greeting")
//!             .col(columns::id(backend, "id").not_null().primary_key())
//!             .col(columns::text(backend, "text").not_null()),
//!     )]
//! })];
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("greetings.db");
//! # let url = format!("sqlite:{}", path.display());
//! let db = Db::open(&DatabaseUrl::parse(&url)?, DbOptions::default()).await?;
//! db.migrate(MIGRATIONS).await?;
//!
//! let greet = Query::insert()
//!     .into_table("greeting")
//!     .columns(["id", "text"])
//!     .values_panic(["es".into(), "¡Hola!".into()])
//!     .to_owned();
//! // The closure may run again, so it borrows what it owns.
//! let is_new = db.write(async move |tx: &Tx| tx.insert_new(&greet, "id").await).await?;
//! assert!(is_new);
//!
//! let text: String = db
//!     .read(async |tx: &Tx| -> Result<String, DbError> {
//!         tx.fetch_one(Query::select().column("text").from("greeting")).await?.get("text")
//!     })
//!     .await?;
//! assert_eq!(text, "¡Hola!");
//! db.close().await;
//! # Ok(())
//! # }
//! ```

mod backend;
pub mod columns;
mod command;
mod db;
mod error;
mod migrate;
mod page;
mod patient;
mod row;
mod server;
mod sqlite;
mod tx;
mod url;

pub use backend::Backend;
pub use db::{Db, DbOptions};
pub use error::{DbError, ErrorKind, OpenError};
pub use migrate::{MigrateError, Migration};
pub use page::Keyset;
pub use row::{FromValue, Row, Value};
pub use tx::Tx;
pub use url::{DatabaseUrl, UrlError};
