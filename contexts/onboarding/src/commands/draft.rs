//! Drafts contracts: because somebody asks, because a partner registered, because one follows another.

use hexalpes_db::{DbError, Tx};
use hexalpes_http::{IfMatch, NotNewest};
use hexalpes_kernel::{Cause, Timestamp};

use super::change::written;
use crate::domain::{
    Contract, ContractId, ContractType, Draft, Fact, Language, Origin, Partner, Party, Refusal, Signatory,
    Signing, State, Template, TemplateId, TermsChanges,
};
use crate::store;

/// `CreateContract` of S2.7.
#[derive(Clone, Debug)]
pub struct CreateContract {
    pub id: ContractId,
    pub partner: Partner,
    pub contract_type: ContractType,
    /// Else the newest of the types in the language.
    pub template: Option<TemplateId>,
    /// Else the template's, or Spanish.
    pub language: Option<Language>,
    /// What is to differ from the template's terms.
    pub terms: TermsChanges,
    /// A JSON object.
    pub initial_data: String,
    pub origin: Origin,
    /// Else the partner's contact, then the company.
    pub signatories: Option<Vec<Signatory>>,
    pub effective_date: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCreated {
    #[error("there is no contract {0}")]
    NotFound(ContractId),
    #[error("there is no template {0}")]
    NoTemplate(TemplateId),
    #[error("template {id} is for {contract_type} contracts with {partner_type} partners")]
    OtherTemplate { id: TemplateId, contract_type: &'static str, partner_type: &'static str },
    #[error("template {id} is in {}", language.name())]
    OtherLanguage { id: TemplateId, language: Language },
    #[error("contract {by} of the partner is still open")]
    OpenContract { by: ContractId },
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    NotNewest(#[from] NotNewest),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn create_contract(
    tx: &Tx,
    command: CreateContract,
    cause: &Cause,
) -> Result<Contract, NotCreated> {
    let CreateContract { id, partner, contract_type, template, terms, initial_data, origin, .. } = command;
    let template = chosen(tx, template, contract_type, &partner, command.language).await?;
    let signatories = command.signatories.unwrap_or_else(|| usual_signatories(&partner));
    let terms = template.terms.with(terms);
    terms.check().map_err(Refusal::from)?;
    let draft = Draft {
        contract_type,
        template: template.id,
        language: template.language,
        terms,
        initial_data,
        origin,
        signatories,
        effective_date: command.effective_date,
        partner,
    };
    insert(tx, Contract::draft(id, draft, cause.at), cause).await
}

async fn chosen(
    tx: &Tx,
    asked: Option<TemplateId>,
    contract_type: ContractType,
    partner: &Partner,
    language: Option<Language>,
) -> Result<Template, NotCreated> {
    let Some(id) = asked else {
        // Every kind has a template from the start.
        let (partner_type, language) = (partner.partner_type, language.unwrap_or_default());
        let newest = store::newest_template(tx, contract_type, partner_type, language).await?;
        let first = || TemplateId::of(contract_type, partner_type, language, 1);
        return newest.ok_or_else(|| NotCreated::NoTemplate(first()));
    };
    let template = store::load_template(tx, &id).await?.ok_or_else(|| NotCreated::NoTemplate(id.clone()))?;
    if (template.contract_type, template.partner_type) != (contract_type, partner.partner_type) {
        let (contract_type, partner_type) = (template.contract_type.name(), template.partner_type.name());
        return Err(NotCreated::OtherTemplate { id, contract_type, partner_type });
    }
    if language.is_some_and(|language| language != template.language) {
        return Err(NotCreated::OtherLanguage { id, language: template.language });
    }
    Ok(template)
}

/// Who signs where nobody says: the partner's contact, then the company.
fn usual_signatories(partner: &Partner) -> Vec<Signatory> {
    let signatory = |position, party, name: &str, email: &str| Signatory {
        position,
        party,
        name: name.to_owned(),
        email: email.to_owned(),
        signing: Signing::NotAsked,
    };
    vec![
        signatory(1, Party::Partner, &partner.business_name, &partner.email),
        signatory(2, Party::Company, "HexaBuilders", "contratos@hexabuilders.com"),
    ]
}

async fn insert(tx: &Tx, mut contract: Contract, cause: &Cause) -> Result<Contract, NotCreated> {
    let entry = written(&mut contract, &Fact::Drafted, cause);
    if !store::insert(tx, &contract).await? {
        let by = store::open_of(tx, &contract.partner().id).await?;
        let gone = || DbError::Conflict("the partner got a contract a moment ago".to_owned());
        return Err(NotCreated::OpenContract { by: by.ok_or_else(gone)? });
    }
    store::append_entry(tx, &entry).await?;
    Ok(contract)
}

/// A partner has registered.
#[derive(Clone, Debug)]
pub struct RegisteredPartner {
    pub id: ContractId,
    pub partner: Partner,
    pub contract_type: ContractType,
    pub language: Language,
    /// A JSON object.
    pub registration_data: String,
}

/// Drafts the contract that a registration begins, unless the partner has one: its registration was heard of before, or
/// somebody takes it on by hand (S2-HND-1, C-30).
pub async fn register_partner(
    tx: &Tx,
    command: RegisteredPartner,
    cause: &Cause,
) -> Result<Option<Contract>, NotCreated> {
    let RegisteredPartner { id, partner, contract_type, language, registration_data } = command;
    let there = match store::registered(tx, &partner.id).await? {
        Some(id) => Some(id),
        None => store::open_of(tx, &partner.id).await?,
    };
    if let Some(existing) = there {
        tracing::info!(partner.id = %partner.id, contract.id = %existing, "Contract already exists for partner {}", partner.id);
        return Ok(None);
    }
    let command = CreateContract {
        id,
        partner,
        contract_type,
        template: None,
        language: Some(language),
        terms: TermsChanges::default(),
        initial_data: registration_data,
        origin: Origin::Registration,
        signatories: None,
        effective_date: None,
    };
    create_contract(tx, command, cause).await.map(Some)
}

/// Drafts a contract that follows another.
#[derive(Clone, Debug)]
pub struct Renew {
    pub of: ContractId,
    pub seen: IfMatch,
    /// The new one's.
    pub id: ContractId,
    pub contract_type: Option<ContractType>,
    /// What is to differ from the old one's terms, or from the template's where the type is another.
    pub terms: TermsChanges,
    pub effective_date: Option<Timestamp>,
}

/// The old one stays as it is until the new one is activated.
pub async fn renew_contract(tx: &Tx, command: Renew, cause: &Cause) -> Result<Contract, NotCreated> {
    let Renew { of, seen, id, contract_type, terms, effective_date } = command;
    let old = store::load(tx, &of).await?.ok_or_else(|| NotCreated::NotFound(of.clone()))?;
    seen.check(old.revision())?;
    old.can_be_renewed()?;
    let partner = old.partner().clone();
    let new_type = contract_type.unwrap_or(old.contract_type());
    let language = old.parts().draft.language;
    let template = chosen(tx, None, new_type, &partner, Some(language)).await?;
    let base = if new_type == old.contract_type() { old.terms().clone() } else { template.terms };
    let ends = match old.state() {
        State::Active => old.validity().map(|validity| validity.until),
        _ => None,
    };
    let terms = base.with(terms);
    terms.check().map_err(Refusal::from)?;
    let unsigned = |one: &Signatory| Signatory { signing: Signing::NotAsked, ..one.clone() };
    let draft = Draft {
        contract_type: new_type,
        template: template.id,
        language,
        terms,
        initial_data: old.parts().draft.initial_data.clone(),
        origin: Origin::Renewal { of },
        signatories: old.signatories().iter().map(unsigned).collect(),
        effective_date: effective_date.or(ends),
        partner,
    };
    insert(tx, Contract::draft(id, draft, cause.at), cause).await
}
