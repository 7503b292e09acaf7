//! The tables `partner_contract` and `partner_contract_end`: what the onboarding context told of contracts in force.
//!
//! Each contract is a row, and its end another, so that neither repetition nor order matters.

use std::collections::HashMap;
use std::time::Duration;

use hexalpes_db::{Backend, DbError, Row, Tx, columns};
use hexalpes_kernel::Timestamp;
use sea_query::{Asterisk, Expr, ExprTrait as _, Iden, Index, Query, Table};

use super::TENANT;
use crate::domain::{AffiliateId, PartnerContract, RuleId, RuleTerms};
use crate::{requests, views};

#[derive(Iden, Clone, Copy)]
enum Contracts {
    #[iden = "partner_contract"]
    Table,
    Tenant,
    Id,
    PartnerId,
    ContractType,
    /// JSON, as the terms of a rule.
    Terms,
    /// Null: as the program says.
    HoldSeconds,
    ActivatedAt,
}

#[derive(Iden, Clone, Copy)]
enum Ends {
    #[iden = "partner_contract_end"]
    Table,
    Tenant,
    ContractId,
    PartnerId,
    EndedAt,
}

pub(super) fn create(backend: Backend) -> Vec<String> {
    let id = |name| columns::id(backend, name);
    vec![
        backend.schema(
            Table::create()
                .table(Contracts::Table)
                .col(id(Contracts::Tenant).not_null())
                .col(id(Contracts::PartnerId).not_null())
                .col(id(Contracts::Id).not_null())
                .col(columns::text(backend, Contracts::ContractType).not_null())
                .col(columns::text(backend, Contracts::Terms).not_null())
                .col(columns::integer(Contracts::HoldSeconds))
                .col(columns::timestamp(Contracts::ActivatedAt).not_null())
                .primary_key(
                    Index::create().col(Contracts::Tenant).col(Contracts::PartnerId).col(Contracts::Id),
                ),
        ),
        backend.schema(
            Table::create()
                .table(Ends::Table)
                .col(columns::id(backend, Ends::Tenant).not_null())
                .col(columns::id(backend, Ends::PartnerId).not_null())
                .col(columns::id(backend, Ends::ContractId).not_null())
                .col(columns::timestamp(Ends::EndedAt).not_null())
                .primary_key(Index::create().col(Ends::Tenant).col(Ends::PartnerId).col(Ends::ContractId)),
        ),
    ]
}

/// A contract that is known already changes nothing.
pub(crate) async fn learn_contract(tx: &Tx, contract: &PartnerContract) -> Result<(), DbError> {
    let hold = contract.hold.map(|hold| i64::try_from(hold.as_secs()).unwrap_or(i64::MAX));
    let insert = Query::insert()
        .into_table(Contracts::Table)
        .columns([
            Contracts::Tenant,
            Contracts::PartnerId,
            Contracts::Id,
            Contracts::ContractType,
            Contracts::Terms,
            Contracts::HoldSeconds,
            Contracts::ActivatedAt,
        ])
        .values_panic([
            TENANT.into(),
            contract.partner.as_str().into(),
            contract.id.as_str().into(),
            contract.contract_type.as_str().into(),
            views::rule_terms(&contract.terms).get().into(),
            hold.into(),
            contract.activated_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Contracts::Id).await.map(|_| ())
}

/// A contract ends once.
pub(crate) async fn learn_end(
    tx: &Tx,
    partner: &AffiliateId,
    contract: &RuleId,
    ended_at: Timestamp,
) -> Result<(), DbError> {
    let insert = Query::insert()
        .into_table(Ends::Table)
        .columns([Ends::Tenant, Ends::PartnerId, Ends::ContractId, Ends::EndedAt])
        .values_panic([
            TENANT.into(),
            partner.as_str().into(),
            contract.as_str().into(),
            ended_at.as_micros().into(),
        ])
        .to_owned();
    tx.insert_new(&insert, Ends::ContractId).await.map(|_| ())
}

/// All contracts of a partner, each until it expires or ended.
pub(crate) async fn of_partner(tx: &Tx, partner: &AffiliateId) -> Result<Vec<PartnerContract>, DbError> {
    of(tx, Some(partner)).await
}

/// As [`of_partner`]; of all partners where none is named.
pub(crate) async fn of(tx: &Tx, partner: Option<&AffiliateId>) -> Result<Vec<PartnerContract>, DbError> {
    let select = Query::select()
        .column(Asterisk)
        .from(Contracts::Table)
        .and_where(Expr::col(Contracts::Tenant).eq(TENANT))
        .and_where_option(partner.map(|id| Expr::col(Contracts::PartnerId).eq(id.as_str())))
        .to_owned();
    let rows = tx.fetch_all(&select).await?;
    // Most affiliates are no partners.
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ends = ends_of(tx, partner).await?;
    let mut contracts = rows.iter().map(contract).collect::<Result<Vec<_>, _>>()?;
    for contract in &mut contracts {
        if let Some(ended_at) = ends.get(contract.id.as_str()).copied() {
            let until = contract.terms.valid_until;
            contract.terms.valid_until = Some(until.map_or(ended_at, |until| until.min(ended_at)));
        }
    }
    Ok(contracts)
}

/// When contracts ended, by their ids: of a partner, or of all.
pub(super) async fn ends_of(
    tx: &Tx,
    partner: Option<&AffiliateId>,
) -> Result<HashMap<String, Timestamp>, DbError> {
    let select = Query::select()
        .columns([Ends::ContractId, Ends::EndedAt])
        .from(Ends::Table)
        .and_where(Expr::col(Ends::Tenant).eq(TENANT))
        .and_where_option(partner.map(|id| Expr::col(Ends::PartnerId).eq(id.as_str())))
        .to_owned();
    let mut ends = HashMap::new();
    for row in tx.fetch_all(&select).await? {
        ends.insert(row.get("contract_id")?, row.get("ended_at")?);
    }
    Ok(ends)
}

fn contract(row: &Row) -> Result<PartnerContract, DbError> {
    let terms = |text: &str| -> Option<RuleTerms> { requests::rule_terms(text) };
    let hold: Option<u64> = row.get("hold_seconds")?;
    Ok(PartnerContract {
        id: row.parsed("id", |id| RuleId::parse(id).ok())?,
        partner: row.parsed("partner_id", |id| AffiliateId::parse(id).ok())?,
        contract_type: row.get("contract_type")?,
        terms: row.parsed("terms", terms)?,
        hold: hold.map(Duration::from_secs),
        activated_at: row.get("activated_at")?,
    })
}
