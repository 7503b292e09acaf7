//! Creates programs and changes their terms.

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Cause, Edge, Uuid};

use crate::domain::{Program, ProgramChangeError, ProgramId, Terms, TermsChanges};
use crate::{events, store};

#[derive(Clone, Debug)]
pub struct CreateProgram {
    pub id: ProgramId,
    pub terms: Terms,
    /// The id of the event that says so.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramNotCreated {
    #[error("there is a program {0} already")]
    Exists(ProgramId),
    #[error(transparent)]
    Database(#[from] DbError),
}

pub async fn create_program(
    tx: &Tx,
    command: CreateProgram,
    cause: &Cause,
) -> Result<Program, ProgramNotCreated> {
    let CreateProgram { id, terms, event } = command;
    let program = Program::create(id, terms, cause.at);
    if !store::insert_program(tx, &program).await? {
        return Err(ProgramNotCreated::Exists(program.id().clone()));
    }
    events::of_program(tx, event, &program, cause).await?;
    Ok(program)
}

#[derive(Clone, Debug)]
pub struct ChangeProgram {
    pub id: ProgramId,
    pub changes: TermsChanges,
    /// The id of the event that says so.
    pub event: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramNotChanged {
    #[error("there is no program {0}")]
    NotFound(ProgramId),
    #[error(transparent)]
    Refused(#[from] ProgramChangeError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A change that changes nothing is no news.
pub async fn change_program(
    tx: &Tx,
    command: ChangeProgram,
    cause: &Cause,
) -> Result<Program, ProgramNotChanged> {
    let ChangeProgram { id, changes, event } = command;
    let mut program = store::load_program(tx, &id).await?.ok_or(ProgramNotChanged::NotFound(id))?;
    if program.change(changes, cause.at)? {
        store::save_program(tx, &program).await?;
        events::of_program(tx, event, &program, cause).await?;
    }
    Ok(program)
}

/// Makes the program that is there from the start; at every start, for it may be the first. It is told to nobody: all
/// know it.
pub async fn prepare(db: &Db, clock: &dyn Edge) -> Result<(), DbError> {
    let program = Program::create(ProgramId::default_program(), Terms::default(), clock.now());
    db.write(async move |tx: &Tx| store::insert_program(tx, &program).await.map(drop)).await
}
