//! Schemas, and which may follow which.

use hexalpes_registry::{Definition, History, Judged, KeyValue, Strategy};
use hexalpes_wire::proto::SchemaType;

const KINDS: [SchemaType; 8] = [
    SchemaType::Avro,
    SchemaType::Json,
    SchemaType::String,
    SchemaType::KeyValue,
    SchemaType::ProtobufNative,
    SchemaType::Protobuf,
    SchemaType::None,
    SchemaType::Int64,
];
const STRATEGIES: [Strategy; 9] = [
    Strategy::Undefined,
    Strategy::AlwaysIncompatible,
    Strategy::AlwaysCompatible,
    Strategy::Backward,
    Strategy::Forward,
    Strategy::Full,
    Strategy::BackwardTransitive,
    Strategy::ForwardTransitive,
    Strategy::FullTransitive,
];

/// Schemas one after the other, each behind the byte of its type and before a byte that no text has. One that was taken
/// is known from then on; refusals say why.
pub(crate) fn schema(data: &[u8]) {
    for strategy in STRATEGIES {
        let mut history = History::default();
        for part in data.split(|byte| *byte == 0xff).take(4) {
            let Some((kind, data)) = part.split_first() else { continue };
            let mut definition = Definition::new(KINDS[usize::from(*kind) % KINDS.len()], data.to_vec());
            if definition.kind == SchemaType::KeyValue {
                for (which, bit) in [("key", 8), ("value", 16)] {
                    let name = if kind & bit == 0 { "AVRO" } else { "STRING" };
                    definition.properties.insert(format!("{which}.schema.type"), name.to_owned());
                }
                if let Ok(both) = KeyValue::of(&definition) {
                    let joined = KeyValue::join(&both.key.data, &both.value.data);
                    let again = Definition { data: joined, ..definition.clone() };
                    assert_eq!(KeyValue::of(&again).unwrap(), both);
                }
            }
            assert!(definition.equals(&definition.clone()));
            let _ = history.check_consumer(&definition, strategy);
            match history.judge(&definition, strategy, true, 7) {
                Ok(Judged::New(version)) => {
                    let number = version.number;
                    history.add(version);
                    let known = history.judge(&definition, strategy, false, 8).unwrap();
                    assert!(matches!(known, Judged::Known(known) if known == number), "{known:?}");
                }
                Ok(Judged::Known(number)) => assert!(history.get(number).is_some()),
                Err(refusal) => assert!(!refusal.to_string().is_empty()),
            }
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let record = |fields: &str| format!(r#"{{"type":"record","name":"A","fields":[{fields}]}}"#);
    let (a, b) = (r#"{"name":"a","type":"int"}"#, r#"{"name":"b","type":["null","string"],"default":null}"#);
    let all = [
        vec![(0, record(a))],
        vec![(0, record(a)), (0, record(&format!("{a},{b}"))), (0, record(b))],
        vec![(1, record(a)), (1, record(r#"{"name":"a","type":"long"}"#))],
        vec![(0, r#"{"type":"array","items":{"type":"map","values":"bytes"}}"#.to_owned())],
        vec![(0, r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}"#.to_owned())],
        vec![(
            0,
            r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#.to_owned(),
        )],
        vec![(0, r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#.to_owned())],
        vec![(2, String::new()), (7, String::new())],
        vec![(3, "\0\0\0\u{5}\"int\"\0\0\0\u{8}\"string\"".to_owned())],
        vec![(0, r#"{"type":"fixed","name":"F","size":16}"#.to_owned()), (0, r#""long""#.to_owned())],
    ];
    let join = |parts: &Vec<(u8, String)>| {
        let parts: Vec<Vec<u8>> =
            parts.iter().map(|(kind, text)| [&[*kind][..], text.as_bytes()].concat()).collect();
        parts.join(&0xff)
    };
    all.iter().map(join).collect()
}
