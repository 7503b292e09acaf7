//! What can be asked of this context. A command takes a transaction and neither opens nor ends one.

mod change;
mod links;
mod programs;
mod register;

pub use change::{AffiliateNotChanged, ChangeAffiliate, Verb, change_affiliate};
pub use links::{AddLink, LinkNotAdded, add_link};
pub use programs::{
    ChangeProgram, CreateProgram, ProgramNotChanged, ProgramNotCreated, change_program, create_program,
    prepare,
};
pub use register::{NotRegistered, RegisterAffiliate, register};
