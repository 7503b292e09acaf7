//! How soon what happens in one service has its last effect in the others, at a rate that leaves the cores idle.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use tokio::runtime::Runtime;

use super::clients::Clients;
use super::hops::{self, Effect, Sighting};
use crate::clock::microseconds;
use crate::load::{Pace, keep_busy};
use crate::process::Process;
use crate::report::{Aim, Line, Report};
use crate::stats::Latencies;

const CONNECTIONS: u32 = 64;
const RATE: u32 = 100;
/// Before it counts: topics are opened by the first event that goes there.
const WARM_UP: Duration = Duration::from_secs(3);
/// With the warm-up shorter than a server waits for a connection that says nothing, as those to the campaigns may.
const COUNTS_FOR: Duration = Duration::from_secs(20);
const LAST_EFFECT_MS: f64 = 50.0;
/// How often who measures looks, which is one of some: were it all of them, they would measure their own looking.
const LOOK_CLOSELY: Duration = Duration::from_millis(1);
/// The same of the others.
const LOOK_SELDOM: Duration = Duration::from_millis(25);

/// How the journeys of a rate begin.
struct Arrival {
    /// What `--only` calls it.
    part: &'static str,
    how: &'static str,
    pace: fn(Duration) -> Pace,
    /// One of how many is watched: of those that begin together, in turn the ones that are served first and last.
    closely_each: u32,
}

const ARRIVALS: [Arrival; 2] = [
    Arrival { part: "effects", how: "", pace: Pace::in_turn, closely_each: 4 },
    Arrival { part: "together", how: ", 64 at the same moment", pace: Pace::together, closely_each: 7 },
];

const CONTRACT: Effect = Effect {
    what: "registration to contract",
    topic: "persistent://hexabuilders/partner-management/partner-registration",
    service: "onboarding",
    handler: "registrations",
};
const STATUS: Effect = Effect {
    what: "activation to status",
    topic: "persistent://hexabuilders/onboarding/contract-activated",
    service: "partner-management",
    handler: "contract-activated",
};
const RIGHTS: Effect = Effect { what: "activation to rights", service: "campaign-management", ..STATUS };

/// When each effect was seen of those that were watched.
#[derive(Default)]
struct Watched {
    drafted: Vec<Sighting>,
    validated: Vec<Sighting>,
    permitted: Vec<Sighting>,
}

/// From the answer of a command until the services know of it that others ask about it, of each way to arrive that is
/// wanted.
pub(super) fn measure(
    runtime: &Runtime,
    is_wanted: impl Fn(&str) -> bool,
    report: &mut Report,
) -> Result<()> {
    for arrival in ARRIVALS.iter().filter(|arrival| is_wanted(arrival.part)) {
        let mut product = Process::start("up")?;
        product.ready(product.api_port(), "/health")?;
        at(runtime, &product, arrival, report)?;
        product.stop()?;
    }
    Ok(())
}

fn at(runtime: &Runtime, product: &Process, arrival: &Arrival, report: &mut Report) -> Result<()> {
    let next = Cell::new(0_u32);
    let watched = RefCell::new(Watched::default());
    let pace = (arrival.pace)(Duration::from_secs(1) * CONNECTIONS / RATE);
    let span = WARM_UP + COUNTS_FOR;
    let load = runtime.block_on(async {
        let opened = try_join_all((0..CONNECTIONS).map(|_| Clients::open(product))).await?;
        let begun = Instant::now();
        keep_busy(opened, Some(pace), span, async |clients: &mut Clients| {
            let number = next.replace(next.get() + 1);
            if number.is_multiple_of(arrival.closely_each) && begun.elapsed() >= WARM_UP {
                watch(clients, number, &watched).await
            } else {
                clients.journey(number, LOOK_SELDOM).await
            }
        })
        .await
    })?;
    let what = format!("{RATE} journeys/s{}", arrival.how);
    report.add(Line::new(format!("{what}: done"), "/s", load.rate));
    let Watched { drafted, validated, permitted } = watched.into_inner();
    let last = validated.iter().zip(&permitted).map(|(status, rights)| Sighting::last(status, rights));
    for (cause, latencies) in [
        (CONTRACT.what, drafted.iter().map(Sighting::took).collect::<Latencies>()),
        ("activation to status and rights", last.map(|last| last.took()).collect()),
    ] {
        report.add(Line::new(format!("{what}: {cause}, p50"), "ms", latencies.percentile_ms(50)));
        let p99 = Line::new(format!("{what}: {cause}, p99"), "ms", latencies.percentile_ms(99));
        report.add(p99.aim(Some(Aim::AtMost(LAST_EFFECT_MS))));
    }
    for (effect, seen) in [(CONTRACT, drafted), (STATUS, validated), (RIGHTS, permitted)] {
        for (hop, latencies) in runtime.block_on(hops::of(product, &effect, &seen))? {
            let what = format!("{what}: {}: {hop}", effect.what);
            report.add(Line::new(format!("{what}, p50"), "ms", latencies.percentile_ms(50)));
            report.add(Line::new(format!("{what}, p99"), "ms", latencies.percentile_ms(99)));
        }
    }
    Ok(())
}

/// Makes a journey, and notes when each effect was there.
async fn watch(clients: &mut Clients, number: u32, watched: &RefCell<Watched>) -> Result<()> {
    let asked = microseconds();
    let partner = clients.register(number).await?;
    let answered = microseconds();
    let contract = clients.drafted(&partner, LOOK_CLOSELY).await?;
    let drafted = Sighting { of: partner.clone(), asked, answered, seen: microseconds() };
    clients.sign(&contract).await?;
    let asked = microseconds();
    clients.activate(&contract).await?;
    let answered = microseconds();
    let [validated, permitted] = clients.followed(&partner, LOOK_CLOSELY).await?.map(|seen| Sighting {
        of: contract.clone(),
        asked,
        answered,
        seen,
    });
    let mut watched = watched.borrow_mut();
    watched.drafted.push(drafted);
    watched.validated.push(validated);
    watched.permitted.push(permitted);
    Ok(())
}
