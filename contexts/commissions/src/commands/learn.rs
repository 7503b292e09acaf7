//! Keeps what the affiliates context tells.

use hexalpes_db::{DbError, Tx};

use crate::domain::{KnownAffiliate, KnownProgram};
use crate::store::known;

/// What was told.
#[derive(Clone, Debug)]
pub enum Learned {
    Program(KnownProgram),
    Affiliate(KnownAffiliate),
}

/// A revision that is known already changes nothing.
pub async fn learn(tx: &Tx, learned: Learned) -> Result<(), DbError> {
    match learned {
        Learned::Program(program) => known::learn_program(tx, &program).await,
        Learned::Affiliate(affiliate) => known::learn_affiliate(tx, &affiliate).await,
    }
}
