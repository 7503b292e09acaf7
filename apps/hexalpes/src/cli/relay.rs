//! `hexalpes relay status`, `hexalpes relay list` and `hexalpes relay once`; what is done with relays is in [`sources`].

use anyhow::{Result, bail};
use clap::Subcommand;
use hexalpes_client::Client;
use serde_json::{Map, Value, json};
use tokio::time::{self, Instant};

use super::{
    apis::{Api, Apis, Desk, LOOK_EVERY, PATIENCE, pending},
    ask,
    output::{Output, line},
    sources,
};
use crate::{
    services::{self, LoneRelay, Service},
    settings::Settings,
};

#[derive(Subcommand)]
pub(super) enum Relay {
    /// Whether they run, what they have carried, what is left: of all services together, and of each
    Status {
        /// A source that others write: NAME, or TENANT/NAMESPACE/NAME
        #[arg(conflicts_with = "service")]
        source: Option<String>,
        /// Of this service alone
        #[arg(long)]
        service: Option<Service>,
        #[command(flatten)]
        output: Output,
    },
    /// The same, a row for each service, and for each source that others write
    List {
        /// Of this service alone
        #[arg(long)]
        service: Option<Service>,
        #[command(flatten)]
        output: Output,
    },
    /// Publish what is pending in the outbox of each context, and say how many rows went from 0 to 1
    ///
    /// Where the product publishes by itself, it waits until nothing is pending; where it was started with --no-relay,
    /// it does the publishing, from the databases on this machine.
    Once,
    #[command(flatten)]
    Source(sources::Deed),
}

impl Relay {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Status { source: Some(source), output, .. } => {
                output.object(&sources::one(&Apis::of(settings)?, &source).await?)
            }
            Self::Status { source: None, service, output } => {
                let mut statuses = Desk::asked(settings, service, "/debug/relay").await?;
                match (service, statuses.pop()) {
                    (Some(_), Some((_, one))) => output.object(&one),
                    (_, last) => {
                        statuses.extend(last);
                        output.object(&together(&statuses))
                    }
                }
            }
            Self::List { service, output } => {
                let answers = Desk::asked(settings, service, "/debug/relay").await?;
                let mut rows = ask::rows(answers.into_iter().map(|(_, status)| status).collect())?;
                if service.is_none() {
                    rows.extend(sources::listed(&Apis::of(settings)?).await);
                }
                let columns = [
                    "service",
                    "running",
                    "numReceivedFromSource",
                    "numWritten",
                    "lagRows",
                    "lagSeconds",
                    "parked",
                    "alarm",
                ];
                output.rows(&columns, &rows)
            }
            Self::Once => once(settings).await,
            Self::Source(deed) => deed.run(settings).await,
        }
    }
}

/// What relays say together: they run if all do; amounts are sums, the lag is the longest, and who waits is named.
fn together(statuses: &[(Service, Value)]) -> Value {
    let numbers = |name: &'static str| statuses.iter().filter_map(move |(_, one)| one[name].as_u64());
    let sum = |name| numbers(name).sum::<u64>();
    let told = |name: &str| {
        let told = statuses.iter().filter_map(|(service, one)| Some((service.name(), one[name].as_str()?)));
        let told: Vec<String> = told.map(|(service, why)| format!("{service}: {why}")).collect();
        (!told.is_empty()).then(|| told.join("; "))
    };
    let services: Map<String, Value> =
        statuses.iter().map(|(service, one)| (service.name().to_owned(), one.clone())).collect();
    json!({
        "running": statuses.iter().all(|(_, one)| one["running"] == true),
        "standby": told("standby"),
        "numReceivedFromSource": sum("numReceivedFromSource"),
        "numWritten": sum("numWritten"),
        "lagRows": sum("lagRows"),
        "lagBytes": sum("lagBytes"),
        "lagSeconds": numbers("lagSeconds").max().unwrap_or_default(),
        "parked": sum("parked"),
        "alarm": told("alarm"),
        "services": services,
    })
}

pub(super) async fn once(settings: &Settings) -> Result<()> {
    let apis = Apis::of(settings)?;
    let mut published = 0;
    for (service, api) in Service::CONTEXTS.into_iter().zip(Api::CONTEXTS) {
        let name = service.name();
        let found = pending(&apis, api).await?;
        let relay = apis.get(api, &format!("{}/debug/relay", api.desk())).await?.expect(&[200])?;
        let who = if relay["running"] == true { "its relay" } else { "this command" };
        if found > 0 {
            if relay["running"] == true {
                until_published(&apis, api, None).await?;
            } else {
                carry(settings, service, &apis, api, ask::broker(settings).await?).await?;
            }
        }
        match found {
            0 => line(&format!("{name}: nothing is pending"))?,
            rows => line(&format!("{name}: {rows} rows went from published 0 to 1, carried by {who}"))?,
        }
        published += found;
    }
    line(&format!("published {published}, pending 0"))
}

/// Publishes in the place of a relay that does not run.
async fn carry(settings: &Settings, service: Service, apis: &Apis, api: Api, client: Client) -> Result<()> {
    let relay = services::relay_alone(settings, service, client).await?;
    let published = until_published(apis, api, Some(&relay)).await;
    relay.stop().await;
    published
}

/// Waits until no row is pending, as long as some go out.
async fn until_published(apis: &Apis, api: Api, ours: Option<&LoneRelay>) -> Result<()> {
    let (mut left, mut since) = (usize::MAX, Instant::now());
    loop {
        let rows = pending(apis, api).await?;
        if rows == 0 {
            return Ok(());
        }
        if rows < left {
            (left, since) = (rows, Instant::now());
        }
        let alarm = if let Some(relay) = ours {
            relay.alarm()
        } else {
            let relay = apis.get(api, &format!("{}/debug/relay", api.desk())).await?.expect(&[200])?;
            relay["alarm"].as_str().map(str::to_owned)
        };
        if since.elapsed() > PATIENCE {
            let why = alarm.unwrap_or_else(|| "is the broker there?".to_owned());
            bail!("{rows} rows stay pending, and none went out for {PATIENCE:?}: {why}");
        }
        time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_run_together_if_all_do_and_who_waits_is_named() {
        let status = |is_running: bool, rows: u64, alarm: Option<&str>| json!({ "running": is_running, "lagRows": rows, "lagSeconds": rows, "numWritten": 2, "parked": 1, "alarm": alarm });
        let two = |alarm: Option<&str>| {
            let waits = status(alarm.is_none(), 3, alarm);
            together(&[(Service::Commissions, status(true, 4, None)), (Service::Onboarding, waits)])
        };
        let well = two(None);
        assert_eq!((&well["running"], &well["alarm"]), (&json!(true), &Value::Null));
        assert_eq!(
            (&well["lagRows"], &well["lagSeconds"], &well["numWritten"]),
            (&json!(7), &json!(4), &json!(4))
        );
        assert_eq!(well["parked"], 2);
        let waits = two(Some("no broker"));
        assert_eq!((&waits["running"], &waits["alarm"]), (&json!(false), &json!("onboarding: no broker")));
        assert_eq!(waits["services"]["commissions"]["lagRows"], 4);
    }
}
