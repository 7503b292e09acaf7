//! Logs and metrics, set up once.
