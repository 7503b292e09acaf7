//! Partners that register and change, and their documents.

use hexalpes_http::{Fields, FromFields, Invalid, Raw, Said, values};
use utoipa::ToSchema;

use super::{NAME_CHARS_MAX, day, object};
use crate::domain::{
    ContractType, DocumentDetails, DocumentKind, Hash, HashError, Json, PartnerChanges, PartnerType,
    Registration, RegistrationSource,
};

const REASON_CHARS_MAX: usize = 500;
const REFERENCE_CHARS_MAX: usize = 500;
/// Documents that come with a registration.
const DOCUMENTS_MAX: usize = 20;

/// A partner that registers.
#[derive(ToSchema)]
#[schema(as = PartnerRegistration)]
pub(crate) struct RegisterBody {
    #[schema(min_length = 1, max_length = 200, example = "TechSolutions Inc")]
    business_name: String,
    /// Of the main contact; one partner has it, without regard to case.
    #[schema(format = Email, example = "contact@techsolutions.com")]
    email: String,
    #[schema(pattern = "^(INDIVIDUAL|EMPRESA|STARTUP)$", example = "EMPRESA")]
    partner_type: String,
    /// `STANDARD` if it is missing.
    #[schema(pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$")]
    preferred_contract_type: Option<String>,
    /// `API` if it is missing.
    #[schema(pattern = "^(WEB|API|REFERRAL)$")]
    registration_source: Option<String>,
    /// Whatever the form had, of 64 KiB at most: `contact_name`, `phone`, `tax_id`, `country`, ….
    #[schema(value_type = Option<Object>)]
    registration_data: Option<()>,
    #[schema(min_items = 1, max_items = 20)]
    documents: Option<Vec<DocumentBody>>,
}

#[derive(Clone, Debug)]
pub(crate) struct RegisterRequest {
    pub(crate) registration: Registration,
    pub(crate) documents: Vec<DocumentDetails>,
}

impl FromFields for RegisterRequest {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let business_name = fields.required("business_name", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = fields.required("email", values::email);
        let kind = fields.required("partner_type", |raw| values::one_of(raw, PartnerType::WORDS));
        let contract =
            fields.optional("preferred_contract_type", |raw| values::one_of(raw, ContractType::WORDS));
        let source =
            fields.optional("registration_source", |raw| values::one_of(raw, RegistrationSource::WORDS));
        let data = fields.optional("registration_data", object);
        let documents = fields.objects("documents", DOCUMENTS_MAX, DocumentDetails::from_fields);
        Some(Self {
            registration: Registration {
                business_name: business_name?,
                email: email?,
                kind: kind?,
                preferred_contract: contract?.unwrap_or(ContractType::Standard),
                source: source?.unwrap_or(RegistrationSource::Api),
                data: data?.unwrap_or_else(|| Json::kept("{}")),
            },
            documents: documents?.unwrap_or_default(),
        })
    }
}

/// What is to become of a partner; what is missing stays.
#[derive(ToSchema)]
#[schema(as = PartnerChange)]
pub(crate) struct ChangePartnerBody {
    #[schema(min_length = 1, max_length = 200)]
    business_name: Option<String>,
    #[schema(format = Email)]
    email: Option<String>,
    /// Of contracts that are drafted from now on.
    #[schema(pattern = "^(STANDARD|PREMIUM|ENTERPRISE)$")]
    preferred_contract_type: Option<String>,
    /// Replaces all of it.
    #[schema(value_type = Option<Object>)]
    registration_data: Option<()>,
}

impl FromFields for PartnerChanges {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let business_name = fields.optional("business_name", |raw| values::text(raw, NAME_CHARS_MAX));
        let email = fields.optional("email", values::email);
        let contract =
            fields.optional("preferred_contract_type", |raw| values::one_of(raw, ContractType::WORDS));
        let data = fields.optional("registration_data", object);
        Some(Self {
            business_name: business_name?,
            email: email?,
            preferred_contract: contract?,
            data: data?,
        })
    }
}

/// A document, which lies elsewhere.
#[derive(ToSchema)]
#[schema(as = NewDocument)]
pub(crate) struct DocumentBody {
    #[schema(
        pattern = "^(IDENTITY|TAX_ID|INCORPORATION|LEGAL_REPRESENTATION|BANK_ACCOUNT|PROOF_OF_ADDRESS|OTHER)$",
        example = "TAX_ID"
    )]
    kind: String,
    /// Where it lies, or its number.
    #[schema(min_length = 1, max_length = 500, example = "s3://papers/nit-900123456.pdf")]
    reference: String,
    /// SHA-256 of the file, in hexadecimal.
    #[schema(pattern = "^[0-9a-fA-F]{64}$")]
    hash: String,
    #[schema(format = Date)]
    issued_on: Option<String>,
    /// The last day on which it is valid.
    #[schema(format = Date)]
    expires_on: Option<String>,
}

impl FromFields for DocumentDetails {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let kind = fields.required("kind", |raw| values::one_of(raw, DocumentKind::WORDS));
        let reference = fields.required("reference", |raw| values::text(raw, REFERENCE_CHARS_MAX));
        let hash = fields.required("hash", hash);
        let issued_on = fields.optional("issued_on", day);
        let expires_on = fields.optional("expires_on", day);
        let (issued_on, expires_on) = (issued_on?, expires_on?);
        if let (Some(issued), Some(expires)) = (&issued_on, &expires_on)
            && expires < issued
        {
            let why = Said::both("is before issued_on", "es anterior a issued_on");
            fields.refuse("expires_on", Invalid::new("before_issue", why));
            return None;
        }
        Some(Self { kind: kind?, reference: reference?, hash: hash?, issued_on, expires_on })
    }
}

fn hash(raw: &Raw) -> Result<Hash, Invalid> {
    Hash::parse(&raw.string()?).map_err(|error: HashError| {
        let spanish = "debe ser un SHA-256 en hexadecimal: 64 cifras";
        Invalid::new("invalid_hash", Said::both(error.to_string(), spanish))
    })
}
