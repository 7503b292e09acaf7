//! `hexalpes relay create|pause|resume|restart|delete|resnapshot|skip|retry|parked|lag`: what is done with relays, those of
//! our services and those of outboxes that others write.
//!
//! Sources are asked for where the commission API is: whoever runs the commissions runs the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    apis::{self, Answered, Api, Apis, Desk},
    ask,
    output::{Output, Row, line},
};
use crate::{
    services::Service,
    settings::{Settings, Usage},
};

const PATH: &str = "/admin/v3/sources";

#[derive(Subcommand)]
pub(super) enum Deed {
    /// Publish an outbox that another program writes, from its database's log
    ///
    /// FILE is what `pulsar-admin sources create` takes as --source-config-file, in JSON: the keys of Debezium's
    /// connectors for MySQL, MariaDB and PostgreSQL under `configs`. Keys that have no effect are told.
    Create {
        /// The configuration, in JSON
        file: PathBuf,
        /// Another name than that in the file
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Stop publishing until it is resumed
    Pause(Reasoned),
    /// Go on with what was paused
    Resume(Reasoned),
    /// Stop and start again, also after an alarm at which it ended
    Restart(Reasoned),
    /// Take a source away; made anew, it goes on where it was
    Delete {
        #[command(flatten)]
        reasoned: Reasoned,
        /// Forget how far it has come: made anew, it takes all rows again
        #[arg(long)]
        forget: bool,
    },
    /// Begin anew after a log was lost: of a service, with what is not marked as published; of a source, with all rows of
    /// its table, so that those on the topics come there twice
    Resnapshot(Reasoned),
    /// Go on at the end of the log: what lies between is never published; with --event, give up one event that is parked
    Skip {
        #[command(flatten)]
        reasoned: Reasoned,
        /// The id of an event that could not be published; those of its aggregate behind it go on
        #[arg(long)]
        event: Option<String>,
    },
    /// Try an event again that could not be published, and those of its aggregate behind it
    Retry {
        #[command(flatten)]
        reasoned: Reasoned,
        /// The event's id
        #[arg(long)]
        event: String,
    },
    /// The events that could not be published, and those that wait behind them
    Parked {
        /// A service such as `commissions`, or a source: NAME, or TENANT/NAMESPACE/NAME
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// How far each source is behind
    Lag {
        #[command(flatten)]
        output: Output,
    },
}

/// Whose relay, and why something is done with it.
#[derive(Args)]
pub(super) struct Reasoned {
    /// A service such as `commissions`, or a source: NAME, or TENANT/NAMESPACE/NAME
    name: String,
    /// Why; it is written down
    #[arg(long)]
    reason: String,
}

impl Deed {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        let apis = Apis::of(settings)?;
        match self {
            Self::Create { file, name, output } => create(&apis, &file, name, output).await,
            Self::Pause(order) => order.give(settings, &apis, "pause").await,
            Self::Resume(order) => order.give(settings, &apis, "resume").await,
            Self::Restart(order) => order.give(settings, &apis, "restart").await,
            Self::Resnapshot(order) => order.give(settings, &apis, "resnapshot").await,
            Self::Skip { reasoned: order, event: None } => order.give(settings, &apis, "skip").await,
            Self::Skip { reasoned: order, event: Some(event) } => {
                order.of_parked(settings, &apis, "skip", &event).await
            }
            Self::Retry { reasoned: order, event } => order.of_parked(settings, &apis, "retry", &event).await,
            Self::Delete { reasoned: Reasoned { name, reason }, forget } => {
                done(&apis, &name, "delete", &reason, forget).await
            }
            Self::Parked { name, output } => {
                let mut answer = if is_service(&name) {
                    let desk = Desk::named(settings, &name, &apis::http()?)?;
                    desk.get("/debug/relay/parked").await?.expect(&[200])?
                } else {
                    told(apis.get(Api::Seed, &format!("{}/relay/parked", path(&name)?)).await?)?
                };
                let columns = ["number", "id", "aggregateid", "reason", "parked_at", "turn"];
                output.rows(&columns, &ask::rows(answer["items"].take())?)
            }
            Self::Lag { output } => {
                let columns = ["name", "state", "lagLogBytes", "alarm"];
                output.rows(&columns, &all(&apis).await?)
            }
        }
    }
}

impl Reasoned {
    /// To the relay of a service, or to a source.
    async fn give(self, settings: &Settings, apis: &Apis, verb: &str) -> Result<()> {
        let Self { name, reason } = self;
        if !is_service(&name) {
            return done(apis, &name, verb, &reason, false).await;
        }
        let desk = Desk::named(settings, &name, &apis::http()?)?;
        desk.post(&format!("/debug/relay/{verb}"), &json!({ "reason": reason })).await?.expect(&[200])?;
        line(&format!("{name}: {verb} is done"))
    }

