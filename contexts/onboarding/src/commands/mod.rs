//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod change;
mod draft;
mod employ;
mod pass;
mod templates;

pub(crate) use change::written_out;
pub use change::{ChangeContract, Changed, NotChanged, Verb, change_contract};
pub use draft::{
    CreateContract, NotCreated, RegisteredPartner, Renew, create_contract, register_partner, renew_contract,
};
pub use employ::{
    ChangeEmployment, CreateEmploymentContract, EmploymentChanged, EmploymentNotChanged, EmploymentVerb,
    change_employment, create_employment_contract,
};
pub use pass::{pass_due, remind_due};
pub use templates::{NotPublished, PublishTemplate, prepare, publish_template};
