//! `Idempotency-Key`: a command that is sent twice is done once, and answered twice.
//!
//! The answer is kept in the command's own transaction, so that either both are there or neither is. A
//! refusal is rolled back with its command and not kept: it is found again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hexalpes_db::{Db, DbError, Migration, Tx, columns};
use hexalpes_kernel::{Cause, Timestamp};
use parking_lot::Mutex;
use sea_query::{Expr, ExprTrait as _, Iden, Index, Query, Table};

use crate::cause::Caused;
use crate::problem::Problem;
use crate::revision;
use crate::said;

const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAY_HEADER: HeaderName = HeaderName::from_static("idempotent-replay");
const KEY_CHARS_MAX: usize = 200;
/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_hours(24);

/// The table that the kept answers need.
pub const MIGRATIONS: &[Migration] = &[Migration::new("http", 1, "create http_idempotency", |backend| {
    vec![
        backend.schema(
            Table::create()
                .table(KeptTable)
                .col(columns::id(backend, Kept::Scope).not_null())
                .col(columns::id(backend, Kept::Name).not_null())
                .col(columns::id(backend, Kept::Digest).not_null())
                .col(columns::integer(Kept::Status).not_null())
                .col(columns::text(backend, Kept::Body).not_null())
                .col(columns::timestamp(Kept::At).not_null())
                .primary_key(Index::create().col(Kept::Scope).col(Kept::Name)),
        ),
        backend.schema(Index::create().name("http_idempotency_at").table(KeptTable).col(Kept::At)),
    ]
})];

#[derive(Iden, Clone, Copy)]
#[iden = "http_idempotency"]
struct KeptTable;

#[derive(Iden, Clone, Copy)]
enum Kept {
    /// Which command the key belongs to.
    Scope,
    /// The key.
    Name,
    /// Of the request's body.
    Digest,
    Status,
    Body,
    /// When it was answered, in microseconds.
    At,
}

/// A command's answer: a status and a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: String,
    /// It was given before, and nothing was done this time.
    pub is_replay: bool,
}

impl Answer {
    pub fn new(status: StatusCode, body: String) -> Self {
        Self { status, body, is_replay: false }
    }

    /// The answer that a view gives: names, texts and numbers.
    pub fn json(status: StatusCode, view: &impl serde::Serialize) -> Self {
        Self::new(status, serde_json::to_string(view).expect("a view is names, texts and numbers"))
    }
}

/// What has a `revision` has it as its `ETag`, for [`crate::IfMatch`].
impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let tag = revision::of_json(&self.body);
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        if let Some(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        if self.is_replay {
            response.headers_mut().insert(REPLAY_HEADER, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Extracts the header `Idempotency-Key`, if it is there: 1 to 200 visible ASCII characters, else 422.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(&KEY_HEADER) else { return Ok(Self(None)) };
        let is_fine =
            (1..=KEY_CHARS_MAX).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(key) if is_fine => Ok(Self(Some(key.to_owned()))),
            _ => {
                let detail = said!(
                    "{KEY_HEADER}: must be 1 to {KEY_CHARS_MAX} visible ASCII characters",
                    "{KEY_HEADER}: debe tener de 1 a {KEY_CHARS_MAX} caracteres ASCII visibles"
                );
                Err(Problem::unprocessable("invalid_header", detail).with("header", KEY_HEADER.as_str()))
            }
        }
    }
}

/// The key was used with another body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the idempotency key was used with another body")]
pub struct KeyReused;

impl From<KeyReused> for Problem {
    fn from(error: KeyReused) -> Self {
        Self::unprocessable(
            "idempotency_key_reused",
            said!("{error}", "la clave de idempotencia se usó con otro cuerpo"),
        )
    }
}

/// The same key's first request is still running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request with this idempotency key is still running")]
pub struct KeyInUse;

impl From<KeyInUse> for Problem {
    fn from(error: KeyInUse) -> Self {
        let mut problem = Self::conflict(
            "idempotency_key_in_use",
            said!("{error}", "una petición con esta clave de idempotencia sigue en curso"),
        );
        problem.retry_after_seconds = Some(1);
        problem
    }
}

/// Why a command with a key was not done: its own refusal, as such for whoever waits for what it misses, or a problem
/// of all commands.
#[derive(Debug)]
pub enum Refused<E> {
    Command(E),
    Other(Problem),
}

impl<E> Refused<E> {
    /// As the client sees it.
    pub fn into_problem(self, of: impl FnOnce(E) -> Problem) -> Problem {
        match self {
            Self::Command(error) => of(error),
            Self::Other(problem) => problem,
        }
    }
}

