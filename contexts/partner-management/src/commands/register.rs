//! Registers a partner, once for each e-mail. What others told of it before counts from then on.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::take_snapshot;
use crate::domain::{
    Document, DocumentDetails, DocumentId, DocumentStanding, Partner, PartnerId, Registration,
    SnapshotTrigger,
};
use crate::events;
use crate::store::{self, EmailTaken};

#[derive(Clone, Debug)]
pub struct RegisterPartner {
    pub id: PartnerId,
    pub registration: Registration,
    pub documents: Vec<DocumentDetails>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    #[error("partner {by} has this e-mail")]
    EmailTaken { by: PartnerId },
    #[error("document {index} is there twice")]
    SameDocument { index: usize },
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn register(
    tx: &Tx,
    ids: &dyn Ids,
    command: RegisterPartner,
    cause: &Cause,
) -> Result<Partner, NotRegistered> {
    let RegisterPartner { id, registration, documents } = command;
    let documents = submitted(documents, ids, cause)?;
    let contracts = store::contracts_of(tx, &id).await?;
    let partner = Partner::register(id, registration, documents, contracts, cause.at);
    if let Some(EmailTaken { by }) = store::insert_partner(tx, &partner).await? {
        return Err(NotRegistered::EmailTaken { by });
    }
    store::insert_move(tx, &partner, None, cause).await?;
    store::open_snapshots(tx, partner.id(), cause.at).await?;
    events::of_registration(tx, ids.uuid(), &partner, cause).await?;
    if !partner.contracts().is_empty() {
        events::of_validation(tx, ids.uuid(), &partner, cause).await?;
        take_snapshot(tx, ids, (partner.id(), partner.status()), SnapshotTrigger::Change, cause).await?;
    }
    Ok(partner)
}

fn submitted(
    documents: Vec<DocumentDetails>,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Vec<Document>, NotRegistered> {
    let mut taken: Vec<Document> = Vec::with_capacity(documents.len());
    for (index, details) in documents.into_iter().enumerate() {
        if taken.iter().any(|document| document.is_same(&details)) {
            return Err(NotRegistered::SameDocument { index });
        }
        taken.push(Document {
            id: DocumentId::new(ids.uuid()),
            details,
            standing: DocumentStanding::Submitted,
            added_at: cause.at,
            added_by: cause.actor.clone(),
        });
    }
    Ok(taken)
}
