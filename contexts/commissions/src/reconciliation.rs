//! What a reconciliation reads of this context: commissions beside the journal, and payouts beside both, page by page.
//!
//! Statements name tables as they are in the database: they read across what the store keeps apart.

use hexalpes_db::{Db, DbError, Row, Tx, columns};
use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement};

use crate::store::TENANT;

/// A commission, and what it was calculated from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    pub conversion: String,
    pub gross_minor: i64,
    pub currency: String,
}

/// The commissions of these conversions, in no order.
pub async fn owed_for(db: &Db, conversions: Vec<String>) -> Result<Vec<Owed>, DbError> {
    let select = Query::select()
        .columns(["conversion_id", "gross_minor", "currency"])
        .from("commission")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("conversion_id").is_in(conversions))
        .to_owned();
    let owed = |row: &Row| {
        Ok(Owed {
            conversion: row.get("conversion_id")?,
            gross_minor: row.get("gross_minor")?,
            currency: row.get("currency")?,
        })
    };
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(owed).collect()).await
}

/// A commission beside what the journal has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    pub commission: String,
    pub amount_minor: i64,
    /// What is no longer owed: all of one that was rejected.
    pub taken_back_minor: i64,
    /// What the journal says of the two.
    pub accrued_minor: i64,
    pub booked_back_minor: i64,
    /// What re-ratings booked of it, if any did: then it is what is left that must agree.
    pub rerated_minor: Option<i64>,
    /// The payout that it was paid with, if it was.
    pub paid_with: Option<String>,
}

/// What makes a commission, and what takes of it: verbs of the journal.
const MADE: [&str; 2] = ["calculate", "open"];
const TAKEN: [&str; 3] = ["reverse", "claw_back", "reject"];
/// What gives it another amount, of which the journal has the difference of what is left.
const RERATED: &str = "rerate";

/// Commissions in the order of their ids, behind `after`, each with its entries of the same moment.
pub async fn booked(db: &Db, after: &str, limit: u64) -> Result<Vec<Booked>, DbError> {
    let select = Query::select()
        .columns(["id", "commission_minor", "reversed_minor", "status", "payout_id"])
        .from("commission")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("id").gt(after))
        .order_by("id", Order::Asc)
        .limit(limit)
        .to_owned();
    let read = async move |tx: &Tx| -> Result<Vec<Booked>, DbError> {
        let rows = tx.fetch_all(&select).await?;
        let mut found = rows.iter().map(unbooked).collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            return Ok(found);
        }
        let ids: Vec<String> = found.iter().map(|one| one.commission.clone()).collect();
        for row in tx.fetch_all(&rerated(&ids)).await? {
            let commission: String = row.get("commission_id")?;
            if let Ok(at) = found.binary_search_by(|one| one.commission.cmp(&commission)) {
                found[at].rerated_minor = Some(0);
            }
        }
        for row in tx.fetch_all(&expense(tx, ids)).await? {
            let commission: String = row.get("commission_id")?;
            let Ok(at) = found.binary_search_by(|one| one.commission.cmp(&commission)) else { continue };
            let (verb, minor): (String, i64) = (row.get("verb")?, row.get("minor")?);
            if MADE.contains(&verb.as_str()) {
                found[at].accrued_minor += minor;
            } else if TAKEN.contains(&verb.as_str()) {
                found[at].booked_back_minor -= minor;
            } else if verb == RERATED {
                *found[at].rerated_minor.get_or_insert(0) += minor;
            }
        }
        Ok(found)
    };
    db.read(read).await
}

fn unbooked(row: &Row) -> Result<Booked, DbError> {
    let (status, amount_minor): (String, i64) = (row.get("status")?, row.get("commission_minor")?);
    let is_paid = ["PAID", "CLAWED_BACK"].contains(&status.as_str());
    Ok(Booked {
        commission: row.get("id")?,
        amount_minor,
        taken_back_minor: if status == "REJECTED" { amount_minor } else { row.get("reversed_minor")? },
        accrued_minor: 0,
        booked_back_minor: 0,
        rerated_minor: None,
        paid_with: row.get::<Option<String>>("payout_id")?.filter(|_| is_paid),
    })
}

/// Those that were rated anew; some of them without an entry, for nothing was left of them.
fn rerated(commissions: &[String]) -> SelectStatement {
    Query::select()
        .distinct()
        .column("commission_id")
        .from("commission_history")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(Expr::col("commission_id").is_in(commissions.iter().map(String::as_str)))
        .and_where(Expr::col("verb").eq(RERATED))
        .to_owned()
}

/// What the program's expense was, by commission and verb.
fn expense(tx: &Tx, commissions: Vec<String>) -> SelectStatement {
    let (commission, verb) = (("journal_entry", "commission_id"), ("journal_transaction", "kind"));
    Query::select()
        .column(commission)
        .expr_as(Expr::col(verb), "verb")
        .expr_as(columns::sum(tx.backend(), ("journal_entry", "minor")), "minor")
        .from("journal_entry")
        .inner_join(
            "journal_transaction",
            Expr::col(("journal_transaction", "id")).equals(("journal_entry", "transaction_id")),
        )
        .and_where(Expr::col(("journal_entry", "tenant")).eq(TENANT))
        .and_where(Expr::col(commission).is_in(commissions))
        .and_where(Expr::col(("journal_entry", "account")).eq("expense"))
        .group_by_columns([commission, verb])
        .to_owned()
}

