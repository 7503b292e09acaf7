//! Avro schemas: whether two are the same, and whether one reads what another wrote.
//!
//! Parsed by apache-avro. Its own judgement of two schemas differs from that of Java's library, which Pulsar asks:
//! there, records of different names fit, an enum may lose symbols, and a union must fit with every branch. So
//! resolution is written here, after the specification and as Java decides it, with the path to what does not fit.

use std::collections::HashMap;

use apache_avro::schema::{InnerDecimalSchema, RecordField, RecordSchema, Schema, UuidSchema};

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {what}", place(path))]
pub struct Mismatch {
    /// Fields from the root on, with dots between: `address.street`. Empty for the root itself.
    pub path: String,
    pub what: String,
}

fn place(path: &str) -> String {
    if path.is_empty() { "the schema".to_owned() } else { format!("field {path}") }
}

pub(crate) fn parse(data: &[u8]) -> Result<Schema, String> {
    let text = std::str::from_utf8(data).map_err(|error| error.to_string())?;
    Schema::parse_str(text).map_err(|error| error.to_string())
}

/// Whether two schemas say the same, as Java's do: documentation and aliases do not count, defaults do.
pub(crate) fn equals(one: &Schema, two: &Schema) -> bool {
    match (one, two) {
        (Schema::Record(one), Schema::Record(two)) => {
            let fields = one.fields.iter().zip(&two.fields);
            one.name == two.name
                && one.attributes == two.attributes
                && one.fields.len() == two.fields.len()
                && fields.into_iter().all(|(one, two)| field_equals(one, two))
        }
        (Schema::Enum(one), Schema::Enum(two)) => {
            (&one.name, &one.symbols, &one.default, &one.attributes)
                == (&two.name, &two.symbols, &two.default, &two.attributes)
        }
        (Schema::Fixed(one), Schema::Fixed(two)) => {
            (&one.name, one.size, &one.attributes) == (&two.name, two.size, &two.attributes)
        }
        (Schema::Array(one), Schema::Array(two)) => {
            one.attributes == two.attributes && equals(&one.items, &two.items)
        }
        (Schema::Map(one), Schema::Map(two)) => {
            one.attributes == two.attributes && equals(&one.types, &two.types)
        }
        (Schema::Union(one), Schema::Union(two)) => {
            let (one, two) = (one.variants(), two.variants());
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| equals(one, two))
        }
        (Schema::Ref { name: one }, Schema::Ref { name: two }) => one == two,
        (one, two) => one == two,
    }
}

fn field_equals(one: &RecordField, two: &RecordField) -> bool {
    (&one.name, &one.default, &one.custom_attributes) == (&two.name, &two.default, &two.custom_attributes)
        && equals(&one.schema, &two.schema)
}

/// Whether whoever has the schema `reader` can read what was written with `writer`.
pub(crate) fn can_read(reader: &Schema, writer: &Schema) -> Result<(), Mismatch> {
    let mut names = [HashMap::new(), HashMap::new()];
    collect(reader, &mut names[0]);
    collect(writer, &mut names[1]);
    let [reader_names, writer_names] = names;
    let mut resolving = Resolving { reader_names, writer_names, known: HashMap::new() };
    let resolved = resolving.resolve(reader, writer);
    resolved.map_err(|Fault { mut path, what }| {
        path.reverse();
        Mismatch { path: path.join("."), what }
    })
}

/// What does not fit, with the fields that lead to it, the innermost first.
#[derive(Debug, Clone)]
struct Fault {
    path: Vec<String>,
    what: String,
}

type Named<'a> = HashMap<String, &'a Schema>;

fn collect<'a>(schema: &'a Schema, names: &mut Named<'a>) {
    match schema {
        Schema::Ref { .. } => {}
        Schema::Array(array) => collect(&array.items, names),
        Schema::Map(map) => collect(&map.types, names),
        Schema::Union(union) => union.variants().iter().for_each(|branch| collect(branch, names)),
        other => {
            if let Some(name) = other.name() {
                names.insert(name.fullname(None), other);
            }
            if let Schema::Record(record) = other {
                record.fields.iter().for_each(|field| collect(&field.schema, names));
            }
        }
    }
}

struct Resolving<'a> {
    reader_names: Named<'a>,
    writer_names: Named<'a>,
    /// Records that were compared, and those that are being compared, which fit as far as anybody knows.
    known: HashMap<(String, String), Result<(), Fault>>,
}

impl<'a> Resolving<'a> {
    fn resolve(&mut self, reader: &'a Schema, writer: &'a Schema) -> Result<(), Fault> {
        let reader = follow(&self.reader_names, reader);
        let writer = follow(&self.writer_names, writer);
        if let Schema::Union(branches) = writer {
            return branches.variants().iter().try_for_each(|branch| self.resolve(reader, branch));
        }
        if let Schema::Union(branches) = reader {
            return self.resolve_branch(branches.variants(), writer);
        }
        match (reader, writer) {
            (Schema::Record(reader), Schema::Record(writer)) => self.resolve_record(reader, writer),
            (Schema::Array(reader), Schema::Array(writer)) => self.resolve(&reader.items, &writer.items),
            (Schema::Map(reader), Schema::Map(writer)) => self.resolve(&reader.types, &writer.types),
            _ => resolve_plain(reader, writer),
        }
    }

