//! Does something with a contract: each fact goes into its audit trail, and those that others wait for into the outbox.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Ids, Timestamp};

use crate::domain::audit::Entry;
use crate::domain::{
    Contract, ContractId, DraftChanges, Fact, Refusal, Speaker, TermsChanges, sha256, text_of,
};
use crate::{events, files, store, views};

/// What is to be done with a contract.
#[derive(Clone, Debug)]
pub enum Verb {
    Change(DraftChanges),
    Propose {
        speaker: Speaker,
        changes: Box<TermsChanges>,
        note: Option<String>,
    },
    Accept(Speaker),
    Reject(Speaker),
    /// Tokens to give away, as many as there may be signatories.
    Send {
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
    Activate {
        effective_date: Option<Timestamp>,
    },
    Terminate {
        reason: String,
    },
}

#[derive(Clone, Debug)]
pub struct ChangeContract {
    pub id: ContractId,
    /// What the client saw.
    pub seen: IfMatch,
    pub verb: Verb,
}

/// A contract after a verb.
#[derive(Clone, Debug)]
pub struct Changed {
    pub contract: Contract,
    /// Of those who got one now, by position; shown once.
    pub tokens: Vec<(u32, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    #[error("there is no contract {0}")]
    NotFound(ContractId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn change_contract(
    tx: &Tx,
    command: ChangeContract,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Changed, NotChanged> {
    let ChangeContract { id, seen, verb } = command;
    let mut contract = store::load(tx, &id).await?.ok_or(NotChanged::NotFound(id))?;
    seen.check(contract.revision())?;
    let before = contract.revision();
    let at = cause.at;
    let mut tokens = Vec::new();
    let mut facts = match verb {
        Verb::Change(changes) => contract.change(changes, at)?.into_iter().collect(),
        Verb::Propose { speaker, changes, note } => vec![contract.propose(&speaker, *changes, note, at)?],
        Verb::Accept(speaker) => vec![contract.accept(&speaker, at)?],
        Verb::Reject(speaker) => vec![contract.reject(&speaker, at)?],
        Verb::Send { tokens: made } => {
            contract.can_be_sent()?;
            let document = written_out(tx, &contract, at).await?;
            let positions = contract.signatories().iter().map(|one| one.position);
            tokens = positions.zip(made).collect();
            let hashes = tokens.iter().map(|(_, token)| sha256(token.as_bytes())).collect();
            vec![contract.send(document, hashes, at)?]
        }
        Verb::RenewToken { position, token } => {
            let fact = contract.renew_token(position, sha256(token.as_bytes()), at)?;
            tokens.push((position, token));
            vec![fact]
        }
        Verb::Sign { token, signed_as, document_hash } => {
            contract.sign(&sha256(token.as_bytes()), signed_as, document_hash.as_deref(), at)?
        }
        Verb::Activate { effective_date } => contract.activate(effective_date, at)?.into_iter().collect(),
        Verb::Terminate { reason } => contract.terminate(reason, at)?.into_iter().collect(),
    };
    if facts.is_empty() {
        return Ok(Changed { contract, tokens });
    }
    if facts.contains(&Fact::Signed) {
        // Its day may have come already.
        facts.extend(contract.pass(at));
    }
    settle(tx, &mut contract, before, &facts, ids, cause).await?;
    Ok(Changed { contract, tokens })
}

/// The document as it would be now.
pub(crate) async fn written_out(
    tx: &Tx,
    contract: &Contract,
    at: Timestamp,
) -> Result<crate::domain::Document, DbError> {
    let template = store::load_template(tx, &contract.parts().draft.template).await?;
    let template = template.ok_or_else(|| DbError::Damaged("a contract's template is gone".to_owned()))?;
    let language = contract.parts().draft.language;
    Ok(files::document(&template.title, text_of(contract, &template, at), language, at))
}

/// Writes down what happened: the contract, its trail, and what others hear of it.
pub(super) async fn settle(
    tx: &Tx,
    contract: &mut Contract,
    before: u32,
    facts: &[Fact],
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(), DbError> {
    let entries: Vec<Entry> = facts.iter().map(|fact| written(contract, fact, cause)).collect();
    store::save(tx, contract, before, facts).await?;
    for entry in &entries {
        store::append_entry(tx, entry).await?;
    }
    for fact in facts {
        events::of_contract(tx, ids, fact, contract, cause).await?;
        if matches!(fact, Fact::Activated(_)) {
            supersede(tx, contract, ids, cause).await?;
        }
    }
    Ok(())
}

/// The contract that was renewed ends with its renewal.
async fn supersede(tx: &Tx, by: &Contract, ids: &dyn Ids, cause: &Cause) -> Result<(), DbError> {
    let Some(of) = by.parts().draft.origin.renews() else { return Ok(()) };
    let Some(mut old) = store::load(tx, of).await? else { return Ok(()) };
    let before = old.revision();
    let Some(fact) = old.renewed(by.id().clone(), cause.at) else { return Ok(()) };
    let entry = written(&mut old, &fact, cause);
    store::save(tx, &old, before, std::slice::from_ref(&fact)).await?;
    store::append_entry(tx, &entry).await?;
    events::of_contract(tx, ids, &fact, &old, cause).await
}

/// Goes on with the trail of a contract.
pub(super) fn written(contract: &mut Contract, fact: &Fact, cause: &Cause) -> Entry {
    let details = views::details(contract, fact);
    contract.write(cause.actor.as_str(), fact.name(), details, cause.at)
}
