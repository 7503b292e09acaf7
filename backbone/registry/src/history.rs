//! The schemas that a topic has had.

use crate::{
    compatibility::{self, Incompatible},
    definition::{Definition, InvalidDefinition},
    strategy::Strategy,
};

/// One schema of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub number: u64,
    pub definition: Definition,
    /// When it was registered, in milliseconds since 1970.
    pub registered_ms: u64,
}

/// A topic's schemas since they were last deleted, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    versions: Vec<Version>,
    next: u64,
}

/// Why a schema is not registered, or not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    #[error(transparent)]
    Invalid(#[from] InvalidDefinition),
    #[error("schema is not compatible: {0}")]
    Incompatible(#[from] Incompatible),
    #[error(
        "schema is not one of the topic's, and the namespace allows no new ones (isAllowAutoUpdateSchema)"
    )]
    NoUpdates,
    #[error("topic is in use without a schema, and cannot get one")]
    NoSchema,
}

impl History {
    /// From what was written down, in the order of the numbers: those that there are, and the next.
    pub fn restore(versions: Vec<Version>, next: u64) -> Self {
        Self { versions, next }
    }

    /// The number of the next version, also after the others were deleted.
    pub const fn next(&self) -> u64 {
        self.next
    }

    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    pub fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    pub fn get(&self, number: u64) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The version that says the same.
    pub fn find(&self, definition: &Definition) -> Option<&Version> {
        self.versions.iter().find(|version| version.definition.equals(definition))
    }

    /// Whether a schema could follow those that there are.
    pub fn check(&self, new: &Definition, strategy: Strategy) -> Result<(), RegisterError> {
        new.check()?;
        let strategy = strategy.or_default();
        let against = if strategy.is_transitive() { &self.versions[..] } else { self.newest() };
        // The newest first: of several reasons, that is the one to act on.
        for old in against.iter().rev() {
            compatibility::check(old, new, strategy)?;
        }
        Ok(())
    }

    /// Whether a consumer with this schema reads what the topic has. What producers may write later is not asked,
    /// but by the strategies for which Pulsar asks it.
    pub fn check_consumer(&self, reader: &Definition, strategy: Strategy) -> Result<(), RegisterError> {
        reader.check()?;
        let strategy = strategy.or_default();
        if strategy == Strategy::AlwaysCompatible {
            return Ok(());
        }
        if self.versions.is_empty() {
            return Err(RegisterError::NoSchema);
        }
        let (against, strategy) = match strategy {
            Strategy::Backward | Strategy::Forward | Strategy::ForwardTransitive | Strategy::Full => {
                (self.newest(), Strategy::Backward)
            }
            other => (&self.versions[..], other),
        };
        for old in against.iter().rev() {
            compatibility::check(old, reader, strategy)?;
        }
        Ok(())
    }

    fn newest(&self) -> &[Version] {
        &self.versions[self.versions.len().saturating_sub(1)..]
    }

    /// The version that a schema would get: one that there is, or a new one, which is [added](Self::add) once it is
    /// written down.
    pub fn judge(
        &self,
        new: &Definition,
        strategy: Strategy,
        may_register: bool,
        registered_ms: u64,
    ) -> Result<Judged, RegisterError> {
        new.check()?;
        if let Some(version) = self.find(new) {
            return Ok(Judged::Known(version.number));
        }
        if !may_register {
            return Err(RegisterError::NoUpdates);
        }
        self.check(new, strategy)?;
        Ok(Judged::New(Version { number: self.next, definition: new.clone(), registered_ms }))
    }

    /// Takes a version that was judged to be new.
    pub fn add(&mut self, version: Version) {
        self.next = version.number + 1;
        self.versions.push(version);
    }

    /// Forgets the schemas, and goes on with the numbers: as with Pulsar, the deletion has one itself.
    pub fn clear(&mut self) {
        self.versions.clear();
        self.next += 1;
    }
}

/// What became of a schema that somebody came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    Known(u64),
    New(Version),
}

#[cfg(test)]
mod tests {
    use hexalpes_wire::proto::SchemaType;

    use super::*;
    use crate::key_value::KeyValue;

