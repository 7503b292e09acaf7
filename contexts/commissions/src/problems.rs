//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, Said, said};

use crate::commands::{CalculateError, ChangeError, RefundCommissionError};
use crate::domain::{RefundError, Refusal, RuleError};

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

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NotFound(id) => Self::not_found(
                "commission_not_found",
                said!("there is no commission {id}", "no hay ninguna comisión {id}"),
            ),
            ChangeError::Refused(refusal) => refusal.into(),
            ChangeError::Database(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let english = refusal.to_string();
        let conflict = |code, spanish: String| Self::conflict(code, Said::both(english.clone(), spanish));
        match refusal {
            Refusal::Held { until: Some(until) } => {
                conflict("commission_held", format!("está retenida hasta {until}"))
                    .with("heldUntil", until.to_string())
            }
            Refusal::Held { until: None } => conflict("commission_held", "está retenida".to_owned()),
            Refusal::NotApproved => conflict("commission_not_approved", "no está aprobada".to_owned()),
            Refusal::Approved => {
                conflict("commission_approved", "está aprobada: hay que revertirla".to_owned())
            }
            Refusal::Rejected { reason } => {
                conflict("commission_rejected", format!("fue rechazada: {reason}"))
            }
            Refusal::Reversed { reason } => {
                conflict("commission_reversed", format!("fue revertida: {reason}"))
            }
            Refusal::InPayout { payout } => {
                let spanish = format!("está en el pago {payout}, que primero debe liquidarse o fallar");
                conflict("commission_in_payout", spanish).with("payoutId", payout.as_str())
            }
            Refusal::Paid => conflict(
                "commission_paid",
                "ya se pagó: lo que se debe devolver se recupera con otra partida".to_owned(),
            ),
            Refusal::ClawedBack { reason } => {
                conflict("commission_clawed_back", format!("se pagó y se recuperó: {reason}"))
            }
            Refusal::NotPaid => {
                conflict("commission_not_paid", "no se ha pagado: hay que revertirla".to_owned())
            }
            Refusal::NothingLeft => conflict("nothing_left", "no queda nada de ella por pagar".to_owned()),
            Refusal::OtherPayout { payout } => {
                conflict("other_payout", format!("no está en el pago {payout}"))
            }
            Refusal::MoreThanLeft { left } => {
                conflict("more_than_left", format!("de ella no quedan más que {left}"))
            }
            Refusal::NotPositive => conflict("not_positive", "el importe debe ser mayor que cero".to_owned()),
            Refusal::InThePast => {
                conflict("hold_in_the_past", "la retención terminaría antes de empezar".to_owned())
            }
        }
    }
}

impl From<RefundCommissionError> for Problem {
    fn from(error: RefundCommissionError) -> Self {
        let refused = |code, message: Said| {
            Self::invalid(vec![FieldError { pointer: "/refunded_total".to_owned(), code, message }])
        };
        match error {
            RefundCommissionError::Refused(RefundError::Money(error)) => {
                refused("other_currency", Said::from(error))
            }
            RefundCommissionError::Refused(error @ RefundError::Negative) => {
                refused("negative", said!("{error}", "no debe ser negativo"))
            }
            RefundCommissionError::Refused(error @ RefundError::MoreThanGross { gross }) => {
                refused("too_large", said!("{error}", "es mayor que el importe bruto de {gross}"))
            }
            RefundCommissionError::Database(error) => error.into(),
        }
    }
}
