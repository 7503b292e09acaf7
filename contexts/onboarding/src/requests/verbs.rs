//! Contracts, templates, and what can be done with them.

use hexalpes_http::{Change, Fields, FromFields, Invalid, Raw, said, values};
use hexalpes_kernel::Timestamp;
use utoipa::ToSchema;

use super::terms::{TermsBody, TermsChangesBody, TermsRequest};
use crate::domain::{
    ContractType, DraftChanges, Language, PartnerId, PartnerType, Party, SIGNATORIES_MAX, Signatory, Signing,
    TemplateId, Terms, TermsChanges, parse_date, unknown_placeholders,
};

const NAME_CHARS_MAX: usize = 200;
const NOTE_CHARS_MAX: usize = 2_000;
const TOKEN_CHARS_MAX: usize = 100;
const BODY_CHARS_MAX: usize = 100_000;
const DATA_BYTES_MAX: usize = 64 * 1024;
const EMAIL_CHARS_MAX: usize = 254;

/// A new version of a template: it supersedes the one before it, which stays as it is.
#[derive(ToSchema)]
#[schema(as = NewTemplate)]
pub(crate) struct NewTemplateBody {
    #[schema(pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$", example = "STANDARD")]
    contract_type: String,
    #[schema(pattern = "^(INDIVIDUAL|EMPRESA|STARTUP)$", example = "EMPRESA")]
    partner_type: String,
    /// Else `es`.
    #[schema(pattern = "^(es|en)$")]
    language: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// Headings behind `# `, paragraphs between empty lines, placeholders such as `{{business_name}}`.
    #[schema(min_length = 1, max_length = 100_000)]
    body: String,
    terms: TermsBody,
}

#[derive(Clone, Debug)]
pub(crate) struct NewTemplateRequest {
    pub(crate) contract_type: ContractType,
    pub(crate) partner_type: PartnerType,
    pub(crate) language: Language,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) terms: Terms,
}

impl FromFields for NewTemplateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let contract_type = fields.required("contract_type", |raw| values::one_of(raw, &ContractType::ALL));
        let partner_type = fields.required("partner_type", |raw| values::one_of(raw, &PartnerType::ALL));
        let language = fields.optional("language", |raw| values::one_of(raw, &Language::ALL));
        let title = fields.required("title", |raw| values::text(raw, NAME_CHARS_MAX));
        let body = fields.required("body", template_body);
        let terms = fields.required_object("terms", TermsRequest::from_fields);
        Some(Self {
            contract_type: contract_type?,
            partner_type: partner_type?,
            language: language?.unwrap_or_default(),
            title: title?,
            body: body?,
            terms: terms?.0,
        })
    }
}

fn template_body(raw: &Raw) -> Result<String, Invalid> {
    let body = raw.string()?.replace("\r\n", "\n");
    if body.trim().is_empty() {
        return Err(Invalid::new("empty", said!("must not be empty", "no debe estar vacío")));
    }
    if body.chars().nth(BODY_CHARS_MAX).is_some() {
        let why =
            said!("has more than {BODY_CHARS_MAX} characters", "tiene más de {BODY_CHARS_MAX} caracteres");
        return Err(Invalid::new("too_long", why));
    }
    if body.chars().any(|char| char.is_control() && char != '\n' && char != '\t') {
        let why = said!("must not contain control characters", "no debe contener caracteres de control");
        return Err(Invalid::new("control_character", why));
    }
    let unknown = unknown_placeholders(&body);
    if unknown.is_empty() {
        return Ok(body);
    }
    let (unknown, known) = (unknown.join(", "), crate::domain::PLACEHOLDERS.join(", "));
    let why = said!(
        "has placeholders that nobody can fill ({unknown}); known are {known}",
        "tiene marcadores que nadie puede rellenar ({unknown}); se conocen {known}"
    );
    Err(Invalid::new("unknown_placeholder", why))
}

