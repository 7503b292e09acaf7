//! Which events are told to whom, by default by which way, and in which words.

/// Whom an event is told to, besides operators who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The partner or affiliate that this field names.
    Of(&'static str),
    /// Those whose commissions the payout paid, as far as events said so.
    Paid,
}

/// A title and a text with places for the event's fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) body: &'static str,
}

/// An event that is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// The `CloudEvents` `type`.
    pub(crate) kind: &'static str,
    pub(crate) audience: Audience,
    /// Whether it is mailed to those who said nothing. All are told in the app, and webhooks everything that they want.
    pub(crate) is_mailed: bool,
    /// It waits for no quiet hours and no digest if this field holds this.
    urgent: Option<(&'static str, &'static str)>,
    /// What can be shown of it: the fields that hold a text, a number or a truth value.
    pub(crate) fields: &'static [&'static str],
    pub(crate) spanish: Words,
    pub(crate) english: Words,
}

/// What can be shown of any event.
pub(crate) const ALWAYS: [&str; 3] = ["recipient_name", "occurred_at", "correlation_id"];

impl Known {
    /// The name without its namespace, as preferences and templates use it.
    pub(crate) fn bare(&self) -> &'static str {
        self.kind.rsplit('.').next().unwrap_or(self.kind)
    }

    /// What a template may name.
    pub(crate) fn places(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.fields.iter().copied().chain(ALWAYS)
    }

    pub(crate) fn is_urgent(&self, value: impl Fn(&str) -> Option<String>) -> bool {
        self.urgent.is_some_and(|(field, urgent)| value(field).as_deref() == Some(urgent))
    }
}

/// By the type, in full or bare.
pub(crate) fn known(kind: &str) -> Option<&'static Known> {
    CATALOG.iter().find(|known| known.kind == kind || known.bare() == kind)
}

const COMMISSION_CHANGE: &[&str] = &[
    "commission_id",
    "conversion_id",
    "affiliate_id",
    "campaign_id",
    "amount",
    "amount_minor",
    "remaining_amount",
    "remaining_amount_minor",
    "currency",
    "status",
    "reason",
    "held_until",
    "payout_id",
    "changed_at",
];

const PAYOUT_CHANGE: &[&str] = &[
    "payout_id",
    "program_id",
    "currency",
    "method",
    "status",
    "total_amount",
    "total_amount_minor",
    "settled_amount",
    "settled_amount_minor",
    "failed_amount",
    "failed_amount_minor",
    "line_count",
    "reason",
    "changed_at",
];

