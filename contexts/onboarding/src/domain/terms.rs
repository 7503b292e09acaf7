//! What a contract allows and owes: permissions, budgets, features, service levels, commission, payment, duration.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hexalpes_kernel::{Amount, Currency, Money, Rate, Timestamp};

use super::kinds::words;
use super::structure::{CommissionStructure, Formula, Mode, Period, Tier, Tiers};
use super::{ContractType, PartnerType};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The types of campaign that the partner may create, such as `EMAIL`, or `ALL`.
    pub permissions: BTreeSet<String>,
    pub budget: BudgetLimits,
    /// Which parts of the product are on for the partner.
    pub features: BTreeMap<String, bool>,
    pub sla: ServiceLevel,
    pub commission: CommissionStructure,
    pub payment: PaymentTerms,
    /// From the effective date to the expiration.
    pub duration_days: u32,
}

/// What a partner's campaigns may spend; what is not there is not limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Of all amounts here.
    pub currency: Currency,
    /// At a time.
    pub campaigns_max: Option<u32>,
    /// Of one campaign.
    pub campaign: Option<Money>,
    /// Of one campaign and day.
    pub daily: Option<Money>,
    /// Of all campaigns.
    pub total: Option<Money>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLevel {
    /// When somebody is there: `8x5`, `24x7`.
    pub support: String,
    pub response_hours: u32,
    pub resolution_hours: u32,
    /// Of a month, in basis points.
    pub availability_bp: u32,
}

/// How payouts reach the partner; the words of the commissions context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentMethod {
    File,
    Webhook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    Manual,
    Weekly,
    Monthly,
}

words!(PaymentMethod, 2, File = "file", Webhook = "webhook");
words!(Frequency, 3, Manual = "MANUAL", Weekly = "WEEKLY", Monthly = "MONTHLY");

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentTerms {
    pub currency: Currency,
    /// How long a commission is held before it may be approved.
    pub hold_days: u32,
    /// After which what was approved is due.
    pub net_days: u32,
    pub method: PaymentMethod,
    pub frequency: Frequency,
}

/// What is to become of terms; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermsChanges {
    pub permissions: Option<BTreeSet<String>>,
    pub budget: Option<BudgetLimits>,
    pub features: Option<BTreeMap<String, bool>>,
    pub sla: Option<ServiceLevel>,
    pub commission: Option<CommissionStructure>,
    pub payment: Option<PaymentTerms>,
    pub duration_days: Option<u32>,
}

/// Terms that nobody could keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    #[error("commissions are in {commission}, and are not exchanged into {payment} to be paid")]
    OtherCurrency { payment: Currency, commission: Currency },
}

/// Ten years.
pub const DURATION_DAYS_MAX: u32 = 3_650;
/// A year.
pub const HOLD_DAYS_MAX: u32 = 366;
const DAY: Duration = Duration::from_hours(24);

impl Terms {
    pub fn with(&self, changes: TermsChanges) -> Self {
        let old = self.clone();
        Self {
            permissions: changes.permissions.unwrap_or(old.permissions),
            budget: changes.budget.unwrap_or(old.budget),
            features: changes.features.unwrap_or(old.features),
            sla: changes.sla.unwrap_or(old.sla),
            commission: changes.commission.unwrap_or(old.commission),
            payment: changes.payment.unwrap_or(old.payment),
            duration_days: changes.duration_days.unwrap_or(old.duration_days),
        }
    }

    /// Whether they can be kept: commissions are paid in the currency that they are in. Those that are in whatever
    /// currency a conversion has are paid as far as that is the currency of payment.
    pub fn check(&self) -> Result<(), TermsError> {
        let payment = self.payment.currency;
        match self.commission.currency {
            Some(commission) if commission != payment => {
                Err(TermsError::OtherCurrency { payment, commission })
            }
            _ => Ok(()),
        }
    }

    /// When what is effective from a moment expires.
    pub fn expires(&self, from: Timestamp) -> Timestamp {
        from.after(DAY * self.duration_days)
    }

