//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod alerts;
mod change;
mod contracts;
mod figures;
mod recruitment;
mod register;

pub(crate) use alerts::acknowledge_alert;
pub use alerts::{AcknowledgeAlert, NotAcknowledged};
pub use change::{ChangePartner, NotChanged, Verb, change_partner, expire_documents};
pub use contracts::{NotLearned, learn_contract};
pub use figures::{learn_alert, learn_figures, take_snapshot};
pub use recruitment::{
    CancelRequest, NotCancelled, NotRequested, RequestRecruitment, cancel_request, complete_recruitment,
    expire_request, learn_hire, learn_match, request_recruitment,
};
pub use register::{NotRegistered, RegisterPartner, register};
