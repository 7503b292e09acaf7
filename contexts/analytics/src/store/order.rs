//! In which order a list is, where it goes on, and how far.

use sea_query::{Expr, ExprTrait as _, Order as Direction, SelectStatement, Value};

use super::tables::Reports;

/// The most columns that an order has.
pub(crate) const ORDER_PARTS: usize = 5;

/// By columns which together tell any two rows apart.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) columns: &'static [Reports],
    pub(crate) is_descending: bool,
    /// What the columns hold in the last row that was seen.
    pub(crate) after: Option<Vec<Value>>,
    /// Most rows.
    pub(crate) limit: u64,
}

impl Order {
    pub(super) fn apply(&self, select: &mut SelectStatement) {
        if let Some(after) = &self.after {
            select.and_where_option(self.past(after));
        }
        let direction = || if self.is_descending { Direction::Desc } else { Direction::Asc };
        for column in self.columns {
            select.order_by(*column, direction());
        }
        select.limit(self.limit);
    }

    /// Past in the first column; or equal in it, and past in the others.
    fn past(&self, after: &[Value]) -> Option<Expr> {
        let beyond = |column: Expr, at: &Value| {
            if self.is_descending { column.lt(at.clone()) } else { column.gt(at.clone()) }
        };
        let places = self.columns.iter().zip(after).rev();
        let past = places.fold(None, |rest: Option<Expr>, (column, at)| {
            let past = beyond(Expr::col(*column), at);
            Some(match rest {
                None => past,
                Some(rest) => past.or(Expr::col(*column).eq(at.clone()).and(rest)),
            })
        })?;
        // It is implied, and lets the databases start in the index.
        let (first, at) = (Expr::col(*self.columns.first()?), after.first()?.clone());
        let from = if self.is_descending { first.lte(at) } else { first.gte(at) };
        Some(from.and(past))
    }
}
