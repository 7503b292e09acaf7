//! A log that no longer has what comes next.

use std::time::{Duration, Instant};

use crate::{DatabaseServer, Engine, MariaDb, MySql, Postgres, eventually, killable};

const LOST_WITHIN: Duration = Duration::from_mins(1);

/// How a database's log is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its files are purged.
    Purge,
    /// It begins anew, with files of the same names, which are longer by now. Files are known by the second in which they were
    /// made.
    Reset,
    /// An operator drops the slot.
    Drop,
    /// The slot has kept more than it may.
    Invalidate,
}

impl Loss {
    /// Each with each engine that has it and may be hurt here.
    pub fn all() -> Vec<(Engine, Self)> {
        let of = |engine| match engine {
            Engine::Postgres => vec![(engine, Self::Drop), (engine, Self::Invalidate)],
            _ => vec![(engine, Self::Purge), (engine, Self::Reset)],
        };
        killable().into_iter().flat_map(of).collect()
    }

    /// A server that can lose its log in this way.
    pub fn start(self, engine: Engine) -> DatabaseServer {
        let started = match (engine, self) {
            (Engine::MariaDb, _) => MariaDb::start(),
            (Engine::MySql, _) => MySql::start(),
            (_, Self::Invalidate) => {
                Postgres::start_with(&["max_slot_wal_keep_size=1MB", "max_wal_size=64MB"])
            }
            _ => Postgres::start(),
        };
        started.unwrap_or_else(|absent| panic!("{absent}"))
    }

    /// All that is in the log by now. Whoever reads it is cut off where the server would keep for them what they read.
    pub fn happen(self, server: &DatabaseServer) {
        if self == Self::Reset {
            let now = Instant::now();
            eventually(LOST_WITHIN, || (now.elapsed() > Duration::from_secs(1)).then_some(()))
                .expect("time goes on");
        }
        let lost = eventually(LOST_WITHIN, || {
            server.run(&self.statements(server)).ok()?;
            self.has_happened(server).then_some(())
        });
        assert!(lost.is_some(), "{} does not lose its log: {self:?}", server.engine());
    }

    fn statements(self, server: &DatabaseServer) -> String {
        let longer = "CREATE DATABASE IF NOT EXISTS noise; CREATE TABLE IF NOT EXISTS noise.noise (text LONGTEXT); \
                      INSERT INTO noise.noise VALUES (REPEAT('x', 4000000))";
        match (self, server.engine()) {
            (Self::Purge, _) => {
                let readers =
                    "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
                let cut_off = |reader: &str| format!("KILL {reader}; ");
                let readers: String = server.ask(readers).unwrap_or_default().lines().map(cut_off).collect();
                format!("{readers}FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
            }
            (Self::Reset, Engine::MariaDb) => format!("RESET MASTER; {longer}"),
            (Self::Reset, _) => format!("RESET BINARY LOGS AND GTIDS; {longer}"),
            (Self::Drop, _) => {
                "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active; \
                 SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                    .to_owned()
            }
            (Self::Invalidate, _) => {
                "SELECT pg_logical_emit_message(false, 'noise', 'x'); SELECT pg_switch_wal()".to_owned()
            }
        }
    }

    /// A server of `MySQL` or `MariaDB` keeps a file until all that it has is in the tables for good; one of `PostgreSQL` looks
    /// at what it keeps at its checkpoints.
    fn has_happened(self, server: &DatabaseServer) -> bool {
        let answers = |sql| server.ask(sql).unwrap_or_else(|_| "?".to_owned());
        match self {
            Self::Purge => answers("SHOW BINARY LOGS").lines().count() == 1,
            Self::Reset => true,
            Self::Drop | Self::Invalidate => {
                server.run("CHECKPOINT").is_ok()
                    && answers("SELECT slot_name FROM pg_replication_slots WHERE wal_status <> 'lost'")
                        .trim()
                        .is_empty()
            }
        }
    }
}
