//! What can be asked about commissions. The store answers, never the broker.

use hexalpes_db::{Db, DbError, Tx};

use crate::domain::ConversionId;
use crate::store;
use crate::views::CommissionView;

/// The commission of a conversion, if it has one.
pub(crate) async fn by_conversion(db: &Db, id: ConversionId) -> Result<Option<CommissionView>, DbError> {
    let kept = db.read(async move |tx: &Tx| store::load_by_conversion(tx, &id).await).await?;
    Ok(kept.map(CommissionView::of))
}
