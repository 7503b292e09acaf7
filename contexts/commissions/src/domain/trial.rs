//! Tries rules on conversions that were recorded: what they would owe, per affiliate, and the difference.
//!
//! Pure: whoever reads the conversions hands them over in the order in which customers did them.

use std::collections::HashMap;

use hexalpes_kernel::{Currency, Money, MoneyError, Rate, Timestamp};

use super::{CampaignId, Facts, Formula, InForce, PartnerContract, RuleId, Ruled, Tally, contract_at, rank};

/// A conversion that has a commission, and what that was derived from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub affiliate: String,
    pub campaign: Option<CampaignId>,
    pub gross: Money,
    /// As it was calculated.
    pub paid: Money,
    pub facts: Facts,
    /// It was calculated as a request asked, which ranks before every rule.
    pub is_asked: bool,
    /// What counts where neither a rule nor a contract holds.
    pub fallback: Option<Rate>,
}

/// What a recorded conversion would owe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub amount: Money,
    /// The rule that says so, by its rank.
    pub rule: Option<usize>,
    /// The partner's contract, where it is that which says so.
    pub contract: Option<InForce>,
    /// What its tiers had counted.
    pub counted: Option<Counted>,
}

/// A period of a tiered rule, and what was sold in it before.
pub type Counted = (String, Tally);

/// Rules on trial.
#[derive(Debug)]
pub struct Trial {
    rules: Vec<InForce>,
    /// Of each partner that has any.
    contracts: HashMap<String, Vec<PartnerContract>>,
    /// By rule, period, currency and affiliate.
    tallies: HashMap<String, Tally>,
}

impl Trial {
    pub fn new(mut rules: Vec<InForce>) -> Self {
        rank(&mut rules);
        Self { rules, contracts: HashMap::new(), tallies: HashMap::new() }
    }

    /// With the contracts of partners, which rank after the rules.
    pub fn beside(mut self, contracts: Vec<PartnerContract>) -> Self {
        for contract in contracts {
            self.contracts.entry(contract.partner.as_str().to_owned()).or_default().push(contract);
        }
        self
    }

    /// From when on conversions are to be handed over, for tiers to have counted what they count at a time.
    pub fn start(&self, from: Timestamp) -> Timestamp {
        let periods = self.formulas().filter_map(|formula| match formula {
            Formula::Tiered(tiers) => Some(tiers.period()),
            Formula::Percentage(_) | Formula::Flat(_) => None,
        });
        periods.map(|period| period.beginning(from)).chain([from]).min().unwrap_or(from)
    }

    /// Whether what was sold before matters.
    pub fn counts(&self) -> bool {
        self.formulas().any(|formula| matches!(formula, Formula::Tiered(_)))
    }

    fn formulas(&self) -> impl Iterator<Item = &Formula> {
        let contracts = self.contracts().map(|contract| &contract.terms.formula);
        self.rules.iter().map(|rule| &rule.terms.formula).chain(contracts)
    }

    /// The contracts that stand beside the rules, in no order.
    pub fn contracts(&self) -> impl Iterator<Item = &PartnerContract> {
        self.contracts.values().flatten()
    }

    pub fn owes(&mut self, recorded: &Recorded) -> Result<Tried, MoneyError> {
        let as_it_was = Tried { amount: recorded.paid, rule: None, contract: None, counted: None };
        if recorded.is_asked {
            return Ok(as_it_was);
        }
        let Recorded { campaign, gross, facts, .. } = recorded;
        let holds = |rule: &InForce| rule.terms.hold_for(campaign.as_ref(), gross.currency(), facts);
        let index = self.rules.iter().position(holds);
        let contract = if index.is_none() { self.contract(recorded) } else { None };
        let (rule, of) = match (index, &contract) {
            (Some(index), _) => (&self.rules[index], index.to_string()),
            (None, Some(contract)) => (contract, contract.id.to_string()),
            (None, None) => {
                return match recorded.fallback {
                    Some(rate) => Ok(Tried { amount: rate.of(*gross)?, ..as_it_was }),
                    None => Ok(as_it_was),
                };
            }
        };
        let terms = &rule.terms;
        let Some(period) = terms.period(facts.occurred_at) else {
            let owed = terms.owes(*gross, Tally::default(), &mut |_| ())?;
            return Ok(Tried { amount: owed.amount, rule: index, contract, counted: None });
        };
        let key = format!("{of}/{period}/{}/{}", gross.currency(), recorded.affiliate);
        let tally = self.tallies.entry(key).or_default();
        let before = *tally;
        let owed = terms.owes(*gross, before, &mut |_| ())?;
        *tally = before.and(*gross)?;
        Ok(Tried { amount: owed.amount, rule: index, contract, counted: Some((period, before)) })
    }