    /// The branch of the same kind and name decides; without one, any that fits.
    fn resolve_branch(&mut self, branches: &'a [Schema], writer: &'a Schema) -> Result<(), Fault> {
        for branch in branches {
            let branch = follow(&self.reader_names, branch);
            let is_same_name = match (name_of(branch), name_of(writer)) {
                (Some(one), Some(two)) => one == two,
                (None, None) => true,
                _ => false,
            };
            if kind_of(branch) == kind_of(writer) && is_same_name {
                return self.resolve(branch, writer);
            }
        }
        if branches.iter().any(|branch| self.resolve(branch, writer).is_ok()) {
            return Ok(());
        }
        let named: Vec<_> =
            branches.iter().map(|branch| kind_of(follow(&self.reader_names, branch))).collect();
        fault(format!("has type {} and would be read as one of {}", kind_of(writer), named.join(", ")))
    }

    fn resolve_record(&mut self, reader: &'a RecordSchema, writer: &'a RecordSchema) -> Result<(), Fault> {
        let pair = (reader.name.fullname(None), writer.name.fullname(None));
        if let Some(known) = self.known.get(&pair) {
            return known.clone();
        }
        self.known.insert(pair.clone(), Ok(()));
        let resolved = reader.fields.iter().try_for_each(|field| self.resolve_field(field, writer));
        self.known.insert(pair, resolved.clone());
        resolved
    }

    fn resolve_field(&mut self, field: &'a RecordField, writer: &'a RecordSchema) -> Result<(), Fault> {
        let is_it =
            |written: &&RecordField| written.name == field.name || field.aliases.contains(&written.name);
        let resolved = match writer.fields.iter().find(is_it) {
            Some(written) => self.resolve(&field.schema, &written.schema),
            None if field.default.is_some() => Ok(()),
            None => fault("is not written and has no default".to_owned()),
        };
        resolved.map_err(|mut fault| {
            fault.path.push(field.name.clone());
            fault
        })
    }
}

fn follow<'a>(names: &Named<'a>, schema: &'a Schema) -> &'a Schema {
    match schema {
        Schema::Ref { name } => names.get(&name.fullname(None)).copied().unwrap_or(schema),
        other => other,
    }
}

fn resolve_plain(reader: &Schema, writer: &Schema) -> Result<(), Fault> {
    let (to, from) = (kind_of(reader), kind_of(writer));
    let fits = match (from, to) {
        ("int", "long" | "float" | "double")
        | ("long", "float" | "double")
        | ("float", "double")
        | ("string", "bytes")
        | ("bytes", "string") => true,
        (from, to) => from == to,
    };
    if !fits {
        return fault(format!("has type {from} and would be read as {to}"));
    }
    let (new, old) = (name_of(reader), name_of(writer));
    if new != old {
        let [new, old] = [new, old].map(Option::unwrap_or_default);
        return fault(format!("is {from} {old} and would be read as {to} {new}"));
    }
    match (size_of(reader), size_of(writer)) {
        (Some(to), Some(from)) if to != from => {
            fault(format!("has {from} bytes and would be read with {to}"))
        }
        _ => Ok(()),
    }
}

fn fault(what: String) -> Result<(), Fault> {
    Err(Fault { path: Vec::new(), what })
}

/// The full name of what must keep it to be read.
fn name_of(schema: &Schema) -> Option<String> {
    schema.name().map(|name| name.fullname(None))
}

fn size_of(schema: &Schema) -> Option<usize> {
    match schema {
        Schema::Fixed(fixed) | Schema::Duration(fixed) => Some(fixed.size),
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Fixed(fixed) => Some(fixed.size),
            InnerDecimalSchema::Bytes => None,
        },
        _ => None,
    }
}