/// A contract to be drafted by hand; that of a partner who registers is drafted by itself.
#[derive(ToSchema)]
#[schema(as = NewContract)]
pub(crate) struct ContractBody {
    #[schema(min_length = 1, max_length = 64)]
    partner_id: String,
    #[schema(min_length = 1, max_length = 200, example = "TechSolutions Inc")]
    business_name: String,
    #[schema(format = Email, example = "contact@techsolutions.com")]
    email: String,
    #[schema(pattern = "^(INDIVIDUAL|EMPRESA|STARTUP)$", example = "EMPRESA")]
    partner_type: String,
    #[schema(pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$", example = "STANDARD")]
    contract_type: String,
    /// Else the newest of the types in the language.
    #[schema(min_length = 1, max_length = 64)]
    template_id: Option<String>,
    /// What it is written in; else as the template that is named, or `es`.
    #[schema(pattern = "^(es|en)$")]
    language: Option<String>,
    /// What is to differ from the template's terms.
    terms: Option<TermsChangesBody>,
    /// Whatever is known of the partner.
    #[schema(value_type = Option<Object>)]
    initial_data: Option<String>,
    /// In the order in which they sign; else the partner's contact, then the company.
    #[schema(min_items = 1, max_items = 20)]
    signatories: Option<Vec<SignatoryBody>>,
    /// The first day; else the day of its activation.
    #[schema(format = Date, example = "2025-02-01")]
    effective_date: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = NewSignatory)]
pub(crate) struct SignatoryBody {
    #[schema(min_length = 1, max_length = 200, example = "Ana Gómez")]
    name: String,
    #[schema(format = Email)]
    email: String,
    #[schema(pattern = "^(COMPANY|PARTNER)$", example = "PARTNER")]
    role: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ContractRequest {
    pub(crate) partner: crate::domain::Partner,
    pub(crate) contract_type: ContractType,
    pub(crate) template: Option<TemplateId>,
    pub(crate) language: Option<Language>,
    pub(crate) terms: TermsChanges,
    pub(crate) initial_data: String,
    pub(crate) signatories: Option<Vec<Signatory>>,
    pub(crate) effective_date: Option<Timestamp>,
}

impl FromFields for ContractRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.required("partner_id", |raw| values::id(raw, PartnerId::parse));
        let business_name = fields.required("business_name", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = fields.required("email", email);
        let partner_type = fields.required("partner_type", |raw| values::one_of(raw, &PartnerType::ALL));
        let contract_type = fields.required("contract_type", |raw| values::one_of(raw, &ContractType::ALL));
        let template = fields.optional("template_id", |raw| values::id(raw, TemplateId::parse));
        let language = fields.optional("language", |raw| values::one_of(raw, &Language::ALL));
        let terms = fields.object("terms", TermsChanges::from_fields);
        let initial_data =
            fields.optional("initial_data", |raw| raw.object(DATA_BYTES_MAX).map(str::to_owned));
        let signatories = signatories(fields);
        let effective_date = fields.optional("effective_date", day);
        let partner = crate::domain::Partner {
            id: id?,
            partner_type: partner_type?,
            business_name: business_name?,
            email: email?,
        };
        Some(Self {
            partner,
            contract_type: contract_type?,
            template: template?,
            language: language?,
            terms: terms?.unwrap_or_default(),
            initial_data: initial_data?.unwrap_or_else(|| "{}".to_owned()),
            signatories: signatories?,
            effective_date: effective_date?,
        })
    }
}

#[expect(clippy::option_option, reason = "as the fields of a body are: wrong, missing, or there")]
fn signatories(fields: &mut Fields) -> Option<Option<Vec<Signatory>>> {
    fields.objects("signatories", SIGNATORIES_MAX, signatory(&Party::OF_PARTNERSHIP))
}

