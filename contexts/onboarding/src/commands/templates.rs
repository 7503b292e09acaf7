//! Publishes versions of templates.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Cause, Edge};

use crate::domain::{ContractType, Language, PartnerType, Template, TemplateId, Terms, TermsError};
use crate::store;

/// A version that supersedes the one before it, for contracts that are drafted from now on.
#[derive(Clone, Debug)]
pub struct PublishTemplate {
    pub contract_type: ContractType,
    pub partner_type: PartnerType,
    pub language: Language,
    pub title: String,
    pub body: String,
    pub terms: Terms,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublished {
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn publish_template(
    tx: &Tx,
    command: PublishTemplate,
    cause: &Cause,
) -> Result<Template, NotPublished> {
    let PublishTemplate { contract_type, partner_type, language, title, body, terms } = command;
    terms.check()?;
    let newest = store::newest_template(tx, contract_type, partner_type, language).await?;
    let version = newest.map_or(0, |newest| newest.version) + 1;
    let template = Template {
        id: TemplateId::of(contract_type, partner_type, language, version),
        contract_type,
        partner_type,
        language,
        version,
        title,
        body,
        terms,
        created_at: cause.at,
        created_by: cause.actor.to_string(),
    };
    if !store::insert_template(tx, &template).await? {
        return Err(DbError::Conflict("the template got another version a moment ago".to_owned()).into());
    }
    Ok(template)
}

/// Makes the templates that are there from the start, one for each kind and language; at every start, for it may be the
/// first.
pub async fn prepare(db: &Db, clock: &dyn Edge) -> Result<(), DbError> {
    let at = clock.now();
    db.write(async move |tx: &Tx| -> Result<(), DbError> {
        for (_, contract_type) in ContractType::ALL {
            for (_, partner_type) in PartnerType::ALL {
                for (_, language) in Language::ALL {
                    let built_in = Template::built_in(contract_type, partner_type, language, at);
                    store::insert_template(tx, &built_in).await?;
                }
            }
        }
        Ok(())
    })
    .await
}
