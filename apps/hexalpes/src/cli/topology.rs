//! `hexalpes topology plan` and `hexalpes topology apply`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use hexalpes_topology::{Change, Plan, Route, Step, Topology as Wanted};

use super::{
    ask,
    output::{Format, Output, line, row},
};
use crate::{
    settings::{Settings, Usage},
    topology,
};

#[derive(Subcommand)]
pub(super) enum Topology {
    /// Show how the broker differs from a file, and where its rules send rows of outboxes; nothing is changed
    Plan {
        /// A TOML file of tenants, namespaces, topics and subscriptions; without one, the topics of this platform
        file: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Make the broker as a file says: create what is missing, change what differs
    ///
    /// It may be repeated. Nothing is deleted without --prune, and partitions are never taken away. Topics of dead
    /// letters and retries always stay.
    Apply {
        /// A TOML file of tenants, namespaces, topics and subscriptions; without one, the topics of this platform
        file: Option<PathBuf>,
        /// Also list the topics, subscriptions and permissions that are only there, and with --yes delete them
        #[arg(long)]
        prune: bool,
        /// Delete what --prune lists, topics with all they hold
        #[arg(long, requires = "prune")]
        yes: bool,
    },
}

impl Topology {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::Plan { file, output } => {
                let wanted = wanted(file)?;
                let plan = Plan::make(&wanted, &ask::admin(settings).await?).await?;
                let routes = wanted.routes().map(|(name, route)| ruled(name, route));
                let rows: Vec<_> = plan.steps.iter().map(shown).chain(routes).collect();
                if rows.is_empty() && output.format == Format::Table {
                    return line("nothing differs");
                }
                output.rows(&["change", "what", "from", "to"], &rows)
            }
            Self::Apply { file, prune, yes } => apply(settings, &wanted(file)?, prune, yes).await,
        }
    }
}

fn wanted(file: Option<PathBuf>) -> Result<Wanted> {
    match file {
        Some(path) => Wanted::read(&path).map_err(|error| Usage(error.to_string()).into()),
        None => topology::platform(),
    }
}

fn shown(step: &Step) -> super::output::Row {
    let change = match step.change {
        Change::Create => "create",
        Change::Change => "change",
        Change::OnlyThere => "only there",
    };
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned()).into();
    row([
        ("change", change.into()),
        ("what", step.what.clone().into()),
        ("from", text(&step.from)),
        ("to", text(&step.to)),
    ])
}

/// A rule, which relays follow and no broker knows of.
fn ruled(name: &str, route: &Route) -> super::output::Row {
    row([
        ("change", "route".into()),
        ("what", format!("{name}: {route}").into()),
        ("from", serde_json::Value::Null),
        ("to", route.rule.spec().topic.clone().into()),
    ])
}

async fn apply(settings: &Settings, wanted: &Wanted, prune: bool, yes: bool) -> Result<()> {
    let admin = ask::admin(settings).await?;
    let plan = Plan::make(wanted, &admin).await?;
    // Who reads may have had enough; the work is done all the same.
    let tell = |step: &Step| drop(line(&step.to_string()));
    let left = "what is listed above is done; say it again when that is mended";
    let applied = plan.apply(&admin, tell).await.context(left)?;
    line(&format!("created {}, changed {}", applied.created, applied.changed))?;
    if !prune {
        return Ok(());
    }
    for step in plan.prunable() {
        let loses = if step.from.is_empty() { String::new() } else { format!(" ({})", step.from) };
        line(&format!("{} {}{loses}", if yes { "deletes" } else { "would delete" }, step.what))?;
    }
    if !yes && plan.prunable().next().is_some() {
        return line("nothing is deleted yet: --yes does it");
    }
    let pruned = plan.prune(&admin, |_| {}).await?;
    line(&format!("deleted {}", pruned.deleted))
}
