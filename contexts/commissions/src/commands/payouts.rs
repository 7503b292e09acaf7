//! Plans, makes, sends, settles and fails payouts, with the commissions that are in them.

use std::collections::BTreeMap;

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Currency, Ids, Money};

use super::book::book;
use crate::domain::{
    Account, AffiliateId, Bucket, Candidate, Commission, CommissionId, Fact, Line, LineState, Method, Payout,
    PayoutError, PayoutId, Plan, ProgramId, Refusal, State, Terms, plan,
};
use crate::events::{self, PayoutTold};
use crate::store::{self, journal::Ledger, payouts, snapshots, terms};

/// Commissions of one payout at most; the others are the next one's.
const COMMISSIONS_MAX: u64 = 2_000;

/// What is to be paid.
#[derive(Clone, Debug)]
pub struct WhatToPay {
    pub program: ProgramId,
    pub currency: Currency,
    /// This commission alone.
    pub only: Option<CommissionId>,
}

#[derive(Clone, Debug)]
pub struct CreatePayout {
    /// The id that it gets.
    pub id: PayoutId,
    pub what: WhatToPay,
    /// Else as the terms say.
    pub method: Option<Method>,
    /// The day that a schedule makes it for.
    pub scheduled_for: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayoutCommandError {
    #[error("there is no payout {0}")]
    NotFound(PayoutId),
    #[error("there is no commission {0}")]
    NoCommission(CommissionId),
    #[error(transparent)]
    Commission(#[from] Refusal),
    #[error(transparent)]
    Payout(#[from] PayoutError),
    #[error("line {number} is being sent: wait until it is known what became of it")]
    BeingSent { number: u32 },
    #[error("the terms of the program name no endpoint to send to")]
    NoEndpoint,
    #[error("a payout was made for that day")]
    AlreadyMade,
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What could be paid now, and under which terms.
pub async fn preview(tx: &Tx, what: &WhatToPay) -> Result<(Terms, Plan), PayoutCommandError> {
    let terms = terms::of(tx, &what.program, what.currency).await?;
    let candidates = match &what.only {
        None => payable(tx, what).await?,
        Some(id) => vec![only(tx, id).await?],
    };
    let mut owed = BTreeMap::new();
    for Candidate { partner, .. } in &candidates {
        if !owed.contains_key(partner) {
            owed.insert(partner.clone(), receivable(tx, partner, what.currency).await?);
        }
    }
    let plan = plan(what.currency, terms.minimum, candidates, &owed);
    Ok((terms, plan))
}

async fn payable(tx: &Tx, what: &WhatToPay) -> Result<Vec<Candidate>, DbError> {
    let kept = store::approved(tx, &what.program, what.currency, COMMISSIONS_MAX).await?;
    let candidate = |kept: store::Kept| Candidate {
        commission: kept.commission.id().clone(),
        partner: kept.commission.conversion().affiliate.clone(),
        amount: kept.commission.remaining(),
    };
    Ok(kept.into_iter().map(candidate).collect())
}

async fn only(tx: &Tx, id: &CommissionId) -> Result<Candidate, PayoutCommandError> {
    let found = store::load(tx, id).await?.ok_or_else(|| PayoutCommandError::NoCommission(id.clone()))?;
    found.commission.is_payable()?;
    Ok(Candidate {
        commission: id.clone(),
        partner: found.commission.conversion().affiliate.clone(),
        amount: found.commission.remaining(),
    })
}

/// What a partner owes that can be set off: not yet what was refunded of what is still on its way.
async fn receivable(tx: &Tx, partner: &AffiliateId, currency: Currency) -> Result<Money, DbError> {
    let account = Account::Partner(partner.clone(), Bucket::Receivable);
    let all = snapshots::balance(tx, &Ledger { account, currency }, None).await?;
    let on_its_way = store::refunded_on_its_way(tx, partner, currency).await?;
    Ok(Money::from_minor(all.minor().saturating_sub(on_its_way), currency))
}

/// Makes a payout of what is payable: it is reserved, and nothing leaves yet.
pub async fn create_payout(
    tx: &Tx,
    command: CreatePayout,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Payout, PayoutCommandError> {
    let CreatePayout { id, what, method, scheduled_for } = command;
    let (terms, plan) = preview(tx, &what).await?;
    let method = method.unwrap_or(terms.method);
    if method == Method::Webhook && terms.endpoint.is_none() {
        return Err(PayoutCommandError::NoEndpoint);
    }
    let payout = Payout::create(id, what.program, method, terms.minimum, plan.lines, cause.at)?;
    if !payouts::insert(tx, &payout, scheduled_for.as_deref()).await? {
        return Err(PayoutCommandError::AlreadyMade);
    }
    let mut facts = Vec::new();
    for item in payout.lines.iter().flat_map(|line| &line.items) {
        let found = store::load(tx, &item.commission).await?;
        let mut kept = found.ok_or_else(|| PayoutCommandError::NoCommission(item.commission.clone()))?;
        let fact = kept.commission.reserve(payout.id.clone(), item.netted, cause.at)?;
        store::save(tx, &kept.commission).await?;
        facts.push((ids.uuid(), fact));
    }
    book(tx, facts, cause).await?;
    events::tell_payout(tx, ids.uuid(), PayoutTold::Created, &payout, None, cause).await?;
    Ok(payout)
}

/// Lets a payout leave: a file is there to be taken, lines of a webhook are sent one after the other.
pub async fn send_payout(tx: &Tx, id: &PayoutId, cause: &Cause) -> Result<Payout, PayoutCommandError> {
    let mut payout = load(tx, id).await?;
    if payout.send(cause.at) {
        payouts::save(tx, &payout).await?;
    }
    Ok(payout)
}

/// A line has left.
pub(crate) async fn line_sent(
    tx: &Tx,
    id: &PayoutId,
    number: u32,
    cause: &Cause,
) -> Result<(), PayoutCommandError> {
    let mut payout = load(tx, id).await?;
    if payout.line_sent(number, cause.at)? {
        payouts::save(tx, &payout).await?;
    }
    Ok(())
}

/// Lines were paid: these, or all that have not failed.
pub async fn settle_payout(
    tx: &Tx,
    id: &PayoutId,
    lines: Option<Vec<u32>>,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Payout, PayoutCommandError> {
    let mut payout = load(tx, id).await?;
    let is_open = |line: &Line| !matches!(line.state, LineState::Failed { .. });
    let mut is_news = false;
    for number in lines.unwrap_or_else(|| numbers(&payout, is_open)) {
        if payout.settle_line(number, cause.at)? {
            is_news = true;
            let settle = |commission: &mut Commission| commission.settle(id, cause.at);
            each_item(tx, &payout, number, ids, cause, settle).await?;
        }
    }
    if is_news {
        payouts::save(tx, &payout).await?;
        events::tell_payout(tx, ids.uuid(), PayoutTold::Settled, &payout, None, cause).await?;
    }
    Ok(payout)
}

/// Lines were not paid and will not be: these, or all that are not settled. What is in them is payable again.
pub async fn fail_payout(
    tx: &Tx,
    id: &PayoutId,
    lines: Option<Vec<u32>>,
    reason: &str,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Payout, PayoutCommandError> {
    let mut payout = load(tx, id).await?;
    let is_open = |line: &Line| !matches!(line.state, LineState::Settled { .. });
    let mut is_news = false;
    let being_sent = payouts::being_sent(tx, id, cause.at).await?;
    for number in lines.unwrap_or_else(|| numbers(&payout, is_open)) {
        if being_sent.contains(&number) {
            return Err(PayoutCommandError::BeingSent { number });
        }
        if payout.fail_line(number, reason.to_owned(), cause.at)? {
            is_news = true;
            let fail =
                |commission: &mut Commission| commission.fail(id, reason.to_owned(), cause.at).map(Some);
            each_item(tx, &payout, number, ids, cause, fail).await?;
            for item in items(&payout, number) {
                payouts::release(tx, item).await?;
            }
        }
    }
    if is_news {
        payouts::save(tx, &payout).await?;
        events::tell_payout(tx, ids.uuid(), PayoutTold::Failed, &payout, Some(reason), cause).await?;
    }
    Ok(payout)
}

/// A commission is paid alone. One that is in a payout, or was paid, is no news.
pub async fn pay_commission(
    tx: &Tx,
    id: &CommissionId,
    payout: PayoutId,
    method: Option<Method>,
    is_done: bool,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<(), PayoutCommandError> {
    let found = store::load(tx, id).await?.ok_or_else(|| PayoutCommandError::NoCommission(id.clone()))?;
    let commission = found.commission;
    if matches!(commission.state(), State::InPayout(_) | State::Paid { .. }) {
        return Ok(());
    }
    let (program, currency) = (commission.program().clone(), commission.amount().currency());
    let what = WhatToPay { program, currency, only: Some(id.clone()) };
    // What somebody has paid already leaves with no webhook.
    let method = if is_done { Some(Method::File) } else { method };
    let command = CreatePayout { id: payout.clone(), what, method, scheduled_for: None };
    create_payout(tx, command, ids, cause).await?;
    if is_done {
        send_payout(tx, &payout, cause).await?;
        settle_payout(tx, &payout, None, ids, cause).await?;
    }
    Ok(())
}

/// Makes the payouts that are due by their schedules; tells how many.
pub(crate) async fn create_due(tx: &Tx, ids: &dyn Ids, cause: &Cause) -> Result<u64, DbError> {
    let mut made = 0;
    for (terms, last_run) in terms::scheduled(tx).await? {
        if !terms.schedule.is_due(cause.at, last_run.as_deref()) {
            continue;
        }
        let Some(day) = terms.schedule.last_due(cause.at) else { continue };
        let what = WhatToPay { program: terms.program.clone(), currency: terms.currency(), only: None };
        let key = format!("{}/{}/{day}", terms.program, terms.currency());
        let id = PayoutId::new(ids.uuid());
        let command = CreatePayout { id, what, method: None, scheduled_for: Some(key) };
        match create_payout(tx, command, ids, cause).await {
            Ok(_) => made += 1,
            // Each is found before anything is written.
            Err(
                PayoutCommandError::Payout(PayoutError::NothingToPay { .. })
                | PayoutCommandError::NoEndpoint
                | PayoutCommandError::AlreadyMade,
            ) => {}
            Err(PayoutCommandError::Database(error)) => return Err(error),
            Err(other) => return Err(DbError::Conflict(other.to_string())),
        }
        terms::ran(tx, &terms, &day).await?;
    }
    Ok(made)
}

async fn load(tx: &Tx, id: &PayoutId) -> Result<Payout, PayoutCommandError> {
    payouts::load(tx, id).await?.ok_or_else(|| PayoutCommandError::NotFound(id.clone()))
}

fn numbers(payout: &Payout, which: impl Fn(&Line) -> bool) -> Vec<u32> {
    payout.lines.iter().filter(|line| which(line)).map(|line| line.number).collect()
}

fn items(payout: &Payout, number: u32) -> impl Iterator<Item = &CommissionId> {
    let lines = payout.lines.iter().filter(move |line| line.number == number);
    lines.flat_map(|line| line.items.iter().map(|item| &item.commission))
}

/// Does something with each commission of a line.
async fn each_item(
    tx: &Tx,
    payout: &Payout,
    number: u32,
    ids: &dyn Ids,
    cause: &Cause,
    verb: impl Fn(&mut Commission) -> Result<Option<Fact>, Refusal>,
) -> Result<(), PayoutCommandError> {
    let mut facts = Vec::new();
    for id in items(payout, number) {
        let found = store::load(tx, id).await?;
        let mut kept = found.ok_or_else(|| PayoutCommandError::NoCommission(id.clone()))?;
        if let Some(fact) = verb(&mut kept.commission)? {
            store::save(tx, &kept.commission).await?;
            facts.push((ids.uuid(), fact));
        }
    }
    Ok(book(tx, facts, cause).await?)
}
