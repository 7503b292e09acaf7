//! Registers an affiliate, once for each e-mail and program.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};

use crate::domain::{Affiliate, AffiliateFact, AffiliateId, ProgramId, ProgramStatus, Registration};
use crate::events;
use crate::store::{self, Taken};

#[derive(Clone, Debug)]
pub struct RegisterAffiliate {
    pub id: AffiliateId,
    pub registration: Registration,
    /// Where to pay to, sealed for this affiliate.
    pub payout_sealed: Option<String>,
    /// The id of the event that says so.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    #[error("there is no program {0}")]
    NoProgram(ProgramId),
    #[error("the program {0} is closed")]
    ProgramClosed(ProgramId),
    #[error("affiliate {by} of the program has this e-mail")]
    EmailTaken { by: AffiliateId },
    #[error("affiliate {by} of the program has this code")]
    CodeTaken { by: AffiliateId },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn register(
    tx: &Tx,
    command: RegisterAffiliate,
    cause: &Cause,
) -> Result<Affiliate, NotRegistered> {
    let RegisterAffiliate { id, registration, payout_sealed, event } = command;
    let program = store::load_program(tx, &registration.program).await?;
    let program = program.ok_or_else(|| NotRegistered::NoProgram(registration.program.clone()))?;
    if program.status() == ProgramStatus::Closed {
        return Err(NotRegistered::ProgramClosed(registration.program));
    }
    let affiliate = Affiliate::register(id, registration, payout_sealed, cause.at);
    match store::insert_affiliate(tx, &affiliate).await? {
        None => {}
        Some(Taken::Email { by }) => return Err(NotRegistered::EmailTaken { by }),
        Some(Taken::Code { by }) => return Err(NotRegistered::CodeTaken { by }),
    }
    events::of_affiliate(tx, event, AffiliateFact::Registered, &affiliate, cause).await?;
    Ok(affiliate)
}
