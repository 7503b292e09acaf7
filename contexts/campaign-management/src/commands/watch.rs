//! Looks at a campaign's budgets after anything that counts against them: gives alerts, each once, and pauses or goes on.

use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::{Cause, Ids, Timestamp};
use std::time::Duration;

use crate::domain::report::recommended;
use crate::domain::{AlertId, Budget, BudgetKind, Burned, Campaign, Day, Fact, Level, Pace, PausedBy, Stage};
use crate::events::{self, Alarm};
use crate::{queries, store};

/// `late` are days before today whose spend changed: they have their own alerts, and pause nothing. The campaign is
/// claimed; whoever calls this saves it, and tells the fact.
pub(super) async fn watch(
    tx: &Tx,
    ids: &dyn Ids,
    campaign: &mut Campaign,
    late: &[Day],
    cause: &Cause,
) -> Result<Option<Fact>, DbError> {
    let (now, today) = (cause.at, Day::of(cause.at));
    let standings = queries::standings(tx, campaign, now).await?;
    let is_exhausted = standings.iter().any(|(budget, pace)| budget.is_exhausted(pace.spent));
    let fact = match campaign.parts().stage {
        Stage::Running { .. } => campaign.exhaust(is_exhausted, now),
        _ => None,
    };
    let paused_at = matches!(fact, Some(Fact::Paused { by: PausedBy::Budget })).then_some(now);
    for (budget, pace) in &standings {
        let day = (budget.kind == BudgetKind::Daily).then_some(today);
        let alarm = Look { budget, pace, day, paused_at };
        alarm.raise(tx, ids, campaign, cause).await?;
    }
    if let Some((budget, _)) = standings.iter().find(|(budget, _)| budget.kind == BudgetKind::Daily) {
        for day in late.iter().filter(|day| **day < today) {
            let pace = of_past_day(tx, campaign, budget, *day).await?;
            let alarm = Look { budget, pace: &pace, day: Some(*day), paused_at: None };
            alarm.raise(tx, ids, campaign, cause).await?;
        }
    }
    Ok(fact)
}

/// How a daily budget stood when a day was over.
async fn of_past_day(tx: &Tx, campaign: &Campaign, budget: &Budget, day: Day) -> Result<Pace, DbError> {
    let last: Timestamp = day.plus(1).start().before(Duration::from_micros(1));
    let burned: Burned = store::burned(tx, campaign.id(), day).await?;
    queries::standing(tx, campaign, budget, &burned, last).await
}

struct Look<'a> {
    budget: &'a Budget,
    pace: &'a Pace,
    day: Option<Day>,
    paused_at: Option<Timestamp>,
}

impl Look<'_> {
    /// Gives the alerts that this version of the budget did not give yet.
    async fn raise(&self, tx: &Tx, ids: &dyn Ids, campaign: &Campaign, cause: &Cause) -> Result<(), DbError> {
        let Self { budget, pace, day, paused_at } = *self;
        let reached: Vec<Level> = budget.reached(pace.spent).collect();
        if reached.is_empty() {
            return Ok(());
        }
        // After a threshold all spend comes here: nothing is made that was told. The key of the row is what holds.
        let given = store::alerts_given(tx, budget, day).await?;
        for level in reached.into_iter().filter(|level| !given.contains(level)) {
            let id = AlertId::of(ids.uuid());
            let alert = Alarm {
                id: id.clone(),
                campaign,
                budget,
                pace,
                level,
                day,
                paused_at: paused_at.filter(|_| level == Level::Exhausted),
                recommended: recommended(level, budget, pace),
                at: cause.at,
            }
            .event();
            let data = serde_json::to_string(&alert).expect("what events hold is always JSON");
            let partner = &campaign.parts().partner;
            if store::insert_alert(tx, &id, budget, level, day, partner, &data, cause.at).await? {
                events::of_alert(tx, ids, alert, cause).await?;
            }
        }
        Ok(())
    }
}
