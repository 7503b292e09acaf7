//! What a reconciliation reads of this context: the conversions that were accepted, page by page.
//!
//! Not here: what is compared with them, which other contexts have.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Timestamp;
use sea_query::{Expr, ExprTrait as _, Order, Query};

use crate::store::{Conversions, TENANT};

/// What of a conversion a commission has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub conversion: String,
    pub gross_minor: i64,
    pub currency: String,
}

/// Conversions that were recorded no later than `until`, in the order of their ids, behind `after`.
pub async fn accepted(db: &Db, until: Timestamp, after: &str, limit: u64) -> Result<Vec<Accepted>, DbError> {
    let select = Query::select()
        .columns([Conversions::Id, Conversions::GrossMinor, Conversions::Currency])
        .from(Conversions::Table)
        .and_where(Expr::col(Conversions::Tenant).eq(TENANT))
        .and_where(Expr::col(Conversions::Id).gt(after))
        .and_where(Expr::col(Conversions::RecordedAt).lte(until.as_micros()))
        .order_by(Conversions::Id, Order::Asc)
        .limit(limit)
        .to_owned();
    let read = async move |tx: &Tx| -> Result<Vec<Accepted>, DbError> {
        let mut found = Vec::new();
        for row in tx.fetch_all(&select).await? {
            found.push(Accepted {
                conversion: row.get("id")?,
                gross_minor: row.get("gross_minor")?,
                currency: row.get("currency")?,
            });
        }
        Ok(found)
    };
    db.read(read).await
}
