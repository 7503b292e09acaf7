//! The whole way of a partner, from the registration until they are validated: how many a second, and how soon what
//! happens in one service has its last effect in the others.

use std::cell::{Cell, RefCell};
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::try_join_all;
use hexalpes_engines::Pulsar;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::interval;

use crate::Options;
use crate::disk;
use crate::load::keep_busy;
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::request::Connection;
use crate::servers;
use crate::stats::Latencies;

const SPAN: Duration = Duration::from_secs(1);
const PARTNERS: &str = "--partners-port";
const CAMPAIGNS: &str = "--campaigns-port";
/// Partners of the whole run, and how many are under way at once.
const JOURNEYS: u32 = 10_000;
const AT_ONCE: u32 = 64;
/// With a real Pulsar beside the product on the same cores.
const JOURNEYS_ON_PULSAR: u32 = 2_000;
/// On a server's databases, whose every commit is a way to another process and back.
const JOURNEYS_ON_SERVERS: u32 = 2_000;
const SUSTAINED: f64 = 400.0;
/// How often somebody in a hurry looks: looking is work too.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The same of who measures, which is one of so many: were it all of them, they would measure their own looking.
const LOOK_CLOSELY: Duration = Duration::from_millis(1);
const CLOSELY_EACH: u32 = 4;
/// The same of the others.
const LOOK_SELDOM: Duration = Duration::from_millis(25);
const PATIENCE: Duration = Duration::from_mins(1);
const RATE: u32 = 100;
const RATE_FOR: Duration = Duration::from_secs(20);
/// Before it counts: topics are opened by the first event that goes there.
const WARM_UP: Duration = Duration::from_secs(3);
const LAST_EFFECT_MS: f64 = 50.0;

/// `--only` takes those parts alone whose names contain it.
pub(crate) fn measure(runtime: &Runtime, options: &Options) -> Result<Report> {
    let mut report = Report::new("partners from registration to validation, every answer durable");
    report.add(Line::new("bare write + fdatasync on this disk", "/s", disk::bare(SPAN / 2)?.per_second));
    let is_wanted = |part: &str| options.only.as_deref().is_none_or(|only| part.contains(only));
    if is_wanted("sustained") {
        let mut product = Process::start("up")?;
        product.ready(product.api_port(), "/health")?;
        sustained(runtime, &product, JOURNEYS, "", Some(SUSTAINED), &mut report)?;
        product.stop()?;
    }
    if is_wanted("effects") {
        let mut product = Process::start("up")?;
        product.ready(product.api_port(), "/health")?;
        effects(runtime, &product, &mut report)?;
        product.stop()?;
    }
    if is_wanted("servers") {
        servers::on_each(|engine, product| {
            let how = format!(", on {engine}");
            sustained(runtime, product, JOURNEYS_ON_SERVERS, &how, None, &mut report)
        })?;
    }
    if is_wanted("pulsar") && !options.alone {
        match Pulsar::start() {
            Ok(pulsar) => {
                let (service, admin) = (pulsar.service_url(), pulsar.admin_url());
                let engine = [("PULSAR_BROKER_URL", service.as_str()), ("PULSAR_ADMIN_URL", admin.as_str())];
                let mut product = Process::start_set(&["up"], &engine)?;
                product.ready(product.api_port(), "/health")?;
                sustained(runtime, &product, JOURNEYS_ON_PULSAR, ", with a real Pulsar", None, &mut report)?;
                product.stop()?;
            }
            Err(absent) => eprintln!("{absent}"),
        }
    }
    Ok(report)
}

/// As many as there can be, one after the other on each of some connections.
fn sustained(
    runtime: &Runtime,
    product: &Process,
    journeys: u32,
    how: &str,
    aim: Option<f64>,
    report: &mut Report,
) -> Result<()> {
    let next = Cell::new(0);
    let latencies = RefCell::new(Latencies::default());
    // The first journeys find templates and topics that nobody has used.
    runtime.block_on(async { Clients::open(product).await?.journey(u32::MAX, LOOK_EVERY).await })?;
    let events_before = lines(product)?;
    let since = Instant::now();
    runtime.block_on(async {
        let workers = (0..AT_ONCE).map(async |_| {
            let mut clients = Clients::open(product).await?;
            loop {
                let number = next.replace(next.get() + 1);
                if number >= journeys {
                    return anyhow::Ok(());
                }
                let begun = Instant::now();
                clients.journey(number, LOOK_EVERY).await?;
                latencies.borrow_mut().add(begun.elapsed());
            }
        });
        try_join_all(workers).await
    })?;
    let took = since.elapsed().as_secs_f64();
    let events = lines(product)? - events_before;
    let what = format!("{journeys} journeys, {AT_ONCE} at once{how}");
    report.add(Line::new(what.clone(), "/s", f64::from(journeys) / took).aim(aim.map(Aim::AtLeast)));
    report.add(Line::new(format!("{what}: events"), "/s", f64::from(events) / took));
    let latencies = latencies.into_inner();
    report.add(Line::new(format!("{what}: one takes, p50"), "ms", latencies.percentile_ms(50)));
    report.add(Line::new(format!("{what}: one takes, p99"), "ms", latencies.percentile_ms(99)));
    Ok(())
}

/// Events in the audit trail, which has all of them.
fn lines(product: &Process) -> Result<u32> {
    let text = fs::read_to_string(product.events_file())?;
    Ok(u32::try_from(text.lines().count())?)
}

