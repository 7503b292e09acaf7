//! How answers are printed: a table to read, JSON to keep, JSON lines to pipe.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

/// `-o`, on every command that reads.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Output {
    /// How the answer is printed
    #[arg(short = 'o', long = "output", value_enum, default_value = "table")]
    pub(super) format: Format,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Columns for people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
}

/// One row by its columns' names. A table has them in the order that is asked for, JSON by the alphabet.
pub(super) type Row = Map<String, Value>;

impl Output {
    /// Prints rows; a table has the columns that are named, JSON has every member.
    pub(super) fn rows(self, columns: &[&str], rows: &[Row]) -> Result<()> {
        match self.format {
            Format::Table => line(&table(columns, rows)),
            Format::Json => line(&serde_json::to_string_pretty(rows)?),
            Format::Jsonl => rows.iter().try_for_each(|row| line(&serde_json::to_string(row)?)),
        }
    }

    /// Prints one object; in a table each member has a line, and inner ones a path.
    pub(super) fn object(self, object: &Value) -> Result<()> {
        match self.format {
            Format::Table => {
                let mut rows = Vec::new();
                flatten(String::new(), object, &mut rows);
                line(&table(&["name", "value"], &rows))
            }
            Format::Json => line(&serde_json::to_string_pretty(object)?),
            Format::Jsonl => line(&serde_json::to_string(object)?),
        }
    }
}

/// Prints a line, and fails where `println!` would panic.
pub(super) fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

pub(super) fn row<const N: usize>(members: [(&str, Value); N]) -> Row {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn flatten(path: String, value: &Value, rows: &mut Vec<Row>) {
    let step = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                flatten(step(name), inner, rows);
            }
        }
        leaf => rows.push(row([("name", path.into()), ("value", leaf.clone())])),
    }
}

/// Rows as columns for people, with the names above them.
pub(super) fn table(columns: &[&str], rows: &[Row]) -> String {
    let heads = columns.iter().map(|column| column.to_uppercase()).collect();
    let body = rows.iter().map(|row| columns.iter().map(|column| cell(row.get(*column))).collect());
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(body).collect();
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let padded = lines.iter().map(|line| {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    });
    padded.collect::<Vec<_>>().join("\n")
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            [row([("a", "long".into()), ("b", 1.into())]), row([("a", "x".into()), ("b", Value::Null)])];
        assert_eq!(table(&["a", "b"], &rows), "A     B\nlong  1\nx     -");
    }

    #[test]
    fn an_inner_member_has_a_path() {
        let mut rows = Vec::new();
        flatten(String::new(), &serde_json::json!({ "in": { "ner": true } }), &mut rows);
        assert_eq!(table(&["name", "value"], &rows), "NAME    VALUE\nin.ner  true");
    }
}
