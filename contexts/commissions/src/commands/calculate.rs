//! Calculates the commission of a conversion, once.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Rate, Uuid};

use super::book::book;
use crate::domain::{
    Commission, CommissionId, Conversion, Fact, Made, Origin, Program, Rates, Refunded, RuleError,
};
use crate::store::{self, Kept, refunds};
use crate::views;

#[derive(Clone, Debug)]
pub struct CalculateCommission {
    /// The id that the commission gets if it is new.
    pub id: CommissionId,
    /// The ids of the events that say so: calculated, and perhaps approved, and perhaps refunded already.
    pub events: [Uuid; 3],
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
    let CalculateCommission { id, events, conversion, rate, origin } = command;
    let rates = Rates { request: rate, ..Rates::default() };
    let Made { commission, explanation, calculated, approved } =
        Commission::calculate(id, conversion.clone(), program, &rates, origin, cause.at)?;
    let mut kept = Kept { commission, explanation: views::explanation(&explanation) };
    if store::insert(tx, &kept).await? {
        let mut facts = vec![Fact::Calculated(calculated)];
        facts.extend(approved.map(Fact::Approved));
        facts.extend(refunded_before(tx, &mut kept.commission, cause).await?);
        book(tx, events.into_iter().zip(facts).collect(), cause).await?;
        return Ok(Calculation { kept, duplicate: false });
    }
    let kept = store::load_by_conversion(tx, &conversion.id).await?.ok_or_else(unseen)?;
    if kept.commission.is_for(&conversion) {
        Ok(Calculation { kept, duplicate: true })
    } else {
        Err(CalculateError::DuplicateConversion { existing: kept.commission.id().clone() })
    }
}

/// What a refund takes back that came before its conversion.
async fn refunded_before(
    tx: &Tx,
    commission: &mut Commission,
    cause: &Cause,
) -> Result<Option<Fact>, DbError> {
    let Some(told) = refunds::of(tx, &commission.conversion().id).await? else { return Ok(None) };
    // A refund that does not fit the conversion (another currency, more than was paid) is not one of it.
    let Ok(refunded) = commission.refund(told.total, told.reason, cause.at) else { return Ok(None) };
    store::save(tx, commission).await?;
    Ok(match refunded {
        Refunded::Reversed(fact) => Some(*fact),
        Refunded::Known | Refunded::Noted => None,
    })
}

/// Serializable writes see the row that was in their way; should one not, it may be tried again.
fn unseen() -> DbError {
    DbError::Conflict("the conversion was calculated a moment ago".to_owned())
}