impl<E> From<DbError> for Refused<E> {
    fn from(error: DbError) -> Self {
        Self::Other(error.into())
    }
}

impl<E> From<KeyReused> for Refused<E> {
    fn from(error: KeyReused) -> Self {
        Self::Other(error.into())
    }
}

impl<E> From<KeyInUse> for Refused<E> {
    fn from(error: KeyInUse) -> Self {
        Self::Other(error.into())
    }
}

type Running = Mutex<HashSet<(&'static str, String)>>;

/// Knows which keys' commands are running in this process; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Idempotency {
    running: Arc<Running>,
}

impl Idempotency {
    /// Runs a command in a transaction of its own, once per key; see [`Idempotency::begin`].
    pub async fn write<E>(
        &self,
        db: &Db,
        request: KeyedRequest,
        command: impl AsyncFn(&Tx) -> Result<Answer, E> + Send + 'static,
    ) -> Result<Answer, E>
    where
        E: From<DbError> + From<KeyReused> + From<KeyInUse> + Send + 'static,
    {
        let KeyedRequest { scope, key, digest, at } = request;
        let attempt = self.begin(scope, key, digest)?;
        let inside = attempt.clone();
        let answer =
            db.write(async move |tx: &Tx| inside.once(tx, at, async || command(tx).await).await).await;
        // Before the client hears of it, for it may ask again at once. Whoever is dropped while it waits does
        // not come here: then the key stays in use until the database drops the command.
        attempt.release();
        answer
    }

    /// As [`Idempotency::write`], of a command that may miss what is on its way: where it is refused, `comes` is asked
    /// whether what it misses came, and then it runs once more.
    pub async fn write_patiently<E: Send + 'static>(
        &self,
        db: &Db,
        request: KeyedRequest,
        command: impl AsyncFn(&Tx) -> Result<Answer, Refused<E>> + Clone + Send + 'static,
        comes: impl AsyncFnOnce(&E) -> bool,
    ) -> Result<Answer, Refused<E>> {
        match self.write(db, request.clone(), command.clone()).await {
            Err(Refused::Command(missing)) if comes(&missing).await => self.write(db, request, command).await,
            outcome => outcome,
        }
    }

    /// Begins a command; `scope` names it, so that the same key may be used with another command. Without
    /// a key the attempt is like any other command.
    ///
    /// The key is in use until it is released or the last clone of the attempt is dropped. The closure that
    /// goes to `db.write` takes a clone, so that a command which nobody waits for any more keeps its key.
    pub fn begin(
        &self,
        scope: &'static str,
        key: IdempotencyKey,
        digest: String,
    ) -> Result<Attempt, KeyInUse> {
        let Some(key) = key.0 else { return Ok(Attempt { held: None, digest }) };
        if !self.running.lock().insert((scope, key.clone())) {
            return Err(KeyInUse);
        }
        let held = Held { running: self.running.clone(), is_released: AtomicBool::new(false), scope, key };
        Ok(Attempt { held: Some(Arc::new(held)), digest })
    }
}

/// What makes two requests the same.
#[derive(Clone, Debug)]
pub struct KeyedRequest {
    /// Which command it is: a key is unique among the requests of one scope.
    pub scope: &'static str,
    pub key: IdempotencyKey,
    /// Of the body.
    pub digest: String,
    pub at: Timestamp,
}

impl KeyedRequest {
    /// The answer that was given to it before, if it was: to be asked before work that stands outside of the command,
    /// which would otherwise be done again, and might be refused this time. What is running is not looked at.
    pub async fn kept<E>(&self, db: &Db) -> Result<Option<Answer>, E>
    where
        E: From<DbError> + From<KeyReused>,
    {
        let Some(key) = self.key.0.clone() else { return Ok(None) };
        let (scope, at) = (self.scope, self.at);
        match db.read(async move |tx: &Tx| kept(tx, scope, &key, at).await).await? {
            Some((digest, _)) if digest != self.digest => Err(KeyReused.into()),
            found => Ok(found.map(|(_, answer)| answer)),
        }
    }
}

/// Who asks for a change, and under which key.
#[derive(Clone, Debug)]
pub struct Asked {
    pub cause: Cause,
    pub key: IdempotencyKey,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Caused(cause) = Caused::from_request_parts(parts, state).await?;
        Ok(Self { cause, key: IdempotencyKey::from_request_parts(parts, state).await? })
    }
}

impl Asked {
    /// `scope` is the command, `digest` tells one body from another, and `of` what the command is about, where the
    /// path says so.
    pub fn keyed(self, scope: &'static str, digest: &str, of: &str) -> (Cause, KeyedRequest) {
        let digest = if of.is_empty() { digest.to_owned() } else { format!("{of} {digest}") };
        let Self { cause, key } = self;
        let request = KeyedRequest { scope, key, digest, at: cause.at };
        (cause, request)
    }
}