    const PARTNER: &str = r#"{"type":"record","name":"PartnerRegistrationCompleted",
        "namespace":"com.hexabuilders.partners.events.v1","fields":[
        {"name":"partner_id","type":"string"},{"name":"business_name","type":"string"},
        {"name":"email","type":"string"},{"name":"partner_type","type":"string"},
        {"name":"registration_data","type":"string"},{"name":"registration_timestamp","type":"string"},
        {"name":"correlation_id","type":"string"},{"name":"event_version","type":"int","default":1}MORE]}"#;
    const CONTRACT: &str = r#"{"type":"record","name":"ContractActivated",
        "namespace":"com.hexabuilders.onboarding.events.v1","fields":[
        {"name":"contract_id","type":"string"},{"name":"partner_id","type":"string"},
        {"name":"contract_type","type":"string"},{"name":"effective_date","type":"string"},
        {"name":"campaign_permissions","type":"string"},{"name":"budget_limits","type":"string"},
        {"name":"correlation_id","type":"string"},{"name":"event_version","type":"int","default":1}MORE]}"#;
    const OPTIONAL: &str = r#",{"name":"phone","type":["null","string"],"default":null}"#;
    const REQUIRED: &str = r#",{"name":"phone","type":"string"}"#;

    fn avro(text: &str) -> Definition {
        Definition::new(SchemaType::Avro, text.to_owned())
    }

    /// A topic's schemas, each of which was accepted whatever it was.
    fn history(definitions: &[Definition]) -> History {
        let mut history = History::default();
        for definition in definitions {
            register(&mut history, definition, Strategy::AlwaysCompatible).unwrap();
        }
        history
    }

    fn register(history: &mut History, new: &Definition, strategy: Strategy) -> Result<u64, RegisterError> {
        Ok(match history.judge(new, strategy, true, 7)? {
            Judged::Known(number) => number,
            Judged::New(version) => {
                let number = version.number;
                history.add(version);
                number
            }
        })
    }

    fn refused(history: &History, new: &Definition, strategy: Strategy) -> String {
        history.judge(new, strategy, true, 7).unwrap_err().to_string()
    }

    /// Accepts S0-SCH-1, S0-SCH-2, S0-SCH-4.
    #[test]
    fn the_seeds_schemas_evolve_as_they_say() {
        for schema in [PARTNER, CONTRACT] {
            let of = |more: &str| avro(&schema.replace("MORE", more));
            let mut history = History::default();
            assert_eq!(register(&mut history, &of(""), Strategy::Full), Ok(0));
            for strategy in [Strategy::Full, Strategy::Backward, Strategy::Undefined] {
                let refused = refused(&history, &of(REQUIRED), strategy);
                let why = "the new schema cannot read what version 0 wrote: field phone is not written and has \
                           no default";
                assert!(refused.ends_with(why), "{refused}");
            }
            assert_eq!(register(&mut history, &of(OPTIONAL), Strategy::Full), Ok(1));
            assert_eq!(register(&mut history, &of(REQUIRED), Strategy::Forward), Ok(2));
            let removed = of("").data.to_vec();
            let removed = String::from_utf8(removed).unwrap().replace("email", "mail").replace("budget", "b");
            assert_eq!(
                refused(&history, &avro(&removed), Strategy::Forward),
                format!(
                    "schema is not compatible: strategy FORWARD: version 2 cannot read what the new schema \
                     writes: field {} is not written and has no default",
                    if schema == PARTNER { "email" } else { "budget_limits" }
                )
            );
        }
    }

    fn of_kind(kind: &str) -> Definition {
        avro(&format!(r#"{{"type":"record","name":"A","fields":[{{"name":"a","type":"{kind}"}}]}}"#))
    }

    #[test]
    fn a_transitive_strategy_asks_every_version() {
        let history = history(&[of_kind("int"), of_kind("string")]);
        assert_eq!(history.check(&of_kind("bytes"), Strategy::Backward), Ok(()));
        let refused = refused(&history, &of_kind("bytes"), Strategy::BackwardTransitive);
        assert!(refused.contains("version 0") && refused.contains("read as bytes"), "{refused}");
        assert_eq!(history.check(&of_kind("bytes"), Strategy::Forward), Ok(()));
        history.check(&of_kind("bytes"), Strategy::ForwardTransitive).unwrap_err();
        assert_eq!(history.check(&of_kind("bytes"), Strategy::Full), Ok(()));
        history.check(&of_kind("bytes"), Strategy::FullTransitive).unwrap_err();
    }

    #[test]
    fn an_equal_schema_is_the_version_that_there_is() {
        let mut history = history(&[of_kind("int"), of_kind("long")]);
        let spaced = String::from_utf8(of_kind("int").data.to_vec()).unwrap().replace(':', " : ");
        assert_eq!(register(&mut history, &avro(&spaced), Strategy::AlwaysIncompatible), Ok(0));
        assert_eq!(history.versions().len(), 2);
        let refused = refused(&history, &of_kind("float"), Strategy::AlwaysIncompatible);
        assert!(refused.contains("ALWAYS_INCOMPATIBLE"), "{refused}");
    }

    #[test]
    fn a_topic_keeps_to_one_type() {
        let history = history(&[Definition::new(SchemaType::String, "")]);
        assert_eq!(
            refused(&history, &Definition::new(SchemaType::Int32, ""), Strategy::Full),
            "schema is not compatible: the topic's schema is of type STRING, and the new one of type INT32"
        );
        let json = Definition { kind: SchemaType::Json, ..of_kind("int") };
        history.check(&json, Strategy::FullTransitive).unwrap_err();
        assert_eq!(history.check(&json, Strategy::AlwaysCompatible), Ok(()));
    }

    #[test]
    fn both_parts_of_a_key_value_schema_are_asked() {
        let of = |key: &str, value: &str| {
            let data = KeyValue::join(&of_kind(key).data, &of_kind(value).data);
            let mut definition = Definition::new(SchemaType::KeyValue, data);
            for part in ["key.schema.type", "value.schema.type"] {
                definition.properties.insert(part.to_owned(), "AVRO".to_owned());
            }
            definition
        };
        let history = history(&[of("string", "int")]);
        assert_eq!(history.check(&of("string", "long"), Strategy::Backward), Ok(()));
        for wrong in [of("string", "string"), of("int", "int")] {
            history.check(&wrong, Strategy::Backward).unwrap_err();
        }
    }

    #[test]
    fn a_native_protobuf_schema_keeps_its_root_and_another_may_change() {
        let native = |root: &str, file: &str| {
            let data = format!(r#"{{"rootMessageTypeName":"{root}","fileDescriptorSet":"{file}"}}"#);
            Definition::new(SchemaType::ProtobufNative, data)
        };
        let of_native = history(&[native("n.A", "")]);
        assert_eq!(of_native.check(&native("n.A", "other"), Strategy::Full), Ok(()));
        of_native.check(&native("n.B", ""), Strategy::Full).unwrap_err();
        let protobuf = |kind| Definition { kind: SchemaType::Protobuf, ..of_kind(kind) };
        assert_eq!(history(&[protobuf("int")]).check(&protobuf("string"), Strategy::Full), Ok(()));
    }

    #[test]
    fn an_old_json_schema_gives_way_to_avros() {
        let old = |id: &str| {
            Definition::new(SchemaType::Json, format!(r#"{{"type":"object","id":"{id}","properties":{{}}}}"#))
        };
        let history = history(&[old("urn:a")]);
        let new = Definition { kind: SchemaType::Json, ..of_kind("int") };
        assert_eq!(history.check(&new, Strategy::Full), Ok(()));
        history.check(&old("urn:b"), Strategy::Full).unwrap_err();
    }

    #[test]
    fn a_consumer_must_read_what_is_there() {
        let topic = history(&[of_kind("string"), of_kind("int")]);
        for strategy in [Strategy::Forward, Strategy::Full, Strategy::ForwardTransitive] {
            assert_eq!(topic.check_consumer(&of_kind("long"), strategy), Ok(()));
            topic.check_consumer(&of_kind("string"), strategy).unwrap_err();
        }
        topic.check_consumer(&of_kind("long"), Strategy::BackwardTransitive).unwrap_err();
        assert_eq!(topic.check_consumer(&of_kind("string"), Strategy::AlwaysCompatible), Ok(()));
        let none = History::default().check_consumer(&of_kind("int"), Strategy::Full);
        assert_eq!(none, Err(RegisterError::NoSchema));
    }

    #[test]
    fn numbers_go_on_behind_what_was_deleted() {
        let mut history = history(&[of_kind("int"), of_kind("long")]);
        history.clear();
        assert_eq!((history.latest(), history.get(0)), (None, None));
        assert_eq!(register(&mut history, &of_kind("string"), Strategy::Full), Ok(3));
    }
}
