//! Our errors as clients see them. Exhaustive, so that a new error cannot be forgotten.

use axum::http::StatusCode;
use hexalpes_http::{FieldError, Problem, Said, said};
use serde_json::json;

use crate::commands::{
    BudgetNotSet, CampaignNotChanged, CampaignNotCreated, OverLimit, ReportNotMade, ResultNotRecorded,
    SpendNotRecorded,
};
use crate::domain::{CampaignType, ChangeError, NotAllowed, SpendRefused, Status};
use crate::views::allowed;

/// 404 for a campaign.
pub(crate) fn no_campaign(id: impl std::fmt::Display) -> Problem {
    Problem::not_found(
        "campaign_not_found",
        said!("there is no campaign {id}", "no hay ninguna campaña {id}"),
    )
}

/// 404 for a budget.
pub(crate) fn no_budget(id: impl std::fmt::Display) -> Problem {
    Problem::not_found("budget_not_found", said!("there is no budget {id}", "no hay ningún presupuesto {id}"))
}

/// 404 for a report.
pub(crate) fn no_report(id: impl std::fmt::Display) -> Problem {
    Problem::not_found("report_not_found", said!("there is no report {id}", "no hay ningún informe {id}"))
}

/// 422 for one field of the body.
pub(crate) fn invalid(pointer: impl Into<String>, code: &'static str, message: Said) -> Problem {
    Problem::invalid(vec![FieldError { pointer: pointer.into(), code, message }])
}

fn forbidden(code: &'static str, detail: Said) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, code, detail)
}

/// 403: the partner may not, with the way out.
pub(crate) fn not_allowed(error: &NotAllowed) -> Problem {
    match error {
        NotAllowed::NoContract(partner) => forbidden(
            "no_contract",
            said!(
                "partner {partner} has no contract that allows campaigns: sign and activate one first",
                "el socio {partner} no tiene ningún contrato que permita campañas: firme y active uno primero"
            ),
        )
        .with("partner_id", partner.as_str()),
        NotAllowed::NotYet { contract, from } => forbidden(
            "contract_not_yet_effective",
            said!(
                "contract {contract} is in force from {from} on: wait until then",
                "el contrato {contract} está en vigor desde el {from}: espere hasta entonces"
            ),
        )
        .with("contract_id", contract.as_str())
        .with("effective_date", from.to_string()),
        NotAllowed::Ended { contract, end } => forbidden(
            "contract_expired",
            said!(
                "contract {contract} ended on {end}: renew it first",
                "el contrato {contract} terminó el {end}: renuévelo primero"
            ),
        )
        .with("contract_id", contract.as_str())
        .with("expiration_date", end.to_string()),
        NotAllowed::Terminated { contract, on } => forbidden(
            "contract_terminated",
            said!(
                "contract {contract} was terminated on {on}: sign and activate another one first",
                "el contrato {contract} se rescindió el {on}: firme y active otro primero"
            ),
        )
        .with("contract_id", contract.as_str())
        .with("terminated_on", on.to_string()),
        NotAllowed::NothingGranted { contract } => forbidden(
            "campaigns_not_permitted",
            said!(
                "contract {contract} allows no campaigns: negotiate campaign_permissions",
                "el contrato {contract} no permite campañas: negocie campaign_permissions"
            ),
        )
        .with("contract_id", contract.as_str()),
        NotAllowed::Barred(partner) => forbidden(
            "partner_suspended",
            said!(
                "partner {partner} is suspended or terminated: reactivate it first",
                "el socio {partner} está suspendido o terminado: reactívelo primero"
            ),
        )
        .with("partner_id", partner.as_str()),
        NotAllowed::Type { contract, kind, allowed } => {
            let kind = kind.name();
            let names: Vec<&str> = allowed.iter().map(|one: &CampaignType| one.name()).collect();
            let list = names.join(", ");
            forbidden(
                "campaign_type_not_permitted",
                said!(
                    "contract {contract} does not allow campaigns of the type {kind}, but of {list}",
                    "el contrato {contract} no permite campañas del tipo {kind}, sino de {list}"
                ),
            )
            .with("contract_id", contract.as_str())
            .with("allowed_types", json!(names))
        }
    }
}

