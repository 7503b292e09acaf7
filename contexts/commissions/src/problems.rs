//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem};

use crate::commands::{ApproveError, CalculateError};
use crate::domain::{self, RuleError};

/// What seed 3's database called a duplicate entry, which clients of the seed look for.
const DUPLICATE_ENTRY: u32 = 1062;

impl From<CalculateError> for Problem {
    fn from(error: CalculateError) -> Self {
        let detail = error.to_string();
        match error {
            CalculateError::DuplicateConversion { existing } => {
                Self::conflict("duplicate_conversion", detail)
                    .with("vendorCode", DUPLICATE_ENTRY)
                    .with("commissionId", existing.as_str())
            }
            CalculateError::Rule(error) => {
                let code = match error {
                    RuleError::NotPositive => "not_positive",
                    RuleError::Money(_) => "too_large",
                };
                Self::invalid(vec![FieldError { pointer: "/grossAmount".to_owned(), code, message: detail }])
            }
            CalculateError::Database(error) => error.into(),
        }
    }
}

impl From<ApproveError> for Problem {
    fn from(error: ApproveError) -> Self {
        let detail = error.to_string();
        match error {
            ApproveError::NotFound(_) => Self::not_found("commission_not_found", detail),
            ApproveError::Refused(domain::ApproveError::Held { until }) => {
                Self::conflict("commission_held", detail).with("heldUntil", until.to_string())
            }
            ApproveError::Refused(domain::ApproveError::Rejected { .. }) => {
                Self::conflict("commission_rejected", detail)
            }
            ApproveError::Database(error) => error.into(),
        }
    }
}