/// Commissions of which the journal has entries and this context has no row, at most `limit`.
pub async fn booked_of_nothing(db: &Db, limit: u64) -> Result<Vec<String>, DbError> {
    let commission = ("journal_entry", "commission_id");
    let select = Query::select()
        .distinct()
        .column(commission)
        .from("journal_entry")
        .left_join("commission", Expr::col(("commission", "id")).equals(commission))
        .and_where(Expr::col(commission).is_not_null())
        .and_where(Expr::col(("commission", "id")).is_null())
        .limit(limit)
        .to_owned();
    let id = |row: &Row| row.get("commission_id");
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(id).collect()).await
}

/// A line of a payout beside the sum of what it consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutLine {
    pub payout: String,
    pub number: i64,
    pub amount_minor: i64,
    pub items_minor: i64,
}

/// Lines of payouts, by payout and number, behind the one given.
pub async fn payout_lines(
    db: &Db,
    after: Option<&PayoutLine>,
    limit: u64,
) -> Result<Vec<PayoutLine>, DbError> {
    let (payout, number) = after.map_or_else(Default::default, |line| (line.payout.clone(), line.number));
    let select = Query::select()
        .columns(["payout_id", "number", "amount_minor"])
        .from("payout_line")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(behind(&payout, number))
        .order_by("payout_id", Order::Asc)
        .order_by("number", Order::Asc)
        .limit(limit)
        .to_owned();
    let read = async move |tx: &Tx| -> Result<Vec<PayoutLine>, DbError> {
        let line = |row: &Row| {
            Ok(PayoutLine {
                payout: row.get("payout_id")?,
                number: row.get("number")?,
                amount_minor: row.get("amount_minor")?,
                items_minor: 0,
            })
        };
        let mut lines = tx.fetch_all(&select).await?.iter().map(line).collect::<Result<Vec<_>, DbError>>()?;
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(lines) };
        for row in tx.fetch_all(&items_of(tx, first, last)).await? {
            let place: (String, i64) = (row.get("payout_id")?, row.get("number")?);
            let is_place = |line: &PayoutLine| (line.payout.as_str(), line.number).cmp(&(&place.0, place.1));
            if let Ok(at) = lines.binary_search_by(is_place) {
                lines[at].items_minor = row.get::<i64>("minor")? - row.get::<i64>("netted")?;
            }
        }
        Ok(lines)
    };
    db.read(read).await
}

/// What the items of each line from `first` to `last` come to.
fn items_of(tx: &Tx, first: &PayoutLine, last: &PayoutLine) -> SelectStatement {
    let payouts = Expr::col("payout_id").gte(&*first.payout).and(Expr::col("payout_id").lte(&*last.payout));
    let mut select = Query::select()
        .columns(["payout_id", "number"])
        .expr_as(columns::sum(tx.backend(), "minor"), "minor")
        .expr_as(columns::sum(tx.backend(), "netted_minor"), "netted")
        .from("payout_item")
        .and_where(Expr::col("tenant").eq(TENANT))
        .and_where(payouts)
        .group_by_columns(["payout_id", "number"])
        .to_owned();
    if first.payout == last.payout {
        select.and_where(Expr::col("number").between(first.number, last.number));
    }
    select
}

/// A commission in a line that was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidItem {
    pub payout: String,
    pub number: i64,
    pub commission: String,
}

/// What was paid, by payout, line and commission, behind the one given.
pub async fn paid_items(db: &Db, after: Option<&PaidItem>, limit: u64) -> Result<Vec<PaidItem>, DbError> {
    let item = |column: &'static str| ("payout_item", column);
    let line = |column: &'static str| ("payout_line", column);
    let same = |column| Expr::col(line(column)).equals(item(column));
    let mut select = Query::select()
        .columns(["payout_id", "number", "commission_id"].map(item))
        .from("payout_item")
        .inner_join("payout_line", same("tenant").and(same("payout_id")).and(same("number")))
        .and_where(Expr::col(item("tenant")).eq(TENANT))
        .and_where(Expr::col(line("status")).eq("SETTLED"))
        .limit(limit)
        .to_owned();
    for column in ["payout_id", "number", "commission_id"] {
        select.order_by(item(column), Order::Asc);
    }
    if let Some(PaidItem { payout, number, commission }) = after {
        let (of, at) = (|| Expr::col(item("payout_id")), || Expr::col(item("number")));
        let later = Expr::col(item("commission_id")).gt(commission.as_str());
        let later = at().gt(*number).or(at().eq(*number).and(later));
        // The first half is implied by the second; it lets the databases start in the index.
        select.and_where(of().gte(payout.as_str()));
        select.and_where(of().gt(payout.as_str()).or(of().eq(payout.as_str()).and(later)));
    }
    let paid = |row: &Row| {
        Ok(PaidItem {
            payout: row.get("payout_id")?,
            number: row.get("number")?,
            commission: row.get("commission_id")?,
        })
    };
    db.read(async move |tx: &Tx| tx.fetch_all(&select).await?.iter().map(paid).collect()).await
}

/// Places behind a line.
fn behind(payout: &str, number: i64) -> Expr {
    let of = || Expr::col("payout_id");
    of().gte(payout).and(of().gt(payout).or(of().eq(payout).and(Expr::col("number").gt(number))))
}
