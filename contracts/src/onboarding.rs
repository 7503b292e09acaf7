//! What the onboarding context tells others: contracts that were signed and that came into force, and contracts of
//! employment.
//!
//! Times are RFC 3339 in UTC, dates ISO 8601.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Dict, List, events::events};

/// Every event of this context, in order, as structured `CloudEvents`.
pub const TOPIC: &str = "persistent://hexabuilders/onboarding/contract-events";
pub const SIGNED_TOPIC: &str = "persistent://hexabuilders/onboarding/contract-signed";
pub const ACTIVATED_TOPIC: &str = "persistent://hexabuilders/onboarding/contract-activated";
pub const EMPLOYMENT_TOPIC: &str = "persistent://hexabuilders/onboarding/employment-contract";

/// All have signed. Once per contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractSigned {
    pub contract_id: String,
    pub partner_id: String,
    /// `STANDARD`, `PREMIUM` or `ENTERPRISE`.
    pub contract_type: String,
    pub signed_at: String,
    /// In the order of signing: `position`, `name`, `email`, `role`, `signed_at`.
    pub signatories: List,
    /// SHA-256 of the document that was signed, in hexadecimal.
    pub document_hash: String,
    #[serde(default)]
    pub revision: i64,
}

/// A contract is in force. Once per contract; a renewal is another contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractActivated {
    pub contract_id: String,
    pub partner_id: String,
    /// `STANDARD`, `PREMIUM` or `ENTERPRISE`.
    pub contract_type: String,
    /// The first day.
    pub effective_date: String,
    /// The first day on which it is no longer in force; empty: nobody said.
    #[serde(default)]
    pub expiration_date: String,
    /// Each a text: the types of campaign that the partner may create, such as `SEARCH`, `SOCIAL`, `EMAIL`, `DISPLAY`,
    /// `AFFILIATE`, `VIDEO`, or `ALL`.
    pub campaign_permissions: List,
    /// See [`BudgetLimits`].
    pub budget_limits: Dict,
    /// Names with true or false.
    #[serde(default)]
    pub feature_flags: Dict,
    /// `response_hours`, `resolution_hours`, `availability_bp` (basis points), `support`.
    #[serde(default)]
    pub sla_terms: Dict,
    /// See [`CommissionStructure`].
    #[serde(default)]
    pub commission_structure: Dict,
    /// See [`PaymentTerms`].
    #[serde(default)]
    pub payment_terms: Dict,
    #[serde(default)]
    pub revision: i64,
    /// The contract that this one renews.
    #[serde(default)]
    pub renews: Option<String>,
    #[serde(default)]
    pub activated_at: String,
}

/// What `budget_limits` holds; what is absent has no limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BudgetLimits {
    /// ISO 4217, of all amounts here.
    #[serde(default)]
    pub currency: Option<String>,
    /// How many campaigns that have not ended there may be at a time, drafts included.
    #[serde(default)]
    pub max_campaigns: Option<i64>,
    /// A JSON number in major units, exact: what the budget of one campaign may come to.
    #[serde(default)]
    pub max_campaign_budget: Option<Box<RawValue>>,
    #[serde(default)]
    pub max_campaign_budget_minor: Option<i64>,
    /// What the daily budget of one campaign may come to.
    #[serde(default)]
    pub max_daily_budget: Option<Box<RawValue>>,
    #[serde(default)]
    pub max_daily_budget_minor: Option<i64>,
    /// What all budgets of the partner may come to.
    #[serde(default)]
    pub max_total_budget: Option<Box<RawValue>>,
    #[serde(default)]
    pub max_total_budget_minor: Option<i64>,
}

/// What `commission_structure` holds: how the partner's commissions are calculated while the contract is in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommissionStructure {
    /// `percentage`, `flat` or `tiered`.
    pub kind: String,
    /// `percentage`: a JSON number, percent.
    #[serde(default)]
    pub rate: Option<Box<RawValue>>,
    /// `flat`: a JSON number in major units, exact, per conversion.
    #[serde(default)]
    pub amount: Option<Box<RawValue>>,
    #[serde(default)]
    pub amount_minor: Option<i64>,
    /// ISO 4217, of all amounts here.
    #[serde(default)]
    pub currency: Option<String>,
    /// `tiered`, from the lowest up.
    #[serde(default)]
    pub tiers: Vec<CommissionTier>,
    /// `tiered`: `marginal` (each tier for what lies in it) or `retroactive` (the tier that is reached for all).
    #[serde(default)]
    pub mode: Option<String>,
    /// `tiered`: `day`, `month`, `quarter` or `all`: after which the counting begins anew, in UTC.
    #[serde(default)]
    pub period: Option<String>,
    /// A JSON number in major units, exact: the most that a conversion earns.
    #[serde(default)]
    pub cap: Option<Box<RawValue>>,
    #[serde(default)]
    pub cap_minor: Option<i64>,
    /// The least.
    #[serde(default)]
    pub floor: Option<Box<RawValue>>,
    #[serde(default)]
    pub floor_minor: Option<i64>,
}

