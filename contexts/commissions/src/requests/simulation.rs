//! What a rule is tried on.

use hexalpes_http::{Fields, FromFields, Invalid, said, values};
use hexalpes_kernel::Timestamp;
use utoipa::ToSchema;

use super::rules::version;

/// As the document tells of [`SimulationRequest`].
#[derive(ToSchema)]
#[schema(as = Simulate, rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read as a schema")]
pub(crate) struct SimulationBody {
    /// Else the newest.
    #[schema(minimum = 1)]
    version: Option<u32>,
    /// When customers did it: from.
    #[schema(format = DateTime)]
    from: String,
    /// Before; else now.
    #[schema(format = DateTime)]
    until: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SimulationRequest {
    pub(crate) version: Option<u32>,
    pub(crate) from: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

impl FromFields for SimulationRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let version = fields.optional("version", version);
        let from = fields.required("from", values::timestamp);
        let until = fields.optional("until", values::timestamp);
        let (from, until) = (from?, until?);
        if until.is_some_and(|until| until <= from) {
            let why = said!("must be after from", "debe ser posterior a from");
            fields.refuse("until", Invalid::new("contradiction", why));
            return None;
        }
        Some(Self { version: version?, from, until })
    }
}
