//! Conversions beside commissions, commissions beside the journal, payouts beside both.

use std::collections::BTreeMap;

use anyhow::Result;
use hexalpes_commissions::{queries, reconciliation as owed};
use hexalpes_conversions::reconciliation as told;
use hexalpes_db::{Db, DbError, Tx};
use hexalpes_kernel::Timestamp;

use super::tally::{self, Take};
use super::{Check, EXAMPLES_MAX, PAGE};

/// Conversions without a commission whose reasons are looked for.
const MISSING_MAX: usize = 10_000;

/// What conversions come to.
pub(super) struct Conversions {
    pub(super) check: Check,
    /// Conversions without a commission, and what to say of each.
    pub(super) missing: BTreeMap<String, String>,
}

/// That each conversion that was accepted has its commission, of the amount that was converted.
pub(super) async fn conversions(from: &Db, to: &Db, until: Timestamp) -> Result<Conversions> {
    let mut check = Check::new("conversions have their commission");
    let mut missing = BTreeMap::new();
    let mut after = String::new();
    loop {
        let accepted = told::accepted(from, until, &after, PAGE).await?;
        let Some(last) = accepted.last() else { return Ok(Conversions { check, missing }) };
        after.clone_from(&last.conversion);
        check.counted += accepted.len() as u64;
        let ids = accepted.iter().map(|one| one.conversion.clone()).collect();
        let found = owed::owed_for(to, ids).await?;
        let found: BTreeMap<&str, &owed::Owed> =
            found.iter().map(|one| (one.conversion.as_str(), one)).collect();
        for one in &accepted {
            let id = &one.conversion;
            match found.get(id.as_str()) {
                None if missing.len() < MISSING_MAX => {
                    missing.insert(id.clone(), format!("{id} has no commission, and no reason for none"));
                }
                None => check.differ(1, || format!("{id} has no commission")),
                Some(owed) if owed.gross_minor != one.gross_minor || owed.currency != one.currency => {
                    let told = format!("{} {}", one.gross_minor, one.currency);
                    let taken = format!("{} {}", owed.gross_minor, owed.currency);
                    check
                        .differ(1, || format!("{id} is of {told} in minor units, its commission of {taken}"));
                }
                Some(_) => {}
            }
        }
    }
}

/// That each commission is in the journal with its amount and with what was taken of it, and no other is.
pub(super) async fn journal(db: &Db) -> Result<Check> {
    let mut check = Check::new("commissions are in the journal");
    let mut after = String::new();
    loop {
        let booked = owed::booked(db, &after, PAGE).await?;
        let Some(last) = booked.last() else { break };
        after.clone_from(&last.commission);
        check.counted += booked.len() as u64;
        for one in &booked {
            let id = &one.commission;
            if let Some(rerated) = one.rerated_minor {
                let left = one.amount_minor - one.taken_back_minor;
                let booked = one.accrued_minor + rerated - one.booked_back_minor;
                if left != booked {
                    check.differ(1, || format!("of {id} {left} is left, and {booked} in the journal"));
                }
            } else if one.accrued_minor != one.amount_minor {
                let (accrued, amount) = (one.accrued_minor, one.amount_minor);
                check.differ(1, || format!("{id} is {amount}, and {accrued} accrued"));
            } else if one.booked_back_minor != one.taken_back_minor {
                let (booked, taken) = (one.booked_back_minor, one.taken_back_minor);
                check.differ(1, || format!("of {id} {taken} was taken back, and {booked} booked back"));
            }
        }
    }
    for id in owed::booked_of_nothing(db, EXAMPLES_MAX as u64).await? {
        check.differ(1, || format!("{id} is in the journal, and no commission"));
    }
    Ok(check)
}

/// That debits are credits in each currency.
pub(super) async fn trial_balance(db: &Db) -> Result<Check> {
    let mut check = Check::new("the trial balance is zero in each currency");
    let read = async move |tx: &Tx| -> Result<_, DbError> { queries::trial_balance(tx, None).await };
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for line in db.read(read).await? {
        *sums.entry(line.balance.currency().to_string()).or_default() += i128::from(line.balance.minor());
    }
    check.counted = sums.len() as u64;
    for (currency, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
        check.differ(1, || format!("{currency} is off by {sum} in minor units"));
    }
    Ok(check)
}

/// That each line of a payout is the sum of its commissions.
pub(super) async fn lines(db: &Db) -> Result<Check> {
    let mut check = Check::new("payout lines are the sum of their commissions");
    let mut last = None;
    loop {
        let mut lines = owed::payout_lines(db, last.as_ref(), PAGE).await?;
        check.counted += lines.len() as u64;
        for line in lines.iter().filter(|line| line.amount_minor != line.items_minor) {
            let owed::PayoutLine { payout, number, amount_minor, items_minor } = line;
            check.differ(1, || {
                format!("line {number} of {payout} is {amount_minor}, its commissions come to {items_minor}")
            });
        }
        last = lines.pop();
        if last.is_none() {
            return Ok(check);
        }
    }
}

/// That each commission that was paid is in the payout that paid it, and in no other.
pub(super) async fn paid(db: &Db) -> Result<Check> {
    let name = |commission: &str, payout: &str| format!("{commission} in {payout}");
    let expected = async |take: Take<'_>| -> Result<()> {
        let mut after = String::new();
        loop {
            let booked = owed::booked(db, &after, PAGE).await?;
            let Some(last) = booked.last() else { return Ok(()) };
            after.clone_from(&last.commission);
            for one in &booked {
                if let Some(payout) = &one.paid_with {
                    take(&name(&one.commission, payout));
                }
            }
        }
    };
    let found = async |take: Take<'_>| -> Result<()> {
        let mut last = None;
        loop {
            let mut items = owed::paid_items(db, last.as_ref(), PAGE).await?;
            for item in &items {
                take(&name(&item.commission, &item.payout));
            }
            last = items.pop();
            if last.is_none() {
                return Ok(());
            }
        }
    };
    let mut check = Check::new("paid commissions are in one payout");
    let differences = tally::compare(expected, found).await?;
    check.take(differences, "is paid, and is in no line that was settled", "was settled, and is not paid so");
    Ok(check)
}
