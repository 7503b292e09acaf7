//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, Said, said};

use crate::commands::{ApproveError, CalculateError};
use crate::domain::{self, RuleError};

/// What seed 3's database called a duplicate entry, which clients of the seed look for.
const DUPLICATE_ENTRY: u32 = 1062;

impl From<CalculateError> for Problem {
    fn from(error: CalculateError) -> Self {
        match error {
            CalculateError::DuplicateConversion { existing } => {
                let detail = said!(
                    "the conversion has commission {existing}, which was calculated from other values",
                    "la conversión tiene la comisión {existing}, que se calculó con otros valores"
                );
                Self::conflict("duplicate_conversion", detail)
                    .with("vendorCode", DUPLICATE_ENTRY)
                    .with("commissionId", existing.as_str())
            }
            CalculateError::Rule(error) => {
                let (code, message) = match error {
                    RuleError::NotPositive => {
                        ("not_positive", said!("{error}", "el importe bruto debe ser mayor que cero"))
                    }
                    RuleError::Money(error) => ("too_large", Said::from(error)),
                };
                Self::invalid(vec![FieldError { pointer: "/grossAmount".to_owned(), code, message }])
            }
            CalculateError::Database(error) => error.into(),
        }
    }
}

impl From<ApproveError> for Problem {
    fn from(error: ApproveError) -> Self {
        match error {
            ApproveError::NotFound(id) => Self::not_found(
                "commission_not_found",
                said!("there is no commission {id}", "no hay ninguna comisión {id}"),
            ),
            ApproveError::Refused(domain::ApproveError::Held { until }) => {
                let detail = said!("it is held until {until}", "está retenida hasta {until}");
                Self::conflict("commission_held", detail).with("heldUntil", until.to_string())
            }
            ApproveError::Refused(domain::ApproveError::Rejected { reason }) => {
                let detail = said!("it was rejected: {reason}", "fue rechazada: {reason}");
                Self::conflict("commission_rejected", detail)
            }
            ApproveError::Database(error) => error.into(),
        }
    }
}
