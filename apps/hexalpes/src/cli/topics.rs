//! `hexalpes topics list` and `hexalpes topics stats`.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use hexalpes_client::TopicName;

use super::{
    ask,
    output::{Output, row},
};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Topics {
    /// The topics of a namespace, or of all namespaces of a tenant
    List {
        /// `tenant/namespace` or `tenant`
        #[arg(default_value = "public/default")]
        of: String,
        #[command(flatten)]
        output: Output,
    },
    /// What the broker counts for a topic
    Stats {
        /// `name`, `tenant/namespace/name` or the whole `persistent://…`
        topic: TopicName,
        #[command(flatten)]
        output: Output,
    },
}

impl Topics {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::List { of, output } => {
                let admin = ask::admin(settings).await?;
                let namespaces = if of.contains('/') {
                    vec![of]
                } else {
                    let known = admin.namespaces(&of).await;
                    known.with_context(|| format!("the namespaces of tenant {of} cannot be listed"))?
                };
                let mut rows = Vec::new();
                for namespace in namespaces {
                    let topics = admin.topics(&namespace).await;
                    let topics =
                        topics.with_context(|| format!("the topics of {namespace} cannot be listed"))?;
                    rows.extend(topics.into_iter().map(|topic| row([("topic", topic.into())])));
                }
                output.rows(&["topic"], &rows)
            }
            Self::Stats { topic, output } => {
                let admin = ask::admin(settings).await?;
                // Of a topic with partitions, all of them together: the broker has nothing of its own to say of it.
                let stats = match admin.partitions(&topic).await {
                    Ok(1..) => admin.partitioned_stats(&topic).await,
                    Ok(0) | Err(_) => admin.stats(&topic).await,
                };
                output.object(&stats.with_context(|| {
                    format!("{topic} cannot be asked for; `hexalpes topics list` shows what there is")
                })?)
            }
        }
    }
}
