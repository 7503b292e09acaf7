//! The same random histories as the domain's, through the store of every database: commissions and books end as the
//! model's do, byte for byte, though every message came twice.

use std::sync::Arc;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge, FixedEdge, Timestamp};
use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::journal::Ledger;
use super::{Kept, snapshots};
use crate::commands::{self, CalculateCommission, ChangeCommission, RefundConversion, Verb};
use crate::domain::Account;
use crate::domain::laws::{Step, World, step};

const HISTORIES: usize = 300;
const STEPS_MAX: usize = 25;

pub(super) async fn on_each_database(test: impl AsyncFn(Db)) {
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(hexalpes_outbox::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_consumer::MIGRATIONS).await.unwrap();
        db.migrate(super::MIGRATIONS).await.unwrap();
        test(db.clone()).await;
        db.close().await;
    }
}

pub(super) fn edge() -> Arc<dyn Edge> {
    Arc::new(FixedEdge::at(Timestamp::parse("2025-01-15T12:00:00Z").unwrap()))
}

pub(super) fn cause(edge: &dyn Edge, at: Timestamp) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::anonymous(),
        at,
    }
}

/// Random histories, the same in every run.
fn histories() -> Vec<Vec<Step>> {
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::default()));
    let strategy = vec(step(), 1..STEPS_MAX);
    (0..HISTORIES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Does a step in the store as often as its message might come.
async fn play(tx: &Tx, edge: &dyn Edge, world: &World, step: &Step) -> Result<(), DbError> {
    let at = Timestamp::from_micros((world.now + 1) * 1_000_000).unwrap();
    let cause = cause(edge, at);
    let events = || std::array::from_fn(|_| edge.uuid());
    let one = |which: &usize| world.commissions.get(*which);
    let why = || "because".to_owned();
    let verb = match step {
        Step::Calculate { .. } => {
            let (id, conversion, program, rate, origin) = world.calculation(step).unwrap();
            for _ in 0..2 {
                let (id, conversion) = (id.clone(), conversion.clone());
                let rate = Some(rate);
                let command = CalculateCommission {
                    id,
                    events: std::array::from_fn(|_| edge.uuid()),
                    conversion,
                    rate,
                    origin,
                };
                commands::calculate(tx, command, &program, &cause).await.unwrap();
            }
            return Ok(());
        }
        Step::Refund(which, part) => {
            for _ in 0..2 {
                let Some(commission) = one(which) else { return Ok(()) };
                let conversion = commission.conversion();
                let total = conversion.gross.share(*part, 100).unwrap();
                let conversion = conversion.id.clone();
                let command = RefundConversion { conversion, total, reason: None, event: edge.uuid() };
                // Refused as the model refuses it: the states are compared.
                let _ = commands::refund(tx, command, &cause).await;
            }
            return Ok(());
        }
        Step::Approve(which) => one(which).map(|commission| (commission, Verb::Approve)),
        Step::Hold(which) => {
            one(which).map(|commission| (commission, Verb::Hold { until: None, reason: None }))
        }
        Step::Reject(which) => one(which).map(|commission| (commission, Verb::Reject { reason: why() })),
        Step::Reverse(which) => one(which).map(|commission| (commission, Verb::Reverse { reason: why() })),
        _ => None,
    };
    if let Some((commission, verb)) = verb {
        for _ in 0..2 {
            let (commission, verb) = (commission.id().clone(), verb.clone());
            let _ =
                commands::change(tx, ChangeCommission { commission, verb, events: events() }, &cause).await;
        }
    }
    Ok(())
}

/// What this store can do so far, without what is made up by the model alone.
fn playable(step: &Step) -> Option<Step> {
    match step.clone() {
        Step::Calculate { partner, yen, gross, millionths, held, .. } => {
            Some(Step::Calculate { partner, yen, gross, millionths, held, capped: false })
        }
        step @ (Step::Approve(_) | Step::Hold(_) | Step::Reject(_) | Step::Reverse(_) | Step::Refund(..)) => {
            Some(step)
        }
        _ => None,
    }
}

/// Laws 1, 2, 3, 5 and 8.
#[tokio::test(flavor = "multi_thread")]
async fn every_history_ends_in_the_store_as_in_the_model() {
    on_each_database(async |db| {
        let edge = edge();
        for (number, steps) in histories().into_iter().enumerate() {
            let prefix = format!("h{number}-");
            let steps: Vec<Step> = steps.iter().filter_map(playable).collect();
            let edge = Arc::clone(&edge);
            let (world, commissions, balances) = db
                .write(async move |tx: &Tx| -> Result<_, DbError> {
                    let mut world = World { prefix: prefix.clone(), ..World::default() };
                    for step in &steps {
                        play(tx, &*edge, &world, step).await?;
                        world.apply(step);
                    }
                    let mut commissions = Vec::new();
                    for one in &world.commissions {
                        let kept = super::load(tx, one.id()).await?;
                        commissions
                            .push(kept.map(|Kept { commission, .. }| commission).ok_or(DbError::NoRow)?);
                    }
                    let mut balances = Vec::new();
                    for (account, code) in
                        world.balances.keys().filter(|(account, _)| account.partner().is_some())
                    {
                        let currency = hexalpes_kernel::Currency::parse(code).unwrap();
                        let ledger = Ledger { account: account.clone(), currency };
                        let balance = snapshots::balance(tx, &ledger, None).await?;
                        balances.push(((account.clone(), currency.code()), balance.minor()));
                    }
                    Ok((world, commissions, balances))
                })
                .await
                .unwrap();
            assert_eq!(commissions, world.commissions, "history {number}");
            let modelled: Vec<((Account, &str), i64)> =
                world.balances.into_iter().filter(|((account, _), _)| account.partner().is_some()).collect();
            assert_eq!(balances, modelled, "history {number}");
        }
        let trial = db.read(async |tx: &Tx| snapshots::trial(tx, None).await).await.unwrap();
        for currency in ["USD", "JPY"] {
            let lines = trial.iter().filter(|line| line.balance.currency().code() == currency);
            assert_eq!(lines.map(|line| line.balance.minor()).sum::<i64>(), 0);
        }
    })
    .await;
}
