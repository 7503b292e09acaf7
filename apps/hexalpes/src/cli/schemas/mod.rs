//! `hexalpes schemas`: what topics carry, and whether what is to come would break a reader.

mod check;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use hexalpes_client::{Client, TopicName, VersionedSchema, version_number};
use hexalpes_registry::kind_name;

use super::{
    ask,
    output::{Format, Output, line, row},
};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Schemas {
    /// The newest schema of each topic of a namespace, or of all namespaces of a tenant
    List {
        /// `tenant/namespace` or `tenant`
        #[arg(default_value = "hexabuilders")]
        of: String,
        #[command(flatten)]
        output: Output,
    },
    /// The schema of a topic: its definition, as it was registered
    Get {
        /// `name`, `tenant/namespace/name` or the whole `persistent://…`
        topic: TopicName,
        /// Another than the newest; the first is 0
        #[arg(long)]
        version: Option<u64>,
        #[command(flatten)]
        output: Output,
    },
    /// Refuse a change of the schema files that would break a reader, naming the field and the reader
    ///
    /// Each `{context}/{Event}.v{N}.avsc` must be able to follow all versions before it, so that whoever reads with one
    /// reads what any other wrote (FULL). What the topics of the running broker have registered is compared, too: a version
    /// that was published does not change. All is well: 0; any refusal: 1.
    Check {
        /// The folder with the files; without one, those of this release
        folder: Option<PathBuf>,
        /// Compare the files among themselves alone, without a broker
        #[arg(long)]
        offline: bool,
    },
}

impl Schemas {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::List { of, output } => list(settings, of, output).await,
            Self::Get { topic, version, output } => get(settings, &topic, version, output).await,
            Self::Check { folder, offline } => check::run(settings, folder, offline).await,
        }
    }
}

async fn list(settings: &Settings, of: String, output: Output) -> Result<()> {
    let (admin, client) = (ask::admin(settings).await?, ask::broker(settings).await?);
    let namespaces = if of.contains('/') { vec![of] } else { admin.namespaces(&of).await? };
    let mut rows = Vec::new();
    for namespace in namespaces {
        let mut topics: Vec<String> = admin
            .topics(&namespace)
            .await
            .with_context(|| format!("the topics of {namespace} cannot be listed"))?
            .iter()
            .filter_map(|name| Some(TopicName::parse(name).ok()?.without_partition().to_string()))
            .collect();
        topics.sort();
        topics.dedup();
        for topic in topics {
            let Some(newest) = client.schema(&topic, None).await? else { continue };
            rows.push(row([
                ("topic", topic.into()),
                ("type", kind_name(newest.schema.kind).into()),
                ("version", number(&newest).into()),
                ("record", record_of(&newest).into()),
            ]));
        }
    }
    output.rows(&["topic", "type", "version", "record"], &rows)
}

async fn get(settings: &Settings, topic: &TopicName, version: Option<u64>, output: Output) -> Result<()> {
    let client = ask::broker(settings).await?;
    let Some(found) = of_version(&client, &topic.to_string(), version).await? else {
        match version {
            Some(version) => bail!("{topic} has no schema of version {version}"),
            None => bail!("{topic} has no schema; `hexalpes schemas list` shows what there is"),
        }
    };
    let definition = String::from_utf8_lossy(&found.schema.definition);
    if output.format == Format::Table {
        return line(&definition);
    }
    let definition = serde_json::from_str(&definition).unwrap_or_else(|_| definition.into_owned().into());
    output.rows(
        &[],
        &[row([
            ("topic", topic.to_string().into()),
            ("type", kind_name(found.schema.kind).into()),
            ("version", number(&found).into()),
            ("schema", definition),
        ])],
    )
}

async fn of_version(client: &Client, topic: &str, version: Option<u64>) -> Result<Option<VersionedSchema>> {
    let bytes = version.map(|version| version.to_be_bytes().to_vec().into());
    Ok(client.schema(topic, bytes.as_ref()).await?)
}

/// The version as a number; brokers give it in eight bytes.
fn number(found: &VersionedSchema) -> u64 {
    version_number(&found.version).unwrap_or(0)
}

fn record_of(found: &VersionedSchema) -> Option<String> {
    let definition: serde_json::Value = serde_json::from_slice(&found.schema.definition).ok()?;
    let (namespace, name) = (definition["namespace"].as_str()?, definition["name"].as_str()?);
    Some(format!("{namespace}.{name}"))
}
