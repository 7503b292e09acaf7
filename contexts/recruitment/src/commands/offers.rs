//! Makes offers, and takes a no. A yes is a hire.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Timestamp};

use super::Terms;
use crate::domain::{
    ApplicationId, JobError, Offer, OfferId, OfferState, Stage, StageError, StateError, Step,
};
use crate::store;

#[derive(Clone, Debug)]
pub struct MakeOffer {
    pub id: OfferId,
    pub application: ApplicationId,
    pub terms: Terms,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    #[error("there is no application {0}")]
    NoApplication(ApplicationId),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error("offer {0} is still open")]
    Open(OfferId),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// One at a time: an offer that nobody answered in time makes room for another.
pub async fn make_offer(tx: &Tx, command: MakeOffer, cause: &Cause) -> Result<Offer, NotOffered> {
    let MakeOffer { id, application, terms, expires_at } = command;
    let found = store::load_application(tx, &application).await?;
    let mut application = found.ok_or(NotOffered::NoApplication(application))?;
    let job = store::load_job(tx, application.job()).await?.ok_or(DbError::NoRow)?;
    job.may_go_on()?;
    for mut earlier in store::offers_of(tx, application.id(), None).await? {
        if earlier.status(cause.at) == "OPEN" {
            return Err(NotOffered::Open(earlier.id));
        }
        if earlier.state == OfferState::Open {
            earlier.state = OfferState::Expired;
            store::save_offer(tx, &earlier).await?;
        }
    }
    let before = application.revision();
    if application.go(Step { to: Stage::Offer, at: cause.at, by: cause.actor.clone(), reason: None })? {
        store::save_application(tx, &application, before).await?;
    }
    let offer = Offer {
        id,
        application: application.id().clone(),
        employment: terms.of(&job),
        expires_at,
        state: OfferState::Open,
        created_at: cause.at,
    };
    store::insert_offer(tx, &offer).await?;
    Ok(offer)
}

#[derive(Clone, Debug)]
pub struct DeclineOffer {
    pub id: OfferId,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDeclined {
    #[error("there is no offer {0}")]
    NotFound(OfferId),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The application is back at talking: another offer may follow.
pub async fn decline_offer(tx: &Tx, command: DeclineOffer, cause: &Cause) -> Result<Offer, NotDeclined> {
    let DeclineOffer { id, reason } = command;
    let mut offer = store::load_offer(tx, &id).await?.ok_or(NotDeclined::NotFound(id))?;
    if !offer.decline(reason, cause.at)? {
        return Ok(offer);
    }
    store::save_offer(tx, &offer).await?;
    let application = store::load_application(tx, &offer.application).await?;
    let mut application = application.ok_or(DbError::NoRow)?;
    let before = application.revision();
    let step = Step { to: Stage::Interview, at: cause.at, by: cause.actor.clone(), reason: None };
    if application.stage() == Stage::Offer && application.go(step).is_ok() {
        store::save_application(tx, &application, before).await?;
    }
    Ok(offer)
}

/// Ends the offers of an application that nobody will answer any longer.
pub(super) async fn close_offers(tx: &Tx, of: &ApplicationId, at: Timestamp) -> Result<(), DbError> {
    for mut offer in store::offers_of(tx, of, None).await? {
        if offer.state == OfferState::Open {
            offer.state = OfferState::Expired;
            offer.expires_at = offer.expires_at.min(at);
            store::save_offer(tx, &offer).await?;
        }
    }
    Ok(())
}
