//! What this context does with messages: the commands that it takes from a topic, the conversions that others
//! recorded, and what is told of programs, affiliates and contracts.
//!
//! HTTP and these end in the same commands. Not here: inbox, retries and dead letters, which are the
//! consumer's.

use std::sync::Arc;
use std::time::Duration;

use hexalpes_client::{Client, OpenError, TopicName};
use hexalpes_consumer::{
    ConsumerOptions, Event, EventConsumer, FieldRejection, HandleError, Handler, KeyOrder, Rejection, field,
};
use hexalpes_contracts::{
    affiliates::{self, Told},
    commissions::{APPROVE_COMMISSION, CALCULATE_COMMISSION, NAMESPACE},
    conversions::{ConversionRecorded, ConversionRefunded},
    onboarding,
};
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_http::{Answer, FromFields, Idempotency, IdempotencyKey, KeyInUse, KeyReused, Problem};
use hexalpes_kernel::{Amount, Cause, Currency, Edge, Rate, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    commands::{self, CalculateError, ChangeError, Learned, RefundCommissionError},
    contracts::Contracts,
    domain::{AffiliateId, KnownAffiliate, KnownProgram, Program, ProgramId},
    requests::{self, ApproveRequest, CalculateRequest, Scope},
};

/// This context's name on the wire.
const SERVICE: &str = "commissions";
/// Commands as structured `CloudEvents`.
pub const COMMANDS_TOPIC: &str = "persistent://public/default/commands";
/// What the conversions context tells.
pub const CONVERSIONS_TOPIC: &str = "persistent://public/default/conversiones.eventos";

/// Starts the consumers of this context. Their database has its tables, the outbox's and the consumers'.
pub fn consumers(db: &Db, client: &Client, edge: &Arc<dyn Edge>) -> Result<[EventConsumer; 4], OpenError> {
    let commands = ConsumerOptions {
        // A command that is refused says nothing about the next one.
        order: KeyOrder::Independent,
        ..ConsumerOptions::new(SERVICE, "commands", TopicName::parse(COMMANDS_TOPIC)?)
    };
    let conversions = ConsumerOptions {
        only_kind: Some(ConversionRecorded::KIND),
        ..ConsumerOptions::new(SERVICE, "conversions", TopicName::parse(CONVERSIONS_TOPIC)?)
    };
    let affiliates = ConsumerOptions::new(SERVICE, "affiliates", TopicName::parse(affiliates::TOPIC)?);
    let contracts = ConsumerOptions::new(SERVICE, "contracts", TopicName::parse(onboarding::TOPIC)?);
    let (edge, program) = (Arc::clone(edge), Arc::<Program>::default());
    let on_commands =
        Commands { edge: Arc::clone(&edge), program: Arc::clone(&program), keys: Idempotency::default() };
    let on_conversions = Conversions { edge: Arc::clone(&edge), program };
    Ok([
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(&edge), on_commands, commands)?,
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(&edge), on_conversions, conversions)?,
        EventConsumer::start(db.clone(), client.clone(), Arc::clone(&edge), Affiliates, affiliates)?,
        EventConsumer::start(db.clone(), client.clone(), edge, Contracts, contracts)?,
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
            let command = requests::of_refunded(&read(event)?).map_err(rejected)?;
            commands::refund(tx, command, &*self.edge, cause).await.map_err(Refused::from)?;
        }
        Ok(())
    }
}

/// Keeps programs and affiliates, each revision for itself.
struct Affiliates;

impl Handler for Affiliates {
    async fn handle(&self, tx: &Tx, event: &Event, _cause: &Cause) -> Result<(), HandleError> {
        // A type that this version does not know is none of its business.
        let Some(told) = Told::read(event.bare_kind(), &event.data) else { return Ok(()) };
        let Some(learned) = learned(told.map_err(HandleError::invalid_event)?)? else {
            return Ok(());
        };
        Ok(commands::learn(tx, learned).await?)
    }
}

/// Links are of no use here.
fn learned(told: Told) -> Result<Option<Learned>, HandleError> {
    Ok(match told {
        Told::Program(program) => {
            let id = field("program_id", ProgramId::parse(&program.program_id))?;
            let hold = Duration::from_secs(program.hold_seconds);
            let terms = Program {
                name: id.to_string(),
                version: program.revision,
                currency: field("currency", Currency::parse(&program.currency))?,
                rate: percent("default_rate", program.default_rate.get())?,
                hold: (!hold.is_zero()).then_some(hold),
                approves_recorded: program.auto_approve,
            };
            let valid_from = field("valid_from", Timestamp::parse(&program.valid_from))?;
            Some(Learned::Program(KnownProgram { terms, status: program.status, valid_from }))
        }
        Told::Affiliate(affiliate) => {
            let rate = |name, rate: Option<&RawValue>| rate.map(|rate| percent(name, rate.get())).transpose();
            Some(Learned::Affiliate(KnownAffiliate {
                id: field("affiliate_id", AffiliateId::parse(&affiliate.affiliate_id))?,
                revision: affiliate.revision,
                program: field("program_id", ProgramId::parse(&affiliate.program_id))?,
                base: rate("base_rate", affiliate.base_rate.as_deref())?,
                premium: rate("premium_rate", affiliate.premium_rate.as_deref())?,
                rates_valid_from: field("rates_valid_from", Timestamp::parse(&affiliate.rates_valid_from))?,
                kind: affiliate.affiliate_type,
                status: affiliate.status,
                payout_sealed: affiliate.payout_sealed,
            }))
        }
        Told::Link(_) => None,
    })
}

pub(crate) fn percent(name: &str, number: &str) -> Result<Rate, HandleError> {
    field(name, Rate::from_percent(field(name, Amount::parse(number))?))
}

/// Reads the data as another context's event.
fn read<'a, T: Deserialize<'a>>(event: &'a Event) -> Result<T, HandleError> {
    require_json(event)?;
    event.data_as()
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
            Refused::Calculate(CalculateError::NotYetKnown { what }) => Self::Unknown { what },
            Refused::Calculate(CalculateError::NoProgram(id)) => {
                Self::Unknown { what: format!("program {id}") }
            }
            Refused::Approve(ChangeError::NotFound(id)) => Self::Unknown { what: format!("commission {id}") },
            Refused::KeyInUse(error) => Self::Transient { why: error.to_string() },
            Refused::KeyReused(error) => rejected(error),
            Refused::Calculate(error) => rejected(error),
            Refused::Approve(error) => rejected(error),
            Refused::Refund(error) => rejected(error),
        }
    }
}
