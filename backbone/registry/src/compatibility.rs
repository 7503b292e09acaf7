//! Whether a schema may follow another.

use hexalpes_wire::proto::SchemaType;

use crate::{
    avro::{self, Mismatch},
    definition::{Definition, InvalidDefinition, json_schema, kind_name, root_message},
    history::Version,
    key_value::KeyValue,
    strategy::Strategy,
};

/// Why a schema may not follow those that there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    #[error("the topic's schema is of type {existing}, and the new one of type {new}")]
    OtherKind { existing: &'static str, new: &'static str },
    #[error("the strategy is ALWAYS_INCOMPATIBLE: a schema never changes")]
    Never,
    #[error("strategy {}: the new schema cannot read what version {version} wrote: {mismatch}", strategy.name())]
    NewReadsOld { strategy: Strategy, version: u64, mismatch: Mismatch },
    #[error("strategy {}: version {version} cannot read what the new schema writes: {mismatch}", strategy.name())]
    OldReadsNew { strategy: Strategy, version: u64, mismatch: Mismatch },
    #[error("the schema's root is {existing} in version {version}, and {new} in the new one")]
    OtherRoot { version: u64, existing: String, new: String },
    #[error(transparent)]
    Invalid(#[from] InvalidDefinition),
}

/// Whether `new` may follow `old`.
pub(crate) fn check(old: &Version, new: &Definition, strategy: Strategy) -> Result<(), Incompatible> {
    let strategy = strategy.or_default();
    if strategy == Strategy::AlwaysCompatible {
        return Ok(());
    }
    let existing = &old.definition;
    if existing.kind != new.kind {
        return Err(Incompatible::OtherKind { existing: kind_name(existing.kind), new: kind_name(new.kind) });
    }
    if existing.data == new.data {
        return Ok(());
    }
    let pair = Pair { version: old.number, strategy };
    if new.kind != SchemaType::KeyValue {
        return pair.check(existing, new);
    }
    let (existing, new) = (KeyValue::of(existing)?, KeyValue::of(new)?);
    for (existing, new) in [(&existing.key, &new.key), (&existing.value, &new.value)] {
        if existing.kind != new.kind {
            let [existing, new] = [existing, new].map(|part| kind_name(part.kind));
            return Err(Incompatible::OtherKind { existing, new });
        }
        pair.check(existing, new)?;
    }
    Ok(())
}

struct Pair {
    version: u64,
    strategy: Strategy,
}

impl Pair {
    /// Of the same type, which is not `KEY_VALUE`.
    fn check(&self, existing: &Definition, new: &Definition) -> Result<(), Incompatible> {
        if self.strategy == Strategy::AlwaysIncompatible {
            return Err(Incompatible::Never);
        }
        match new.kind {
            SchemaType::Avro => self.check_avro(existing, new),
            SchemaType::Json => match [existing, new].map(|one| avro::parse(&one.data)) {
                [Ok(_), Ok(_)] => self.check_avro(existing, new),
                // Old clients wrote JSON schemas, and newer ones change to Avro's.
                [Ok(_), Err(_)] | [Err(_), Ok(_)] => Ok(()),
                [Err(_), Err(_)] => {
                    let [existing, new] =
                        [existing, new].map(|one| json_schema(&one.data).unwrap_or_default());
                    self.same_root(existing, new)
                }
            },
            SchemaType::ProtobufNative => {
                let root = |one: &Definition| root_message(&one.data).unwrap_or_default();
                self.same_root(root(existing), root(new))
            }
            // PROTOBUF too: Pulsar has no check for it.
            _ => Ok(()),
        }
    }

    fn check_avro(&self, existing: &Definition, new: &Definition) -> Result<(), Incompatible> {
        let Self { version, strategy } = *self;
        let parse = |one: &Definition| {
            let kind = kind_name(one.kind);
            avro::parse(&one.data).map_err(|why| InvalidDefinition::Unreadable { kind, why })
        };
        let (existing, new) = (parse(existing)?, parse(new)?);
        if strategy.new_reads_old() {
            avro::can_read(&new, &existing).map_err(|mismatch| Incompatible::NewReadsOld {
                strategy,
                version,
                mismatch,
            })?;
        }
        if strategy.old_reads_new() {
            avro::can_read(&existing, &new).map_err(|mismatch| Incompatible::OldReadsNew {
                strategy,
                version,
                mismatch,
            })?;
        }
        Ok(())
    }

    fn same_root(&self, existing: String, new: String) -> Result<(), Incompatible> {
        if existing == new {
            Ok(())
        } else {
            Err(Incompatible::OtherRoot { version: self.version, existing, new })
        }
    }
}
