//! Transactions and migrations over SQLite, PostgreSQL and MySQL.
