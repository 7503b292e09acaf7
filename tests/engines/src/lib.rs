//! Real PostgreSQL, MariaDB, Pulsar and Python clients, started for tests in temporary folders.
