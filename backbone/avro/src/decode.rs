//! Avro to JSON.

use apache_avro::{reader::datum::GenericDatumReader, types::Value as Avro};
use serde_json::{Map, Value, value::RawValue};

use crate::{HOLDS, Record};

/// Why a payload is not what its schema says.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the payload is not of its schema: {0}")]
    Unfit(String),
    #[error("{0} bytes of the payload are left over")]
    LeftOver(usize),
}

impl Record {
    /// The data that a payload holds, as the text of a JSON object with the schema's fields in their order.
    pub fn decode(&self, mut payload: &[u8]) -> Result<String, DecodeError> {
        let unfit = |why: apache_avro::Error| DecodeError::Unfit(why.to_string());
        let reader = GenericDatumReader::builder(&self.schema).build().map_err(unfit)?;
        let value = reader.read_value(&mut payload).map_err(unfit)?;
        if !payload.is_empty() {
            return Err(DecodeError::LeftOver(payload.len()));
        }
        let Avro::Record(fields) = value else {
            return Err(DecodeError::Unfit("it is no record".to_owned()));
        };
        let mut text = String::from("{");
        for ((name, value), field) in fields.into_iter().zip(&self.record().fields) {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&Value::from(name).to_string());
            text.push(':');
            let holds_json = field.custom_attributes.get(HOLDS).is_some_and(|holds| holds == "json");
            match value {
                // To the letter, so that a number in it stays the decimal that it was written as.
                Avro::String(carried)
                    if holds_json && serde_json::from_str::<&RawValue>(&carried).is_ok() =>
                {
                    text.push_str(&carried);
                }
                other => {
                    let fits = json(other);
                    let fits =
                        fits.map_err(|what| DecodeError::Unfit(format!("field {}: {what}", field.name)))?;
                    text.push_str(&fits.to_string());
                }
            }
        }
        text.push('}');
        Ok(text)
    }
}

/// Anything that a foreign producer's schema may have, but numbers whose text is not clear: what those are.
fn json(value: Avro) -> Result<Value, &'static str> {
    Ok(match value {
        Avro::Null => Value::Null,
        Avro::Boolean(truth) => truth.into(),
        Avro::Int(number) | Avro::Date(number) | Avro::TimeMillis(number) => number.into(),
        Avro::Long(number)
        | Avro::TimeMicros(number)
        | Avro::TimestampMillis(number)
        | Avro::TimestampMicros(number)
        | Avro::TimestampNanos(number)
        | Avro::LocalTimestampMillis(number)
        | Avro::LocalTimestampMicros(number)
        | Avro::LocalTimestampNanos(number) => number.into(),
        Avro::Float(number) => whole(f64::from(number)),
        Avro::Double(number) => whole(number),
        Avro::String(text) | Avro::Enum(_, text) => text.into(),
        Avro::Bytes(bytes) | Avro::Fixed(_, bytes) => String::from_utf8_lossy(&bytes).into(),
        Avro::Union(_, inner) => return json(*inner),
        Avro::Array(items) => items.into_iter().map(json).collect::<Result<_, _>>()?,
        Avro::Map(entries) => {
            let entries = entries.into_iter().map(|(name, value)| Ok::<_, &str>((name, json(value)?)));
            Value::Object(entries.collect::<Result<Map<_, _>, _>>()?)
        }
        Avro::Record(fields) => {
            let fields = fields.into_iter().map(|(name, value)| Ok::<_, &str>((name, json(value)?)));
            Value::Object(fields.collect::<Result<Map<_, _>, _>>()?)
        }
        Avro::Uuid(id) => id.to_string().into(),
        Avro::Decimal(_) | Avro::BigDecimal(_) => return Err("decimals are not taken"),
        Avro::Duration(_) => return Err("durations are not taken"),
    })
}

/// A whole number without a point, as it was before it was a double. What JSON does not have, is null.
#[expect(clippy::cast_possible_truncation, reason = "it was just seen that nothing is cut off")]
fn whole(number: f64) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX { (number as i64).into() } else { number.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"Sold","fields":[
        {"name":"id","type":"string"},{"name":"amount","type":"double"},{"name":"amount_minor","type":"long"},
        {"name":"is_new","type":"boolean"},{"name":"note","type":["null","string"],"default":null},
        {"name":"terms","type":"string","holds":"json"},{"name":"plain","type":"string","default":"{}"},
        {"name":"correlation_id","type":"string"},{"name":"event_version","type":"int","default":1}]}"#;

    fn record() -> Record {
        Record::parse(SCHEMA.as_bytes()).unwrap()
    }

    /// Accepts C-8.
    #[test]
    fn data_goes_to_avro_and_back_with_every_field() {
        let data = r#"{"terms":{ "rate": 10.50, "a":["x"] },"id":"ñ","amount":120.50,"amount_minor":-12050,"is_new":true,"other":1}"#;
        let extra = [("correlation_id", r#""CORR-1""#.to_owned()), ("event_version", "2".to_owned())];
        let bytes = record().encode(data, &extra).unwrap();
        let back = record().decode(&bytes).unwrap();
        assert_eq!(
            back,
            r#"{"id":"ñ","amount":120.5,"amount_minor":-12050,"is_new":true,"note":null,"terms":{ "rate": 10.50, "a":["x"] },"plain":"{}","correlation_id":"CORR-1","event_version":2}"#
        );
    }

    #[test]
    fn the_bytes_are_those_that_other_libraries_write() {
        let data = r#"{"id":"a","amount":1,"amount_minor":9007199254740993,"is_new":false,"note":"n","terms":[],"plain":"p","correlation_id":"c"}"#;
        let ours = record().encode(data, &[]).unwrap();
        let fields = vec![
            ("id".to_owned(), Avro::String("a".into())),
            ("amount".to_owned(), Avro::Double(1.0)),
            ("amount_minor".to_owned(), Avro::Long(9_007_199_254_740_993)),
            ("is_new".to_owned(), Avro::Boolean(false)),
            ("note".to_owned(), Avro::Union(1, Box::new(Avro::String("n".into())))),
            ("terms".to_owned(), Avro::String("[]".into())),
            ("plain".to_owned(), Avro::String("p".into())),
            ("correlation_id".to_owned(), Avro::String("c".into())),
            ("event_version".to_owned(), Avro::Int(1)),
        ];
        let record = record();
        let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&record.schema).build().unwrap();
        assert_eq!(ours, writer.write_value_to_vec(Avro::Record(fields)).unwrap());
        assert!(record.decode(&ours).unwrap().contains(r#""amount":1,"amount_minor":9007199254740993,"#));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let why = |data: &str| record().encode(data, &[]).unwrap_err().to_string();
        assert_eq!(why(r#"{"id":"a"}"#), "field amount is absent and has no default");
        let wrong = r#"{"id":"a","amount":"x"}"#;
        assert_eq!(why(wrong), "field amount wants a number, and has \"x\"");
        assert!(why("[]").starts_with("the data is no JSON object"));
        assert!(matches!(Record::parse(b"\"string\""), Err(crate::NoRecord::NoRecord)));
        assert!(record().decode(b"\x02a").is_err());
    }

    /// Rather than a text that some handler would take for its own.
    #[test]
    fn a_decimal_is_refused_by_its_field() {
        let decimal = r#"{"type":"record","name":"Sold","fields":[{"name":"amount","type":
            {"type":"array","items":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}}]}"#;
        let why = Record::parse(decimal.as_bytes()).unwrap().decode(b"\x02\x02\x07\x00").unwrap_err();
        assert!(why.to_string().ends_with("field amount: decimals are not taken"), "{why}");
    }
}
