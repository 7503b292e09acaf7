//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use hexalpes_http::{FieldError, Problem, Said, said};
use hexalpes_kernel::MoneyError;

use crate::commands::{
    CalculateError, ChangeError, PayoutCommandError, RefundCommissionError, ReratingError, RuleCommandError,
    SimulateError, Stale,
};
use crate::domain::{AffiliateId, PayoutError, RefundError, Refusal, RuleChangeError, RuleError};
use crate::files::{self, PainError};

/// What seed 3's database called a duplicate entry, which clients of the seed look for.
const DUPLICATE_ENTRY: u32 = 1062;

/// What the fields of a request to calculate are called.
pub(crate) struct Names {
    gross: &'static str,
    flat: &'static str,
    program: &'static str,
}

/// In the words of seed 3.
const SEED_3: Names = Names { gross: "/grossAmount", flat: "/flatAmount", program: "/programId" };
/// In the words of seed 4.
pub(crate) const SEED_4: Names =
    Names { gross: "/valor_conversion", flat: "/monto_fijo", program: "/programa_id" };

impl From<CalculateError> for Problem {
    fn from(error: CalculateError) -> Self {
        SEED_3.of(error)
    }
}

impl Names {
    pub(crate) fn of(&self, error: CalculateError) -> Problem {
        let refused = |pointer: &str, code, message: Said| {
            Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), code, message }])
        };
        let of_money = |error: MoneyError| match error {
            MoneyError::TooPrecise { .. } => ("too_precise", Said::from(error)),
            MoneyError::TooLarge => ("too_large", Said::from(error)),
            MoneyError::OtherCurrency { .. } => ("other_currency", Said::from(error)),
        };
        match error {
            CalculateError::DuplicateConversion { existing } => {
                let detail = said!(
                    "the conversion has commission {existing}, which was calculated from other values",
                    "la conversión tiene la comisión {existing}, que se calculó con otros valores"
                );
                Problem::conflict("duplicate_conversion", detail)
                    .with("vendorCode", DUPLICATE_ENTRY)
                    .with("commissionId", existing.as_str())
            }
            CalculateError::NoConversion(id) => Problem::not_found(
                "conversion_not_found",
                said!(
                    "there is no conversion {id} that has a commission; say what the customer paid, or record it first",
                    "no hay ninguna conversión {id} con comisión; indique el valor de la conversión, o regístrela antes"
                ),
            ),
            CalculateError::NoProgram(id) => {
                let why = said!("there is no program {id}", "no hay ningún programa {id}");
                refused(self.program, "unknown_program", why)
            }
            CalculateError::NotYetKnown { what } => Problem::unavailable(
                "not_yet_known",
                said!("{what} is not known here yet", "aquí aún no se conoce {what}"),
            ),
            CalculateError::OtherProgram { affiliate, program } => {
                let why = said!(
                    "affiliate {affiliate} works under the program {program}",
                    "el afiliado {affiliate} trabaja en el programa {program}"
                );
                refused(self.program, "other_program", why)
            }
            CalculateError::Flat(error) => {
                let (code, message) = of_money(error);
                refused(self.flat, code, message)
            }
            CalculateError::Rule(error) => {
                let (code, message) = match error {
                    RuleError::NotPositive => {
                        ("not_positive", said!("{error}", "el importe bruto debe ser mayor que cero"))
                    }
                    RuleError::Money(error) => of_money(error),
                };
                refused(self.gross, code, message)
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

impl From<PayoutCommandError> for Problem {
    fn from(error: PayoutCommandError) -> Self {
        let english = error.to_string();
        let said = |spanish: String| Said::both(english.clone(), spanish);
        match error {
            PayoutCommandError::NotFound(id) => {
                Self::not_found("payout_not_found", said(format!("no hay ningún pago {id}")))
            }
            PayoutCommandError::NoCommission(id) => {
                Self::not_found("commission_not_found", said(format!("no hay ninguna comisión {id}")))
            }
            PayoutCommandError::Commission(refusal) => refusal.into(),
            PayoutCommandError::BeingSent { number } => {
                let spanish =
                    format!("la línea {number} se está enviando: hay que esperar a saber qué fue de ella");
                Self::conflict("line_being_sent", said(spanish))
            }
            PayoutCommandError::NoEndpoint => {
                let spanish = "las condiciones del programa no indican adónde enviar".to_owned();
                Self::conflict("no_endpoint", said(spanish))
            }
            PayoutCommandError::AlreadyMade => {
                Self::conflict("payout_already_made", said("ya se hizo un pago para ese día".to_owned()))
            }
            PayoutCommandError::Payout(error) => match error {
                PayoutError::NothingToPay { minimum } => {
                    let spanish = format!(
                        "no hay nada por pagar, o menos que el mínimo de {minimum}; POST /v1/payouts/preview dice qué espera y por qué"
                    );
                    Self::conflict("nothing_to_pay", said(spanish))
                }
                PayoutError::NoLine { number } => {
                    Self::not_found("line_not_found", said(format!("no hay ninguna línea {number}")))
                }
                PayoutError::NotSent { number } => {
                    Self::conflict("line_not_sent", said(format!("la línea {number} no se ha enviado")))
                }
                PayoutError::Settled { number } => {
                    Self::conflict("line_settled", said(format!("la línea {number} está liquidada")))
                }
                PayoutError::Failed { number, reason } => {
                    Self::conflict("line_failed", said(format!("la línea {number} falló: {reason}")))
                }
            },
            PayoutCommandError::Database(error) => error.into(),
        }
    }
}

impl From<PainError> for Problem {
    fn from(error: PainError) -> Self {
        match error {
            PainError::NoAccount { affiliates } => {
                let names = files::names(&affiliates);
                let ids: Vec<&str> = affiliates.iter().map(AffiliateId::as_str).collect();
                let why = said!(
                    "no bank account is known of {names}",
                    "no se conoce ninguna cuenta bancaria de {names}"
                );
                Self::conflict("no_bank_account", why).with("affiliateIds", ids)
            }
            PainError::Write(error) => {
                tracing::error!(%error, "a payout could not be written as ISO 20022");
                Self::internal()
            }
        }
    }
}

impl From<RuleCommandError> for Problem {
    fn from(error: RuleCommandError) -> Self {
        let english = error.to_string();
        match error {
            RuleCommandError::NotFound(id) => {
                Self::not_found("rule_not_found", Said::both(english, format!("no hay ninguna regla {id}")))
            }
            RuleCommandError::NoProgram(id) => Self::invalid(vec![FieldError {
                pointer: "/programId".to_owned(),
                code: "unknown_program",
                message: Said::both(english, format!("no hay ningún programa {id}")),
            }]),
            RuleCommandError::Refused(refusal) => {
                let (code, spanish) = match refusal {
                    RuleChangeError::NoVersion(number) => {
                        ("version_not_found", format!("no hay ninguna versión {number}"))
                    }
                    RuleChangeError::Retired(number) => {
                        ("version_retired", format!("la versión {number} se retiró: redacte una nueva"))
                    }
                    RuleChangeError::TooMany => (
                        "too_many_versions",
                        "la regla tiene demasiadas versiones: redacte otra regla".to_owned(),
                    ),
                };
                Self::conflict(code, Said::both(english, spanish))
            }
            RuleCommandError::Database(error) => error.into(),
        }
    }
}

impl From<SimulateError> for Problem {
    fn from(error: SimulateError) -> Self {
        let english = error.to_string();
        match error {
            SimulateError::NotFound(id) => RuleCommandError::NotFound(id).into(),
            SimulateError::Refused(refusal) => RuleCommandError::Refused(refusal).into(),
            SimulateError::TooMany => {
                let spanish = "el periodo tiene demasiados afiliados: elija uno más corto".to_owned();
                Self::unprocessable("period_too_long", Said::both(english, spanish))
            }
            SimulateError::Money(_) => {
                let spanish = "una suma es mayor de lo que se puede contabilizar".to_owned();
                Self::unprocessable("too_large", Said::both(english, spanish))
            }
            SimulateError::Database(error) => error.into(),
        }
    }
}

/// What is no id names none either.
pub(crate) fn no_rerating(id: &str) -> Problem {
    let why = said!("there is no re-rating {id}", "no hay ningún recálculo {id}");
    Problem::not_found("rerating_not_found", why)
}

impl From<ReratingError> for Problem {
    fn from(error: ReratingError) -> Self {
        let english = error.to_string();
        match error {
            ReratingError::NotFound(id) => no_rerating(id.as_str()),
            ReratingError::NoProgram(id) => RuleCommandError::NoProgram(id).into(),
            ReratingError::NoRule(id) => RuleCommandError::NotFound(id).into(),
            ReratingError::OtherProgram { rule, program } => Self::invalid(vec![FieldError {
                pointer: "/ruleId".to_owned(),
                code: "other_program",
                message: Said::both(english, format!("la regla {rule} es del programa {program}")),
            }]),
            ReratingError::Refused(refusal) => RuleCommandError::Refused(refusal).into(),
            ReratingError::TooMany => {
                let spanish = "cambiarían demasiadas conversiones: elija un periodo más corto, un afiliado o una campaña";
                Self::unprocessable("period_too_long", Said::both(english, spanish.to_owned()))
            }
            ReratingError::Stale(stale) => {
                let spanish = match stale {
                    Stale::Rules => "desde que se redactó cuentan otras reglas".to_owned(),
                    Stale::Contracts => {
                        "cuentan, o terminan, contratos con socios que no lo hacían cuando se redactó"
                            .to_owned()
                    }
                    Stale::Conversions => "han llegado conversiones que cuentan para sus tramos".to_owned(),
                    Stale::Commission(id) => {
                        format!("la comisión de la conversión {id} cambió desde que se redactó")
                    }
                };
                let spanish = format!("{spanish}: redacte el recálculo de nuevo");
                Self::conflict("rerating_stale", Said::both(english, spanish))
            }
            ReratingError::Money(_) => {
                let spanish = "una suma es mayor de lo que se puede contabilizar".to_owned();
                Self::unprocessable("too_large", Said::both(english, spanish))
            }
            ReratingError::Database(error) => error.into(),
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
