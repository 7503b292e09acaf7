//! Drafts rules, and puts them into force or out of it.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Cause;

use crate::domain::{ProgramId, Rule, RuleChangeError, RuleId, RuleTerms};
use crate::store::{known, rules};

#[derive(Clone, Debug)]
pub struct DraftRule {
    pub id: RuleId,
    pub program: ProgramId,
    pub name: String,
    pub terms: RuleTerms,
}

/// What is to become of a rule.
#[derive(Clone, Debug)]
pub enum RuleVerb {
    Revise(Box<RuleTerms>),
    /// The newest version where none is named.
    Activate(Option<u32>),
    Retire,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleCommandError {
    #[error("there is no rule {0}")]
    NotFound(RuleId),
    #[error("there is no program {0}")]
    NoProgram(ProgramId),
    #[error(transparent)]
    Refused(#[from] RuleChangeError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// `built_in` is the program that nobody has to tell of.
pub async fn draft_rule(
    tx: &Tx,
    command: DraftRule,
    built_in: &ProgramId,
    cause: &Cause,
) -> Result<Rule, RuleCommandError> {
    let DraftRule { id, program, name, terms } = command;
    if program != *built_in && known::program(tx, &program, None).await?.is_none() {
        return Err(RuleCommandError::NoProgram(program));
    }
    let rule = Rule::draft(id, program, name, terms, cause.at);
    rules::insert(tx, &rule).await?;
    Ok(rule)
}

/// What was so already changes nothing.
pub async fn change_rule(
    tx: &Tx,
    id: RuleId,
    verb: RuleVerb,
    cause: &Cause,
) -> Result<Rule, RuleCommandError> {
    let found = rules::load(tx, &id).await?;
    let mut rule = found.ok_or(RuleCommandError::NotFound(id))?;
    let is_news = match verb {
        RuleVerb::Revise(terms) => {
            rule.revise(*terms, cause.at)?;
            true
        }
        RuleVerb::Activate(version) => rule.activate(version, cause.at)?,
        RuleVerb::Retire => rule.retire(cause.at),
    };
    if is_news {
        rules::save(tx, &rule).await?;
    }
    Ok(rule)
}
