//! `hexalpes.toml`: one line a setting, under the names that `hexalpes config show` prints.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use toml::{Table, Value};

use super::{Flags, KEYS, Key, Origin, nearest::nearest};

/// Names another file.
pub(super) const VARIABLE: &str = "HEXALPES_CONFIG";
const BUILT_IN: &str = "hexalpes.toml";

/// What the file sets. A file that somebody named must be there; the one in the working folder may be.
pub(super) fn read(
    flags: &Flags,
    environment: &[(OsString, OsString)],
) -> Result<Vec<(Key, String, Origin)>> {
    let variable = environment.iter().find(|(name, value)| name == VARIABLE && !value.is_empty());
    let named = flags.config.clone().or_else(|| variable.map(|(_, value)| PathBuf::from(value)));
    let is_named = named.is_some();
    let path = named.unwrap_or_else(|| PathBuf::from(BUILT_IN));
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => return Ok(Vec::new()),
        text => text.with_context(|| format!("the settings file {} cannot be read", path.display()))?,
    };
    parse(&text, &path)
}

pub(super) fn parse(text: &str, path: &Path) -> Result<Vec<(Key, String, Origin)>> {
    let shown = path.display();
    let table: Table = match text.parse() {
        Ok(table) => table,
        // Its whole words have several lines and draw a picture.
        Err(error) => {
            bail!("the settings file {shown} is no TOML: {}{}", error.message(), line(text, &error))
        }
    };
    table
        .into_iter()
        .map(|(name, value)| {
            let Some(key) = KEYS.iter().find(|key| key.name() == name) else {
                let names: Vec<String> = KEYS.iter().map(|key| key.name()).collect();
                match nearest(&name, names.iter().map(String::as_str)) {
                    Some(meant) => bail!("{shown}: there is no setting {name}; did you mean {meant}?"),
                    None => bail!("{shown}: there is no setting {name}; `hexalpes --help` lists all"),
                }
            };
            let value = match value {
                Value::String(text) => text,
                Value::Integer(number) => number.to_string(),
                other => bail!("{shown}: {name} is {}; write a text or a number", other.type_str()),
            };
            Ok((*key, value, Origin::File(path.to_owned())))
        })
        .collect()
}

fn line(text: &str, error: &toml::de::Error) -> String {
    let Some(span) = error.span() else { return String::new() };
    let before = text.get(..span.start).unwrap_or_default();
    format!(" (line {})", before.matches('\n').count() + 1)
}