/// The type as which a value is written, whatever it means beyond that.
fn kind_of(schema: &Schema) -> &'static str {
    match schema {
        Schema::Null => "null",
        Schema::Boolean => "boolean",
        Schema::Int | Schema::Date | Schema::TimeMillis => "int",
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => "long",
        Schema::Float => "float",
        Schema::Double => "double",
        Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => "bytes",
        Schema::String | Schema::Uuid(UuidSchema::String) => "string",
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Bytes => "bytes",
            InnerDecimalSchema::Fixed(_) => "fixed",
        },
        Schema::Fixed(_) | Schema::Duration(_) | Schema::Uuid(UuidSchema::Fixed(_)) => "fixed",
        Schema::Array(_) => "array",
        Schema::Map(_) => "map",
        Schema::Union(_) => "union",
        Schema::Record(_) => "record",
        Schema::Enum(_) => "enum",
        Schema::Ref { .. } => "reference",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(text: &str) -> Schema {
        parse(text.as_bytes()).unwrap()
    }

    /// A record with one field of this type, and whatever else belongs to it.
    fn of_field(kind: &str) -> Schema {
        schema(&format!(r#"{{"type":"record","name":"A","fields":[{{"name":"a","type":{kind}}}]}}"#))
    }

    fn reads(reader: &Schema, writer: &Schema) -> Result<(), String> {
        can_read(reader, writer).map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn a_number_may_grow_and_not_shrink() {
        let (int, long) = (of_field(r#""int""#), of_field(r#""long""#));
        assert_eq!(reads(&long, &int), Ok(()));
        assert_eq!(reads(&int, &long).unwrap_err(), "field a has type long and would be read as int");
        let date = of_field(r#"{"type":"int","logicalType":"date"}"#);
        assert_eq!((reads(&int, &date), reads(&date, &int)), (Ok(()), Ok(())));
    }

    #[test]
    fn a_field_that_is_not_written_needs_a_default() {
        let old = of_field(r#""string""#);
        let new = |b: &str| {
            let fields = format!(r#"[{{"name":"a","type":"string"}},{{"name":"b","type":"int"{b}}}]"#);
            schema(&format!(r#"{{"type":"record","name":"A","fields":{fields}}}"#))
        };
        assert_eq!(reads(&new(r#","default":1"#), &old), Ok(()));
        assert_eq!(reads(&new(""), &old).unwrap_err(), "field b is not written and has no default");
        assert_eq!(reads(&old, &new("")), Ok(()));
    }

    #[test]
    fn a_record_may_be_renamed_and_a_field_with_an_alias() {
        let old = of_field(r#""string""#);
        let new = r#"{"type":"record","name":"B","fields":[{"name":"b","type":"string","aliases":["a"]}]}"#;
        assert_eq!(reads(&schema(new), &old), Ok(()));
        reads(&old, &schema(new)).unwrap_err();
    }

    #[test]
    fn a_union_must_fit_with_every_branch() {
        let (optional, always) = (of_field(r#"["null","string"]"#), of_field(r#""string""#));
        assert_eq!(reads(&optional, &always), Ok(()));
        let refused = reads(&always, &optional).unwrap_err();
        assert_eq!(refused, "field a has type null and would be read as string");
        let refused = reads(&optional, &of_field(r#""int""#)).unwrap_err();
        assert_eq!(refused, "field a has type int and would be read as one of null, string");
    }

    #[test]
    fn an_enum_may_lose_symbols_and_keeps_its_name() {
        let of = |name: &str, symbols: &str| {
            of_field(&format!(r#"{{"type":"enum","name":"{name}","symbols":[{symbols}]}}"#))
        };
        assert_eq!(reads(&of("E", r#""Z""#), &of("E", r#""X","Y""#)), Ok(()));
        let refused = reads(&of("F", r#""X""#), &of("E", r#""X""#)).unwrap_err();
        assert_eq!(refused, "field a is enum E and would be read as enum F");
    }

    #[test]
    fn what_lies_deep_is_named_whole() {
        let inner = |kind: &str| {
            let fields = format!(r#"[{{"name":"street","type":"{kind}"}}]"#);
            let record = format!(r#"{{"type":"record","name":"R","fields":{fields}}}"#);
            of_field(&format!(r#"{{"type":"array","items":{record}}}"#))
        };
        let refused = reads(&inner("int"), &inner("string")).unwrap_err();
        assert_eq!(refused, "field a.street has type string and would be read as int");
    }

    #[test]
    fn a_schema_within_itself_comes_to_an_end() {
        let list = |kind: &str| {
            let fields =
                format!(r#"[{{"name":"next","type":["null","Node"]}},{{"name":"value","type":"{kind}"}}]"#);
            schema(&format!(r#"{{"type":"record","name":"Node","namespace":"n","fields":{fields}}}"#))
        };
        assert_eq!(reads(&list("long"), &list("int")), Ok(()));
        let refused = reads(&list("int"), &list("long")).unwrap_err();
        assert_eq!(refused, "field value has type long and would be read as int");
    }

    #[test]
    fn how_a_schema_is_written_does_not_count_and_its_defaults_do() {
        let with = |name: &str, more: &str| {
            schema(&format!(r#"{{"type":"record",{name},"fields":[{{"name":"a","type":"int"{more}}}]}}"#))
        };
        let one = with(r#""name":"A","namespace":"n""#, "");
        assert!(equals(&one, &with(r#""name":"n.A","doc":"about""#, r#","doc":"of it","aliases":["b"]"#)));
        assert!(!equals(&one, &with(r#""name":"n.A""#, r#","default":1"#)));
        assert!(!equals(&one, &with(r#""name":"n.B""#, "")));
    }
}
