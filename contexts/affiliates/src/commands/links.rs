//! Gives an affiliate a link.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};

use crate::domain::{AffiliateChangeError, AffiliateId, CampaignId, Destination, Link, LinkId, Standing};
use crate::{events, store};

#[derive(Clone, Debug)]
pub struct AddLink {
    pub affiliate: AffiliateId,
    pub campaign: Option<CampaignId>,
    pub destination: Destination,
    pub id: LinkId,
    /// The last part of the link's address.
    pub slug: String,
    /// The id of the event that says so.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkNotAdded {
    #[error("there is no affiliate {0}")]
    NotFound(AffiliateId),
    #[error(transparent)]
    Refused(#[from] AffiliateChangeError),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn add_link(tx: &Tx, command: AddLink, cause: &Cause) -> Result<Link, LinkNotAdded> {
    let AddLink { affiliate: id, campaign, destination, id: link, slug, event } = command;
    let affiliate =
        store::load_affiliate(tx, &id).await?.ok_or_else(|| LinkNotAdded::NotFound(id.clone()))?;
    if matches!(affiliate.standing(), Standing::Terminated { .. }) {
        return Err(AffiliateChangeError::Terminated.into());
    }
    let program = affiliate.registration().program.clone();
    let link = Link { id: link, affiliate: id, program, campaign, slug, destination, created_at: cause.at };
    if !store::insert_link(tx, &link).await? {
        // One chance in a trillion for each link there is: asked again, it gets another.
        return Err(DbError::Conflict("the slug is taken".to_owned()).into());
    }
    events::of_link(tx, event, &link, cause).await?;
    Ok(link)
}
