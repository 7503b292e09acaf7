//! The tables of partners, their requests, and what others told. Unique keys hold what must not be there twice.

mod metrics;
mod partners;
mod requests;
mod tables;
mod told;

pub(crate) use metrics::{metrics_of, next_snapshot, open_snapshots, partners_untold};
pub(crate) use partners::{
    EmailTaken, Listed, Moved, PartnerFilter, contracts_of, insert_move, insert_partner, load_partner,
    moves_of, page_of_partners, save_contract, save_partner, standing_of, with_documents_over,
};
pub(crate) use requests::{
    insert_outcome, insert_request, load_request, page_of_requests, progress_of, requests_over, save_request,
};
pub use tables::MIGRATIONS;
pub(crate) use told::{
    KnownAlert, acknowledge, alert_of, figures_of, insert_alert, insert_hire, insert_match, page_of_alerts,
    page_of_hires, page_of_matches, save_figures,
};

use hexalpes_kernel::{Actor, Currency};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";

fn actor(name: &str) -> Option<Actor> {
    Actor::parse(name).ok()
}

fn currency(code: &str) -> Option<Currency> {
    Currency::parse(code).ok()
}