/// 409: within a contract, and beyond its limits.
fn over_limit(error: &OverLimit) -> Problem {
    match error {
        OverLimit::Campaigns { contract, max } => Problem::conflict(
            "too_many_campaigns",
            said!(
                "contract {contract} allows {max} campaigns at a time, and there are as many: complete or cancel one",
                "el contrato {contract} permite {max} campañas a la vez, y ya las hay: complete o cancele alguna"
            ),
        )
        .with("contract_id", contract.as_str())
        .with("max_campaigns", *max),
        OverLimit::Budget { contract, kind, max } => {
            let name = kind.name();
            Problem::conflict(
                "budget_over_contract",
                said!(
                    "contract {contract} allows a {name} budget of {max} at most",
                    "el contrato {contract} permite un presupuesto {name} de {max} como máximo"
                ),
            )
            .with("contract_id", contract.as_str())
            .with("kind", name)
            .with("max_minor", max.minor())
            .with("currency", max.currency().code())
        }
        OverLimit::Total { contract, max, left } => Problem::conflict(
            "budgets_over_contract",
            said!(
                "contract {contract} allows {max} for all campaigns together, and {left} are left",
                "el contrato {contract} permite {max} para todas las campañas, y quedan {left}"
            ),
        )
        .with("contract_id", contract.as_str())
        .with("max_minor", max.minor())
        .with("left_minor", left.minor())
        .with("currency", max.currency().code()),
        OverLimit::OtherCurrency { contract, limited } => Problem::conflict(
            "other_currency",
            said!(
                "contract {contract} limits budgets in {limited}: give the campaign that currency",
                "el contrato {contract} limita los presupuestos en {limited}: use esa moneda en la campaña"
            ),
        )
        .with("contract_id", contract.as_str())
        .with("currency", limited.code()),
    }
}

/// 409, with what can be done instead.
fn refused(error: &ChangeError, status: Status) -> Problem {
    let problem = match error {
        ChangeError::Illegal { status, wanted } => {
            let (status, wanted) = (status.name(), wanted.name());
            Problem::conflict(
                "illegal_transition",
                said!("it is {status}, so it cannot {wanted}", "está {status}: no admite {wanted}"),
            )
        }
        ChangeError::Over(status) => {
            let status = status.name();
            Problem::conflict(
                "campaign_over",
                said!("it is {status}: make another campaign", "está {status}: cree otra campaña"),
            )
        }
        ChangeError::Begun => {
            return invalid(
                "/start_date",
                "campaign_begun",
                said!(
                    "the campaign has begun: its first day stays",
                    "la campaña ya empezó: su primer día se queda"
                ),
            );
        }
        ChangeError::EndsBeforeStart => return ends_before_start(),
        ChangeError::EndPassed(day) => Problem::conflict(
            "end_passed",
            said!(
                "its last day, {day}, has passed: change end_date first",
                "su último día, {day}, ya pasó: cambie end_date primero"
            ),
        )
        .with("end_date", day.to_string()),
        ChangeError::Exhausted(since) => Problem::conflict(
            "budget_exhausted",
            said!(
                "a budget is exhausted since {since}: raise it, and the campaign goes on by itself",
                "un presupuesto está agotado desde {since}: súbalo y la campaña seguirá por sí sola"
            ),
        ),
        ChangeError::Barred(since) => Problem::conflict(
            "campaign_barred",
            said!(
                "its partner may not run it since {since}: GET /v1/partners/{{id}}/campaign-permissions says why",
                "su socio no puede tenerla en marcha desde {since}: GET /v1/partners/{{id}}/campaign-permissions dice por qué"
            ),
        ),
    };
    problem.with("status", status.name()).with("allowed_transitions", json!(allowed(status.allowed())))
}

