//! The tables `rule` and `rule_version`, and `rule_tally`: what each affiliate sold in the periods of tiered rules.

use hexalpes_db::{Backend, DbError, Keyset, Row, Tx, columns};
use hexalpes_kernel::{Currency, Money};
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Order, Query, Table};

use super::TENANT;
use crate::domain::{
    AffiliateId, InForce, ProgramId, RateSource, Rule, RuleId, RuleStatus, RuleTerms, RuleVersion, Tally,
};
use crate::{requests, views};

#[derive(Iden, Clone, Copy)]
enum Rules {
    #[iden = "rule"]
    Table,
    Tenant,
    Id,
    ProgramId,
    Name,
    CreatedAt,
}

#[derive(Iden, Clone, Copy)]
enum Versions {
    #[iden = "rule_version"]
    Table,
    Tenant,
    RuleId,
    Version,
    ProgramId,
    Name,
    Status,
    /// JSON, as it is answered.
    Terms,
    CreatedAt,
    ActivatedAt,
    RetiredAt,
}

#[derive(Iden, Clone, Copy)]
enum Tallies {
    #[iden = "rule_tally"]
    Table,
    Tenant,
    RuleId,
    AffiliateId,
    Period,
    Currency,
    Count,
    GrossMinor,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    vec![
        backend.schema(
            Table::create()
                .table(Rules::Table)
                .col(columns::id(backend, Rules::Tenant).not_null())
                .col(columns::id(backend, Rules::Id).not_null())
                .col(columns::id(backend, Rules::ProgramId).not_null())
                .col(columns::text(backend, Rules::Name).not_null())
                .col(columns::timestamp(Rules::CreatedAt).not_null())
                .primary_key(Index::create().col(Rules::Tenant).col(Rules::Id)),
        ),
        backend.schema(
            Index::create()
                .name("rule_created")
                .table(Rules::Table)
                .col(Rules::Tenant)
                .col(Rules::CreatedAt)
                .col(Rules::Id),
        ),
        backend.schema(
            Table::create()
                .table(Versions::Table)
                .col(columns::id(backend, Versions::Tenant).not_null())
                .col(columns::id(backend, Versions::RuleId).not_null())
                .col(columns::integer(Versions::Version).not_null())
                .col(columns::id(backend, Versions::ProgramId).not_null())
                .col(columns::text(backend, Versions::Name).not_null())
                .col(columns::id(backend, Versions::Status).not_null())
                .col(columns::text(backend, Versions::Terms).not_null())
                .col(columns::timestamp(Versions::CreatedAt).not_null())
                .col(columns::timestamp(Versions::ActivatedAt))
                .col(columns::timestamp(Versions::RetiredAt))
                .primary_key(
                    Index::create().col(Versions::Tenant).col(Versions::RuleId).col(Versions::Version),
                ),
        ),
        backend.schema(
            Index::create()
                .name("rule_version_program")
                .table(Versions::Table)
                .col(Versions::Tenant)
                .col(Versions::ProgramId)
                .col(Versions::Status),
        ),
        backend.schema(
            Table::create()
                .table(Tallies::Table)
                .col(columns::id(backend, Tallies::Tenant).not_null())
                .col(columns::id(backend, Tallies::RuleId).not_null())
                .col(columns::id(backend, Tallies::AffiliateId).not_null())
                .col(columns::id(backend, Tallies::Period).not_null())
                .col(columns::id(backend, Tallies::Currency).not_null())
                .col(columns::integer(Tallies::Count).not_null())
                .col(columns::integer(Tallies::GrossMinor).not_null())
                .primary_key(
                    Index::create()
                        .col(Tallies::Tenant)
                        .col(Tallies::RuleId)
                        .col(Tallies::AffiliateId)
                        .col(Tallies::Period)
                        .col(Tallies::Currency),
                ),
        ),
    ]
}

/// Inserts a rule with its versions.
pub(crate) async fn insert(tx: &Tx, rule: &Rule) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Rules::Table)
        .columns([Rules::Tenant, Rules::Id, Rules::ProgramId, Rules::Name, Rules::CreatedAt])
        .values_panic([
            TENANT.into(),
            rule.id.as_str().into(),
            rule.program.as_str().into(),
            rule.name.as_str().into(),
            rule.created_at.as_micros().into(),
        ])
        .to_owned();
    tx.execute(&insert).await?;
    save(tx, rule).await
}

