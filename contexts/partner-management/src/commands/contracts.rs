//! Takes in what the onboarding context told of a contract, in whatever order and however often (C-14).

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids};

use super::change::tell;
use crate::domain::{Contract, ContractId, PartnerId};
use crate::store;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLearned {
    #[error("contract {0} is another partner's")]
    OtherPartner(ContractId),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Signed leads to CONTRACTED and activated to VALIDATED, unless the partner was stopped; a partner that is not known
/// yet finds it when it registers.
pub async fn learn_contract(
    tx: &Tx,
    ids: &dyn Ids,
    of: &PartnerId,
    told: &Contract,
    cause: &Cause,
) -> Result<(), NotLearned> {
    let partner = store::load_partner(tx, of).await?;
    let mut known = match &partner {
        Some(partner) => partner.contract(&told.id).cloned(),
        None => store::contracts_of(tx, of).await?.into_iter().find(|contract| contract.id == told.id),
    };
    let is_news = match &mut known {
        Some(known) => known.merge(told),
        None => true,
    };
    if !is_news {
        return Ok(());
    }
    let contract = known.unwrap_or_else(|| told.clone());
    if !store::save_contract(tx, of, &contract).await? {
        return Err(NotLearned::OtherPartner(contract.id));
    }
    let Some(mut partner) = partner else { return Ok(()) };
    let before = partner.clone();
    if let Some(changed) = partner.learn(told, cause.at) {
        store::save_partner(tx, &before, &partner).await?;
        tell(tx, ids, &partner, changed, cause).await?;
    }
    Ok(())
}
