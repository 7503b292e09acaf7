//! A message as a line of the file, and back.

use hexalpes_kernel::{CloudEvent, CloudEventError};

/// What an id's column holds on every database.
const ID_BYTES_MAX: usize = 255;

/// An event as it stands in the file, without the line's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) id: String,
    /// The fact's name without its namespace, for the metrics.
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// Why a message gets no line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("is no UTF-8")]
    Encoding,
    #[error(transparent)]
    Event(#[from] CloudEventError),
    #[error("has an id that is empty, longer than {ID_BYTES_MAX} bytes, or has control characters")]
    Id,
}

impl Line {
    /// Keeps the text as it came, also attributes that we do not know.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, LineError> {
        let text = str::from_utf8(payload).map_err(|_| LineError::Encoding)?;
        let event = CloudEvent::parse(payload)?;
        let kind = event.bare_kind().to_owned();
        let id = event.id;
        if id.is_empty() || id.len() > ID_BYTES_MAX || id.contains(char::is_control) {
            return Err(LineError::Id);
        }
        // JSON allows line ends only between its words, where a blank means the same.
        Ok(Self { id, kind, text: text.trim().replace(['\n', '\r'], " ") })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn event(id: &str, text: &str) -> String {
        format!(
            r#"{{"specversion":"1.0","type":"com.hexabuilders.commissions.CommissionCalculated","source":"//commissions/1","id":"{id}","time":"2025-01-15T10:30:00Z","datacontenttype":"application/json","data":{{"name":"{text}"}},"extension":"kept"}}"#
        )
    }

    /// Accepts S1-ENC-1.
    #[test]
    fn text_survives_to_the_letter() {
        let payload = event("é-1", "Juan Pérez, Ñandú & Cía 📡");
        let (id, kind) = ("é-1".to_owned(), "CommissionCalculated".to_owned());
        assert_eq!(Line::parse(payload.as_bytes()).unwrap(), Line { id, kind, text: payload });
    }

    #[test]
    fn an_event_over_several_lines_becomes_one() {
        let payload = event("1", "a").replace(",\"", ",\r\n\"");
        let line = Line::parse(format!("\n{payload}\n").as_bytes()).unwrap();
        assert!(!line.text.contains(['\n', '\r']));
        assert_eq!(Line::parse(line.text.as_bytes()).unwrap(), line);
    }

    #[test]
    fn what_is_no_event_or_has_no_usable_id_is_refused() {
        assert!(matches!(Line::parse(b"{}"), Err(LineError::Event(_))));
        assert!(matches!(Line::parse(b"\"\xff\""), Err(LineError::Encoding)));
        for id in [String::new(), "x".repeat(256), "\\u0000".to_owned()] {
            assert!(matches!(Line::parse(event(&id, "").as_bytes()), Err(LineError::Id)), "{id}");
        }
    }
}
