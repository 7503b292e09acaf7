//! Draws up a contract of employment, once for each hiring (S2-HND-6), and has it signed.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids, Uuid};

use crate::domain::audit::Entry;
use crate::domain::{
    EmploymentContract, EmploymentFact, EmploymentId, EmploymentTerms, Language, Refusal, Signatory,
    employment_text, sha256,
};
use crate::{events, files, store, views};

/// `CreateEmploymentContract` of S2.7.
#[derive(Clone, Debug)]
pub struct CreateEmploymentContract {
    pub terms: EmploymentTerms,
    /// What it is to be written in, where the hire says so; else what the partner's own contract is written in.
    pub language: Option<Language>,
    /// The id of the event that says so.
    pub event: Uuid,
}

/// `None` where the hiring has a contract already.
pub async fn create_employment_contract(
    tx: &Tx,
    command: CreateEmploymentContract,
    cause: &Cause,
) -> Result<Option<EmploymentContract>, DbError> {
    let CreateEmploymentContract { terms, language, event } = command;
    let language = match language {
        Some(language) => language,
        None => store::language_of(tx, &terms.partner).await?.unwrap_or_default(),
    };
    let text = employment_text(&terms, language, &pairs(&terms.benefits), &pairs(&terms.agreed));
    let title = language.pick("Contrato laboral", "Employment contract");
    let document = files::document(title, text, language, cause.at);
    let mut contract = EmploymentContract::draft(terms, language, document, cause.at);
    let entry = written(&mut contract, &EmploymentFact::Drafted, cause);
    if !store::insert_employment(tx, &contract).await? {
        return Ok(None);
    }
    store::append_entry(tx, &entry).await?;
    events::of_employment(tx, event, &EmploymentFact::Drafted, &contract, cause).await?;
    Ok(Some(contract))
}

/// What is to be done with a contract of employment.
#[derive(Clone, Debug)]
pub enum EmploymentVerb {
    /// Tokens to give away, as many as there may be signatories.
    Send {
        signatories: Vec<Signatory>,
        tokens: Vec<String>,
    },
    RenewToken {
        position: u32,
        token: String,
    },
    Sign {
        token: String,
        signed_as: Option<String>,
        document_hash: Option<String>,
    },
    Terminate {
        reason: String,
    },
}

#[derive(Clone, Debug)]
pub struct ChangeEmployment {
    pub id: EmploymentId,
    /// What the client saw.
    pub seen: IfMatch,
    pub verb: EmploymentVerb,
}

/// A contract of employment after a verb.
#[derive(Clone, Debug)]
pub struct EmploymentChanged {
    pub contract: EmploymentContract,
    /// Of those who got one now, by position; shown once.
    pub tokens: Vec<(u32, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmploymentNotChanged {
    #[error("there is no contract of employment {0}")]
    NotFound(EmploymentId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change_employment(
    tx: &Tx,
    command: ChangeEmployment,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<EmploymentChanged, EmploymentNotChanged> {
    let ChangeEmployment { id, seen, verb } = command;
    let found = store::load_employment(tx, &id).await?;
    let mut contract = found.ok_or(EmploymentNotChanged::NotFound(id))?;
    seen.check(contract.revision)?;
    let (before, at) = (contract.revision, cause.at);
    let mut tokens = Vec::new();
    let facts = match verb {
        EmploymentVerb::Send { signatories, tokens: made } => {
            tokens = signatories.iter().map(|one| one.position).zip(made).collect();
            let hashes = tokens.iter().map(|(_, token)| sha256(token.as_bytes())).collect();
            vec![contract.send(signatories, hashes, at)?]
        }
        EmploymentVerb::RenewToken { position, token } => {
            let fact = contract.renew_token(position, sha256(token.as_bytes()), at)?;
            tokens.push((position, token));
            vec![fact]
        }
        EmploymentVerb::Sign { token, signed_as, document_hash } => {
            contract.sign(&sha256(token.as_bytes()), signed_as, document_hash.as_deref(), at)?
        }
        EmploymentVerb::Terminate { reason } => contract.terminate(reason, at)?.into_iter().collect(),
    };
    if !facts.is_empty() {
        settle_employment(tx, &mut contract, before, &facts, ids, cause).await?;
    }
    Ok(EmploymentChanged { contract, tokens })
}

/// Writes down what happened: the contract, its trail, and what others hear of it.
pub(super) async fn settle_employment(
    tx: &Tx,
    contract: &mut EmploymentContract,
    before: u32,
    facts: &[EmploymentFact],
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(), DbError> {
    let entries: Vec<Entry> = facts.iter().map(|fact| written(contract, fact, cause)).collect();
    store::save_employment(tx, contract, before, facts).await?;
    for entry in &entries {
        store::append_entry(tx, entry).await?;
    }
    for fact in facts {
        events::of_employment(tx, ids.uuid(), fact, contract, cause).await?;
    }
    Ok(())
}

/// Goes on with the trail of a contract of employment.
fn written(contract: &mut EmploymentContract, fact: &EmploymentFact, cause: &Cause) -> Entry {
    let details = views::employment_details(contract, fact);
    contract.write(cause.actor.as_str(), fact.name(), details, cause.at)
}

/// A JSON object as names and values, for people.
fn pairs(json: &str) -> Vec<(String, String)> {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;
    let read = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(json).unwrap_or_default();
    let text =
        |value: Box<RawValue>| serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
    read.into_iter().map(|(name, value)| (name, text(value))).collect()
}
