//! Whether schemas may follow one another, among files and against what a broker has.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use hexalpes_client::{AdminClient, Client, SchemaType, TopicName};
use hexalpes_contracts::schemas::SCHEMAS;
use hexalpes_desk::found;
use hexalpes_registry::{Definition, History, Incompatible, Judged, RegisterError, Strategy};

use super::{
    super::{ask, output::line},
    of_version,
};
use crate::settings::Settings;

/// Everybody who reads with one version reads what was written with any other.
const STRATEGY: Strategy = Strategy::FullTransitive;

/// `(context, event)`, and the versions from 1 on.
type Files = BTreeMap<(String, String), BTreeMap<u32, String>>;

pub(super) async fn run(settings: &Settings, folder: Option<PathBuf>, offline: bool) -> Result<()> {
    let files = match folder {
        Some(folder) => read(&folder)?,
        None => built_in(),
    };
    let mut refusals = Vec::new();
    for ((context, event), versions) in &files {
        refusals.extend(among(context, event, versions));
    }
    if !offline {
        let (client, admin) = (ask::broker(settings).await?, ask::admin(settings).await?);
        for ((context, event), versions) in &files {
            let Some(topic) = hexalpes_contracts::topic_of(&format!("com.hexabuilders.{context}.{event}"))
            else {
                continue;
            };
            refusals.extend(against(&client, &admin, topic, event, versions).await?);
        }
    }
    let count: usize = files.values().map(BTreeMap::len).sum();
    if refusals.is_empty() {
        return line(&format!("{count} schemas of {} events: all readers can go on", files.len()));
    }
    for refusal in &refusals {
        line(refusal)?;
    }
    bail!("{} of {count} schemas would break a reader", refusals.len())
}

fn built_in() -> Files {
    let mut files = Files::new();
    for schema in SCHEMAS {
        let versions = files.entry((schema.context.to_owned(), schema.event.to_owned())).or_default();
        versions.insert(schema.version, schema.definition.to_owned());
    }
    files
}

/// The files under a folder, by their names.
fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let unread = |path: &Path| format!("{} cannot be read", path.display());
    for context in fs::read_dir(folder).with_context(|| unread(folder))? {
        let context = context?.path();
        if !context.is_dir() {
            continue;
        }
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in fs::read_dir(&context).with_context(|| unread(&context))? {
            let path = file?.path();
            let Some((event, version)) = parts(&name(&path)) else {
                bail!("{} is not called {{Event}}.v{{N}}.avsc", path.display())
            };
            let text = fs::read_to_string(&path).with_context(|| unread(&path))?;
            files.entry((name(&context), event)).or_default().insert(version, text);
        }
    }
    Ok(files)
}

fn parts(name: &str) -> Option<(String, u32)> {
    let (event, version) = name.strip_suffix(".avsc")?.rsplit_once(".v")?;
    Some((event.to_owned(), version.parse().ok().filter(|version| *version > 0)?))
}

fn avro(text: &str) -> Definition {
    Definition::new(SchemaType::Avro, text.to_owned())
}

/// What is wrong with the versions of one event, one after the other.
fn among(context: &str, event: &str, versions: &BTreeMap<u32, String>) -> Vec<String> {
    let (mut history, mut refusals) = (History::default(), Vec::new());
    for (expected, (version, text)) in (1..).zip(versions) {
        let place = format!("{context}/{event}.v{version}.avsc");
        if *version != expected {
            refusals.push(format!("{place}: version {expected} is missing"));
            return refusals;
        }
        match history.judge(&avro(text), STRATEGY, true, 0) {
            Ok(Judged::New(new)) => history.add(new),
            Ok(Judged::Known(number)) => {
                refusals.push(format!("{place} says the same as version {}", number + 1));
            }
            Err(error) => {
                refusals.push(format!("{place}: {}", told(&error, |number| format!("v{}", number + 1))));
                // Those after it are judged by those before it.
                return refusals;
            }
        }
    }
    refusals
}

