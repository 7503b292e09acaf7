//! Lines of payouts on their way to whoever pays them: one request each, signed as Standard Webhooks say
//! (<https://www.standardwebhooks.com>), with the line's own key as `webhook-id` and `Idempotency-Key`.
//!
//! A line is sent, and then it is noted that it was. Who dies in between sends it again, with the same key and the same
//! body: it is paid once. Not here: whether it arrived, which somebody must say (`settle`, `fail`).

use std::sync::Arc;
use std::time::Duration;

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::{Edge, Timestamp};
use hexalpes_webhooks::{Secret, SecretError, Sender, SenderError};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::commands::{self, PayoutCommandError};
use crate::domain::{Line, LineState, Payout, PayoutId};
use crate::store::payouts::{self, DueLine};
use crate::store::terms;
use crate::sweep::cause;

/// For how long a line is one process's to send. After it, whoever took it has died.
const LEASE: Duration = Duration::from_mins(1);
/// Lines that are sent one after the other before others may have a turn.
const LINES_MAX: u64 = 50;
/// Before the second try; doubled with each further one.
const RETRY_DELAY: Duration = Duration::from_secs(10);
const RETRY_DELAY_MAX: Duration = Duration::from_hours(1);

/// Sends lines. Clones share connections.
#[derive(Clone, Debug)]
pub struct Webhooks {
    sender: Sender,
    secret: Secret,
}

/// Why there can be no webhooks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhooksError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Sender(#[from] SenderError),
}

/// What a round of sending did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub sent: u64,
    /// Lines that wait for another try.
    pub failed: u64,
}

/// A line as its endpoint sees it. Nothing in it changes when it is sent again.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    payout_id: &'a str,
    line: u32,
    idempotency_key: &'a str,
    program_id: &'a str,
    affiliate_id: &'a str,
    amount: Box<RawValue>,
    amount_minor: i64,
    currency: &'static str,
    commission_ids: Vec<&'a str>,
}

impl Webhooks {
    /// `secret` is `whsec_…`, as those who receive have it too.
    pub fn new(secret: &str) -> Result<Self, WebhooksError> {
        Ok(Self { secret: Secret::parse(secret)?, sender: Sender::new()? })
    }

    /// Sends one line; the reason if it did not arrive.
    async fn send(&self, endpoint: &str, payout: &Payout, line: &Line, now: Timestamp) -> Result<(), String> {
        let id = line.key(&payout.id);
        let body = message(payout, line, &id);
        let sent = self.sender.send(endpoint, &self.secret, &id, body, now).await;
        sent.map_err(|trouble| trouble.to_string())
    }
}

fn message(payout: &Payout, line: &Line, key: &str) -> String {
    let message = Message {
        kind: "payout.line",
        timestamp: payout.created_at,
        data: Data {
            payout_id: payout.id.as_str(),
            line: line.number,
            idempotency_key: key,
            program_id: payout.program.as_str(),
            affiliate_id: line.partner.as_str(),
            amount: line.amount.amount().to_json(),
            amount_minor: line.amount.minor(),
            currency: payout.currency.code(),
            commission_ids: line.items.iter().map(|item| item.commission.as_str()).collect(),
        },
    };
    serde_json::to_string(&message).expect("names and numbers are always JSON")
}

/// Sends the lines that are due, and notes of each what became of it. To be called now and then.
pub async fn deliver(db: &Db, edge: &Arc<dyn Edge>, webhooks: &Webhooks) -> Result<Delivered, DbError> {
    let mut delivered = Delivered::default();
    let now = edge.now();
    for due in db.read(async move |tx: &Tx| payouts::due(tx, now, LINES_MAX).await).await? {
        let Some((payout, endpoint)) = payout_of(db, &due.payout).await? else { continue };
        let line = payout.lines.iter().find(|line| line.number == due.number);
        // Somebody may have failed it in the meantime.
        let Some(line) = line.filter(|line| line.state == LineState::Reserved) else { continue };
        if !begin(db, edge, &due).await? {
            continue;
        }
        let sent = match endpoint {
            Some(endpoint) => webhooks.send(&endpoint, &payout, line, edge.now()).await,
            None => Err("the terms of the program name no endpoint any more".to_owned()),
        };
        match sent {
            Ok(()) => {
                note_sent(db, edge, due).await?;
                delivered.sent += 1;
            }
            Err(trouble) => {
                tracing::warn!(payout = %due.payout, line = due.number, trouble, "a payout's line was not sent");
                note_trouble(db, edge, due, trouble).await?;
                delivered.failed += 1;
            }
        }
    }
    Ok(delivered)
}

/// Takes the line: it cannot fail while it is sent, and no other process sends it.
async fn begin(db: &Db, edge: &Arc<dyn Edge>, due: &DueLine) -> Result<bool, DbError> {
    let (due, now) = (due.clone(), edge.now());
    let lease = now.after(LEASE);
    db.write(async move |tx: &Tx| payouts::begin_to_send(tx, &due, now, lease).await).await
}

/// A payout, and where its lines go.
async fn payout_of(db: &Db, id: &PayoutId) -> Result<Option<(Payout, Option<String>)>, DbError> {
    let id = id.clone();
    db.read(async move |tx: &Tx| -> Result<_, DbError> {
        let Some(payout) = payouts::load(tx, &id).await? else { return Ok(None) };
        let terms = terms::of(tx, &payout.program, payout.currency).await?;
        Ok(Some((payout, terms.endpoint)))
    })
    .await
}

async fn note_sent(db: &Db, edge: &Arc<dyn Edge>, due: DueLine) -> Result<(), DbError> {
    let cause = cause(&**edge);
    let note = async move |tx: &Tx| -> Result<(), DbError> {
        match commands::line_sent(tx, &due.payout, due.number, &cause).await {
            Err(PayoutCommandError::Database(error)) => Err(error),
            // What is no longer there needs no note.
            Ok(()) | Err(_) => Ok(()),
        }
    };
    db.write(note).await
}

async fn note_trouble(db: &Db, edge: &Arc<dyn Edge>, due: DueLine, trouble: String) -> Result<(), DbError> {
    let delay = RETRY_DELAY.saturating_mul(1 << due.attempts.min(16)).min(RETRY_DELAY_MAX);
    let next = edge.now().after(delay);
    db.write(async move |tx: &Tx| payouts::note_trouble(tx, &due, &trouble, next).await).await
}