pub(crate) const CATALOG: &[Known] = &[
    Known {
        kind: "com.hexabuilders.commissions.CommissionApproved",
        audience: Audience::Of("affiliate_id"),
        is_mailed: false,
        urgent: None,
        fields: &[
            "commission_id",
            "conversion_id",
            "affiliate_id",
            "campaign_id",
            "commission_amount",
            "commission_amount_minor",
            "currency",
            "status",
            "approved_at",
        ],
        spanish: Words {
            title: "Comisión aprobada: {{commission_amount}} {{currency}}",
            body: "La comisión {{commission_id}} de la conversión {{conversion_id}} fue aprobada por {{commission_amount}} {{currency}} el {{approved_at}}.",
        },
        english: Words {
            title: "Commission approved: {{commission_amount}} {{currency}}",
            body: "Commission {{commission_id}} of conversion {{conversion_id}} was approved for {{commission_amount}} {{currency}} on {{approved_at}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.CommissionPaid",
        audience: Audience::Of("affiliate_id"),
        is_mailed: false,
        urgent: None,
        fields: COMMISSION_CHANGE,
        spanish: Words {
            title: "Comisión pagada: {{amount}} {{currency}}",
            body: "La comisión {{commission_id}} fue pagada por {{amount}} {{currency}} con el pago {{payout_id}}.",
        },
        english: Words {
            title: "Commission paid: {{amount}} {{currency}}",
            body: "Commission {{commission_id}} was paid: {{amount}} {{currency}} with payout {{payout_id}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.PayoutSettled",
        audience: Audience::Paid,
        is_mailed: true,
        urgent: None,
        fields: PAYOUT_CHANGE,
        spanish: Words {
            title: "Pago {{payout_id}} liquidado",
            body: "El pago {{payout_id}} del programa {{program_id}} fue liquidado el {{changed_at}}. Sus comisiones lo nombran.",
        },
        english: Words {
            title: "Payout {{payout_id}} settled",
            body: "Payout {{payout_id}} of program {{program_id}} was settled on {{changed_at}}. Your commissions name it.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.PayoutFailed",
        audience: Audience::Paid,
        is_mailed: true,
        urgent: None,
        fields: PAYOUT_CHANGE,
        spanish: Words {
            title: "Pago {{payout_id}} fallido",
            body: "Del pago {{payout_id}} no se pudo pagar todo: {{reason}}. Lo que falta se pagará de nuevo.",
        },
        english: Words {
            title: "Payout {{payout_id}} failed",
            body: "Not all of payout {{payout_id}} could be paid: {{reason}}. What is missing will be paid again.",
        },
    },
    Known {
        kind: "com.hexabuilders.onboarding.ContractSigned",
        audience: Audience::Of("partner_id"),
        is_mailed: true,
        urgent: None,
        fields: &["contract_id", "partner_id", "contract_type", "signed_at", "document_hash", "revision"],
        spanish: Words {
            title: "Contrato {{contract_id}} firmado",
            body: "Todos firmaron el contrato {{contract_type}} {{contract_id}} el {{signed_at}}. Huella del documento: {{document_hash}}.",
        },
        english: Words {
            title: "Contract {{contract_id}} signed",
            body: "All have signed the {{contract_type}} contract {{contract_id}} on {{signed_at}}. Hash of the document: {{document_hash}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.onboarding.ContractActivated",
        audience: Audience::Of("partner_id"),
        is_mailed: true,
        urgent: None,
        fields: &[
            "contract_id",
            "partner_id",
            "contract_type",
            "effective_date",
            "expiration_date",
            "revision",
            "renews",
            "activated_at",
        ],
        spanish: Words {
            title: "Contrato {{contract_id}} vigente",
            body: "El contrato {{contract_type}} {{contract_id}} rige desde el {{effective_date}} hasta el {{expiration_date}}.",
        },
        english: Words {
            title: "Contract {{contract_id}} in force",
            body: "The {{contract_type}} contract {{contract_id}} is in force from {{effective_date}} to {{expiration_date}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.onboarding.ContractExpiring",
        audience: Audience::Of("partner_id"),
        is_mailed: true,
        urgent: None,
        fields: &["contract_id", "partner_id", "contract_type", "expiration_date", "days", "revision"],
        spanish: Words {
            title: "El contrato {{contract_id}} vence en {{days}} días",
            body: "El contrato {{contract_type}} {{contract_id}} vence el {{expiration_date}}. Renuévelo si debe seguir.",
        },
        english: Words {
            title: "Contract {{contract_id}} expires in {{days}} days",
            body: "The {{contract_type}} contract {{contract_id}} expires on {{expiration_date}}. Renew it if it is to go on.",
        },
    },
    Known {
        kind: "com.hexabuilders.partners.PartnerValidationCompleted",
        audience: Audience::Of("partner_id"),
        is_mailed: true,
        urgent: None,
        fields: &[
            "partner_id",
            "validation_status",
            "validated_at",
            "validated_by",
            "partner_type",
            "partner_status",
            "revision",
        ],
        spanish: Words {
            title: "Validación: {{validation_status}}",
            body: "Las comprobaciones de {{partner_id}} quedaron en {{validation_status}} el {{validated_at}}.",
        },
        english: Words {
            title: "Validation: {{validation_status}}",
            body: "The checks of {{partner_id}} came to {{validation_status}} on {{validated_at}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.recruitment.CandidateMatched",
        audience: Audience::Of("partner_id"),
        is_mailed: false,
        urgent: None,
        fields: &[
            "match_id",
            "job_id",
            "partner_id",
            "candidate_id",
            "score",
            "score_bp",
            "rank",
            "request_id",
            "job_version",
            "matched_at",
        ],
        spanish: Words {
            title: "Candidato para el puesto {{job_id}}",
            body: "El candidato {{candidate_id}} encaja con {{score}} de 100 puntos (lugar {{rank}}) en el puesto {{job_id}}.",
        },
        english: Words {
            title: "A candidate for job {{job_id}}",
            body: "Candidate {{candidate_id}} fits job {{job_id}} with {{score}} of 100 points (place {{rank}}).",
        },
    },
    Known {
        kind: "com.hexabuilders.recruitment.CandidateHired",
        audience: Audience::Of("partner_id"),
        is_mailed: true,
        urgent: None,
        fields: &[
            "hiring_id",
            "partner_id",
            "candidate_id",
            "job_id",
            "job_title",
            "department",
            "start_date",
            "employment_type",
            "agreed_salary",
            "agreed_salary_minor",
            "currency",
            "time_to_hire",
            "recruitment_cost",
            "recruitment_cost_minor",
            "recruitment_cost_currency",
            "time_to_fill",
            "candidate_time_to_hire",
            "request_id",
            "hired_at",
        ],
        spanish: Words {
            title: "Contratación para {{job_title}}",
            body: "El candidato {{candidate_id}} fue contratado como {{job_title}} ({{employment_type}}) desde el {{start_date}} por {{agreed_salary}} {{currency}}.",
        },
        english: Words {
            title: "Hired: {{job_title}}",
            body: "Candidate {{candidate_id}} was hired as {{job_title}} ({{employment_type}}) from {{start_date}} on for {{agreed_salary}} {{currency}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.campaigns.BudgetAlert",
        audience: Audience::Of("partner_id"),
        is_mailed: true,
        urgent: Some(("alert_type", "EXHAUSTED")),
        fields: &[
            "alert_id",
            "campaign_id",
            "partner_id",
            "alert_type",
            "threshold_reached",
            "threshold_reached_bp",
            "current_spend",
            "current_spend_minor",
            "budget_limit",
            "budget_limit_minor",
            "projected_spend",
            "projected_spend_minor",
            "days_remaining",
            "burn_rate",
            "burn_rate_minor",
            "currency",
            "alerted_at",
        ],
        spanish: Words {
            title: "Presupuesto {{alert_type}}: campaña {{campaign_id}}",
            body: "La campaña {{campaign_id}} gastó {{current_spend}} de {{budget_limit}} {{currency}} ({{threshold_reached}} %). Al ritmo de {{burn_rate}} {{currency}} al día llegará a {{projected_spend}} {{currency}}.",
        },
        english: Words {
            title: "Budget {{alert_type}}: campaign {{campaign_id}}",
            body: "Campaign {{campaign_id}} has spent {{current_spend}} of {{budget_limit}} {{currency}} ({{threshold_reached}} %). At {{burn_rate}} {{currency}} a day it will come to {{projected_spend}} {{currency}}.",
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Template;

    #[test]
    fn every_built_in_text_renders_with_every_place_filled_in_both_languages() {
        for known in CATALOG {
            for text in [known.spanish.title, known.spanish.body, known.english.title, known.english.body] {
                let template = Template::parse(text, known.places());
                let template = template.unwrap_or_else(|error| panic!("{}: {error}", known.kind));
                let shown = template.render(|field| Some(format!("<{field}>")));
                assert!(shown.contains('<') && !shown.contains("{{") && !shown.contains('—'), "{shown}");
            }
        }
    }

    #[test]
    fn an_exhausted_budget_is_urgent() {
        let alert = known("BudgetAlert").unwrap();
        assert!(alert.is_urgent(|_| Some("EXHAUSTED".to_owned())));
        assert!(!alert.is_urgent(|_| Some("WARNING".to_owned())));
    }
}