fn ends_before_start() -> Problem {
    invalid(
        "/end_date",
        "ends_before_start",
        said!("the last day is before the first", "el último día es anterior al primero"),
    )
}

impl From<CampaignNotCreated> for Problem {
    fn from(error: CampaignNotCreated) -> Self {
        match error {
            CampaignNotCreated::NotAllowed(error) => not_allowed(&error),
            CampaignNotCreated::OverLimit(error) => over_limit(&error),
            CampaignNotCreated::EndsBeforeStart => ends_before_start(),
            CampaignNotCreated::Revenue(error) => {
                invalid("/targets/revenue", "invalid_amount", Said::from(error))
            }
            CampaignNotCreated::Budget { index, error } => {
                invalid(format!("/budgets/{index}/limit"), "invalid_amount", Said::from(error))
            }
            CampaignNotCreated::Database(error) => error.into(),
        }
    }
}

impl From<CampaignNotChanged> for Problem {
    fn from(error: CampaignNotChanged) -> Self {
        match error {
            CampaignNotChanged::NotFound(id) => no_campaign(id),
            CampaignNotChanged::NotNewest(error) => error.into(),
            CampaignNotChanged::Refused { error, status } => refused(&error, status),
            CampaignNotChanged::NotAllowed(error) => not_allowed(&error),
            CampaignNotChanged::Barred { error, status, allowed: transitions } => {
                Self { status: StatusCode::CONFLICT, ..not_allowed(&error) }
                    .with("status", status.name())
                    .with("allowed_transitions", json!(allowed(&transitions)))
            }
            CampaignNotChanged::OverLimit(error) => over_limit(&error),
            CampaignNotChanged::NoBudget => Self::conflict(
                "no_budget",
                said!(
                    "the campaign has no budget: set one with PUT /v1/campaigns/{{id}}/budget",
                    "la campaña no tiene presupuesto: fije uno con PUT /v1/campaigns/{{id}}/budget"
                ),
            ),
            CampaignNotChanged::Revenue(error) => {
                invalid("/targets/revenue", "invalid_amount", Said::from(error))
            }
            CampaignNotChanged::Database(error) => error.into(),
        }
    }
}

impl From<BudgetNotSet> for Problem {
    fn from(error: BudgetNotSet) -> Self {
        match error {
            BudgetNotSet::NotFound(id) => no_campaign(id),
            BudgetNotSet::NoLimit => invalid(
                "/limit",
                "missing_field",
                said!(
                    "is missing: a first version has a limit",
                    "falta: una primera versión tiene un límite"
                ),
            ),
            BudgetNotSet::Limit(error) => invalid("/limit", "invalid_amount", Said::from(error)),
            BudgetNotSet::NotNewest(error) => error.into(),
            BudgetNotSet::Refused(error) => {
                let status = match error {
                    ChangeError::Over(status) => status,
                    _ => Status::Draft,
                };
                refused(&error, status)
            }
            BudgetNotSet::NotAllowed(error) => not_allowed(&error),
            BudgetNotSet::OverLimit(error) => over_limit(&error),
            BudgetNotSet::Database(error) => error.into(),
        }
    }
}

fn spend_refused(error: &SpendRefused) -> Problem {
    match error {
        SpendRefused::NotBegun(status) => {
            let status = status.name();
            Problem::conflict(
                "campaign_not_running",
                said!(
                    "the campaign is {status}: nothing can be spent on it",
                    "la campaña está {status}: no se puede gastar en ella"
                ),
            )
            .with("status", status)
        }
        SpendRefused::BeforeBegin(day) => Problem::conflict(
            "before_campaign",
            said!(
                "the campaign began on {day}: what was spent before is not its own",
                "la campaña empezó el {day}: lo gastado antes no es suyo"
            ),
        ),
        SpendRefused::Paused(since) => Problem::conflict(
            "campaign_paused",
            said!(
                "the campaign is paused since {since}: only what was spent before is taken (occurred_at)",
                "la campaña está en pausa desde {since}: solo se acepta lo gastado antes (occurred_at)"
            ),
        )
        .with("paused_at", since.to_string()),
        SpendRefused::Ended(at) => Problem::conflict(
            "campaign_over",
            said!(
                "the campaign ended at {at}: only what was spent before is taken (occurred_at)",
                "la campaña terminó en {at}: solo se acepta lo gastado antes (occurred_at)"
            ),
        )
        .with("ended_at", at.to_string()),
    }
}

