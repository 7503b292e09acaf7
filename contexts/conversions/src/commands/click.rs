//! Remembers that somebody followed a link.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Timestamp;

use crate::domain::{ClickId, KnownLink, Slug, VisitorId};
use crate::store;

#[derive(Clone, Debug)]
pub struct RecordClick {
    pub slug: Slug,
    pub id: ClickId,
    /// Who clicks: the one who came before, or a new one.
    pub visitor: VisitorId,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFollowed {
    #[error("there is no link {0}")]
    NoLink(Slug),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Gives the link, so that whoever clicked can be led on. A link of somebody who may not earn still leads on.
pub async fn record_click(tx: &Tx, command: RecordClick) -> Result<KnownLink, NotFollowed> {
    let RecordClick { slug, id, visitor, at } = command;
    let link = store::known_link(tx, &slug).await?.ok_or(NotFollowed::NoLink(slug))?;
    store::insert_click(tx, &id, &visitor, &link, at).await?;
    Ok(link)
}
