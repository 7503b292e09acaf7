//! What affiliates are told: of themselves, of their commissions, and of what was paid to them.

use super::{Audience, Known, Words};

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

const LINE_SETTLEMENT: &[&str] = &[
    "payout_id",
    "program_id",
    "affiliate_id",
    "line_number",
    "currency",
    "method",
    "amount",
    "amount_minor",
    "commission_count",
    "settled_at",
];

const LINE_FAILURE: &[&str] = &[
    "payout_id",
    "program_id",
    "affiliate_id",
    "line_number",
    "currency",
    "method",
    "amount",
    "amount_minor",
    "reason",
    "failed_at",
];

const RERATING: &[&str] = &[
    "commission_id",
    "conversion_id",
    "affiliate_id",
    "campaign_id",
    "rerating_id",
    "previous_amount",
    "previous_amount_minor",
    "commission_amount",
    "commission_amount_minor",
    "difference",
    "difference_minor",
    "remaining_amount",
    "remaining_amount_minor",
    "currency",
    "rate",
    "rate_source",
    "rule",
    "rule_version",
    "status",
    "reason",
    "changed_at",
];

/// Where to pay an affiliate to is not among them.
const AFFILIATE: &[&str] = &[
    "affiliate_id",
    "revision",
    "program_id",
    "affiliate_type",
    "base_rate",
    "premium_rate",
    "rates_valid_from",
    "code",
    "country",
    "status",
    "reason",
    "changed_at",
];

