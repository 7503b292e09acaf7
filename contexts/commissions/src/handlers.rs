//! What this context does with messages: the commands that it takes from a topic, and the conversions that
//! others recorded.
//!
//! HTTP and these end in the same commands. Not here: inbox, retries and dead letters, which are the
//! consumer's.

use std::sync::Arc;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{
    ConsumerOptions, Event, EventConsumer, FieldRejection, HandleError, Handler, KeyOrder, Rejection,
};
use hexalpes_contracts::{
    commissions::{APPROVE_COMMISSION, CALCULATE_COMMISSION, NAMESPACE},
    conversions::{ConversionRecorded, ConversionRefunded},
};
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_http::{Answer, FromFields, Idempotency, IdempotencyKey, KeyInUse, KeyReused, Problem};
use hexalpes_kernel::{Cause, Edge};
use serde::de::DeserializeOwned;

use crate::{
    commands::{self, CalculateError, ChangeError, RefundCommissionError},
    domain::Program,
    requests::{self, ApproveRequest, CalculateRequest, Scope},
};

/// This context's name on the wire.
const SERVICE: &str = "commissions";
/// Commands as structured `CloudEvents`.
pub const COMMANDS_TOPIC: &str = "persistent://public/default/commands";
/// What the conversions context tells.
pub const CONVERSIONS_TOPIC: &str = "persistent://public/default/conversiones.eventos";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 2], OpenError> {
    let commands = ConsumerOptions {
        // A command that is refused says nothing about the next one.
        order: KeyOrder::Independent,
        ..ConsumerOptions::new(SERVICE, "commands", TopicName::parse(COMMANDS_TOPIC)?)
    };
    let conversions = ConsumerOptions {
        only_kind: Some(ConversionRecorded::KIND),
        ..ConsumerOptions::new(SERVICE, "conversions", TopicName::parse(CONVERSIONS_TOPIC)?)
    };
    let (edge, program) = (Arc::clone(edge), Arc::<Program>::default());
    let on_commands =
        Commands { edge: Arc::clone(&edge), program: Arc::clone(&program), keys: Idempotency::default() };
    let on_conversions = Conversions { edge: Arc::clone(&edge), program };
    Ok([
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(&edge), on_commands, commands)?,
        EventConsumer::start(db.clone(), client.clone(), edge, on_conversions, conversions)?,
    ])
}

/// Does what the messages of the `commands` topic ask for.
struct Commands {
    edge: Arc<dyn Edge>,
    program: Arc<Program>,
    keys: Idempotency,
}

impl Handler for Commands {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if event.is(CALCULATE_COMMISSION) {
            let command = parsed::<CalculateRequest>(event)?.into_command(&*self.edge);
            let calculate = async || -> Result<Answer, Refused> {
                Ok(commands::calculate(tx, command, &self.program, cause).await?.into())
            };
            return self.once(tx, Scope::Calculate, event, cause, calculate).await;
        }
        if event.is(APPROVE_COMMISSION) {
            let command = parsed::<ApproveRequest>(event)?.into_command(&*self.edge);
            let approve = async || -> Result<Answer, Refused> {
                Ok(commands::approve(tx, command, cause).await?.into())
            };
            return self.once(tx, Scope::Approve, event, cause, approve).await;
        }
        if !event.kind.starts_with(NAMESPACE) {
            // Another context's.
            return Ok(());
        }
        let known = format!("{CALCULATE_COMMISSION} and {APPROVE_COMMISSION}");
        let why = format!("{} is no command of commissions; known are {known}", event.kind);
        Err(HandleError::Rejected(Rejection::new("unknown_command", why)))
    }
}

impl Commands {
    /// A command's id is its idempotency key, also against HTTP.
    async fn once(
        &self,
        tx: &Tx,
        scope: Scope,
        event: &Event,
        cause: &Cause,
        command: impl AsyncFnOnce() -> Result<Answer, Refused>,
    ) -> Result<(), HandleError> {
        let key = IdempotencyKey(Some(event.id.clone()));
        let digest = hexalpes_http::digest(&event.data);
        let attempt = self.keys.begin(scope.name(), key, digest).map_err(Refused::from)?;
        attempt.once(tx, cause.at, command).await?;
        Ok(())
    }
}

/// Calculates the commission of each conversion that was recorded, and takes back of it what was refunded.
struct Conversions {
    edge: Arc<dyn Edge>,
    program: Arc<Program>,
}

impl Handler for Conversions {
    async fn handle(&self, tx: &Tx, event: &Event, cause: &Cause) -> Result<(), HandleError> {
        if event.is(ConversionRecorded::KIND) {
            let command = requests::of_recorded(&read(event)?, &*self.edge).map_err(rejected)?;
            commands::calculate(tx, command, &self.program, cause).await.map_err(Refused::from)?;
        } else if event.is(ConversionRefunded::KIND) {
            let command = requests::of_refunded(&read(event)?, &*self.edge).map_err(rejected)?;
            commands::refund(tx, command, cause).await.map_err(Refused::from)?;
        }
        Ok(())
    }
}

/// Reads the data as another context's event.
fn read<T: DeserializeOwned>(event: &Event) -> Result<T, HandleError> {
    require_json(event)?;
    serde_json::from_slice(&event.data)
        .map_err(|error| HandleError::Rejected(Rejection::new("invalid_event", error.to_string())))
}

/// Reads the data as HTTP reads the same body.
fn parsed<T: FromFields>(event: &Event) -> Result<T, HandleError> {
    require_json(event)?;
    hexalpes_http::parse(&event.data).map_err(rejected)
}

fn require_json(event: &Event) -> Result<(), HandleError> {
    if hexalpes_http::is_json(&event.content_type) {
        return Ok(());
    }
    let why = format!("the data must be application/json, not {}", event.content_type);
    Err(HandleError::Rejected(Rejection::new("unsupported_media_type", why)))
}

fn rejected(problem: impl Into<Problem>) -> HandleError {
    let problem = problem.into();
    let errors = problem.errors.into_iter().map(|error| FieldRejection {
        pointer: error.pointer,
        code: error.code.to_owned(),
        message: error.message.english().to_owned(),
    });
    let errors = errors.collect();
    HandleError::Rejected(Rejection { errors, ..Rejection::new(problem.code, problem.detail.english()) })
}

/// Why what a message asks for was not done.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Calculate(#[from] CalculateError),
    #[error(transparent)]
    Approve(#[from] ChangeError),
    #[error(transparent)]
    Refund(#[from] RefundCommissionError),
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    #[error(transparent)]
    KeyInUse(#[from] KeyInUse),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<Refused> for HandleError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Database(error)
            | Refused::Calculate(CalculateError::Database(error))
            | Refused::Approve(ChangeError::Database(error))
            | Refused::Refund(RefundCommissionError::Database(error)) => Self::Database(error),
            // It may be on its way.
            Refused::Approve(ChangeError::NotFound(id)) => Self::Unknown { what: format!("commission {id}") },
            Refused::KeyInUse(error) => Self::Transient { why: error.to_string() },
            Refused::KeyReused(error) => rejected(error),
            Refused::Calculate(error) => rejected(error),
            Refused::Approve(error) => rejected(error),
            Refused::Refund(error) => rejected(error),
        }
    }
}
