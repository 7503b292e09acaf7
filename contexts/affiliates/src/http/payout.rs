//! `/api/v1/afiliados/{id}/datos-pago`: where to pay to. Shown masked, kept and told sealed.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hexalpes_contracts::affiliates::PayTo;
use hexalpes_http::{Answer, Asked, Body, Problem, said};
use hexalpes_vault::{UnsealError, Vault};

use super::App;
use super::affiliates::{done, found};
use crate::commands::Verb;
use crate::domain::{AffiliateId, PayoutDetails};
use crate::problems::no_affiliate;
use crate::requests::{PayoutBody, PayoutRequest};
use crate::views::{AffiliateView, PayoutView};

/// Where the affiliate is paid to, with all but the last characters hidden.
#[utoipa::path(get, path = "/api/v1/afiliados/{id}/datos-pago", tag = "afiliados", params(("id" = String, Path)),
    responses((status = 200, description = "Where it is paid to", body = PayoutView)))]
pub(super) async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let affiliate = found(&app, &id).await?;
    let sealed = affiliate.payout_sealed().ok_or_else(|| {
        let detail = said!(
            "affiliate {id} has not said where it is paid to: PUT it here",
            "el afiliado {id} no ha dicho dónde se le paga: envíelo aquí con PUT"
        );
        Problem::not_found("payout_details_not_found", detail)
    })?;
    let details = unseal(&app.vault, affiliate.id(), sealed).map_err(|error| {
        tracing::error!(affiliate.id = %affiliate.id(), %error, "payout details cannot be opened");
        Problem::internal()
    })?;
    Ok(Answer::json(StatusCode::OK, &PayoutView::from(&details)))
}

/// Says where the affiliate is paid to from now on.
#[utoipa::path(put, path = "/api/v1/afiliados/{id}/datos-pago", tag = "afiliados", request_body = PayoutBody,
    params(("id" = String, Path)),
    responses((status = 200, description = "The affiliate after the change", body = AffiliateView)))]
pub(super) async fn replace(
    State(app): State<App>,
    Path(id): Path<String>,
    asked: Asked,
    body: Body<PayoutRequest>,
) -> Result<Answer, Problem> {
    let Ok(parsed) = AffiliateId::parse(&id) else { return Err(no_affiliate(id)) };
    let sealed = seal(&app.vault, &parsed, &body.value.0);
    done(&app, &id, asked, "pay affiliate to", &body.digest, Verb::PayTo { sealed }).await
}

pub(super) fn seal(vault: &Vault, id: &AffiliateId, details: &PayoutDetails) -> String {
    let plain = match details.clone() {
        PayoutDetails::Iban { holder, iban, bic } => PayTo::Iban { holder, iban, bic },
        PayoutDetails::Account { holder, bank, account, country } => {
            PayTo::Account { holder, bank, account, country }
        }
        PayoutDetails::Wallet { address } => PayTo::Wallet { address },
    };
    vault.seal(id.as_str(), &serde_json::to_string(&plain).expect("texts are always JSON"))
}

fn unseal(vault: &Vault, id: &AffiliateId, sealed: &str) -> Result<PayoutDetails, UnsealError> {
    let plain = vault.unseal(id.as_str(), sealed)?;
    Ok(match serde_json::from_str(&plain).map_err(|_| UnsealError::Format)? {
        PayTo::Iban { holder, iban, bic } => PayoutDetails::Iban { holder, iban, bic },
        PayTo::Account { holder, bank, account, country } => {
            PayoutDetails::Account { holder, bank, account, country }
        }
        PayTo::Wallet { address } => PayoutDetails::Wallet { address },
    })
}
