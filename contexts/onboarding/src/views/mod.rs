//! Templates, contracts and what belongs to them as JSON.

mod contract;
mod terms;
mod trail;

pub(crate) use contract::{
    ContractView, EMPLOYMENT_STATUS, EmploymentView, ProposalView, SentView, SignatureView, SignaturesView,
    TemplateView, TokenView,
};
pub(crate) use terms::{TermsView, terms_json};
pub(crate) use trail::{AuditView, details};