pub(super) const PROGRAM: &[Known] = &[
    Known {
        kind: "com.hexabuilders.affiliates.AffiliateSuspended",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: AFFILIATE,
        spanish: Words {
            title: "Afiliación {{code}} suspendida",
            body: "La afiliación {{affiliate_id}} en el programa {{program_id}} fue suspendida el {{changed_at}}. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Affiliation {{code}} suspended",
            body: "Affiliation {{affiliate_id}} with program {{program_id}} was suspended on {{changed_at}}. Reason: {{reason}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.affiliates.AffiliateReactivated",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: AFFILIATE,
        spanish: Words {
            title: "Afiliación {{code}} activa de nuevo",
            body: "La afiliación {{affiliate_id}} en el programa {{program_id}} está activa de nuevo desde el {{changed_at}}.",
        },
        english: Words {
            title: "Affiliation {{code}} active again",
            body: "Affiliation {{affiliate_id}} with program {{program_id}} is active again since {{changed_at}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.affiliates.AffiliateTerminated",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: AFFILIATE,
        spanish: Words {
            title: "Afiliación {{code}} terminada",
            body: "La afiliación {{affiliate_id}} en el programa {{program_id}} terminó el {{changed_at}}. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Affiliation {{code}} ended",
            body: "Affiliation {{affiliate_id}} with program {{program_id}} ended on {{changed_at}}. Reason: {{reason}}.",
        },
    },
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
        kind: "com.hexabuilders.commissions.CommissionHeld",
        audience: Audience::Of("affiliate_id"),
        is_mailed: false,
        urgent: None,
        fields: COMMISSION_CHANGE,
        spanish: Words {
            title: "Comisión retenida: {{amount}} {{currency}}",
            body: "La comisión {{commission_id}} de la conversión {{conversion_id}} quedó retenida. Fin de la retención: {{held_until}}. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Commission on hold: {{amount}} {{currency}}",
            body: "Commission {{commission_id}} of conversion {{conversion_id}} is on hold. End of the hold: {{held_until}}. Reason: {{reason}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.CommissionReleased",
        audience: Audience::Of("affiliate_id"),
        is_mailed: false,
        urgent: None,
        fields: COMMISSION_CHANGE,
        spanish: Words {
            title: "Comisión liberada: {{amount}} {{currency}}",
            body: "La comisión {{commission_id}} de la conversión {{conversion_id}} ya no está retenida.",
        },
        english: Words {
            title: "Commission released: {{amount}} {{currency}}",
            body: "Commission {{commission_id}} of conversion {{conversion_id}} is no longer on hold.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.CommissionRejected",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: COMMISSION_CHANGE,
        spanish: Words {
            title: "Comisión rechazada: {{amount}} {{currency}}",
            body: "La comisión {{commission_id}} de la conversión {{conversion_id}} fue rechazada. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Commission rejected: {{amount}} {{currency}}",
            body: "Commission {{commission_id}} of conversion {{conversion_id}} was rejected. Reason: {{reason}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.CommissionReversed",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: COMMISSION_CHANGE,
        spanish: Words {
            title: "Comisión revertida: {{amount}} {{currency}}",
            body: "De la comisión {{commission_id}} ya no se deben {{amount}} {{currency}}; quedan {{remaining_amount}} {{currency}}. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Commission reversed: {{amount}} {{currency}}",
            body: "Of commission {{commission_id}}, {{amount}} {{currency}} are no longer owed; {{remaining_amount}} {{currency}} are left. Reason: {{reason}}.",
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
        kind: "com.hexabuilders.commissions.CommissionClawedBack",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: COMMISSION_CHANGE,
        spanish: Words {
            title: "Comisión por devolver: {{amount}} {{currency}}",
            body: "De la comisión {{commission_id}}, que ya se pagó, se descontarán {{amount}} {{currency}} del próximo pago. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Commission owed back: {{amount}} {{currency}}",
            body: "Of commission {{commission_id}}, which was paid, {{amount}} {{currency}} will be set off against the next payout. Reason: {{reason}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.CommissionRerated",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: RERATING,
        spanish: Words {
            title: "Comisión recalculada: {{commission_amount}} {{currency}}",
            body: "La comisión {{commission_id}} de la conversión {{conversion_id}} pasó de {{previous_amount}} a {{commission_amount}} {{currency}}. Motivo: {{reason}}.",
        },
        english: Words {
            title: "Commission rated anew: {{commission_amount}} {{currency}}",
            body: "Commission {{commission_id}} of conversion {{conversion_id}} went from {{previous_amount}} to {{commission_amount}} {{currency}}. Reason: {{reason}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.PayoutLineSettled",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: LINE_SETTLEMENT,
        spanish: Words {
            title: "Se le pagó: {{amount}} {{currency}}",
            body: "Su parte del pago {{payout_id}} del programa {{program_id}}, {{amount}} {{currency}}, se pagó el {{settled_at}}. Comisiones: {{commission_count}}.",
        },
        english: Words {
            title: "You were paid: {{amount}} {{currency}}",
            body: "Your part of payout {{payout_id}} of program {{program_id}}, {{amount}} {{currency}}, was paid on {{settled_at}}. Commissions: {{commission_count}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.PayoutSettled",
        audience: Audience::Operators,
        is_mailed: true,
        urgent: None,
        fields: PAYOUT_CHANGE,
        spanish: Words {
            title: "Pago {{payout_id}} liquidado: {{settled_amount}} {{currency}}",
            body: "Del pago {{payout_id}} del programa {{program_id}} están liquidados {{settled_amount}} de {{total_amount}} {{currency}} el {{changed_at}}.",
        },
        english: Words {
            title: "Payout {{payout_id}} settled: {{settled_amount}} {{currency}}",
            body: "Of payout {{payout_id}} of program {{program_id}}, {{settled_amount}} of {{total_amount}} {{currency}} are settled on {{changed_at}}.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.PayoutLineFailed",
        audience: Audience::Of("affiliate_id"),
        is_mailed: true,
        urgent: None,
        fields: LINE_FAILURE,
        spanish: Words {
            title: "No se pudo pagarle: {{amount}} {{currency}}",
            body: "Su parte del pago {{payout_id}}, {{amount}} {{currency}}, no se pudo pagar: {{reason}}. Sigue pendiente y entra en el próximo pago.",
        },
        english: Words {
            title: "You could not be paid: {{amount}} {{currency}}",
            body: "Your part of payout {{payout_id}}, {{amount}} {{currency}}, could not be paid: {{reason}}. It is still owed and goes into the next payout.",
        },
    },
    Known {
        kind: "com.hexabuilders.commissions.PayoutFailed",
        audience: Audience::Operators,
        is_mailed: true,
        urgent: None,
        fields: PAYOUT_CHANGE,
        spanish: Words {
            title: "Pago {{payout_id}} fallido",
            body: "Del pago {{payout_id}} no se pudo pagar todo: {{reason}}. Lo que falta ({{failed_amount}} {{currency}}) se pagará de nuevo.",
        },
        english: Words {
            title: "Payout {{payout_id}} failed",
            body: "Not all of payout {{payout_id}} could be paid: {{reason}}. What is missing ({{failed_amount}} {{currency}}) will be paid again.",
        },
    },
];
