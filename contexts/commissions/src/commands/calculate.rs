//! Calculates the commission of a conversion, once.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Rate, Uuid};

use crate::domain::{Commission, CommissionId, Conversion, Fact, Made, Origin, Program, Rates, RuleError};
use crate::store::{self, Kept};
use crate::{events, views};

#[derive(Clone, Debug)]
pub struct CalculateCommission {
    /// The id that the commission gets if it is new.
    pub id: CommissionId,
    /// The ids of the events that say so: calculated, and perhaps approved.
    pub events: [Uuid; 2],
    pub conversion: Conversion,
    /// The rate that the request asks for. It counts only if the commission is new.
    pub rate: Option<Rate>,
    pub origin: Origin,
}

/// The commission of the conversion, made now or found.
#[derive(Clone, Debug)]
pub struct Calculation {
    pub(crate) kept: Kept,
    /// It was there already, for the same conversion, told in the same words.
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalculateError {
    #[error("the conversion has commission {existing}, which was calculated from other values")]
    DuplicateConversion { existing: CommissionId },
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Two that arrive together are told apart by the unique key: one inserts, the other finds.
pub async fn calculate(
    tx: &Tx,
    command: CalculateCommission,
    program: &Program,
    cause: &Cause,
) -> Result<Calculation, CalculateError> {
    let CalculateCommission { id, events: [first, second], conversion, rate, origin } = command;
    let rates = Rates { request: rate, ..Rates::default() };
    let Made { commission, explanation, calculated, approved } =
        Commission::calculate(id, conversion.clone(), program, &rates, origin, cause.at)?;
    let kept = Kept { commission, explanation: views::explanation(&explanation) };
    if store::insert(tx, &kept).await? {
        events::append(tx, first, Fact::Calculated(calculated), cause).await?;
        if let Some(approved) = approved {
            events::append(tx, second, Fact::Approved(approved), cause).await?;
        }
        return Ok(Calculation { kept, duplicate: false });
    }
    let kept = store::load_by_conversion(tx, &conversion.id).await?.ok_or_else(unseen)?;
    if kept.commission.is_for(&conversion) {
        Ok(Calculation { kept, duplicate: true })
    } else {
        Err(CalculateError::DuplicateConversion { existing: kept.commission.id().clone() })
    }
}

/// Serializable writes see the row that was in their way; should one not, it may be tried again.
fn unseen() -> DbError {
    DbError::Conflict("the conversion was calculated a moment ago".to_owned())
}
