//! The same random histories as the domain's, through the store of every database: commissions and books end as the
//! model's do, byte for byte, though every message came twice.

use std::sync::Arc;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{Actor, CausationId, Cause, CorrelationId, Edge, FixedEdge, Money, Timestamp};
use proptest::collection::vec;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::value::RawValue;

use super::journal::Ledger;
use super::{Kept, snapshots};
use crate::commands::{
    self, About, Agreement, CalculateCommission, ChangeCommission, CreatePayout, Explained, RefundConversion,
    Verb, Wanted, WhatToPay,
};
use crate::domain::laws::{MINIMUM, Step, World, currency, step};
use crate::domain::{Account, CommissionId, Occasion, PayoutId, Terms};

const HISTORIES: usize = 300;
const STEPS_MAX: usize = 40;

pub(super) async fn on_each_database(test: impl AsyncFn(Db)) {
    databases_before(u32::MAX, test).await;
}

/// On databases that are older than a migration of ours.
pub(super) async fn databases_before(number: u32, test: impl AsyncFn(Db)) {
    let known: Vec<_> = super::MIGRATIONS.iter().copied().filter(|known| known.number < number).collect();
    for database in hexalpes_engines::databases() {
        // Shown when the test fails.
        println!("on {}", database.engine());
        let db = Db::open(&DatabaseUrl::parse(database.url()).unwrap(), DbOptions::default()).await.unwrap();
        db.migrate(hexalpes_outbox::MIGRATIONS).await.unwrap();
        db.migrate(hexalpes_consumer::MIGRATIONS).await.unwrap();
        db.migrate(&known).await.unwrap();
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
                let command = CalculateCommission {
                    id,
                    events: std::array::from_fn(|_| edge.uuid()),
                    conversion: conversion.into(),
                    agreement: Agreement::Newest { program: None },
                    about: About::default(),
                    wanted: Some(Wanted::Percentage(rate)),
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
                let command = RefundConversion { conversion, total, reason: None };
                // Refused as the model refuses it: the states are compared.
                let _ = commands::refund(tx, command, edge, &cause).await;
            }
            return Ok(());
        }
        Step::Rerate(which, millionths) => {
            return play_rerating(tx, edge, world, (*which, *millionths)).await;
        }
        Step::Pay { yen, single } => {
            let only = match single {
                // The model has no commission of that number, and pays nothing.
                Some(which) if one(which).is_none() => return Ok(()),
                Some(which) => one(which).map(|commission| commission.id().clone()),
                None => None,
            };
            let what = to_pay(world, *yen, only);
            let id = PayoutId::parse(&format!("{}pay_{}", world.prefix, world.payouts.len())).unwrap();
            let command = CreatePayout { id, what, scheduled_for: None };
            let _ = commands::create_payout(tx, command, edge, &cause).await;
            return Ok(());
        }
        Step::Send(payout) | Step::Settle(payout, _) | Step::Fail(payout, _) => {
            let Some(payout) = world.payouts.get(*payout) else { return Ok(()) };
            for _ in 0..2 {
                let _ = match step {
                    Step::Settle(_, line) => {
                        commands::settle_payout(tx, &payout.id, Some(vec![*line]), edge, &cause).await
                    }
                    Step::Fail(_, line) => {
                        commands::fail_payout(tx, &payout.id, Some(vec![*line]), "bounced", edge, &cause)
                            .await
                    }
                    _ => commands::send_payout(tx, &payout.id, &cause).await,
                };
            }
            return Ok(());
        }
        Step::ClawBack(which, part) => {
            let Some(commission) = one(which) else { return Ok(()) };
            let amount = Some(commission.remaining().share(*part, 100).unwrap());
            let verb = Verb::ClawBack { amount, reason: why() };
            let command = ChangeCommission { commission: commission.id().clone(), verb, events: events() };
            let _ = commands::change(tx, command, &cause).await;
            return Ok(());
        }
        Step::Approve(which) => (which, Verb::Approve),
        Step::Hold(which) => (which, Verb::Hold { until: None, reason: None }),
        Step::Release(which) => (which, Verb::Release { reason: None }),
        Step::Reject(which) => (which, Verb::Reject { reason: why() }),
        Step::Reverse(which) => (which, Verb::Reverse { reason: why() }),
    };
    let (which, verb) = verb;
    let Some(commission) = one(which) else { return Ok(()) };
    for _ in 0..2 {
        let (commission, verb) = (commission.id().clone(), verb.clone());
        let _ = commands::change(tx, ChangeCommission { commission, verb, events: events() }, &cause).await;
    }
    Ok(())
}

/// By hand, as the terms say.
fn to_pay(world: &World, yen: bool, only: Option<CommissionId>) -> WhatToPay {
    let (program, currency) = (world.program(), currency(yen));
    WhatToPay { program, currency, only, method: None, occasion: Occasion::ByHand }
}

/// Twice is once. Where it stands as it is, the model says so too.
async fn play_rerating(
    tx: &Tx,
    edge: &dyn Edge,
    world: &World,
    (which, millionths): (usize, i128),
) -> Result<(), DbError> {
    let at = Timestamp::from_micros((world.now + 1) * 1_000_000).unwrap();
    let cause = cause(edge, at);
    let Some((conversion, rating, added)) = world.rating(which, millionths) else { return Ok(()) };
    let explanation = RawValue::from_string("{}".to_owned()).unwrap();
    let (why, explained) = (World::why(), Explained { rating, explanation });
    for _ in 0..2 {
        let of = std::slice::from_ref(&conversion);
        let slots = commands::slots_of(tx, of).await?.remove(&conversion).ok_or(DbError::NoRow)?;
        commands::rerate(tx, slots, &explained, &added, &why, edge, &cause).await?;
    }
    Ok(())
}

/// The step without what is made up by the model alone.
fn playable(step: Step) -> Step {
    match step {
        Step::Calculate { partner, yen, gross, millionths, held, .. } => {
            Step::Calculate { partner, yen, gross, millionths, held, capped: false }
        }
        step => step,
    }
}

/// Laws 1 to 5, 7 and 8.
#[tokio::test(flavor = "multi_thread")]
async fn every_history_ends_in_the_store_as_in_the_model() {
    on_each_database(async |db| {
        let edge = edge();
        for (number, steps) in histories().into_iter().enumerate() {
            let prefix = format!("h{number}-");
            let steps: Vec<Step> = steps.into_iter().map(playable).collect();
            let edge = Arc::clone(&edge);
            let (world, commissions, paid, balances) = db
                .write(async move |tx: &Tx| -> Result<_, DbError> {
                    let mut world = World { prefix: prefix.clone(), ..World::default() };
                    for yen in [false, true] {
                        let minimum = Money::from_minor(MINIMUM, currency(yen));
                        let terms = Terms { minimum, ..Terms::unsaid(world.program(), currency(yen)) };
                        super::terms::put(tx, &terms, None).await?;
                    }
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
                    let mut paid = Vec::new();
                    for one in &world.payouts {
                        paid.push(super::payouts::load(tx, &one.id).await?.ok_or(DbError::NoRow)?);
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
                    Ok((world, commissions, paid, balances))
                })
                .await
                .unwrap();
            assert_eq!(commissions, world.commissions, "history {number}");
            assert_eq!(paid, world.payouts, "history {number}");
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
