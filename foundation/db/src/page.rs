//! A page of a list that stays in order while others write: by a column, and by the id where that is equal.

use sea_query::{Expr, ExprTrait as _, IntoIden, Order, SelectStatement, Value};

/// Where in its order a list goes on, and how far.
#[derive(Clone, Debug)]
pub struct Keyset {
    pub is_descending: bool,
    /// What the two columns hold in the last row that was seen.
    pub after: Option<(Value, Value)>,
    /// Most rows.
    pub limit: u64,
}

impl Keyset {
    /// Narrows and orders a select. No row of the two columns is equal to another, and none is null.
    pub fn apply(self, select: &mut SelectStatement, column: impl IntoIden, id: impl IntoIden) {
        let Self { is_descending, after, limit } = self;
        let (column, id) = (column.into_iden(), id.into_iden());
        if let Some((at, id_at)) = after {
            let past = |column: Expr, at: Value| if is_descending { column.lt(at) } else { column.gt(at) };
            let column = || Expr::col(column.clone());
            let same = column().eq(at.clone()).and(past(Expr::col(id.clone()), id_at));
            // The first half is implied by the second; it lets the databases start in the index.
            let from = if is_descending { column().lte(at.clone()) } else { column().gte(at.clone()) };
            select.and_where(from).and_where(past(column(), at).or(same));
        }
        let order = if is_descending { Order::Desc } else { Order::Asc };
        select.order_by(column, order.clone()).order_by(id, order).limit(limit);
    }
}
