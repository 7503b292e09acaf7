//! The way of a fact, from a request to a line in `events.jsonl` and to a client that nobody here wrote; and
//! what is left of it when processes are killed on the way, or their disk does not do as it should.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

/// The checkout, from the folder that tests run in.
const CHECKOUT: &str = "../..";

mod analytics;
mod as_written;
mod audit;
mod campaigns;
mod capturing;
mod cli;
mod command;
mod compose;
mod conf;
mod console;
mod consumers;
mod converting;
mod documents;
mod flow;
mod forgetting;
mod full;
mod kills;
mod life;
mod matrix;
mod metrics;
mod notifying;
mod onboarding;
mod operating;
mod outage;
mod partners;
mod reconcile;
mod recruitment;
mod refusals;
mod replay;
mod scripts;
mod seed3;
mod seed4;
mod servers;
mod signals;
mod sources;
mod starts;
mod tls;
mod tokens;
mod topology;
mod undeliverable;
mod unfit;
mod waiting;
