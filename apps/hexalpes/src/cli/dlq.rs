//! `hexalpes dlq`: dead letters, and what becomes of them.

use std::collections::BTreeMap;
use std::{fmt::Display, fs, path::PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use futures::FutureExt as _;
use hexalpes_client::TopicName;
use hexalpes_desk::{
    found,
    letters::{Decided, Held, Letter, LettersError, SUFFIX, waiting},
};
use serde_json::{Value, json, value::RawValue};

use super::{
    aliases,
    apis::{self, Desk},
    ask,
    output::{Output, Row, line, row},
};
use crate::settings::{Settings, Usage};

/// Tenants whose topics are looked through.
const TENANTS: [&str; 2] = ["public", "hexabuilders"];

#[derive(Subcommand)]
pub(super) enum Dlq {
    /// The topics of dead letters and how many wait there; of one topic, the dead letters themselves
    List {
        /// `{topic}-{service}-dlq`, as the list without it shows
        topic: Option<TopicName>,
        #[command(flatten)]
        output: Output,
    },
    /// A dead letter with all that is known of it: what it said, why it was refused, how often it was tried
    Show {
        /// `{topic}-{service}-dlq`, as `dlq list` shows them
        topic: TopicName,
        /// Its id, as `dlq list TOPIC` shows it
        event: String,
        #[command(flatten)]
        output: Output,
    },
    /// Have dead letters handled after all, and let their keys go on
    ///
    /// The later ones of a key stand behind the first, so a key is replayed as a whole, in its order; what is refused again
    /// stays, with those behind it. The handler acts at once, and an event tells of it.
    Replay {
        /// `{topic}-{service}-dlq`, as `dlq list` shows them
        topic: TopicName,
        #[command(flatten)]
        which: Which,
        /// Give the handler this data instead, a JSON object in a file; with one --event
        #[arg(long, value_name = "FILE", requires = "event")]
        edit: Option<PathBuf>,
    },
    /// Decide that nobody will handle them, and let their keys go on; an event tells of it
    Drop {
        /// `{topic}-{service}-dlq`, as `dlq list` shows them
        topic: TopicName,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct Which {
    /// The key of this one as a whole; may be said more than once
    #[arg(long, value_name = "ID")]
    event: Vec<String>,
    /// A key as a whole; may be said more than once
    #[arg(long)]
    key: Vec<String>,
    /// All that are there
    #[arg(long)]
    all: bool,
}

impl From<Which> for hexalpes_desk::letters::Which {
    fn from(which: Which) -> Self {
        Self { events: which.event, keys: which.key, all: which.all, first: None }
    }
}

fn shown(letter: &Letter) -> Row {
    let text = |name: &str| letter.message.property(name).map(str::to_owned);
    row([
        ("event", text("dlq_event_id").into()),
        ("type", letter.kind().into()),
        ("key", letter.key().into()),
        ("code", text("dlq_code").into()),
        ("reason", text("dlq_reason").into()),
        ("runs", text("dlq_runs").into()),
        ("at", text("dlq_at").into()),
        ("subscription", text("dlq_subscription").into()),
        ("correlation_id", text("dlq_correlation_id").into()),
    ])
}

impl Dlq {
    pub(super) async fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::List { topic: None, output } => topics(settings, output).await,
            Self::List { topic: Some(topic), output } => {
                let held = open(settings, topic).await?;
                let rows: Vec<Row> = held.letters().iter().map(shown).collect();
                held.close().await;
                output.rows(&["event", "type", "key", "code", "reason", "runs", "at"], &rows)
            }
            Self::Show { topic, event, output } => {
                let held = open(settings, topic).await?;
                let told = held.letter(&event).map(whole);
                held.close().await;
                output.object(&told?)
            }
            Self::Replay { topic, which, edit } => {
                ensure!(
                    edit.is_none() || which.event.len() == 1,
                    Usage("--edit is what one --event is to say".to_owned())
                );
                let data = edit.map(|path| edited(&path)).transpose()?;
                decide(settings, topic, which, "replay", data.as_deref()).await
            }
            Self::Drop { topic, which } => decide(settings, topic, which, "drop", None).await,
        }
    }
}

/// With all that is known of it.
fn whole(letter: &Letter) -> Value {
    let properties: BTreeMap<_, _> =
        letter.message.properties.iter().map(|(name, value)| (&**name, &**value)).collect();
    let said =
        serde_json::from_str(&letter.read.text).unwrap_or_else(|_| Value::from(letter.read.text.clone()));
    json!({ "key": letter.message.key, "properties": properties, "said": said })
}

fn edited(path: &PathBuf) -> Result<Box<RawValue>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let data: Box<RawValue> =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    ensure!(data.get().starts_with('{'), "{} is no JSON object", path.display());
    Ok(data)
}

/// The topics of dead letters, and how many wait.
async fn topics(settings: &Settings, output: Output) -> Result<()> {
    let admin = ask::admin(settings).await?;
    let mut rows = Vec::new();
    for tenant in TENANTS {
        // A tenant that nobody made has none.
        for namespace in found(admin.namespaces(tenant).await)?.unwrap_or_default() {
            let known = admin.topics(&namespace).await?;
            for name in known.into_iter().filter(|name| name.ends_with(SUFFIX)) {
                let topic = TopicName::parse(&name)?;
                let waiting = waiting(&admin, &topic).await?;
                rows.push(row([("topic", name.into()), ("waiting", waiting.into())]));
            }
        }
    }
    output.rows(&["topic", "waiting"], &rows)
}

async fn decide(
    settings: &Settings,
    topic: TopicName,
    which: Which,
    verb: &'static str,
    data: Option<&RawValue>,
) -> Result<()> {
    let held = open(settings, topic).await?;
    let http = apis::http()?;
    let ask = |service: &str, decision: Value| {
        let desk = Desk::named(settings, service, &http);
        async move { desk?.post(&format!("/debug/dead-letters/{verb}"), &decision).await?.expect(&[200]) }
            .boxed()
    };
    let told = |letter: &Letter, outcome: Result<&str, &dyn Display>| {
        // That nobody reads on is no reason to decide half of it.
        let _ = match outcome {
            Ok(outcome) => line(&format!("{}: {outcome}", letter.event_id())),
            Err(error) => line(&format!("{}: {error:#}", letter.event_id())),
        };
    };
    let decided = held.decide(&which.into(), data, ask, told).await;
    held.close().await;
    let Decided { done, stay } = decided?;
    if stay.is_empty() {
        return line(&format!("{done} decided"));
    }
    bail!("{done} decided; {} stay as they were: {}", stay.len(), stay.join(", "))
}

async fn open(settings: &Settings, topic: TopicName) -> Result<Held> {
    let client = ask::broker(settings).await?;
    Held::open(client, aliases::dead_letters(topic), None).await.map_err(|error| match error {
        LettersError::NoLetters { .. } => Usage(error.to_string()).into(),
        error => error.into(),
    })
}