impl From<SpendNotRecorded> for Problem {
    fn from(error: SpendNotRecorded) -> Self {
        match error {
            SpendNotRecorded::NotFound(id) => no_campaign(id),
            SpendNotRecorded::Refused(error) => spend_refused(&error),
            SpendNotRecorded::OtherCurrency { campaign } => other_currency(campaign),
            SpendNotRecorded::Money(error) => invalid("/amount", "invalid_amount", Said::from(error)),
            SpendNotRecorded::NotPositive => {
                invalid("/amount", "not_positive", said!("{error}", "debe ser mayor que cero"))
            }
            SpendNotRecorded::Ahead { now } => invalid(
                "/occurred_at",
                "in_the_future",
                said!("must not be in the future: it is {now}", "no debe estar en el futuro: son las {now}"),
            ),
            SpendNotRecorded::NoSpend(id) => invalid(
                "/corrects",
                "spend_not_found",
                said!("the campaign has no spend {id}", "la campaña no tiene ningún gasto {id}"),
            ),
            SpendNotRecorded::NoCorrection(id) => invalid(
                "/corrects",
                "is_a_correction",
                said!(
                    "{id} is a correction itself: correct what it corrects",
                    "{id} es ya una corrección: corrija lo que corrige"
                ),
            ),
            SpendNotRecorded::Duplicate(id) => Self::conflict(
                "duplicate_spend",
                said!(
                    "the campaign has a spend {id} that says something else: send a correction of it",
                    "la campaña tiene un gasto {id} que dice otra cosa: envíe una corrección"
                ),
            )
            .with("spend_id", id.as_str()),
            SpendNotRecorded::Database(error) => error.into(),
        }
    }
}

fn other_currency(campaign: hexalpes_kernel::Currency) -> Problem {
    invalid(
        "/currency",
        "other_currency",
        said!("the campaign counts in {campaign}", "la campaña cuenta en {campaign}"),
    )
}

impl From<ResultNotRecorded> for Problem {
    fn from(error: ResultNotRecorded) -> Self {
        match error {
            ResultNotRecorded::NotFound(id) => no_campaign(id),
            ResultNotRecorded::Ahead { today } => invalid(
                "/date",
                "in_the_future",
                said!(
                    "must not be in the future: it is {today}",
                    "no debe estar en el futuro: es el {today}"
                ),
            ),
            ResultNotRecorded::OtherCurrency { campaign } => other_currency(campaign),
            ResultNotRecorded::Money(error) => invalid("/revenue", "invalid_amount", Said::from(error)),
            ResultNotRecorded::Duplicate(id) => Self::conflict(
                "duplicate_result",
                said!(
                    "the campaign has results {id} that say something else",
                    "la campaña tiene unos resultados {id} que dicen otra cosa"
                ),
            )
            .with("result_id", id.as_str()),
            ResultNotRecorded::TooMuch => invalid(
                "/date",
                "too_large",
                said!(
                    "it is more than can be counted on a day",
                    "es más de lo que se puede contar en un día"
                ),
            ),
            ResultNotRecorded::Database(error) => error.into(),
        }
    }
}

impl From<ReportNotMade> for Problem {
    fn from(error: ReportNotMade) -> Self {
        match error {
            ReportNotMade::NotFound(id) => invalid(
                "/campaign_id",
                "campaign_not_found",
                said!("there is no campaign {id}", "no hay ninguna campaña {id}"),
            ),
            ReportNotMade::Database(error) => error.into(),
        }
    }
}