/// Writes what can change: new versions, and the status of those that are there.
pub(crate) async fn save(tx: &Tx, rule: &Rule) -> Result<(), DbError> {
    for version in &rule.versions {
        let (activated, retired) = (
            version.activated_at.map(hexalpes_kernel::Timestamp::as_micros),
            version.retired_at.map(hexalpes_kernel::Timestamp::as_micros),
        );
        let update = Query::update()
            .table(Versions::Table)
            .value(Versions::Status, version.status.name())
            .value(Versions::ActivatedAt, activated)
            .value(Versions::RetiredAt, retired)
            .and_where(Expr::col(Versions::Tenant).eq(TENANT))
            .and_where(Expr::col(Versions::RuleId).eq(rule.id.as_str()))
            .and_where(Expr::col(Versions::Version).eq(i64::from(version.number)))
            .to_owned();
        if tx.execute(&update).await? > 0 {
            continue;
        }
        let insert = Query::insert()
            .into_table(Versions::Table)
            .columns([
                Versions::Tenant,
                Versions::RuleId,
                Versions::Version,
                Versions::ProgramId,
                Versions::Name,
                Versions::Status,
                Versions::Terms,
                Versions::CreatedAt,
                Versions::ActivatedAt,
                Versions::RetiredAt,
            ])
            .values_panic([
                TENANT.into(),
                rule.id.as_str().into(),
                i64::from(version.number).into(),
                rule.program.as_str().into(),
                rule.name.as_str().into(),
                version.status.name().into(),
                views::rule_terms(&version.terms).get().into(),
                version.created_at.as_micros().into(),
                activated.into(),
                retired.into(),
            ])
            .to_owned();
        tx.execute(&insert).await?;
    }
    Ok(())
}

pub(crate) async fn load(tx: &Tx, id: &RuleId) -> Result<Option<Rule>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Rules::Table)
        .and_where(Expr::col(Rules::Tenant).eq(TENANT))
        .and_where(Expr::col(Rules::Id).eq(id.as_str()))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    with_versions(tx, &row).await.map(Some)
}

/// What a list of rules may be narrowed by.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleFilter {
    pub(crate) program: Option<ProgramId>,
}

/// A page of rules by the time of their drafting.
pub(crate) async fn page(tx: &Tx, filter: RuleFilter, keyset: Keyset) -> Result<Vec<Rule>, DbError> {
    let mut select = Query::select()
        .column(Asterisk)
        .from(Rules::Table)
        .and_where(Expr::col(Rules::Tenant).eq(TENANT))
        .to_owned();
    if let Some(program) = filter.program {
        select.and_where(Expr::col(Rules::ProgramId).eq(program.as_str()));
    }
    keyset.apply(&mut select, Rules::CreatedAt, Rules::Id);
    let mut rules = Vec::new();
    for row in tx.fetch_all(&select).await? {
        rules.push(with_versions(tx, &row).await?);
    }
    Ok(rules)
}

async fn with_versions(tx: &Tx, row: &Row) -> Result<Rule, DbError> {
    let id = row.parsed("id", |id| RuleId::parse(id).ok())?;
    let select = Query::select()
        .column(Asterisk)
        .from(Versions::Table)
        .and_where(Expr::col(Versions::Tenant).eq(TENANT))
        .and_where(Expr::col(Versions::RuleId).eq(id.as_str()))
        .order_by(Versions::Version, Order::Asc)
        .to_owned();
    let versions = tx.fetch_all(&select).await?.iter().map(version).collect::<Result<_, _>>()?;
    Ok(Rule {
        id,
        program: row.parsed("program_id", |id| ProgramId::parse(id).ok())?,
        name: row.get("name")?,
        created_at: row.get("created_at")?,
        versions,
    })
}

fn version(row: &Row) -> Result<RuleVersion, DbError> {
    Ok(RuleVersion {
        number: row.get("version")?,
        terms: terms(row)?,
        status: row.parsed("status", |name| {
            RuleStatus::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, status)| status)
        })?,
        created_at: row.get("created_at")?,
        activated_at: row.get("activated_at")?,
        retired_at: row.get("retired_at")?,
    })
}

