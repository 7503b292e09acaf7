//! Affiliates as rows, and the history of their rates.

use hexalpes_db::{DbError, Keyset, Row, Tx};
use hexalpes_kernel::{Email, Rate, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait as _, IntoIden, Order, Query, SelectStatement, Value};

use super::{TENANT, rate, tables::Affiliates, tables::History};
use crate::domain::{
    Affiliate, AffiliateCode, AffiliateId, ProgramId, Rates, Registration, Standing, StoredAffiliate,
};

/// What another affiliate of the program has already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Email { by: AffiliateId },
    Code { by: AffiliateId },
}

/// Inserts an affiliate, or tells what it has in common with one that is there.
pub(crate) async fn insert_affiliate(tx: &Tx, affiliate: &Affiliate) -> Result<Option<Taken>, DbError> {
    let mut insert = Query::insert();
    let (columns, values): (Vec<_>, Vec<_>) = row_of(affiliate).into_iter().unzip();
    let Registration { program, code, .. } = affiliate.registration();
    insert
        .into_table(Affiliates::Table)
        .columns(
            [
                Affiliates::Tenant,
                Affiliates::Id,
                Affiliates::ProgramId,
                Affiliates::Code,
                Affiliates::RegisteredAt,
            ]
            .into_iter()
            .chain(columns),
        )
        .values_panic(
            [
                TENANT.into(),
                affiliate.id().as_str().into(),
                program.as_str().into(),
                code.as_str().into(),
                affiliate.registered_at().as_micros().into(),
            ]
            .into_iter()
            .chain(values.into_iter().map(Expr::from)),
        );
    if tx.insert_new(&insert, Affiliates::Id).await? {
        insert_history(tx, affiliate).await?;
        return Ok(None);
    }
    match taken(tx, affiliate).await? {
        Some(taken) => Ok(Some(taken)),
        None => Err(DbError::Conflict("somebody registered the same a moment ago".to_owned())),
    }
}

/// Writes what can change, or tells that another affiliate has the new e-mail.
pub(crate) async fn save_affiliate(tx: &Tx, affiliate: &Affiliate) -> Result<Option<Taken>, DbError> {
    // On a server, another that takes the address meanwhile makes this fail as a whole and run again.
    if let Some(taken) = taken(tx, affiliate).await? {
        return Ok(Some(taken));
    }
    let mut update = Query::update();
    update
        .table(Affiliates::Table)
        .values(row_of(affiliate).into_iter().map(|(column, value)| (column, value.into())))
        .and_where(Expr::col(Affiliates::Tenant).eq(TENANT))
        .and_where(Expr::col(Affiliates::Id).eq(affiliate.id().as_str()));
    if tx.execute(&update).await? == 0 {
        return Err(DbError::NoRow);
    }
    if affiliate.rates_valid_from() == affiliate.changed_at() {
        insert_history(tx, affiliate).await?;
    }
    Ok(None)
}

pub(crate) async fn load_affiliate(tx: &Tx, id: &AffiliateId) -> Result<Option<Affiliate>, DbError> {
    let select = select().and_where(Expr::col(Affiliates::Id).eq(id.as_str())).to_owned();
    tx.fetch_optional(&select).await?.map(|row| affiliate(&row)).transpose()
}

/// What a list of affiliates is narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct AffiliateFilter {
    pub(crate) program: Option<ProgramId>,
    pub(crate) email: Option<Email>,
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<AffiliateCode>,
    pub(crate) status: Option<&'static str>,
}

/// By the time of registration.
pub(crate) async fn page_of_affiliates(
    tx: &Tx,
    filter: AffiliateFilter,
    page: Keyset,
) -> Result<Vec<Affiliate>, DbError> {
    let AffiliateFilter { program, email, kind, code, status } = filter;
    let filters = [
        (Affiliates::ProgramId, program.map(|id| id.to_string())),
        (Affiliates::EmailKey, email.map(|email| email.key())),
        (Affiliates::Kind, kind),
        (Affiliates::Code, code.map(|code| code.to_string())),
        (Affiliates::Status, status.map(str::to_owned)),
    ];
    let mut select = select();
    for (column, value) in filters {
        select.and_where_option(value.map(|value| Expr::col(column).eq(value)));
    }
    page.apply(&mut select, Affiliates::RegisteredAt, Affiliates::Id);
    tx.fetch_all(&select).await?.iter().map(affiliate).collect()
}

/// Type and rates, and from when on they held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RatesFrom {
    pub(crate) revision: u32,
    pub(crate) kind: String,
    pub(crate) rates: Rates,
    pub(crate) valid_from: Timestamp,
}

/// All that ever held, the oldest first.
pub(crate) async fn history(tx: &Tx, id: &AffiliateId) -> Result<Vec<RatesFrom>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(History::Table)
        .and_where(Expr::col(History::Tenant).eq(TENANT))
        .and_where(Expr::col(History::AffiliateId).eq(id.as_str()))
        .order_by(History::Revision, Order::Asc)
        .to_owned();
    let read = |row: &Row| {
        Ok(RatesFrom {
            revision: row.get("revision")?,
            kind: row.get("kind")?,
            rates: rates(row)?,
            valid_from: row.get("valid_from")?,
        })
    };
    tx.fetch_all(&select).await?.iter().map(read).collect()
}

