//! Plans, makes, sends, settles and fails payouts, with the commissions that are in them.

use std::collections::BTreeMap;
use std::time::Duration;

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Currency, Ids, Money, Timestamp};

use super::book::book;
use crate::domain::{
    Account, AffiliateId, Bucket, Candidate, Commission, CommissionId, Fact, Frequency, Line, LineState,
    Method, Occasion, PaymentTerms, Payout, PayoutError, PayoutId, Plan, ProgramId, Refusal, State, Terms,
    Waiting, plan, terms_at,
};
use crate::events::{self, PayoutTold};
use crate::store::{self, Kept, journal::Ledger, payments, payouts, snapshots, terms};

/// Commissions of one payout at most; the others are the next one's.
const COMMISSIONS_MAX: usize = 2_000;
/// Commissions that are looked at for a payout at most: most of them wait for another.
const LOOKED_AT_MAX: usize = 50_000;
const DAY: Duration = Duration::from_hours(24);

/// What is to be paid.
#[derive(Clone, Debug)]
pub struct WhatToPay {
    pub program: ProgramId,
    pub currency: Currency,
    /// This commission alone: whoever names it pays it, whatever its partner's contract has it wait for.
    pub only: Option<CommissionId>,
    /// Else as the terms say; of one commission, as its partner's contract says first.
    pub method: Option<Method>,
    pub occasion: Occasion,
}