    /// What a partner of a type gets with a contract of a type, unless a template says otherwise.
    pub fn built_in(contract: ContractType, partner: PartnerType) -> Self {
        // Larger partners may spend more.
        let (factor, campaigns) = match partner {
            PartnerType::Individual => (1, 3),
            PartnerType::Startup => (2, 5),
            PartnerType::Empresa => (5, 10),
        };
        let usd = |whole: i64| Money::from_minor(whole * 100 * factor, Currency::USD);
        let budget = |campaign, daily, total, campaigns_max| BudgetLimits {
            currency: Currency::USD,
            campaigns_max: Some(campaigns_max),
            campaign: Some(usd(campaign)),
            daily: Some(usd(daily)),
            total: Some(usd(total)),
        };
        let payment = |hold_days, net_days, frequency| PaymentTerms {
            currency: Currency::USD,
            hold_days,
            net_days,
            method: PaymentMethod::File,
            frequency,
        };
        let sla = |support: &str, response_hours, resolution_hours, availability_bp| ServiceLevel {
            support: support.to_owned(),
            response_hours,
            resolution_hours,
            availability_bp,
        };
        let (permissions, features): (&[&str], [bool; 4]) = match contract {
            ContractType::Standard => (&["EMAIL", "SOCIAL", "AFFILIATE"], [true, false, false, false]),
            ContractType::Premium => {
                (&["EMAIL", "SOCIAL", "AFFILIATE", "SEARCH", "DISPLAY"], [true, true, true, false])
            }
            ContractType::Enterprise => (&["ALL"], [true; 4]),
        };
        let (budget, sla, commission, payment, duration_days) = match contract {
            ContractType::Standard => (
                budget(5_000, 500, 10_000, campaigns),
                sla("8x5", 48, 120, 9_900),
                CommissionStructure::percentage(percent(10)),
                payment(30, 30, Frequency::Monthly),
                365,
            ),
            ContractType::Premium => (
                budget(25_000, 2_000, 50_000, campaigns * 3),
                sla("12x6", 24, 72, 9_950),
                CommissionStructure::percentage(percent(15)),
                payment(15, 15, Frequency::Monthly),
                365,
            ),
            ContractType::Enterprise => (
                BudgetLimits { daily: None, ..budget(250_000, 0, 500_000, campaigns * 10) },
                sla("24x7", 4, 24, 9_990),
                enterprise_tiers(),
                payment(7, 7, Frequency::Weekly),
                730,
            ),
        };
        let features = FEATURES.iter().map(|one| (*one).to_owned()).zip(features).collect();
        let permissions = permissions.iter().map(|one| (*one).to_owned()).collect();
        Self { permissions, budget, features, sla, commission, payment, duration_days }
    }
}

const FEATURES: [&str; 4] = ["recruitment", "advanced_reports", "optimization_suggestions", "api_access"];

fn percent(whole: i128) -> Rate {
    Rate::from_percent(Amount::new(whole, 0)).expect("built-in percentages are below 100")
}

/// 15 % of what is sold in a month up to 50,000, 18 % up to 250,000, 20 % above.
fn enterprise_tiers() -> CommissionStructure {
    let tier =
        |from: i64, whole| Tier { from: Money::from_minor(from * 100, Currency::USD), rate: percent(whole) };
    let tiers = vec![tier(0, 15), tier(50_000, 18), tier(250_000, 20)];
    let tiers = Tiers::new(Mode::Marginal, Period::Month, tiers).expect("built-in tiers rise from 0");
    let (formula, currency) = (Formula::Tiered(tiers), Some(Currency::USD));
    CommissionStructure { formula, currency, cap: None, floor: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_terms_and_the_greater_contract_the_better_ones() {
        for (_, partner) in PartnerType::ALL {
            let of = |(_, contract)| Terms::built_in(contract, partner);
            let [standard, premium, enterprise] = ContractType::ALL.map(of);
            assert!(standard.permissions.is_subset(&premium.permissions));
            assert!(enterprise.permissions.contains("ALL"));
            assert!(standard.payment.hold_days > premium.payment.hold_days);
            assert!(enterprise.budget.daily.is_none() && standard.budget.daily.is_some());
        }
    }

    #[test]
    fn what_is_not_changed_stays() {
        let terms = Terms::built_in(ContractType::Standard, PartnerType::Empresa);
        assert_eq!(terms.with(TermsChanges::default()), terms);
        let changed = terms.with(TermsChanges { duration_days: Some(30), ..TermsChanges::default() });
        assert_eq!((changed.duration_days, changed.budget), (30, terms.budget));
        let from = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        assert_eq!(changed.expires(from).to_string(), "2025-01-31T00:00:00Z");
    }
}
