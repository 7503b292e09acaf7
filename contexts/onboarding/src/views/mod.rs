//! Templates, contracts and what belongs to them as JSON.

mod contract;
mod terms;
mod trail;

pub(crate) use contract::{
    ContractView, EmploymentView, ProposalView, SentEmploymentView, SentView, SignatureView, SignaturesView,
    TemplateView, WaitingView, tokens,
};
pub(crate) use terms::{TermsView, terms_json};
pub(crate) use trail::{AuditView, details, employment_details};
