//! The tables of templates, contracts and what belongs to them. Unique keys hold what must not be there twice.

mod audit;
mod contracts;
mod employment;
mod tables;
mod templates;

pub(crate) use audit::{append_entry, trail};
pub(crate) use contracts::{ContractFilter, due, insert, language_of, load, open_of, page, registered, save};
pub(crate) use employment::{
    EmploymentFilter, due_employment, insert_employment, load_employment, page_of_employment, save_employment,
};
pub use tables::MIGRATIONS;
pub(crate) use templates::{
    TemplateFilter, insert_template, load_template, newest_template, page_of_templates,
};

/// The only tenant there is until authentication tells them apart.
const TENANT: &str = "default";
