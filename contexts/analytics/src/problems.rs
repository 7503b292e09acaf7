//! Our refusals as clients see them.

use std::fmt::Display;

use hexalpes_http::{Invalid, Problem, Raw, Said, said};

use crate::domain::{Period, PeriodError};

/// 404 for a campaign.
pub(crate) fn no_campaign(id: impl Display) -> Problem {
    Problem::not_found(
        "campaign_not_found",
        said!(
            "no report of a campaign {id} was heard",
            "no se ha recibido ningún informe de una campaña {id}"
        ),
    )
}

/// 404 for a partner.
pub(crate) fn no_partner(id: impl Display) -> Problem {
    Problem::not_found(
        "partner_not_found",
        said!(
            "no report of a campaign of partner {id} was heard",
            "no se ha recibido ningún informe de una campaña del socio {id}"
        ),
    )
}

/// 404 for a campaign's period.
pub(crate) fn no_report(campaign: impl Display, period: impl Display) -> Problem {
    Problem::not_found(
        "report_not_found",
        said!(
            "no report of campaign {campaign} in {period} was heard; the campaign itself lists its periods",
            "no se ha recibido ningún informe de la campaña {campaign} en {period}; la campaña misma enumera sus periodos"
        ),
    )
}

/// 422: periods of different lengths say nothing of each other.
pub(crate) fn ranks_one_period(sort: impl Display) -> Problem {
    Problem::unprocessable(
        "invalid_query",
        said!(
            "period: is missing; sort={sort} ranks within one period, such as period=2025-01",
            "period: falta; sort={sort} ordena dentro de un periodo, como period=2025-01"
        ),
    )
    .with("parameter", "period")
}

/// 422: a cursor that this list did not give.
pub(crate) fn no_cursor() -> Problem {
    Problem::unprocessable(
        "invalid_query",
        said!(
            "cursor: is none that this list gave in this order",
            "cursor: no es uno que esta lista haya dado en este orden"
        ),
    )
    .with("parameter", "cursor")
}

/// A period by its name, as a parameter.
pub(crate) fn period(raw: &Raw) -> Result<Period, Invalid> {
    Period::parse(&raw.string()?).map_err(|error| Invalid::new("invalid_period", error))
}

impl From<PeriodError> for Said {
    fn from(error: PeriodError) -> Self {
        let spanish = match error {
            PeriodError::Empty => "no tiene ningún día: end debe ser posterior a start",
            PeriodError::NoName => {
                "debe ser un día como 2025-01-15, una semana como 2025-W03, un mes como 2025-01, o días como \
                 2025-01-01--2025-01-08, de los que el último no cuenta"
            }
        };
        Self::both(error.to_string(), spanish)
    }
}
