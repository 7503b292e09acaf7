//! What the seeds call a dict or a list: JSON that an event carries as it is.
//!
//! In JSON it is an object or an array; readers take the same as a string that holds JSON, which is what Avro
//! carries. The text is kept, so that a number in it stays the decimal that it was written as.

use serde::{Deserialize, Deserializer, Serialize, de, de::DeserializeOwned};
use serde_json::value::RawValue;

/// A JSON object.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Dict(Box<RawValue>);

/// A JSON array.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct List(Box<RawValue>);

macro_rules! carried {
    ($name:ident, $opens:literal, $empty:literal, $what:literal) => {
        impl $name {
            /// What serializes as such.
            ///
            /// Panics on anything else: what an event holds is made here, not read.
            pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
                let raw = serde_json::value::to_raw_value(value).expect("what events hold is always JSON");
                assert!(raw.get().starts_with($opens), concat!("it is ", $what));
                Self(raw)
            }

            /// Reads the content; what the type does not know is left out.
            pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
                serde_json::from_str(self.0.get())
            }

            pub fn is_empty(&self) -> bool {
                self.0.get()[1..self.0.get().len() - 1].trim().is_empty()
            }

            /// The JSON text.
            pub fn get(&self) -> &str {
                self.0.get()
            }

            pub fn into_raw(self) -> Box<RawValue> {
                self.0
            }

            /// Takes JSON text of the right kind.
            pub fn parse(text: &str) -> Option<Self> {
                let raw = RawValue::from_string(text.trim().to_owned()).ok()?;
                raw.get().starts_with($opens).then_some(Self(raw))
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::parse($empty).expect("nothing is JSON")
            }
        }

        impl PartialEq for $name {
            /// By content: the order of names and the room between them do not count.
            fn eq(&self, other: &Self) -> bool {
                match (self.read::<serde_json::Value>(), other.read::<serde_json::Value>()) {
                    (Ok(one), Ok(other)) => one == other,
                    _ => self.get() == other.get(),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = Box::<RawValue>::deserialize(deserializer)?;
                if raw.get().starts_with($opens) {
                    return Ok(Self(raw));
                }
                let carried = match raw.get() {
                    "null" => Some(Self::default()),
                    text => serde_json::from_str::<String>(text).ok().and_then(|text| match text.trim() {
                        "" => Some(Self::default()),
                        text => Self::parse(text),
                    }),
                };
                carried.ok_or_else(|| de::Error::custom(concat!($what, ", or a text with one")))
            }
        }
    };
}

carried!(Dict, '{', "{}", "a JSON object");
carried!(List, '[', "[]", "a JSON array");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]
mod tests {
    use super::*;

    /// Accepts C-8.
    #[test]
    fn a_dict_is_read_as_an_object_and_as_a_text_that_holds_one() {
        for text in [r#"{"limit": 10.50}"#, r#""{\"limit\": 10.50}""#] {
            let read: Dict = serde_json::from_str(text).unwrap();
            assert_eq!(read.get(), r#"{"limit": 10.50}"#);
        }
        for text in [r#"["a", "b"]"#, r#""[\"a\", \"b\"]""#] {
            let read: List = serde_json::from_str(text).unwrap();
            assert_eq!(read.read::<Vec<String>>().unwrap(), ["a", "b"]);
        }
        assert!(serde_json::from_str::<Dict>(r#"["a"]"#).is_err());
        assert!(serde_json::from_str::<List>(r#""{}""#).is_err());
        assert!(serde_json::from_str::<Dict>("null").unwrap().is_empty());
    }
}
