//! Takes back what follows from a refund of the conversion.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Money};

use super::book::book;
use crate::domain::{ConversionId, RefundError, Refunded, Slots};
use crate::store::{self, refunds, refunds::RefundedTotal};

#[derive(Clone, Debug)]
pub struct RefundConversion {
    pub conversion: ConversionId,
    /// What was refunded until now, in all.
    pub total: Money,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundCommissionError {
    #[error(transparent)]
    Refused(#[from] RefundError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// It reaches each commission of the conversion. Of one that has none yet, the refund is kept until it has one.
pub async fn refund(
    tx: &Tx,
    command: RefundConversion,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(), RefundCommissionError> {
    let RefundConversion { conversion, total, reason } = command;
    let theirs = store::slots(tx, std::slice::from_ref(&conversion))
        .await?
        .into_iter()
        .map(|kept| kept.commission)
        .collect();
    let Some(slots) = Slots::of(theirs) else {
        let told = RefundedTotal { total, reason };
        return Ok(refunds::keep(tx, &conversion, &told, cause.at).await?);
    };
    let mut facts = Vec::new();
    for mut commission in slots.into_commissions() {
        match commission.refund(total, reason.clone(), cause.at)? {
            Refunded::Known => continue,
            Refunded::Noted => {}
            Refunded::Reversed(fact) => facts.push((ids.uuid(), *fact)),
        }
        store::save(tx, &commission).await?;
    }
    Ok(book(tx, facts, cause).await?)
}
