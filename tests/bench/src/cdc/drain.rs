//! Rows that wait, and how fast they are on the topic.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hexalpes_engines::{child_processes, eventually};

use super::counter::messages;
use crate::process::{cpu_seconds, resident_megabytes};

/// The connector's JVM starts, and looks at the database, before it reads anything.
const FIRST_WITHIN: Duration = Duration::from_mins(2);
const ALL_WITHIN: Duration = Duration::from_mins(15);
/// A server that uses less of the processors, so many looks long, has nothing to do.
const CORES_AT_REST: f64 = 0.05;
const CALM_LOOKS: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RESTS_WITHIN: Duration = Duration::from_mins(5);
/// Between two questions while rows come: each is work for a broker and a machine that have enough of it.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What one drain has shown.
pub(super) struct Drained {
    pub(super) rate: f64,
    /// Of relay and broker, for 100,000 rows.
    pub(super) cpu_seconds: f64,
    /// The same of the database's process; 0 where it has none of its own.
    pub(super) database_cpu_seconds: f64,
    pub(super) relay_megabytes: f64,
    pub(super) broker_megabytes: f64,
}

impl Drained {
    /// For who waits for the report.
    pub(super) fn tell(&self, whose: &str) {
        let Self { rate, cpu_seconds, database_cpu_seconds, .. } = self;
        eprintln!(
            "{whose}: {rate:.0} rows/s, {cpu_seconds:.2} and {database_cpu_seconds:.2} s of CPU for 100,000"
        );
    }
}

/// Who drains, and where.
pub(super) struct Draining<'a> {
    pub(super) admin_port: u16,
    /// The topics on which each row is to arrive.
    pub(super) topics: &'a [String],
    /// What they had before.
    pub(super) had: u64,
    pub(super) relay: u32,
    pub(super) broker: u32,
    pub(super) database: Option<u32>,
}

impl Draining<'_> {
    /// From the first row that arrives to the last.
    pub(super) fn measure(&self, rows: u32) -> Result<Drained> {
        let first = self.wait_for(self.had + 1, FIRST_WITHIN, Duration::ZERO, &mut || Ok(()))?;
        let begun = Instant::now();
        let (cpu, database_cpu) = self.cpu()?;
        let (mut relay, mut broker) = (0.0_f64, 0.0_f64);
        let last = self.wait_for(self.had + u64::from(rows), ALL_WITHIN, ASK_EVERY, &mut || {
            relay = relay.max(resident_megabytes(self.relay)?);
            broker = broker.max(resident_megabytes(self.broker)?);
            Ok(())
        })?;
        let took = begun.elapsed().as_secs_f64();
        let (cpu_after, database_cpu_after) = self.cpu()?;
        let arrived = f64::from(u32::try_from(last - first)?);
        let of_all = 100_000.0 / arrived;
        Ok(Drained {
            rate: arrived / took,
            cpu_seconds: (cpu_after - cpu) * of_all,
            database_cpu_seconds: (database_cpu_after - database_cpu) * of_all,
            relay_megabytes: relay,
            broker_megabytes: broker,
        })
    }

    /// Waits until each topic has so many messages, and says how many the one has that has fewest.
    fn wait_for(
        &self,
        count: u64,
        limit: Duration,
        every: Duration,
        meanwhile: &mut dyn FnMut() -> Result<()>,
    ) -> Result<u64> {
        let (mut seen, mut due) = (0, Instant::now());
        let reached = eventually(limit, || {
            if Instant::now() < due {
                return None;
            }
            due = Instant::now() + every;
            let asked = meanwhile().and_then(|()| self.fewest());
            match asked {
                Ok(fewest) => {
                    seen = fewest;
                    (fewest >= count).then_some(Ok(fewest))
                }
                Err(error) => Some(Err(error)),
            }
        });
        reached.with_context(|| format!("{seen} of {count} messages came within {limit:?}"))?
    }

    fn fewest(&self) -> Result<u64> {
        let counts: Vec<u64> =
            self.topics.iter().map(|topic| messages(self.admin_port, topic)).collect::<Result<_>>()?;
        counts.into_iter().min().context("there is a topic")
    }

    /// Of relay and broker, and of the database.
    fn cpu(&self) -> Result<(f64, f64)> {
        let database = self.database.map_or(Ok(0.0), cpu_of_server)?;
        Ok((cpu_seconds(self.relay)? + cpu_seconds(self.broker)?, database))
    }
}

/// PostgreSQL has a process for each connection.
fn cpu_of_server(server: u32) -> Result<f64> {
    let processes = [&[server], &*child_processes(server)?].concat();
    // One that has ended meanwhile is the server's from then on.
    Ok(processes.into_iter().map(|process| cpu_seconds(process).unwrap_or_default()).sum())
}

/// Waits until a server has done what it does after many rows were written (pages, statistics): whoever drained first would
/// share the processors with it, and who came later would not.
pub(super) fn wait_until_it_rests(server: u32) -> Result<()> {
    let (mut before, mut calm) = ((Instant::now(), cpu_of_server(server)?), 0);
    let rests = eventually(RESTS_WITHIN, || {
        if before.0.elapsed() < LOOK_EVERY {
            return None;
        }
        let now = match cpu_of_server(server) {
            Ok(seconds) => (Instant::now(), seconds),
            Err(error) => return Some(Err(error)),
        };
        let cores = (now.1 - before.1) / (now.0 - before.0).as_secs_f64();
        before = now;
        calm = if cores < CORES_AT_REST { calm + 1 } else { 0 };
        (calm == CALM_LOOKS).then_some(Ok(()))
    });
    rests.context("the database does not come to rest")?
}

/// That nothing came twice: each topic has exactly so many messages.
pub(super) fn has_exactly(admin_port: u16, topics: &[String], count: u64) -> Result<()> {
    for topic in topics {
        let found = messages(admin_port, topic)?;
        ensure!(found == count, "{topic} has {found} messages, not {count}");
    }
    Ok(())
}
