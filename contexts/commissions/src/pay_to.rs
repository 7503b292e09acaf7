//! Where the partners of a payout are paid: told by the affiliates context, sealed, and opened here for who pays.

use std::collections::BTreeMap;

use hexalpes_contracts::affiliates::PayTo;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_vault::Vault;

use crate::domain::{AffiliateId, Payout};
use crate::store::known;

/// By partner, as far as it is known and `vault` opens it.
pub(crate) async fn of(
    db: &Db,
    vault: Option<&Vault>,
    payout: &Payout,
) -> Result<BTreeMap<AffiliateId, PayTo>, DbError> {
    let Some(vault) = vault else { return Ok(BTreeMap::new()) };
    let partners: Vec<AffiliateId> = payout.lines.iter().map(|line| line.partner.clone()).collect();
    let sealed = async move |tx: &Tx| -> Result<Vec<(AffiliateId, String)>, DbError> {
        let mut found = Vec::new();
        for partner in &partners {
            let known = known::affiliate(tx, partner).await?;
            found.extend(known.and_then(|known| known.payout_sealed).map(|sealed| (partner.clone(), sealed)));
        }
        Ok(found)
    };
    let sealed = db.read(sealed).await?;
    Ok(sealed.into_iter().filter_map(|(partner, sealed)| opened(vault, partner, &sealed)).collect())
}

fn opened(vault: &Vault, partner: AffiliateId, sealed: &str) -> Option<(AffiliateId, PayTo)> {
    let opened = vault.unseal(partner.as_str(), sealed).map_err(|error| error.to_string());
    let read = opened.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    match read {
        Ok(pay_to) => Some((partner, pay_to)),
        Err(why) => {
            tracing::warn!(affiliate.id = %partner, why, "payout details cannot be opened");
            None
        }
    }
}