/// A step of a tiered structure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CommissionTier {
    /// From which gross amount on, in major units; the first is 0.
    pub from: Box<RawValue>,
    pub from_minor: i64,
    /// A JSON number, percent.
    pub rate: Box<RawValue>,
}

/// What `payment_terms` holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PaymentTerms {
    /// ISO 4217: what payouts are made in; commissions in another currency wait for somebody's decision.
    #[serde(default)]
    pub currency: Option<String>,
    /// Days for which a commission is held before it may be approved.
    #[serde(default)]
    pub hold_days: Option<i64>,
    /// Days after which what was approved is due.
    #[serde(default)]
    pub net_days: Option<i64>,
    /// `file` or `webhook`.
    #[serde(default)]
    pub method: Option<String>,
    /// `MANUAL`, `WEEKLY` (Mondays) or `MONTHLY` (the first).
    #[serde(default)]
    pub frequency: Option<String>,
}

/// A contract is no longer in force, or never came into force. Once per contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractEnded {
    pub contract_id: String,
    pub partner_id: String,
    /// `STANDARD`, `PREMIUM` or `ENTERPRISE`.
    pub contract_type: String,
    /// `EXPIRED`, `RENEWED` or `TERMINATED`.
    pub outcome: String,
    pub ended_at: String,
    /// Why it was terminated.
    pub reason: Option<String>,
    /// The contract that is in force in its place.
    pub renewed_by: Option<String>,
    pub revision: i64,
}

/// A contract expires soon: some days before, once for each of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractExpiring {
    pub contract_id: String,
    pub partner_id: String,
    /// `STANDARD`, `PREMIUM` or `ENTERPRISE`.
    pub contract_type: String,
    pub expiration_date: String,
    /// So many days before it.
    pub days: i64,
    pub revision: i64,
}

/// A contract of employment was drawn up. Once per `hiring_id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmploymentContractCreated {
    pub employment_contract_id: String,
    pub hiring_id: String,
    /// The employer.
    pub partner_id: String,
    pub candidate_id: String,
    pub job_id: String,
    pub job_title: String,
    pub department: String,
    /// `PERMANENT`, `CONTRACT` or `INTERNSHIP`.
    pub employment_type: String,
    pub start_date: String,
    /// A JSON number in major units, exact, per year unless `employment_terms` says otherwise.
    pub agreed_salary: Box<RawValue>,
    pub agreed_salary_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// As the hire had it.
    pub benefits_package: Dict,
    /// The hire's `employment_details`.
    pub employment_terms: Dict,
    /// SHA-256 of the document, in hexadecimal.
    pub document_hash: String,
    /// `DRAFT`, …: the contract's state.
    pub status: String,
    pub created_at: String,
}

/// All have signed a contract of employment. Once per contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmploymentContractSigned {
    pub employment_contract_id: String,
    pub hiring_id: String,
    /// The employer.
    pub partner_id: String,
    pub candidate_id: String,
    pub signed_at: String,
    /// In the order of signing: `position`, `name`, `email`, `role` (`PARTNER`, `CANDIDATE`), `signed_at`, `signed_as`.
    pub signatories: List,
    /// SHA-256 of the document that was signed, in hexadecimal.
    pub document_hash: String,
    pub revision: i64,
}

/// A contract of employment still waits for signatures: some days after it was sent, once for each of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmploymentContractPending {
    pub employment_contract_id: String,
    pub hiring_id: String,
    /// The employer.
    pub partner_id: String,
    pub candidate_id: String,
    /// Who has still to sign, in their order: `position`, `name`, `email`, `role` (`PARTNER`, `CANDIDATE`).
    pub waiting_for: List,
    pub sent_at: String,
    /// So many days after it was sent.
    pub days: i64,
    pub revision: i64,
}

/// A contract of employment was called off, before it was signed or after. Once per contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmploymentContractEnded {
    pub employment_contract_id: String,
    pub hiring_id: String,
    /// The employer.
    pub partner_id: String,
    pub candidate_id: String,
    pub reason: String,
    pub ended_at: String,
    pub revision: i64,
}

events! { "com.hexabuilders.onboarding.":
    ContractSigned(ContractSigned) by contract_id to SIGNED_TOPIC;
    ContractActivated(ContractActivated) by contract_id to ACTIVATED_TOPIC;
    ContractEnded(ContractEnded) by contract_id;
    ContractExpiring(ContractExpiring) by contract_id;
    EmploymentContractCreated(EmploymentContractCreated) by employment_contract_id to EMPLOYMENT_TOPIC;
    EmploymentContractSigned(EmploymentContractSigned) by employment_contract_id;
    EmploymentContractPending(EmploymentContractPending) by employment_contract_id;
    EmploymentContractEnded(EmploymentContractEnded) by employment_contract_id;
}
