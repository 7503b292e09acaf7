//! A template: the text and the terms that contracts of a kind begin with. A version is never edited; a new one
//! supersedes it.

use hexalpes_kernel::Timestamp;

use super::{ContractType, Language, PartnerType, TemplateId, Terms};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub id: TemplateId,
    pub contract_type: ContractType,
    pub partner_type: PartnerType,
    pub language: Language,
    /// Counts from 1 for each kind and language.
    pub version: u32,
    pub title: String,
    /// Paragraphs between empty lines, headings behind `# `, placeholders as `{{business_name}}`.
    pub body: String,
    pub terms: Terms,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// What a body may ask for.
pub const PLACEHOLDERS: [&str; 18] = [
    "contract_id",
    "contract_type",
    "partner_id",
    "partner_type",
    "business_name",
    "email",
    "date",
    "effective_date",
    "expiration_date",
    "duration_days",
    "permissions",
    "budget",
    "features",
    "sla",
    "commission",
    "payment",
    "hold_days",
    "signatories",
];

/// Puts a value in place of each placeholder; one that nobody knows stays as it is.
pub(super) fn fill(body: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else {
            filled.push_str("{{");
            rest = after;
            continue;
        };
        match value(name.trim()) {
            Some(value) => filled.push_str(&value),
            None => filled.extend(["{{", name, "}}"]),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// The placeholders of a body that nobody can fill.
pub fn unknown_placeholders(body: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    fill(body, |name| {
        if !PLACEHOLDERS.contains(&name) {
            unknown.push(name.to_owned());
        }
        None
    });
    unknown
}

impl Template {
    /// Version 1 of a kind, which is there from the start.
    pub fn built_in(
        contract_type: ContractType,
        partner_type: PartnerType,
        language: Language,
        at: Timestamp,
    ) -> Self {
        let (contract, partner) = (contract_type.name(), partner_type.name());
        let title = language.pick("Contrato de colaboración", "Collaboration agreement");
        Self {
            id: TemplateId::of(contract_type, partner_type, language, 1),
            contract_type,
            partner_type,
            language,
            version: 1,
            title: format!("{title} {contract} ({partner})"),
            body: language.pick(SPANISH, ENGLISH).to_owned(),
            terms: Terms::built_in(contract_type, partner_type),
            created_at: at,
            created_by: "hexalpes".to_owned(),
        }
    }
}

const SPANISH: &str = "\
Contrato n.º {{contract_id}}, de tipo {{contract_type}}.

# 1. Partes

De una parte, HexaBuilders. De otra, {{business_name}} ({{partner_type}}, socio {{partner_id}}), con correo {{email}}.

# 2. Vigencia

El contrato rige desde {{effective_date}} hasta {{expiration_date}} ({{duration_days}} días).

# 3. Campañas

Permisos: {{permissions}}.

Límites de presupuesto: {{budget}}.

Funcionalidades: {{features}}.

# 4. Nivel de servicio

{{sla}}.

# 5. Comisiones y pagos

Comisión: {{commission}}.

Pago: {{payment}}.

# 6. Firmas

{{signatories}}";

const ENGLISH: &str = "\
Agreement No. {{contract_id}}, of the type {{contract_type}}.

# 1. Parties

HexaBuilders on the one side. On the other, {{business_name}} ({{partner_type}}, partner {{partner_id}}), with the e-mail address {{email}}.

# 2. Term

The agreement is in force from {{effective_date}} until {{expiration_date}} ({{duration_days}} days).

# 3. Campaigns

Permissions: {{permissions}}.

Budget limits: {{budget}}.

Features: {{features}}.

# 4. Service level

{{sla}}.

# 5. Commissions and payment

Commission: {{commission}}.

Payment: {{payment}}.

# 6. Signatures

{{signatories}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_text_in_braces_stays() {
        let filled = fill("Hola {{ name }}, {{x}} {{ y", |name| (name == "name").then(|| "Ñandú".to_owned()));
        assert_eq!(filled, "Hola Ñandú, {{x}} {{ y");
    }

    #[test]
    fn what_nobody_can_fill_is_named() {
        assert_eq!(unknown_placeholders("{{business_name}} {{nombre}} {{ }}"), ["nombre", ""]);
        assert_eq!(unknown_placeholders(SPANISH), Vec::<String>::new());
        assert_eq!(unknown_placeholders(ENGLISH), Vec::<String>::new());
    }
}
