//! What every HTTP face shares: problems, bodies, causes, idempotency, lists, health.
//!
//! A face is an axum router; [`layers`] gives it what all faces promise, [`serve`] puts it on a socket:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::get};
//! use hexalpes_http::{Caused, layers};
//! use hexalpes_kernel::{Edge, SystemEdge};
//!
//! async fn who(Caused(cause): Caused) -> String {
//!     cause.actor.to_string()
//! }
//!
//! let edge: Arc<dyn Edge> = Arc::new(SystemEdge);
//! let router: Router = layers(Router::new().route("/who", get(who)), edge);
//! # let _ = router;
//! ```

mod batch;
mod body;
mod cause;
mod fields;
pub mod health;
pub mod idempotency;
mod language;
pub mod list;
pub mod openapi;
pub mod problem;
mod reason;
mod revision;
mod server;
pub mod values;

pub use batch::Batch;
pub use body::{BODY_BYTES_MAX, Body, FromFields, digest, fields_of, is_json, parse};
pub use cause::{CORRELATION_HEADER, Caused};
pub use fields::{Change, Fields, Invalid, Known, Raw};
pub use health::{Check, Checks, Health, Status};
pub use idempotency::{
    Answer, Asked, Attempt, Idempotency, IdempotencyKey, KeyInUse, KeyReused, KeyedRequest, Refused,
};
pub use language::{Language, Said};
pub use list::{Filters, Format, ListQuery, Page, Record, Sort, accepted};
pub use problem::{FieldError, PROBLEM_JSON, Problem};
pub use reason::{Reason, ReasonBody};
pub use revision::{IfMatch, NotNewest};
pub use server::{HEAD_TIME_MAX, REQUEST_TIME_MAX, SHUTDOWN_TIME_MAX, layers, page_layers, serve, serve_tls};