/// One run of a command, with its key if it has one. Clones share it.
#[derive(Clone, Debug)]
pub struct Attempt {
    held: Option<Arc<Held>>,
    digest: String,
}

#[derive(Debug)]
struct Held {
    running: Arc<Running>,
    is_released: AtomicBool,
    scope: &'static str,
    key: String,
}

impl Held {
    fn release(&self) {
        // Once: afterwards the key may be another attempt's.
        if !self.is_released.swap(true, Ordering::AcqRel) {
            self.running.lock().remove(&(self.scope, self.key.clone()));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

impl Attempt {
    /// The command has ended: the key is no longer in use.
    pub fn release(&self) {
        if let Some(held) = &self.held {
            held.release();
        }
    }

    /// Does the command unless it was done; gives its first answer.
    pub async fn once<E>(
        &self,
        tx: &Tx,
        now: Timestamp,
        command: impl AsyncFnOnce() -> Result<Answer, E>,
    ) -> Result<Answer, E>
    where
        E: From<DbError> + From<KeyReused>,
    {
        let Some(held) = &self.held else { return command().await };
        held.forget_expired(tx, now).await?;
        if !held.reserve(tx, now, &self.digest).await? {
            // On a server another process may have answered after this transaction's view was fixed.
            let used = || DbError::Conflict("the key was used a moment ago".to_owned());
            let (digest, answer) = kept(tx, held.scope, &held.key, now).await?.ok_or_else(used)?;
            return if digest == self.digest { Ok(answer) } else { Err(KeyReused.into()) };
        }
        let answer = command().await?;
        held.keep(tx, &answer).await?;
        Ok(answer)
    }
}

impl Held {
    fn is_mine(&self) -> Expr {
        is_of(self.scope, &self.key)
    }

    async fn forget_expired(&self, tx: &Tx, now: Timestamp) -> Result<(), DbError> {
        let delete = Query::delete()
            .from_table(KeptTable)
            .and_where(self.is_mine())
            .and_where(Expr::col(Kept::At).lte(expired(now)))
            .to_owned();
        tx.execute(&delete).await.map(|_| ())
    }

    async fn reserve(&self, tx: &Tx, now: Timestamp, digest: &str) -> Result<bool, DbError> {
        let insert = Query::insert()
            .into_table(KeptTable)
            .columns([Kept::Scope, Kept::Name, Kept::Digest, Kept::Status, Kept::Body, Kept::At])
            .values_panic([
                self.scope.into(),
                self.key.as_str().into(),
                digest.into(),
                0_i64.into(),
                "".into(),
                now.as_micros().into(),
            ])
            .to_owned();
        tx.insert_new(&insert, Kept::Name).await
    }

    async fn keep(&self, tx: &Tx, answer: &Answer) -> Result<(), DbError> {
        let update = Query::update()
            .table(KeptTable)
            .value(Kept::Status, i64::from(answer.status.as_u16()))
            .value(Kept::Body, answer.body.as_str())
            .and_where(self.is_mine())
            .to_owned();
        tx.execute(&update).await.map(|_| ())
    }
}

fn is_of(scope: &str, key: &str) -> Expr {
    Expr::col(Kept::Scope).eq(scope).and(Expr::col(Kept::Name).eq(key))
}

/// The digest of the body that a key was used with, and what was answered.
async fn kept(tx: &Tx, scope: &str, key: &str, now: Timestamp) -> Result<Option<(String, Answer)>, DbError> {
    let select = Query::select()
        .columns([Kept::Digest, Kept::Status, Kept::Body])
        .from(KeptTable)
        .and_where(is_of(scope, key))
        .and_where(Expr::col(Kept::At).gt(expired(now)))
        .to_owned();
    let Some(row) = tx.fetch_optional(&select).await? else { return Ok(None) };
    let status = row.get::<i64>("status")?;
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or(DbError::Range("a kept answer's status"))?;
    Ok(Some((row.get("digest")?, Answer { status, body: row.get("body")?, is_replay: true })))
}

/// Forgets all answers that are older than [`KEPT`]; to be called now and then.
pub async fn forget_expired(tx: &Tx, now: Timestamp) -> Result<u64, DbError> {
    let delete =
        Query::delete().from_table(KeptTable).and_where(Expr::col(Kept::At).lte(expired(now))).to_owned();
    tx.execute(&delete).await
}

fn expired(now: Timestamp) -> i64 {
    now.as_micros().saturating_sub(i64::try_from(KEPT.as_micros()).unwrap_or(i64::MAX))
}
