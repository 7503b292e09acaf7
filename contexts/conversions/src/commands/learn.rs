//! Keeps what the affiliates context tells.

use hexalpes_db::{DbError, Tx};

use crate::domain::{KnownAffiliate, KnownLink, KnownProgram};
use crate::store;

/// What was told.
#[derive(Clone, Debug)]
pub enum Told {
    Program(KnownProgram),
    Affiliate(KnownAffiliate),
    Link(KnownLink),
}

/// What is older than what is known changes nothing.
pub async fn learn(tx: &Tx, told: Told) -> Result<(), DbError> {
    match told {
        Told::Program(program) => store::learn_program(tx, &program).await,
        Told::Affiliate(affiliate) => store::learn_affiliate(tx, &affiliate).await,
        Told::Link(link) => store::learn_link(tx, &link).await,
    }
}