fn terms(row: &Row) -> Result<RuleTerms, DbError> {
    let text: String = row.get("terms")?;
    requests::rule_terms(&text).ok_or_else(|| DbError::column("terms", "they are no terms of a rule"))
}

/// The active rules of a program, ranked.
pub(crate) async fn in_force(tx: &Tx, program: &ProgramId) -> Result<Vec<InForce>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Versions::Table)
        .and_where(Expr::col(Versions::Tenant).eq(TENANT))
        .and_where(Expr::col(Versions::ProgramId).eq(program.as_str()))
        .and_where(Expr::col(Versions::Status).eq(RuleStatus::Active.name()))
        .to_owned();
    let mut rules = Vec::new();
    for row in tx.fetch_all(&select).await? {
        rules.push(InForce {
            id: row.parsed("rule_id", |id| RuleId::parse(id).ok())?,
            source: RateSource::Rule,
            name: row.get("name")?,
            version: row.get("version")?,
            since: row.get("activated_at")?,
            terms: terms(&row)?,
        });
    }
    crate::domain::rank(&mut rules);
    Ok(rules)
}

fn is(rule: &RuleId, affiliate: &AffiliateId, period: &str, currency: Currency) -> Expr {
    Expr::col(Tallies::Tenant)
        .eq(TENANT)
        .and(Expr::col(Tallies::RuleId).eq(rule.as_str()))
        .and(Expr::col(Tallies::AffiliateId).eq(affiliate.as_str()))
        .and(Expr::col(Tallies::Period).eq(period))
        .and(Expr::col(Tallies::Currency).eq(currency.code()))
}

/// What an affiliate sold in a period, of what the rule counts.
pub(crate) async fn tally(
    tx: &Tx,
    rule: &RuleId,
    affiliate: &AffiliateId,
    period: &str,
    currency: Currency,
) -> Result<Tally, DbError> {
    let select = Query::select()
        .columns([Tallies::Count, Tallies::GrossMinor])
        .from(Tallies::Table)
        .and_where(is(rule, affiliate, period, currency))
        .to_owned();
    match tx.fetch_optional(&select).await? {
        None => Ok(Tally::default()),
        Some(row) => Ok(Tally { count: row.get("count")?, gross: row.get("gross_minor")? }),
    }
}

/// Counts a conversion no longer.
pub(crate) async fn uncount(
    tx: &Tx,
    rule: &RuleId,
    affiliate: &AffiliateId,
    period: &str,
    gross: Money,
) -> Result<(), DbError> {
    let update = Query::update()
        .table(Tallies::Table)
        .value(Tallies::Count, Expr::col(Tallies::Count).sub(1_i64))
        .value(Tallies::GrossMinor, Expr::col(Tallies::GrossMinor).sub(gross.minor()))
        .and_where(is(rule, affiliate, period, gross.currency()))
        .and_where(Expr::col(Tallies::Count).gt(0_i64))
        .to_owned();
    tx.execute(&update).await.map(|_| ())
}

/// Counts one more conversion.
pub(crate) async fn count(
    tx: &Tx,
    rule: &RuleId,
    affiliate: &AffiliateId,
    period: &str,
    gross: Money,
) -> Result<(), DbError> {
    let update = Query::update()
        .table(Tallies::Table)
        .value(Tallies::Count, Expr::col(Tallies::Count).add(1_i64))
        .value(Tallies::GrossMinor, Expr::col(Tallies::GrossMinor).add(gross.minor()))
        .and_where(is(rule, affiliate, period, gross.currency()))
        .to_owned();
    if tx.execute(&update).await? > 0 {
        return Ok(());
    }
    let insert = Query::insert()
        .into_table(Tallies::Table)
        .columns([
            Tallies::Tenant,
            Tallies::RuleId,
            Tallies::AffiliateId,
            Tallies::Period,
            Tallies::Currency,
            Tallies::Count,
            Tallies::GrossMinor,
        ])
        .values_panic([
            TENANT.into(),
            rule.as_str().into(),
            affiliate.as_str().into(),
            period.into(),
            gross.currency().code().into(),
            1_i64.into(),
            gross.minor().into(),
        ])
        .to_owned();
    tx.execute(&insert).await.map(|_| ())
}
