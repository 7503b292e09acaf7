//! Takes back what follows from a refund of the conversion.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Money, Uuid};

use super::book::book;
use crate::domain::{ConversionId, RefundError, Refunded};
use crate::store::{self, refunds, refunds::RefundedTotal};

#[derive(Clone, Debug)]
pub struct RefundConversion {
    pub conversion: ConversionId,
    /// What was refunded until now, in all.
    pub total: Money,
    pub reason: Option<String>,
    /// The id of the event that tells what it takes back.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundCommissionError {
    #[error(transparent)]
    Refused(#[from] RefundError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Of a conversion that has no commission yet, the refund is kept until it has one.
pub async fn refund(tx: &Tx, command: RefundConversion, cause: &Cause) -> Result<(), RefundCommissionError> {
    let RefundConversion { conversion, total, reason, event } = command;
    let told = RefundedTotal { total, reason };
    let Some(mut kept) = store::load_by_conversion(tx, &conversion).await? else {
        return Ok(refunds::keep(tx, &conversion, &told, cause.at).await?);
    };
    match kept.commission.refund(told.total, told.reason, cause.at)? {
        Refunded::Known => {}
        Refunded::Noted => store::save(tx, &kept.commission).await?,
        Refunded::Reversed(fact) => {
            store::save(tx, &kept.commission).await?;
            book(tx, vec![(event, *fact)], cause).await?;
        }
    }
    Ok(())
}
