//! `/v1/journal`, `/v1/balances` and `/v1/trial-balance`: the books, now and as of any time.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use hexalpes_db::{DbError, Tx};
use hexalpes_http::openapi::PageOf;
use hexalpes_http::{Fields, Filters, FromFields, ListQuery, Page, Problem, values};
use hexalpes_kernel::{Currency, Timestamp};

use super::App;
use crate::domain::{Account, AffiliateId, Bucket, CommissionId, PayoutId, terms_at};
use crate::queries;
use crate::store::lists::{self, Booked, EntryFilter};
use crate::store::{payments, snapshots};
use crate::views::{EntryView, PartnerBalancesView, TrialBalanceView};

/// What a list of entries may be narrowed by.
pub(super) struct Entries(EntryFilter);

impl FromFields for Entries {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.optional("affiliateId", |raw| values::id(raw, AffiliateId::parse));
        let accounts = accounts();
        let account = fields.optional("account", |raw| values::one_of(raw, &accounts));
        let commission = fields.optional("commissionId", |raw| values::id(raw, CommissionId::parse));
        let payout = fields.optional("payoutId", |raw| values::id(raw, PayoutId::parse));
        let currency = fields.optional("currency", values::currency);
        let from = fields.optional("from", values::timestamp);
        let to = fields.optional("to", values::timestamp);
        Some(Self(EntryFilter {
            affiliate: affiliate?,
            account: account?,
            commission: commission?,
            payout: payout?,
            currency: currency?,
            from: from?,
            to: to?,
        }))
    }
}

/// The kinds of accounts: a partner's buckets, and the program's own.
fn accounts() -> Vec<(&'static str, &'static str)> {
    let buckets = Bucket::ALL.iter().map(|bucket| bucket.name());
    let own = [Account::Expense, Account::Cash, Account::Fx, Account::Rounding];
    buckets.chain(own.iter().map(Account::kind)).map(|kind| (kind, kind)).collect()
}

/// Lists the entries of the journal in the order in which they were booked.
#[utoipa::path(get, path = "/v1/journal", tag = "books",
    params(("affiliateId" = Option<String>, Query),
        ("account" = Option<String>, Query, pattern = "^(pending|held|payable|in_flight|receivable|expense|cash|fx|rounding)$"),
        ("commissionId" = Option<String>, Query), ("payoutId" = Option<String>, Query), ("currency" = Option<String>, Query),
        ("from" = Option<String>, Query, format = DateTime), ("to" = Option<String>, Query, format = DateTime),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query, pattern = "^-?seq$")),
    responses((status = 200, description = "A page", content((PageOf<EntryView> = "application/json"), (String = "text/csv")))))]
pub(super) async fn journal(
    State(app): State<App>,
    query: ListQuery,
    Filters(Entries(filter)): Filters<Entries>,
) -> Result<Response, Problem> {
    let sort = query.sort(&["seq"])?;
    let keyset = query.keyset_by_numbers(sort)?;
    let read = async move |tx: &Tx| -> Result<Vec<Booked>, DbError> {
        lists::entries(tx, filter.clone(), keyset.clone()).await
    };
    let entries = app.db.read(read).await?;
    let page =
        Page::cut(entries, query.limit, sort, |last: &Booked| Page::<Booked>::position(last.seq, &last.seq));
    Ok(page.map(EntryView::from).into_answer(query.format))
}

/// Whose balances, and when.
pub(super) struct Moment {
    affiliate: Option<AffiliateId>,
    as_of: Option<Timestamp>,
}

impl FromFields for Moment {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let affiliate = fields.optional("affiliateId", |raw| values::id(raw, AffiliateId::parse));
        let as_of = fields.optional("asOf", values::timestamp);
        Some(Self { affiliate: affiliate?, as_of: as_of? })
    }
}

/// What stands in the accounts of partners, now or as of a time.
#[utoipa::path(get, path = "/v1/balances", tag = "books",
    params(("affiliateId" = Option<String>, Query, description = "One partner"),
        ("asOf" = Option<String>, Query, format = DateTime, description = "Entries of this time and before; else all"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "A page", body = PageOf<PartnerBalancesView>)))]
pub(super) async fn balances(
    State(app): State<App>,
    query: ListQuery,
    Filters(Moment { affiliate, as_of }): Filters<Moment>,
) -> Result<Response, Problem> {
    let sort = query.only(hexalpes_http::Sort { field: "affiliateId", is_descending: false })?;
    let after = query.after::<1>(sort)?.map(|[after]| after).unwrap_or_default();
    let limit = u64::from(query.limit) + 1;
    let at = as_of.unwrap_or_else(|| app.edge.now());
    let read = async move |tx: &Tx| -> Result<Vec<PartnerBalancesView>, DbError> {
        let partners = match &affiliate {
            Some(one) => vec![one.clone()],
            None => snapshots::partners(tx, &after, limit).await?,
        };
        let mut found = Vec::with_capacity(partners.len());
        for partner in partners {
            let balances = queries::balances(tx, &partner, as_of).await?;
            let agreed = terms_at(payments::of_partner(tx, &partner).await?, at);
            let agreed = agreed.and_then(|terms| terms.currency);
            found.push(PartnerBalancesView::of(&partner, &balances, agreed));
        }
        Ok(found)
    };
    let found = app.db.read(read).await?;
    let page = Page::cut(found, query.limit, sort, |last| [last.affiliate_id.clone()]);
    Ok(Json(page).into_response())
}

/// When, and in which currency.
pub(super) struct Trial {
    as_of: Option<Timestamp>,
    currency: Option<Currency>,
}

impl FromFields for Trial {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let as_of = fields.optional("asOf", values::timestamp);
        let currency = fields.optional("currency", values::currency);
        Some(Self { as_of: as_of?, currency: currency? })
    }
}

/// All accounts of each currency, now or as of a time: debits are credits.
#[utoipa::path(get, path = "/v1/trial-balance", tag = "books",
    params(("asOf" = Option<String>, Query, format = DateTime), ("currency" = Option<String>, Query)),
    responses((status = 200, description = "The trial balance", body = TrialBalanceView)))]
pub(super) async fn trial_balance(
    State(app): State<App>,
    Filters(Trial { as_of, currency }): Filters<Trial>,
) -> Result<Json<TrialBalanceView>, Problem> {
    let read = async move |tx: &Tx| -> Result<_, DbError> { snapshots::trial(tx, as_of).await };
    let mut lines = app.db.read(read).await?;
    lines.retain(|line| currency.is_none_or(|currency| line.balance.currency() == currency));
    Ok(Json(TrialBalanceView::of(&lines, as_of)?))
}