    async fn of_parked(self, settings: &Settings, apis: &Apis, verb: &str, event: &str) -> Result<()> {
        let Self { name, reason } = self;
        let order = json!({ "reason": reason, "event_id": event });
        if is_service(&name) {
            let desk = Desk::named(settings, &name, &apis::http()?)?;
            desk.post(&format!("/debug/relay/parked/{verb}"), &order).await?.expect(&[200])?;
        } else {
            let to = format!("{}/relay/parked/{verb}", path(&name)?);
            told(apis.post(Api::Seed, &to, &order).await?)?;
        }
        line(&format!("{name}: {verb} of {event} is done"))
    }
}

fn is_service(name: &str) -> bool {
    Service::CONTEXTS.iter().any(|service| service.name() == name)
}

/// All sources that run here.
pub(super) async fn all(apis: &Apis) -> Result<Vec<Row>> {
    ask::rows(told(apis.get(Api::Seed, PATH).await?)?)
}

/// The same as rows beside those of services; none where no sources run.
pub(super) async fn listed(apis: &Apis) -> Vec<Row> {
    let mut rows = all(apis).await.unwrap_or_default();
    for row in &mut rows {
        let name = row.get("name").cloned().unwrap_or_default();
        row.insert("service".to_owned(), name);
    }
    rows
}

/// One by its name; none if there is no such source.
pub(super) async fn one(apis: &Apis, name: &str) -> Result<Value> {
    told(apis.get(Api::Seed, &format!("{}/relay", path(name)?)).await?)
}

async fn create(apis: &Apis, file: &Path, name: Option<String>, output: Output) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut config: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    if let Some(name) = name {
        config["name"] = name.into();
    }
    let part = |key: &str| config[key].as_str().map(str::to_owned);
    let name = part("name").with_context(|| format!("{}: name is missing; say --name", file.display()))?;
    let (tenant, namespace) = (part("tenant"), part("namespace"));
    let [tenant, namespace] =
        [tenant.as_deref().unwrap_or("public"), namespace.as_deref().unwrap_or("default")];
    let made = apis.post(Api::Seed, &path(&format!("{tenant}/{namespace}/{name}"))?, &config).await?;
    output.object(&told(made)?)
}

async fn done(apis: &Apis, name: &str, verb: &str, reason: &str, forget: bool) -> Result<()> {
    let body = json!({ "reason": reason, "forget": forget });
    let status = told(apis.post(Api::Seed, &format!("{}/relay/{verb}", path(name)?), &body).await?)?;
    let state = status["state"].as_str().unwrap_or("deleted");
    let why = status["alarm"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    line(&format!("{name}: {state}{why}"))
}

fn path(name: &str) -> Result<String> {
    let name = if name.contains('/') { name.to_owned() } else { format!("public/default/{name}") };
    let parts = name.split('/').filter(|part| !part.is_empty()).count();
    ensure!(
        parts == 3 && name.matches('/').count() == 2,
        Usage(format!("{name} is no source: write NAME, or TENANT/NAMESPACE/NAME"))
    );
    Ok(format!("{PATH}/{name}"))
}

/// The body, or why it was refused.
fn told(answered: Answered) -> Result<Value> {
    match answered.body["reason"].as_str() {
        Some(reason) if answered.status >= 400 => Err(anyhow::anyhow!("{reason}")),
        _ => answered.expect(&[200]),
    }
}