#[derive(Clone, Debug)]
pub struct CreatePayout {
    /// The id that it gets.
    pub id: PayoutId,
    pub what: WhatToPay,
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

/// What could be paid now, and under which terms: with the method by which it would be.
pub async fn preview(tx: &Tx, what: &WhatToPay, now: Timestamp) -> Result<(Terms, Plan), PayoutCommandError> {
    let mut terms = terms::of(tx, &what.program, what.currency).await?;
    let (candidates, waiting) = match &what.only {
        None => {
            terms.method = what.method.unwrap_or(terms.method);
            payable(tx, what, terms.method, now).await?
        }
        Some(id) => {
            let candidate = only(tx, id).await?;
            let agreed = terms_at(payments::of_partner(tx, &candidate.partner).await?, now);
            let agreed = agreed.and_then(|agreed| agreed.method);
            terms.method = what.method.or(agreed).unwrap_or(terms.method);
            (vec![candidate], Vec::new())
        }
    };
    let mut owed = BTreeMap::new();
    for Candidate { partner, .. } in &candidates {
        if !owed.contains_key(partner) {
            owed.insert(partner.clone(), receivable(tx, partner, what.currency).await?);
        }
    }
    let plan = Plan { waiting, ..plan(what.currency, terms.minimum, candidates, &owed) };
    Ok((terms, plan))
}

/// The oldest first; those that wait hold up nobody who comes behind them.
async fn payable(
    tx: &Tx,
    what: &WhatToPay,
    method: Method,
    now: Timestamp,
) -> Result<(Vec<Candidate>, Vec<Waiting>), DbError> {
    let mut agreed: BTreeMap<AffiliateId, Option<PaymentTerms>> = BTreeMap::new();
    let (mut candidates, mut waiting) = (Vec::new(), Vec::new());
    let (mut last, mut looked_at): (Option<Commission>, usize) = (None, 0);
    while candidates.len() < COMMISSIONS_MAX && looked_at < LOOKED_AT_MAX {
        let limit = COMMISSIONS_MAX - candidates.len();
        let found = store::approved(tx, &what.program, what.currency, last.as_ref(), limit as u64).await?;
        let is_all = found.len() < limit;
        looked_at += found.len();
        for Kept { commission, .. } in found {
            let (partner, amount) = (commission.conversion().affiliate.clone(), commission.remaining());
            if !agreed.contains_key(&partner) {
                let terms = terms_at(payments::of_partner(tx, &partner).await?, now);
                agreed.insert(partner.clone(), terms);
            }
            let approved_at = match commission.state() {
                State::Approved { at } => *at,
                _ => now,
            };
            let terms = agreed.get(&partner).and_then(Option::as_ref);
            match terms.map(|terms| terms.wait(what.currency, approved_at, method, what.occasion, now)) {
                Some(Some(why)) => Waiting::note(&mut waiting, &partner, why, amount),
                // Who has no contract is none of a contract's frequency.
                None if matches!(what.occasion, Occasion::Contracts { .. }) => {}
                None | Some(None) => {
                    candidates.push(Candidate { commission: commission.id().clone(), partner, amount });
                }
            }
            last = Some(commission);
        }
        if is_all {
            break;
        }
    }
    Ok((candidates, waiting))
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
    let CreatePayout { id, what, scheduled_for } = command;
    let (terms, plan) = preview(tx, &what, cause.at).await?;
    let method = terms.method;
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
            for line in payout.lines.iter().filter(|line| line.number == number) {
                events::tell_settled_line(tx, ids.uuid(), &payout, line, cause).await?;
            }
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
            for line in payout.lines.iter().filter(|line| line.number == number) {
                events::tell_failed_line(tx, ids.uuid(), &payout, line, reason, cause).await?;
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
    // What somebody has paid already leaves with no webhook.
    let method = if is_done { Some(Method::File) } else { method };
    let what = WhatToPay { program, currency, only: Some(id.clone()), method, occasion: Occasion::ByHand };
    let command = CreatePayout { id: payout.clone(), what, scheduled_for: None };
    create_payout(tx, command, ids, cause).await?;
    if is_done {
        send_payout(tx, &payout, cause).await?;
        settle_payout(tx, &payout, None, ids, cause).await?;
    }
    Ok(())
}

/// Whether payouts are due by a frequency that contracts name.
pub(crate) async fn is_due(tx: &Tx, frequency: Frequency, now: Timestamp) -> Result<bool, DbError> {
    Ok(frequency.schedule().is_due(now, payments::last_run(tx, frequency).await?.as_deref()))
}

/// Makes the payouts that are due by their schedules; tells how many.
pub(crate) async fn create_due(tx: &Tx, ids: &dyn Ids, cause: &Cause) -> Result<u64, DbError> {
    let mut made = create_agreed(tx, ids, cause).await?;
    for (terms, last_run) in terms::scheduled(tx).await? {
        if !terms.schedule.is_due(cause.at, last_run.as_deref()) {
            continue;
        }
        let Some(day) = terms.schedule.last_due(cause.at) else { continue };
        let what = WhatToPay {
            program: terms.program.clone(),
            currency: terms.currency(),
            only: None,
            method: None,
            occasion: Occasion::Program,
        };
        let key = format!("{}/{}/{day}", terms.program, terms.currency());
        made += create_scheduled(tx, what, key, ids, cause).await?;
        terms::ran(tx, &terms, &day).await?;
    }
    Ok(made)
}

/// Those that contracts agree: for each frequency that is due, in each program and currency, by each way.
async fn create_agreed(tx: &Tx, ids: &dyn Ids, cause: &Cause) -> Result<u64, DbError> {
    let mut made = 0;
    for frequency in Frequency::ALL {
        if !is_due(tx, frequency, cause.at).await? {
            continue;
        }
        let Some(day) = frequency.schedule().last_due(cause.at) else { continue };
        let day_start = Timestamp::parse(&format!("{day}T00:00:00Z")).expect("it is a day");
        let occasion = Occasion::Contracts { frequency, due_before: day_start.after(DAY) };
        for (program, currency) in payments::to_pay(tx, frequency).await? {
            for (_, method) in Method::ALL {
                let key = format!("{program}/{currency}/{day}/{}/{}", frequency.name(), method.name());
                let program = program.clone();
                let what = WhatToPay { program, currency, only: None, method: Some(method), occasion };
                made += create_scheduled(tx, what, key, ids, cause).await?;
            }
        }
        payments::ran(tx, frequency, &day).await?;
    }
    Ok(made)
}

/// Makes a payout that nobody asked for, if there is anything to pay; tells how many it made.
async fn create_scheduled(
    tx: &Tx,
    what: WhatToPay,
    key: String,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<u64, DbError> {
    let command = CreatePayout { id: PayoutId::new(ids.uuid()), what, scheduled_for: Some(key) };
    match create_payout(tx, command, ids, cause).await {
        Ok(_) => Ok(1),
        // Each is found before anything is written.
        Err(
            PayoutCommandError::Payout(PayoutError::NothingToPay { .. })
            | PayoutCommandError::NoEndpoint
            | PayoutCommandError::AlreadyMade,
        ) => Ok(0),
        Err(PayoutCommandError::Database(error)) => Err(error),
        Err(other) => Err(DbError::Conflict(other.to_string())),
    }
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
