//! `hexalpes demo reset`: everything that was stored is gone, and the next start is the first.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use hexalpes_db::Backend;

use super::super::output::line;
use crate::{
    claims::{self, Claims, Part},
    services::{EVENTS_FILE, SECRET_KEY, SOURCES, Service},
    settings::{Key, Settings},
};

/// Databases and broker go together: sequence ids of one mean nothing to another's deduplication.
pub(super) fn run(settings: &Settings, yes: bool) -> Result<()> {
    let data = settings.data();
    ensure!(data.is_dir(), "the data folder {} is not there: there is nothing to reset", data.display());
    for service in Service::ALL {
        let url = settings.database(service)?;
        let own = data.join(format!("{}.db", service.name()));
        ensure!(
            url.backend() == Backend::Sqlite && url.to_string() == format!("sqlite:{}", own.display()),
            "{url} is not in the data folder: reset removes nothing that lies elsewhere; unset {} and \
             DATABASE_URL, or empty it yourself",
            service.database_key().variable()
        );
    }
    ensure!(
        settings.sources()? == settings.sources_beside_the_data(),
        "sources are not kept in the data folder: reset removes nothing that lies elsewhere; unset {}, or take them away with \
         `hexalpes relay delete NAME --forget --reason …`",
        Key::SourcesDatabaseUrl.variable()
    );
    let _claims = Claims::take(&data, Part::all())?;
    let ours = ours(settings).with_context(|| format!("{} cannot be read", data.display()))?;
    if has_sources(&data.join(SOURCES)) {
        line(
            "what a source of PostgreSQL left on its server stays there, and keeps log: before the reset, `hexalpes relay delete \
             NAME --forget --reason …` drops its slot",
        )?;
    }
    if !yes {
        for path in &ours {
            line(&format!("would remove {}", path.display()))?;
        }
        return line("nothing is removed yet: --yes does it");
    }
    for path in &ours {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.with_context(|| format!("{} cannot be removed", path.display()))?;
        line(&format!("removed {}", path.display()))?;
    }
    line(&format!("{} is as before the first start", data.display()))
}

/// Whether any were made: beside the list, each has a database of its own.
fn has_sources(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "db")).count() > 1
}

/// What is there of ours, the claims last: until all else is gone, nobody else is to begin. Somebody else's files in that
/// folder stay.
fn ours(settings: &Settings) -> io::Result<Vec<PathBuf>> {
    let is_ours = |name: &str| {
        let of_a_database = Service::ALL.iter().any(|service| {
            name.strip_prefix(service.name())
                .is_some_and(|rest| [".db", ".db-wal", ".db-shm"].contains(&rest))
        });
        let (stem, ending) = EVENTS_FILE.split_once('.').expect("the file has an ending");
        // Full ones are put aside under the same stem and ending, with a mark between.
        let of_the_trail = name == EVENTS_FILE
            || name
                .strip_prefix(stem)
                .and_then(|rest| rest.strip_suffix(ending))
                .is_some_and(|mark| mark.starts_with(['-', '.']));
        name == "backbone" || [SECRET_KEY, SOURCES].contains(&name) || of_a_database || of_the_trail
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(settings.data())? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_ours) {
            found.push(entry.path());
        }
    }
    found.sort();
    found.push(claims::folder(&settings.data()));
    Ok(found)
}
