//! The body of what is done for a reason, and says nothing else.

use utoipa::ToSchema;

use crate::{Fields, FromFields, values};

const REASON_CHARS_MAX: usize = 500;

/// Why something is done: `{"reason": "…"}`, 1 to 500 characters.
#[derive(Clone, Debug)]
pub struct Reason(pub String);

impl FromFields for Reason {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.required("reason", |raw| values::text(raw, REASON_CHARS_MAX)).map(Self)
    }
}

/// As documents tell of [`Reason`].
#[derive(Debug, ToSchema)]
#[schema(as = Reason)]
#[expect(dead_code, reason = "it is read as a schema")]
pub struct ReasonBody {
    #[schema(min_length = 1, max_length = 500, example = "fraud is being looked into")]
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::differences;

    #[test]
    fn the_body_and_its_schema_say_the_same() {
        assert_eq!(differences::<Reason, ReasonBody>(), Vec::<String>::new());
    }
}
