//! By which rules rows go to topics of their own, kept in the database that they come from.
//!
//! A row that is sent again must go where it went, or it is on two topics. So new rules count for rows that did not
//! exist before, and what a row that may be on its way went by is written down here.

use std::{borrow::Cow, sync::Arc};

use hexalpes_db::{Db, DbError, Tx};
use hexalpes_routing::{Fields, Rule, RuleSpec};
use sea_query::{Expr, ExprTrait as _, Query};
use tracing::info;

use crate::{
    checkpoint::{self, Claim, SOURCE},
    relay::RelayError,
    row::OutboxRow,
};

/// Rows after `since` go by `now`, those up to it by `before`.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    before: Arc<[Rule]>,
    now: Arc<[Rule]>,
    since: i64,
    /// Others are wanted, and wait until rows up to `since` are there.
    is_waiting: bool,
}

impl Rules {
    /// Those that are wanted, written down if they are others than before, or count for rows that were not before. No row
    /// after `newest` has been sent, and all up to `confirmed` have their receipts. One change at a time: while rows from
    /// before the last one may be on their way, this one waits.
    pub(crate) async fn load(
        db: &Db,
        claim: &Claim,
        wanted: &Arc<[Rule]>,
        confirmed: i64,
        newest: i64,
    ) -> Result<Self, RelayError> {
        let known = Self::read(db).await?;
        let is_known = known.is_some();
        let mut known =
            known.unwrap_or(Self { before: [].into(), now: [].into(), since: 0, is_waiting: false });
        if known.are_late(newest) {
            known.since = newest;
            known.note(db, claim, is_known).await?;
        }
        if specs(&known.now) == specs(wanted) {
            return Ok(known);
        }
        if confirmed < known.since {
            return Ok(Self { is_waiting: true, ..known });
        }
        // A row that went by no rule is not on two topics when it goes by one.
        let since = if known.now.is_empty() { 0 } else { newest };
        let changed = Self { before: known.now, now: Arc::clone(wanted), since, is_waiting: false };
        changed.note(db, claim, is_known).await?;
        info!(rules = wanted.len(), since, "rows go by other rules");
        Ok(changed)
    }

    /// Whether those that are wanted count from the next session on.
    pub(crate) fn may_change(&self, ordinal: i64) -> bool {
        self.is_waiting && ordinal >= self.since
    }

    /// Whether rows behind the last that was sent go by those of before.
    pub(crate) fn are_late(&self, sent: i64) -> bool {
        self.since > sent
    }

    /// Whether no row goes by one.
    pub(crate) fn are_none(&self) -> bool {
        self.before.is_empty() && self.now.is_empty()
    }

    /// Those that a row goes by.
    pub(crate) fn of(&self, seq: i64) -> Arc<[Rule]> {
        Arc::clone(if seq > self.since { &self.now } else { &self.before })
    }

    async fn read(db: &Db) -> Result<Option<Self>, RelayError> {
        let read = Query::select()
            .columns(["rules_before", "rules", "since"])
            .from("relay_rules")
            .and_where(Expr::col("source").eq(SOURCE))
            .to_owned();
        let row = db.read(async move |tx: &Tx| tx.fetch_optional(&read).await).await?;
        let Some(row) = row else { return Ok(None) };
        let rules = |column: &'static str| -> Result<Arc<[Rule]>, RelayError> {
            let text: String = row.get(column)?;
            let damaged = || DbError::Damaged(format!("relay_rules.{column} cannot be read"));
            let specs: Vec<RuleSpec> = serde_json::from_str(&text).map_err(|_| damaged())?;
            let rules: Result<Vec<Rule>, _> = specs.into_iter().map(Rule::new).collect();
            Ok(rules.map_err(|_| damaged())?.into())
        };
        let (before, now) = (rules("rules_before")?, rules("rules")?);
        Ok(Some(Self { before, now, since: row.get("since")?, is_waiting: false }))
    }

    async fn note(&self, db: &Db, claim: &Claim, is_known: bool) -> Result<(), RelayError> {
        let text = |rules: &Arc<[Rule]>| serde_json::to_string(&specs(rules)).expect("rules are plain texts");
        let values: [(&str, Expr); 3] = [
            ("rules_before", text(&self.before).into()),
            ("rules", text(&self.now).into()),
            ("since", self.since.into()),
        ];
        let insert = Query::insert()
            .into_table("relay_rules")
            .columns(["source"].into_iter().chain(values.iter().map(|(name, _)| *name)))
            .values_panic([SOURCE.into()].into_iter().chain(values.iter().map(|(_, value)| value.clone())))
            .to_owned();
        let update = Query::update()
            .table("relay_rules")
            .values(values)
            .and_where(Expr::col("source").eq(SOURCE))
            .to_owned();
        checkpoint::note(db, claim, is_known, insert, update).await
    }
}

fn specs(rules: &[Rule]) -> Vec<&RuleSpec> {
    rules.iter().map(Rule::spec).collect()
}

/// With the names that the topology file has for them; rows of others have their columns too.
impl Fields for OutboxRow {
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some(value) = self.foreign.as_ref().and_then(|foreign| foreign.column(name)) {
            return Some(value);
        }
        Some(match name {
            "id" => Cow::Borrowed(&self.id),
            "aggregatetype" => Cow::Borrowed(&self.aggregatetype),
            "aggregateid" => Cow::Borrowed(&self.aggregateid),
            "type" => Cow::Borrowed(&self.kind),
            "payload" => Cow::Borrowed(self.payload.get()),
            "correlationid" => Cow::Borrowed(self.headers.correlationid.as_str()),
            "causationid" => Cow::Borrowed(self.headers.causationid.as_str()),
            "occurred_at" => Cow::Owned(self.occurred_at.to_string()),
            _ => return None,
        })
    }
}
