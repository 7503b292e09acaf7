//! Tries a version of a rule on the conversions that were recorded. Nothing is written.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{MoneyError, Timestamp};

use crate::domain::{InForce, Outcome, PartnerContract, RateSource, Rule, RuleChangeError, RuleId, Trial};
use crate::store::{contracts, rated, rules};

/// So many conversions are read at once.
const PAGE: u64 = 5_000;
/// Affiliates that a trial tells apart; each costs some hundred bytes.
const AFFILIATES_MAX: usize = 500_000;

#[derive(Clone, Debug)]
pub struct Simulate {
    pub rule: RuleId,
    /// The newest where none is named.
    pub version: Option<u32>,
    /// When customers did it: from, and before.
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Simulated {
    pub version: u32,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulateError {
    #[error("there is no rule {0}")]
    NotFound(RuleId),
    #[error(transparent)]
    Refused(#[from] RuleChangeError),
    #[error("the period has more than {AFFILIATES_MAX} affiliates: choose a shorter one")]
    TooMany,
    #[error("a sum {0}")]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A rule, the others of its program, and the contracts of partners.
type Beside = (Rule, Vec<InForce>, Vec<PartnerContract>);

/// The version stands beside the other active rules of its program, as if it were the newest of them.
pub async fn simulate(db: &Db, command: Simulate) -> Result<Simulated, SimulateError> {
    let Simulate { rule: id, version, from, until } = command;
    let wanted = id.clone();
    let read = async move |tx: &Tx| -> Result<Option<Beside>, DbError> {
        let Some(rule) = rules::load(tx, &wanted).await? else { return Ok(None) };
        let others = rules::in_force(tx, &rule.program).await?;
        Ok(Some((rule, others, contracts::of(tx, None).await?)))
    };
    let (rule, beside, contracts) =
        db.read(read).await?.ok_or_else(|| SimulateError::NotFound(id.clone()))?;
    let (number, rules) = on_trial(&rule, version, beside)?;
    let mut trial = Trial::new(rules).beside(contracts);
    let start = trial.start(from);
    let (mut outcome, mut after) = (Outcome::default(), None);
    loop {
        let (program, next) = (rule.program.clone(), after.take());
        let read = async move |tx: &Tx| -> Result<Vec<rated::RatedRow>, DbError> {
            rated::page(tx, &program, (start, until), next.clone(), PAGE).await
        };
        let page = db.read(read).await?;
        for row in &page {
            let recorded = &row.recorded;
            let tried = trial.owes(recorded)?;
            // What was sold before counts for tiers alone.
            if recorded.facts.occurred_at >= from {
                let is_matched = tried.rule.is_some_and(|index| trial.is_rule(index, &id));
                outcome.add(recorded, tried.amount, is_matched)?;
            }
        }
        if outcome.affiliates.len() > AFFILIATES_MAX {
            return Err(SimulateError::TooMany);
        }
        match page.last() {
            Some(last) if page.len() as u64 == PAGE => after = Some(last.position()),
            _ => return Ok(Simulated { version: number, outcome }),
        }
    }
}

/// A version of a rule, the newest where none is named, beside the others that are in force, and which it is.
pub(super) fn on_trial(
    rule: &Rule,
    version: Option<u32>,
    mut beside: Vec<InForce>,
) -> Result<(u32, Vec<InForce>), RuleChangeError> {
    let number = version.unwrap_or_else(|| rule.newest().number);
    let chosen = rule.version(number).ok_or(RuleChangeError::NoVersion(number))?;
    beside.retain(|other| other.id != rule.id);
    let newest = beside.iter().map(|other| other.since).chain([rule.created_at]).max();
    beside.push(InForce {
        source: RateSource::Rule,
        id: rule.id.clone(),
        name: rule.name.clone(),
        version: number,
        since: newest.unwrap_or(rule.created_at),
        terms: chosen.terms.clone(),
    });
    Ok((number, beside))
}