/// One after the other, in the order in which they sign.
fn signatory(roles: &'static [(&'static str, Party)]) -> impl FnMut(&mut Fields) -> Option<Signatory> {
    let mut position = 0;
    move |one| {
        position += 1;
        let name = one.required("name", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = one.required("email", email);
        let party = one.required("role", |raw| values::one_of(raw, roles));
        Some(Signatory { position, party: party?, name: name?, email: email?, signing: Signing::NotAsked })
    }
}

fn day(raw: &Raw) -> Result<Timestamp, Invalid> {
    parse_date(&raw.string()?).ok_or_else(|| {
        let why = said!(
            "must be a day as in ISO 8601, such as 2025-02-01",
            "debe ser un día como en ISO 8601, por ejemplo 2025-02-01"
        );
        Invalid::new("invalid_date", why)
    })
}

fn email(raw: &Raw) -> Result<String, Invalid> {
    values::text(raw, EMAIL_CHARS_MAX)?;
    values::email(raw).map(|email| email.to_string())
}

/// What is to become of a contract that was not sent; what is missing stays. Terms are negotiated.
#[derive(ToSchema)]
#[schema(as = ContractChange)]
pub(crate) struct ChangeBody {
    #[schema(min_length = 1, max_length = 200)]
    business_name: Option<String>,
    #[schema(format = Email)]
    email: Option<String>,
    /// All of them, in the order in which they sign.
    #[schema(min_items = 1, max_items = 20)]
    signatories: Option<Vec<SignatoryBody>>,
    /// Null: from its activation.
    #[schema(format = Date)]
    effective_date: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeRequest(pub(crate) DraftChanges);

impl FromFields for ChangeRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let business_name = fields.optional("business_name", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = fields.optional("email", email);
        let signatories = signatories(fields);
        let effective_date = match fields.change("effective_date", day)? {
            Change::Keep => None,
            Change::Clear => Some(None),
            Change::Set(day) => Some(Some(day)),
        };
        Some(Self(DraftChanges {
            business_name: business_name?,
            email: email?,
            signatories: signatories?,
            effective_date,
        }))
    }
}

/// Terms are proposed by one side, and accepted or rejected by the other.
#[derive(ToSchema)]
#[schema(as = NegotiationStep)]
pub(crate) struct NegotiateBody {
    #[schema(pattern = "^(propose|accept|reject)$", example = "propose")]
    action: String,
    /// Who says so.
    #[schema(pattern = "^(COMPANY|PARTNER)$", example = "PARTNER")]
    party: String,
    /// Of `propose`: what is to differ from what is on the table.
    terms: Option<TermsChangesBody>,
    #[schema(min_length = 1, max_length = 2000)]
    note: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Negotiation {
    Propose { terms: Box<TermsChanges>, note: Option<String> },
    Accept,
    Reject,
}

#[derive(Clone, Debug)]
pub(crate) struct NegotiateRequest {
    pub(crate) party: Party,
    pub(crate) step: Negotiation,
}

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Propose,
    Accept,
    Reject,
}

impl FromFields for NegotiateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let actions = [("propose", Action::Propose), ("accept", Action::Accept), ("reject", Action::Reject)];
        let action = fields.required("action", |raw| values::one_of(raw, &actions));
        let party = fields.required("party", |raw| values::one_of(raw, &Party::OF_PARTNERSHIP));
        let terms = fields.object("terms", TermsChanges::from_fields);
        let note = fields.optional("note", |raw| values::text(raw, NOTE_CHARS_MAX));
        let (action, party, terms, note) = (action?, party?, terms?, note?);
        let step = match (action, terms) {
            (Action::Propose, Some(terms)) => Negotiation::Propose { terms: Box::new(terms), note },
            (Action::Propose, None) => {
                fields.refuse("terms", Invalid::new("missing_field", said!("is missing", "falta")));
                return None;
            }
            (_, Some(_)) => {
                let why = said!("is for proposals", "es para propuestas");
                fields.refuse("terms", Invalid::new("contradiction", why));
                return None;
            }
            (Action::Accept, None) => Negotiation::Accept,
            (Action::Reject, None) => Negotiation::Reject,
        };
        Some(Self { party, step })
    }
}