async fn insert_history(tx: &Tx, affiliate: &Affiliate) -> Result<(), DbError> {
    let Registration { kind, rates, .. } = affiliate.registration();
    let insert = Query::insert()
        .into_table(History::Table)
        .columns([
            History::Tenant,
            History::AffiliateId,
            History::Revision,
            History::Kind,
            History::BaseRate,
            History::PremiumRate,
            History::ValidFrom,
        ])
        .values_panic([
            TENANT.into(),
            affiliate.id().as_str().into(),
            i64::from(affiliate.revision()).into(),
            kind.as_str().into(),
            text(rates.base).into(),
            text(rates.premium).into(),
            affiliate.rates_valid_from().as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, History::Revision).await.map(|_| ())
}

/// Which other affiliate has the e-mail or the code.
async fn taken(tx: &Tx, affiliate: &Affiliate) -> Result<Option<Taken>, DbError> {
    let Registration { email, code, .. } = affiliate.registration();
    if let Some(by) = other_with(tx, affiliate, Affiliates::EmailKey, email.key()).await? {
        return Ok(Some(Taken::Email { by }));
    }
    let by = other_with(tx, affiliate, Affiliates::Code, code.to_string()).await?;
    Ok(by.map(|by| Taken::Code { by }))
}

async fn other_with(
    tx: &Tx,
    affiliate: &Affiliate,
    column: impl IntoIden,
    value: String,
) -> Result<Option<AffiliateId>, DbError> {
    let select = Query::select()
        .column(Affiliates::Id)
        .from(Affiliates::Table)
        .and_where(Expr::col(Affiliates::Tenant).eq(TENANT))
        .and_where(Expr::col(Affiliates::ProgramId).eq(affiliate.registration().program.as_str()))
        .and_where(Expr::col(column).eq(value))
        .and_where(Expr::col(Affiliates::Id).ne(affiliate.id().as_str()))
        .to_owned();
    let row = tx.fetch_optional(&select).await?;
    row.map(|row| row.parsed("id", |id| AffiliateId::parse(id).ok())).transpose()
}

fn select() -> SelectStatement {
    Query::select()
        .column(Asterisk)
        .from(Affiliates::Table)
        .and_where(Expr::col(Affiliates::Tenant).eq(TENANT))
        .to_owned()
}

fn text(rate: Option<Rate>) -> Option<String> {
    rate.map(|rate| rate.percent().to_string())
}

/// What a change may change.
fn row_of(affiliate: &Affiliate) -> Vec<(Affiliates, Value)> {
    let Registration { name, email, kind, rates, country, .. } = affiliate.registration();
    vec![
        (Affiliates::Revision, i64::from(affiliate.revision()).into()),
        (Affiliates::Name, name.as_str().into()),
        (Affiliates::Email, email.as_str().into()),
        (Affiliates::EmailKey, email.key().into()),
        (Affiliates::Kind, kind.as_str().into()),
        (Affiliates::BaseRate, text(rates.base).into()),
        (Affiliates::PremiumRate, text(rates.premium).into()),
        (Affiliates::RatesValidFrom, affiliate.rates_valid_from().as_micros().into()),
        (Affiliates::Country, country.as_deref().into()),
        (Affiliates::Status, affiliate.standing().name().into()),
        (Affiliates::Reason, affiliate.standing().reason().into()),
        (Affiliates::PayoutSealed, affiliate.payout_sealed().into()),
        (Affiliates::ChangedAt, affiliate.changed_at().as_micros().into()),
    ]
}

fn rates(row: &Row) -> Result<Rates, DbError> {
    Ok(Rates {
        base: row.parsed_if_any("base_rate", rate)?,
        premium: row.parsed_if_any("premium_rate", rate)?,
    })
}

fn affiliate(row: &Row) -> Result<Affiliate, DbError> {
    let reason = || row.get::<String>("reason");
    let standing = match row.get::<String>("status")?.as_str() {
        "ACTIVE" => Standing::Active,
        "SUSPENDED" => Standing::Suspended { reason: reason()? },
        "TERMINATED" => Standing::Terminated { reason: reason()? },
        _ => return Err(DbError::column("status", "it is no state of an affiliate")),
    };
    Ok(Affiliate::restore(StoredAffiliate {
        id: row.parsed("id", |id| AffiliateId::parse(id).ok())?,
        revision: row.get("revision")?,
        registration: Registration {
            program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
            name: row.get("name")?,
            email: row.parsed("email", |email| Email::parse(email).ok())?,
            kind: row.get("kind")?,
            rates: rates(row)?,
            code: row.parsed("code", |code| AffiliateCode::parse(code).ok())?,
            country: row.get("country")?,
        },
        rates_valid_from: row.get("rates_valid_from")?,
        standing,
        payout_sealed: row.get("payout_sealed")?,
        registered_at: row.get("registered_at")?,
        changed_at: row.get("changed_at")?,
    }))
}
