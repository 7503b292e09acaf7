//! Changes an affiliate. What changes nothing is no news: the same answer, and no event.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};

use crate::domain::{Affiliate, AffiliateChangeError, AffiliateChanges, AffiliateId};
use crate::events;
use crate::store::{self, Taken};

/// What is to be done with an affiliate.
#[derive(Clone, Debug)]
pub enum Verb {
    Change(AffiliateChanges),
    Suspend {
        reason: String,
    },
    Reactivate,
    Terminate {
        reason: String,
    },
    /// Sealed for this affiliate.
    PayTo {
        sealed: String,
    },
}

#[derive(Clone, Debug)]
pub struct ChangeAffiliate {
    pub id: AffiliateId,
    pub verb: Verb,
    /// The id of the event that says so.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AffiliateNotChanged {
    #[error("there is no affiliate {0}")]
    NotFound(AffiliateId),
    #[error(transparent)]
    Refused(#[from] AffiliateChangeError),
    #[error("affiliate {by} of the program has this e-mail")]
    EmailTaken { by: AffiliateId },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change_affiliate(
    tx: &Tx,
    command: ChangeAffiliate,
    cause: &Cause,
) -> Result<Affiliate, AffiliateNotChanged> {
    let ChangeAffiliate { id, verb, event } = command;
    let mut affiliate = store::load_affiliate(tx, &id).await?.ok_or(AffiliateNotChanged::NotFound(id))?;
    let fact = match verb {
        Verb::Change(changes) => affiliate.change(changes, cause.at)?,
        Verb::Suspend { reason } => affiliate.suspend(&reason, cause.at)?,
        Verb::Reactivate => affiliate.reactivate(cause.at)?,
        Verb::Terminate { reason } => affiliate.terminate(&reason, cause.at),
        Verb::PayTo { sealed } => Some(affiliate.pay_to(sealed, cause.at)),
    };
    let Some(fact) = fact else { return Ok(affiliate) };
    match store::save_affiliate(tx, &affiliate).await? {
        None => {}
        Some(Taken::Email { by }) => return Err(AffiliateNotChanged::EmailTaken { by }),
        Some(Taken::Code { .. }) => unreachable!("a code never changes, so nobody else got it"),
    }
    events::of_affiliate(tx, event, fact, &affiliate, cause).await?;
    Ok(affiliate)
}