/// Who cannot read, and which field.
fn told(error: &RegisterError, name: impl Fn(u64) -> String) -> String {
    match error {
        RegisterError::Incompatible(Incompatible::NewReadsOld { version, mismatch, .. }) => {
            format!(
                "a reader with this schema cannot read what was written with {}: {mismatch}",
                name(*version)
            )
        }
        RegisterError::Incompatible(Incompatible::OldReadsNew { version, mismatch, .. }) => {
            format!(
                "a reader with {} cannot read what is written with this schema: {mismatch}",
                name(*version)
            )
        }
        other => other.to_string(),
    }
}

/// What is wrong with the versions of one event for those who read its topic.
async fn against(
    client: &Client,
    admin: &AdminClient,
    topic: &'static str,
    event: &str,
    versions: &BTreeMap<u32, String>,
) -> Result<Vec<String>> {
    let registered = registered(client, topic).await?;
    if registered.iter().any(|known| known.kind != SchemaType::Avro) || registered.is_empty() {
        return Ok(Vec::new());
    }
    let mut history = History::default();
    for known in &registered {
        if let Judged::New(new) = history.judge(known, Strategy::AlwaysCompatible, true, 0)? {
            history.add(new);
        }
    }
    let readers = found(admin.subscriptions(&TopicName::parse(topic)?).await)?.unwrap_or_default();
    let readers = if readers.is_empty() { "nobody yet".to_owned() } else { readers.join(", ") };
    let mut refusals = Vec::new();
    for (version, text) in versions {
        let definition = avro(text);
        if history.find(&definition).is_some() {
            continue;
        }
        if let Err(error) = history.check(&definition, STRATEGY) {
            let why = told(&error, |number| format!("version {number} of {topic}"));
            refusals.push(format!("{event}.v{version}.avsc: {why}; it is read by {readers}"));
        }
    }
    Ok(refusals)
}

/// All versions that the topic has, the oldest first.
async fn registered(client: &Client, topic: &str) -> Result<Vec<Definition>> {
    let Some(newest) = of_version(client, topic, None).await? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for version in 0..super::number(&newest) {
        if let Some(known) = of_version(client, topic, Some(version)).await? {
            all.push(Definition::new(known.schema.kind, known.schema.definition));
        }
    }
    all.push(Definition::new(newest.schema.kind, newest.schema.definition));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &str) -> String {
        format!(r#"{{"type":"record","name":"A","namespace":"x","fields":[{fields}]}}"#)
    }

    fn refused(texts: &[String]) -> Vec<String> {
        among("sales", "Sold", &(1..).zip(texts.iter().cloned()).collect())
    }

    /// Accepts S0-SCH-4.
    #[test]
    fn a_change_that_would_break_a_reader_is_refused_by_field_and_reader() {
        let id = r#"{"name":"id","type":"string"}"#;
        let phone = r#"{"name":"phone","type":"string"}"#;
        let optional = r#"{"name":"phone","type":["null","string"],"default":null}"#;
        assert_eq!(refused(&[record(id), record(&format!("{id},{optional}"))]), Vec::<String>::new());
        assert_eq!(
            refused(&[record(id), record(&format!("{id},{phone}"))]),
            [
                "sales/Sold.v2.avsc: a reader with this schema cannot read what was written with v1: field phone is not \
              written and has no default"
            ]
        );
        assert_eq!(
            refused(&[record(&format!("{id},{phone}")), record(id)]),
            [
                "sales/Sold.v2.avsc: a reader with v1 cannot read what is written with this schema: field phone is not \
              written and has no default"
            ]
        );
        assert_eq!(
            among("sales", "Sold", &BTreeMap::from([(2, record(id))])),
            ["sales/Sold.v2.avsc: version 1 is missing"]
        );
    }

    #[test]
    fn the_schemas_of_this_release_break_no_reader() {
        for ((context, event), versions) in built_in() {
            assert_eq!(among(&context, &event, &versions), Vec::<String>::new());
        }
    }

    #[test]
    fn a_files_name_says_its_event_and_version() {
        assert_eq!(parts("Sold.v12.avsc"), Some(("Sold".to_owned(), 12)));
        for wrong in ["Sold.avsc", "Sold.v0.avsc", "Sold.vx.avsc", "Sold.v1.json"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
