//! Gives money back for a conversion, once for each of a shop's own ids.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Amount, Cause, Money, MoneyError, Uuid};

use crate::domain::{
    Conversion, ConversionId, ExternalId, LineId, LineRefund, Refund, RefundError, RefundId, Refunded,
    WhatBack,
};
use crate::{events, store};

/// What is to be given back, before it is known in which currency.
#[derive(Clone, Debug)]
pub enum What {
    Rest,
    Amount(Amount),
    Lines(Vec<(LineId, Option<Amount>)>),
}

#[derive(Clone, Debug)]
pub struct RefundConversion {
    pub conversion: ConversionId,
    pub id: RefundId,
    pub what: What,
    pub reason: Option<String>,
    pub external: Option<ExternalId>,
    /// The id of the event that says so.
    pub event: Uuid,
}

/// The refund, made now or found, and the conversion after it.
#[derive(Clone, Debug)]
pub struct RefundOutcome {
    pub refund: Refund,
    pub conversion: Conversion,
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRefunded {
    #[error("there is no conversion {0}")]
    NotFound(ConversionId),
    #[error(transparent)]
    Refused(#[from] RefundError),
    /// Of the whole, or of the line at this index.
    #[error("it {error}")]
    Amount { line: Option<usize>, error: MoneyError },
    #[error("refund {existing} of the conversion has this id of the shop, and says something else")]
    Duplicate { existing: RefundId },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn refund(tx: &Tx, command: RefundConversion, cause: &Cause) -> Result<RefundOutcome, NotRefunded> {
    let RefundConversion { conversion: id, id: refund, what, reason, external, event } = command;
    let found = store::load_conversion(tx, &id).await?;
    let mut conversion = found.ok_or_else(|| NotRefunded::NotFound(id.clone()))?;
    let before = conversion.parts().refunded;
    let what = in_currency(&conversion, what)?;
    if let Some(external) = &external
        && let Some(refund) = store::load_refund_by_external(tx, &id, external).await?
    {
        if is_told_again(&refund, &what) {
            return Ok(RefundOutcome { refund, conversion, duplicate: true });
        }
        return Err(NotRefunded::Duplicate { existing: refund.id });
    }
    let Refunded { amount, total, lines } = conversion.refund(&what)?;
    let refund = Refund { id: refund, conversion: id, amount, total, lines, reason, external, at: cause.at };
    store::save_refunded(tx, &conversion, before).await?;
    if !store::insert_refund(tx, &refund).await? {
        return Err(DbError::Conflict("something was given back a moment ago".to_owned()).into());
    }
    events::of_refunded(tx, event, &conversion, &refund, cause).await?;
    Ok(RefundOutcome { refund, conversion, duplicate: false })
}

fn in_currency(conversion: &Conversion, what: What) -> Result<WhatBack, NotRefunded> {
    let currency = conversion.parts().gross.currency();
    let money = |line, amount| {
        Money::from_amount(amount, currency).map_err(|error| NotRefunded::Amount { line, error })
    };
    Ok(match what {
        What::Rest => WhatBack::Rest,
        What::Amount(amount) => WhatBack::Amount(money(None, amount)?),
        What::Lines(lines) => {
            let line = |(index, (line, amount)): (usize, (LineId, Option<Amount>))| {
                let amount = amount.map(|amount| money(Some(index), amount)).transpose()?;
                Ok(LineRefund { line, amount })
            };
            WhatBack::Lines(lines.into_iter().enumerate().map(line).collect::<Result<_, NotRefunded>>()?)
        }
    })
}

/// What is left is what it was then, so it says the same whatever it came to.
fn is_told_again(refund: &Refund, what: &WhatBack) -> bool {
    match what {
        WhatBack::Rest => true,
        WhatBack::Amount(amount) => refund.amount == *amount,
        WhatBack::Lines(lines) => {
            lines.len() == refund.lines.len()
                && lines.iter().zip(&refund.lines).all(|(asked, (line, amount))| {
                    asked.line == *line && asked.amount.is_none_or(|asked| asked == *amount)
                })
        }
    }
}