/// A signature.
#[derive(ToSchema)]
#[schema(as = NewSignature)]
pub(crate) struct SignBody {
    /// As it was given when the contract was sent.
    #[schema(min_length = 1, max_length = 100)]
    token: String,
    /// As who; else the signatory's name.
    #[schema(min_length = 1, max_length = 200)]
    signed_as: Option<String>,
    /// What was seen: refused if it is not what was sent.
    #[schema(min_length = 64, max_length = 64)]
    document_hash: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SignRequest {
    pub(crate) token: String,
    pub(crate) signed_as: Option<String>,
    pub(crate) document_hash: Option<String>,
}

impl FromFields for SignRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token", |raw| values::text(raw, TOKEN_CHARS_MAX));
        let signed_as = fields.optional("signed_as", |raw| values::text(raw, NAME_CHARS_MAX));
        let document_hash = fields.optional("document_hash", |raw| values::text(raw, 64));
        Some(Self { token: token?, signed_as: signed_as?, document_hash: document_hash? })
    }
}

/// Who signs a contract of employment.
#[derive(ToSchema)]
#[schema(as = EmploymentSignatories)]
pub(crate) struct EmployBody {
    /// In the order in which they sign; the candidate is one of them.
    #[schema(min_items = 1, max_items = 20)]
    signatories: Vec<EmploymentSignatoryBody>,
}

#[derive(ToSchema)]
#[schema(as = NewEmploymentSignatory)]
pub(crate) struct EmploymentSignatoryBody {
    #[schema(min_length = 1, max_length = 200, example = "Ana Gómez")]
    name: String,
    #[schema(format = Email)]
    email: String,
    #[schema(pattern = "^(PARTNER|CANDIDATE)$", example = "CANDIDATE")]
    role: String,
}

#[derive(Clone, Debug)]
pub(crate) struct EmployRequest(pub(crate) Vec<Signatory>);

impl FromFields for EmployRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let one = signatory(&Party::OF_EMPLOYMENT);
        fields.required_objects("signatories", SIGNATORIES_MAX, one).map(Self)
    }
}

/// Another token for somebody who has still to sign; the old one is good for nothing then.
#[derive(ToSchema)]
#[schema(as = TokenRenewal)]
pub(crate) struct TokenBody {
    /// The signatory's.
    #[schema(minimum = 1, maximum = 20)]
    position: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct TokenRequest(pub(crate) u32);

impl FromFields for TokenRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let most = i64::try_from(SIGNATORIES_MAX).unwrap_or(i64::MAX);
        let position = fields.required("position", |raw| values::integer_within(raw, 1, most));
        Some(Self(u32::try_from(position?).unwrap_or(u32::MAX)))
    }
}

/// Nothing has to be said.
#[derive(ToSchema)]
#[schema(as = Activation)]
pub(crate) struct ActivateBody {
    /// The first day, where the contract does not say it; a day that is to come is waited for.
    #[schema(format = Date)]
    effective_date: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct ActivateRequest(pub(crate) Option<Timestamp>);

impl FromFields for ActivateRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("effective_date", day).map(Self)
    }
}

/// A contract that follows this one; what is missing stays.
#[derive(ToSchema)]
#[schema(as = ContractRenewal)]
pub(crate) struct RenewBody {
    #[schema(pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$")]
    contract_type: Option<String>,
    /// What is to differ from the terms of now, or of the template where the type is another.
    terms: Option<TermsChangesBody>,
    /// Else the day on which this one expires, or that of the activation where this one has expired.
    #[schema(format = Date)]
    effective_date: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct RenewRequest {
    pub(crate) contract_type: Option<ContractType>,
    pub(crate) terms: TermsChanges,
    pub(crate) effective_date: Option<Timestamp>,
}

impl FromFields for RenewRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let contract_type = fields.optional("contract_type", |raw| values::one_of(raw, &ContractType::ALL));
        let terms = fields.object("terms", TermsChanges::from_fields);
        let effective_date = fields.optional("effective_date", day);
        Some(Self {
            contract_type: contract_type?,
            terms: terms?.unwrap_or_default(),
            effective_date: effective_date?,
        })
    }
}
