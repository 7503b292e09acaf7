//! Draws up a contract of employment, once for each hiring (S2-HND-6).

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Uuid};

use crate::domain::{EmploymentContract, EmploymentTerms, Language, employment_text};
use crate::{events, files, store};

/// `CreateEmploymentContract` of S2.7.
#[derive(Clone, Debug)]
pub struct CreateEmploymentContract {
    pub terms: EmploymentTerms,
    /// The id of the event that says so.
    pub event: Uuid,
}

/// `None` where the hiring has a contract already.
pub async fn create_employment_contract(
    tx: &Tx,
    command: CreateEmploymentContract,
    cause: &Cause,
) -> Result<Option<EmploymentContract>, DbError> {
    let CreateEmploymentContract { terms, event } = command;
    let text = employment_text(&terms, &pairs(&terms.benefits), &pairs(&terms.agreed));
    let document = files::document("Contrato laboral", text, Language::Spanish, cause.at);
    let contract = EmploymentContract { terms, document, created_at: cause.at };
    if !store::insert_employment(tx, &contract).await? {
        return Ok(None);
    }
    events::of_employment(tx, event, &contract, cause).await?;
    Ok(Some(contract))
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