    /// The contract that is in force with who brought a conversion, and for its currency.
    fn contract(&self, recorded: &Recorded) -> Option<InForce> {
        let Recorded { gross, facts, affiliate, .. } = recorded;
        let contract = contract_at(self.contracts.get(affiliate)?.clone(), facts.occurred_at)?;
        contract.is_for(gross.currency(), facts).then(|| contract.rule())
    }

    /// The rules that hold for a conversion, that at this rank first: what [`derive`](super::derive) explains.
    pub fn ruled(&self, recorded: &Recorded, tried: &Tried) -> Option<Ruled> {
        let counted = tried.counted.clone();
        if let Some(contract) = &tried.contract {
            return Some(Ruled { rule: contract.clone(), counted, passed_over: Vec::new() });
        }
        let index = tried.rule?;
        let Recorded { campaign, gross, facts, .. } = recorded;
        let holds = |rule: &&InForce| rule.terms.hold_for(campaign.as_ref(), gross.currency(), facts);
        Some(Ruled {
            rule: self.rules[index].clone(),
            counted,
            passed_over: self.rules[index + 1..]
                .iter()
                .filter(holds)
                .cloned()
                .chain(self.contract(recorded))
                .collect(),
        })
    }

    /// The rules on trial, the one that counts first first.
    pub fn rules(&self) -> &[InForce] {
        &self.rules
    }

    /// Whether a rule by its rank is this one.
    pub fn is_rule(&self, index: usize, rule: &RuleId) -> bool {
        self.rules[index].id == *rule
    }
}

/// Of one affiliate in one currency, in smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    pub currency: Currency,
    pub conversions: u64,
    /// What was calculated.
    pub paid: i64,
    /// What would have been.
    pub simulated: i64,
}

impl Sums {
    fn add(&mut self, paid: Money, simulated: Money) -> Result<(), MoneyError> {
        self.conversions += 1;
        self.paid = self.paid.checked_add(paid.minor()).ok_or(MoneyError::TooLarge)?;
        self.simulated = self.simulated.checked_add(simulated.minor()).ok_or(MoneyError::TooLarge)?;
        Ok(())
    }

    pub fn difference(&self) -> i64 {
        self.simulated.saturating_sub(self.paid)
    }
}

/// Sums in each currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledgers(pub Vec<Sums>);

impl Ledgers {
    fn add(&mut self, paid: Money, simulated: Money) -> Result<(), MoneyError> {
        let currency = paid.currency();
        if let Some(sums) = self.0.iter_mut().find(|sums| sums.currency == currency) {
            return sums.add(paid, simulated);
        }
        let mut sums = Sums { currency, conversions: 0, paid: 0, simulated: 0 };
        sums.add(paid, simulated)?;
        self.0.push(sums);
        Ok(())
    }
}

/// What came of a trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub conversions: u64,
    /// For so many the rule on trial was the one that counted.
    pub matched: u64,
    pub total: Ledgers,
    pub affiliates: HashMap<String, Ledgers>,
}

impl Outcome {
    pub fn add(&mut self, recorded: &Recorded, simulated: Money, is_matched: bool) -> Result<(), MoneyError> {
        self.conversions += 1;
        self.matched += u64::from(is_matched);
        self.total.add(recorded.paid, simulated)?;
        if let Some(ledgers) = self.affiliates.get_mut(&recorded.affiliate) {
            return ledgers.add(recorded.paid, simulated);
        }
        let mut ledgers = Ledgers::default();
        ledgers.add(recorded.paid, simulated)?;
        self.affiliates.insert(recorded.affiliate.clone(), ledgers);
        Ok(())
    }
}
