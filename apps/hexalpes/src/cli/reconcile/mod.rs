//! `hexalpes reconcile`: proves that nothing is missing between conversions, commissions, books and payouts, nor between
//! the outbox of any context and its topics.

mod books;
mod tally;
mod topics;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use hexalpes_client::{AdminClient, Client};
use hexalpes_db::Db;
use hexalpes_kernel::{Clock as _, SystemEdge, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep};

use self::tally::Differences;
use super::{
    ask,
    output::{Format, Output, Row, row},
};
use crate::{
    services::{self, Service},
    settings::Settings,
};

/// Rows that are read at once.
const PAGE: u64 = 500;
/// Differences of a check that are told of.
const EXAMPLES_MAX: usize = 20;
/// Between one look and the next, while something is still on its way.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(super) struct Reconcile {
    /// How long what is still on its way may take to arrive, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    patience: u64,
    #[command(flatten)]
    output: Output,
}

impl Reconcile {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let Self { patience, output } = self;
        let ground = Ground::open(settings).await?;
        let deadline = Instant::now() + Duration::from_secs(patience);
        let checks = loop {
            let checks = ground.checks().await?;
            if checks.iter().all(|check| check.differences == 0) || Instant::now() >= deadline {
                break checks;
            }
            sleep(LOOK_EVERY).await;
        };
        let is_table = output.format == Format::Table;
        let rows: Vec<Row> = checks.iter().map(|check| check.row(is_table)).collect();
        output.rows(&["check", "counted", "explained", "differences", "detail"], &rows)?;
        match checks.iter().map(|check| check.differences).sum::<u64>() {
            0 => Ok(()),
            differences => bail!(
                "{differences} differences: each is told of above; if more was on its way than {patience} s could \
                 bring, give it more with --patience"
            ),
        }
    }
}

/// A context's database, and how far it is looked at.
struct Place {
    service: Service,
    db: Db,
    /// The newest row of its outbox when the reconciliation began.
    through: i64,
}

/// What is compared, and until when.
struct Ground {
    places: Vec<Place>,
    client: Client,
    admin: AdminClient,
    until: Timestamp,
}

impl Ground {
    async fn open(settings: &Settings) -> Result<Self> {
        let mut places = Vec::new();
        let until = SystemEdge.now();
        for service in Service::CONTEXTS {
            // Where the partner program runs alone there is nothing of the others.
            if !Service::PROGRAM.contains(&service) && !services::is_there(settings, service)? {
                continue;
            }
            let db = services::existing(settings, service).await?;
            let through = hexalpes_outbox::newest_ordinal(&db).await.with_context(|| page_error(service))?;
            places.push(Place { service, db, through });
        }
        let (client, admin) = (ask::broker(settings).await?, ask::admin(settings).await?);
        Ok(Self { places, client, admin, until })
    }

    /// Of the partner program.
    fn db(&self, service: Service) -> &Db {
        let place = self.places.iter().find(|place| place.service == service);
        &place.expect("every context of the program has a place").db
    }

    async fn checks(&self) -> Result<Vec<Check>> {
        let owed = self.db(Service::Commissions);
        let conversions = books::conversions(self.db(Service::Conversions), owed, self.until).await;
        let books::Conversions { mut check, mut missing } =
            conversions.with_context(|| page_error(Service::Conversions))?;
        let known = self.admin.topics("public/default").await.context("the topics cannot be listed")?;
        check.explained = topics::explain(&self.client, &known, &mut missing).await?;
        for what in missing.into_values() {
            check.differ(1, || what);
        }
        let mut checks = vec![check];
        let books = async {
            let journal = books::journal(owed).await?;
            let trial = books::trial_balance(owed).await?;
            anyhow::Ok([journal, trial, books::lines(owed).await?, books::paid(owed).await?])
        };
        checks.extend(books.await.with_context(|| page_error(Service::Commissions))?);
        checks.extend(topics::outboxes(&self.places).await?);
        checks.extend(topics::topics(&self.places, &self.client, self.until).await?);
        Ok(checks)
    }
}

fn page_error(service: Service) -> String {
    format!("the database of {} cannot be read (is it up to date? `hexalpes migrate`)", service.name())
}

/// What was compared, and how often it differed.
struct Check {
    name: String,
    counted: u64,
    /// Differences with a reason that was stored.
    explained: u64,
    differences: u64,
    examples: Vec<String>,
}

impl Check {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), counted: 0, explained: 0, differences: 0, examples: Vec::new() }
    }

    fn differ(&mut self, times: u64, example: impl FnOnce() -> String) {
        self.differences += times;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }

    fn take(&mut self, found: Differences, lost: &str, strange: &str) {
        let Differences { counted, lost: missing, strange: superfluous, unseen } = found;
        self.counted = counted;
        for name in missing {
            self.differ(1, || format!("{name} {lost}"));
        }
        for name in superfluous {
            self.differ(1, || format!("{name} {strange}"));
        }
        if unseen > 0 {
            self.differ(unseen, || format!("and {unseen} more at least"));
        }
    }

    fn row(&self, is_table: bool) -> Row {
        let mut row = row([
            ("check", self.name.as_str().into()),
            ("counted", self.counted.into()),
            ("explained", self.explained.into()),
            ("differences", self.differences.into()),
        ]);
        let detail = if is_table { json!(self.examples.join("; ")) } else { json!(self.examples) };
        row.insert("detail".to_owned(), detail);
        row
    }
}