/// At a rate, from the answer of a command until the last service knows of it.
fn effects(runtime: &Runtime, product: &Process, report: &mut Report) -> Result<()> {
    let next = Cell::new(0_u32);
    let (drafted, validated) = (RefCell::new(Latencies::default()), RefCell::new(Latencies::default()));
    let load = runtime.block_on(async {
        let opened = try_join_all((0..AT_ONCE).map(|_| Clients::open(product))).await?;
        let pace = Duration::from_secs(1) * AT_ONCE / RATE;
        let begun = Instant::now();
        keep_busy(opened, Some(pace), WARM_UP + RATE_FOR, async |clients: &mut Clients| {
            let number = next.replace(next.get() + 1);
            if !number.is_multiple_of(CLOSELY_EACH) || begun.elapsed() < WARM_UP {
                return clients.journey(number, LOOK_SELDOM).await;
            }
            let partner = clients.register(number).await?;
            let registered = Instant::now();
            let contract = clients.drafted(&partner, LOOK_CLOSELY).await?;
            drafted.borrow_mut().add(registered.elapsed());
            clients.sign(&contract).await?;
            clients.activate(&contract).await?;
            let activated = Instant::now();
            clients.is_validated(&partner, LOOK_CLOSELY).await?;
            clients.has_rights(&partner, LOOK_CLOSELY).await?;
            validated.borrow_mut().add(activated.elapsed());
            Ok(())
        })
        .await
    })?;
    let what = format!("{RATE} journeys/s for {} s", RATE_FOR.as_secs());
    report.add(Line::new(format!("{what}: done"), "/s", load.rate));
    for (cause, latencies) in [
        ("registration to contract", drafted.into_inner()),
        ("activation to status and rights", validated.into_inner()),
    ] {
        report.add(Line::new(format!("{what}: {cause}, p50"), "ms", latencies.percentile_ms(50)));
        let p99 = Line::new(format!("{what}: {cause}, p99"), "ms", latencies.percentile_ms(99));
        report.add(p99.aim(Some(Aim::AtMost(LAST_EFFECT_MS))));
    }
    Ok(())
}

/// A connection to each service that a partner has to do with.
struct Clients {
    partners: Connection,
    onboarding: Connection,
    campaigns: Connection,
}

impl Clients {
    async fn open(product: &Process) -> Result<Self> {
        Ok(Self {
            partners: Connection::open(product.port(PARTNERS)).await?,
            // Contracts are served with the commissions.
            onboarding: Connection::open(product.api_port()).await?,
            campaigns: Connection::open(product.port(CAMPAIGNS)).await?,
        })
    }

    async fn journey(&mut self, number: u32, look_every: Duration) -> Result<()> {
        let partner = self.register(number).await?;
        let contract = self.drafted(&partner, look_every).await?;
        self.sign(&contract).await?;
        self.activate(&contract).await?;
        self.is_validated(&partner, look_every).await
    }

    async fn register(&mut self, number: u32) -> Result<String> {
        let body = json!({
            "business_name": format!("Partner {number}"), "email": format!("p{number}@example.com"),
            "partner_type": "INDIVIDUAL", "preferred_contract_type": "STANDARD", "registration_source": "API",
        });
        text(&self.partners.json("POST", "/v1/partners", &body.to_string()).await?, "partner_id")
    }

    async fn drafted(&mut self, partner: &str, look_every: Duration) -> Result<String> {
        let path = format!("/v1/contracts?partner_id={partner}");
        let is_there = |found: &Value| found["items"][0]["contract_id"].is_string();
        text(&until(&mut self.onboarding, &path, look_every, is_there).await?["items"][0], "contract_id")
    }

    async fn sign(&mut self, contract: &str) -> Result<()> {
        let sent = self.onboarding.json("POST", &format!("/v1/contracts/{contract}/send"), "{}").await?;
        for token in sent["signing_tokens"].as_array().context("somebody is to sign")? {
            let body = json!({ "token": token["token"] }).to_string();
            self.onboarding.json("POST", &format!("/v1/contracts/{contract}/signatures"), &body).await?;
        }
        Ok(())
    }

    async fn activate(&mut self, contract: &str) -> Result<()> {
        self.onboarding.json("POST", &format!("/v1/contracts/{contract}/activate"), "{}").await.map(drop)
    }

    async fn is_validated(&mut self, partner: &str, look_every: Duration) -> Result<()> {
        let path = format!("/v1/partners/{partner}");
        let is_so = |found: &Value| found["status"] == "VALIDATED";
        until(&mut self.partners, &path, look_every, is_so).await.map(drop)
    }

    async fn has_rights(&mut self, partner: &str, look_every: Duration) -> Result<()> {
        let path = format!("/v1/partners/{partner}/campaign-permissions");
        let has_them = |found: &Value| found["contract_id"].is_string();
        until(&mut self.campaigns, &path, look_every, has_them).await.map(drop)
    }
}

async fn until(
    connection: &mut Connection,
    path: &str,
    look_every: Duration,
    is_it: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let request = connection.request("GET", path, "");
    let since = Instant::now();
    let mut looks = interval(look_every);
    loop {
        looks.tick().await;
        match connection.send(&request).await? {
            200 => {
                let found: Value = serde_json::from_slice(connection.body())?;
                if is_it(&found) {
                    return Ok(found);
                }
            }
            404 => {}
            status => bail!("{path}: {status} {}", String::from_utf8_lossy(connection.body())),
        }
        ensure!(since.elapsed() < PATIENCE, "{path} does not come to it");
    }
}

fn text(body: &Value, member: &str) -> Result<String> {
    Ok(body[member].as_str().with_context(|| format!("no {member} in {body}"))?.to_owned())
}
