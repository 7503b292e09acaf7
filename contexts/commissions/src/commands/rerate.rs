//! Rates a period anew, because a rule was wrong: first as a draft, in which nothing is booked, then in the books.

use std::collections::HashMap;

use hexalpes_db::{Db, DbError, Keyset, Tx};
use hexalpes_kernel::{Cause, Ids, Money, MoneyError, Timestamp};
use serde_json::value::RawValue;

use super::book::book;
use super::simulate::on_trial;
use crate::domain::{
    AffiliateId, Bucket, CampaignId, Commission, CommissionId, ConversionId, Explanation, Fact, Formula,
    InForce, Offer, PartnerContract, ProgramId, RateSource, Rating, Recorded, Rerated, ReratingId, Rule,
    RuleChangeError, RuleError, RuleId, Slots, Standing, Trial, Tried, Why, derive,
};
use crate::store::rated::{self, RatedBy, RatedRow};
use crate::store::reratings::{self, Applied, Line, LineFilter, Outcome, Rerating};
use crate::store::{self, Kept, contracts, known, rules};
use crate::views;

/// So many conversions are read at once.
const PAGE: u64 = 2_000;
/// Lines of one re-rating: it is applied in one transaction.
const LINES_MAX: usize = 5_000;

/// What is to be rated anew, and by what.
#[derive(Clone, Debug)]
pub struct Selection {
    pub program: ProgramId,
    /// When customers did it: from, and before.
    pub from: Timestamp,
    pub until: Timestamp,
    pub affiliate: Option<AffiliateId>,
    pub campaign: Option<CampaignId>,
    /// This rule beside the others, in this version or its newest; else the rules as they stand.
    pub rule: Option<(RuleId, Option<u32>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReratingError {
    #[error("there is no re-rating {0}")]
    NotFound(ReratingId),
    #[error("there is no program {0}")]
    NoProgram(ProgramId),
    #[error("there is no rule {0}")]
    NoRule(RuleId),
    #[error("the rule {rule} is of the program {program}")]
    OtherProgram { rule: RuleId, program: ProgramId },
    #[error(transparent)]
    Refused(#[from] RuleChangeError),
    #[error(
        "more than {LINES_MAX} conversions would change: choose a shorter period, an affiliate or a campaign"
    )]
    TooMany,
    #[error("{0}: draft the re-rating again")]
    Stale(Stale),
    #[error("a sum {0}")]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What has changed since a re-rating was drafted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    #[error("other rules count since it was drafted")]
    Rules,
    #[error("contracts with partners count, or end, that did not when it was drafted")]
    Contracts,
    #[error("conversions have come that its tiers count")]
    Conversions,
    #[error("the commission of conversion {0} has changed since it was drafted")]
    Commission(ConversionId),
}

impl From<RuleError> for ReratingError {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::Money(error) => Self::Money(error),
            RuleError::NotPositive => Self::Database(DbError::column("gross_minor", "it is not positive")),
        }
    }
}

/// A re-rating that is not kept yet.
#[derive(Clone, Debug)]
pub struct Drafted {
    rerating: Rerating,
    lines: Vec<Line>,
}

/// Works out what a period would owe. Nothing is written. `built_in` is the program that nobody has to tell of.
pub async fn try_rerating(
    db: &Db,
    id: ReratingId,
    selection: Selection,
    reason: String,
    built_in: &ProgramId,
    cause: &Cause,
) -> Result<Drafted, ReratingError> {
    let Selection { program, from, until, affiliate, campaign, rule } = selection;
    let why = Why { rerating: id.clone(), reason: reason.clone() };
    let is_known = program == *built_in;
    let (of, named, whose) = (program.clone(), rule.clone(), affiliate.clone());
    let (named, mut trial) = db
        .read(async move |tx: &Tx| -> Result<_, ReratingError> {
            if !is_known && known::program(tx, &of, None).await?.is_none() {
                return Err(ReratingError::NoProgram(of.clone()));
            }
            let (named, rules) = rules_on_trial(tx, &of, named.as_ref()).await?;
            let contracts = contracts::of(tx, whose.as_ref()).await?;
            Ok((named, Trial::new(rules).beside(contracts)))
        })
        .await?;
    let looked_from = trial.start(from);
    let counts = trial.counts();
    let mut looked = None;
    if counts {
        let (of, whose) = (program.clone(), affiliate.clone());
        let count = async move |tx: &Tx| rated::count(tx, &of, whose.as_ref(), (looked_from, until)).await;
        looked = Some(db.read(count).await?);
    }
    let (mut lines, mut conversions, mut after) = (Vec::new(), 0, None);
    loop {
        let (of, whose, next) = (program.clone(), affiliate.clone(), after.take());
        let read = async move |tx: &Tx| {
            let period = (looked_from, until);
            rated::page_with_rules(tx, &of, whose.as_ref(), period, next.clone(), PAGE).await
        };
        let page: Vec<(RatedRow, RatedBy)> = db.read(read).await?;
        let mut other = Vec::new();
        for (row, by) in &page {
            let recorded = &row.recorded;
            let tried = trial.owes(recorded)?;
            // What was sold before counts for tiers alone.
            let is_chosen = recorded.facts.occurred_at >= from
                && campaign.as_ref().is_none_or(|campaign| recorded.campaign.as_ref() == Some(campaign));
            conversions += i64::from(is_chosen);
            if is_chosen && is_other(&trial, recorded, by, &tried) {
                other.push(changed(&trial, &program, row, by, tried)?);
            }
        }
        if lines.len() + other.len() > LINES_MAX {
            return Err(ReratingError::TooMany);
        }
        let at = cause.at;
        let (why, first) = (why.clone(), lines.len());
        let plan = async move |tx: &Tx| planned(tx, other.clone(), first, &why, at).await;
        lines.extend(db.read(plan).await?);
        match page.last() {
            Some((last, _)) if page.len() as u64 == PAGE => after = Some(last.position()),
            _ => break,
        }
    }
    let rerating = Rerating {
        id,
        program,
        from,
        until,
        affiliate,
        campaign,
        rule: named,
        reason,
        rules: names(trial.rules()),
        contracts: Some(terms_of(trial.contracts(), (looked_from, until))),
        looked_from,
        looked,
        conversions,
        created_at: cause.at,
        created_by: cause.actor.as_str().to_owned(),
        applied: None,
    };
    Ok(Drafted { rerating, lines })
}

/// Keeps a draft, for it to be looked at and applied.
pub(crate) async fn draft_rerating(tx: &Tx, drafted: Drafted) -> Result<Rerating, DbError> {
    reratings::insert(tx, &drafted.rerating, &drafted.lines).await?;
    Ok(drafted.rerating)
}

/// Books a draft, once, and only if the books would move as it says.
pub(crate) async fn apply_rerating(
    tx: &Tx,
    id: &ReratingId,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Rerating, ReratingError> {
    let found = reratings::load(tx, id).await?;
    let mut rerating = found.ok_or_else(|| ReratingError::NotFound(id.clone()))?;
    if rerating.applied.is_some() {
        return Ok(rerating);
    }
    let named = rerating.rule.clone().map(|(id, version)| (id, Some(version)));
    let (_, mut now) = rules_on_trial(tx, &rerating.program, named.as_ref()).await?;
    crate::domain::rank(&mut now);
    if names(&now) != rerating.rules {
        return Err(ReratingError::Stale(Stale::Rules));
    }
    if let Some(contracts) = &rerating.contracts {
        let now = contracts::of(tx, rerating.affiliate.as_ref()).await?;
        if terms_of(now.iter(), (rerating.looked_from, rerating.until)) != *contracts {
            return Err(ReratingError::Stale(Stale::Contracts));
        }
    }
    if let Some(looked) = rerating.looked {
        let (whose, period) = (rerating.affiliate.as_ref(), (rerating.looked_from, rerating.until));
        if rated::count(tx, &rerating.program, whose, period).await? != looked {
            return Err(ReratingError::Stale(Stale::Conversions));
        }
    }
    let applied = Applied { at: cause.at, by: cause.actor.as_str().to_owned() };
    if !reratings::applied(tx, id, &applied).await? {
        return Err(DbError::Conflict("the re-rating was applied a moment ago".to_owned()).into());
    }
    let why = Why { rerating: id.clone(), reason: rerating.reason.clone() };
    let all = Keyset { is_descending: false, after: None, limit: LINES_MAX as u64 };
    let mut formers = Formers::default();
    let lines = reratings::lines(tx, id, &LineFilter::default(), all).await?;
    let conversions: Vec<_> = lines.iter().map(|line| line.conversion.clone()).collect();
    let mut slots = slots_of(tx, &conversions).await?;
    for line in lines {
        let theirs = slots.remove(&line.conversion).ok_or(DbError::NoRow)?;
        let explained = Explained { rating: line.rating.clone(), explanation: line.explanation.clone() };
        let added = CommissionId::new(ids.uuid());
        let done = rerate(tx, theirs, &explained, &added, &why, ids, cause).await?;
        if (done.outcome, done.before, done.booked) != (line.outcome, line.before, line.booked) {
            return Err(ReratingError::Stale(Stale::Commission(line.conversion)));
        }
        if line.outcome == Outcome::Added {
            reratings::added(tx, id, line.number, &added).await?;
        }
        if !line.outcome.stays() {
            let place = (line.occurred_at, line.conversion.as_str());
            rated::rated_anew(tx, &rerating.program, place, &line.rating).await?;
            formers.recount(tx, &line).await?;
        }
    }
    rerating.applied = Some(applied);
    Ok(rerating)
}

/// What a conversion owes by the rules on trial, and why.
#[derive(Clone, Debug)]
pub(crate) struct Explained {
    pub(crate) rating: Rating,
    pub(crate) explanation: Box<RawValue>,
}

/// What became of a conversion's commissions, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    pub(crate) before: Money,
    /// The difference of what is left.
    pub(crate) booked: Money,
}

/// Rates one conversion's commissions anew, in the books. `added` is the id of a commission that it takes.
pub(crate) async fn rerate(
    tx: &Tx,
    mut slots: Slots,
    explained: &Explained,
    added: &CommissionId,
    why: &Why,
    ids: &dyn Ids,
    cause: &Cause,
) -> Result<Done, DbError> {
    let (done, facts) = plan(&mut slots, &explained.rating, added, why, cause.at);
    let is_changed = |id: &CommissionId| facts.iter().any(|fact| fact.commission() == id);
    for commission in slots.into_commissions().into_iter().filter(|one| is_changed(one.id())) {
        if commission.id() == added {
            let kept = Kept { commission, explanation: explained.explanation.clone() };
            if !store::insert(tx, &kept).await? {
                return Err(DbError::Conflict("the conversion was rated anew a moment ago".to_owned()));
            }
            // Refunds of before have shrunk it since it was made.
            store::save(tx, &kept.commission).await?;
        } else {
            store::save(tx, &commission).await?;
        }
    }
    book(tx, facts.into_iter().map(|fact| (ids.uuid(), fact)).collect(), cause).await?;
    Ok(done)
}

/// The commissions of conversions; of what has none, nothing.
pub(crate) async fn slots_of(
    tx: &Tx,
    conversions: &[ConversionId],
) -> Result<HashMap<ConversionId, Slots>, DbError> {
    let mut all: HashMap<ConversionId, Vec<Commission>> = HashMap::new();
    for kept in store::slots(tx, conversions).await? {
        all.entry(kept.commission.conversion().id.clone()).or_default().push(kept.commission);
    }
    Ok(all.into_iter().filter_map(|(id, commissions)| Some((id, Slots::of(commissions)?))).collect())
}

fn plan(
    slots: &mut Slots,
    rating: &Rating,
    added: &CommissionId,
    why: &Why,
    at: Timestamp,
) -> (Done, Vec<Fact>) {
    let (before, left) = (slots.owed(), slots.left().minor());
    let (outcome, facts) = match slots.rerate(rating, added, why, at) {
        Ok(facts) => (outcome(&facts), facts),
        Err(Standing::Same) => (Outcome::Counted, Vec::new()),
        Err(Standing::Refunded) => (Outcome::Refunded, Vec::new()),
        Err(Standing::Decided) => (Outcome::Decided, Vec::new()),
    };
    let booked = Money::from_minor(slots.left().minor() - left, before.currency());
    (Done { outcome, before, booked }, facts)
}

fn outcome(facts: &[Fact]) -> Outcome {
    let is_back = |fact: &Fact| matches!(fact, Fact::Rerated(Rerated { bucket: Bucket::Receivable, .. }));
    if facts.iter().any(|fact| matches!(fact, Fact::Calculated(_))) {
        Outcome::Added
    } else if facts.iter().any(is_back) {
        Outcome::OwedBack
    } else {
        Outcome::Adjusted
    }
}

/// The rules that count: those in force, or a named one beside them.
async fn rules_on_trial(
    tx: &Tx,
    program: &ProgramId,
    named: Option<&(RuleId, Option<u32>)>,
) -> Result<(Option<(RuleId, u32)>, Vec<InForce>), ReratingError> {
    let in_force = rules::in_force(tx, program).await?;
    let Some((id, version)) = named else { return Ok((None, in_force)) };
    let rule = rules::load(tx, id).await?.ok_or_else(|| ReratingError::NoRule(id.clone()))?;
    if rule.program != *program {
        return Err(ReratingError::OtherProgram { rule: id.clone(), program: rule.program });
    }
    let (number, rules) = on_trial(&rule, *version, in_force)?;
    Ok((Some((id.clone(), number)), rules))
}

/// Rules and their versions, in their order.
fn names(rules: &[InForce]) -> String {
    let names: Vec<(&str, u32)> = rules.iter().map(|rule| (rule.id.as_str(), rule.version)).collect();
    serde_json::to_string(&names).expect("texts and numbers are always JSON")
}

/// The contracts that hold in a period, and from and until when; an end after it changes nothing in it.
fn terms_of<'a>(
    contracts: impl Iterator<Item = &'a PartnerContract>,
    (from, until): (Timestamp, Timestamp),
) -> String {
    let holds = |contract: &&PartnerContract| {
        contract.terms.valid_from.is_none_or(|begins| begins < until)
            && contract.terms.valid_until.is_none_or(|ends| from < ends)
    };
    let mut held: Vec<_> = contracts
        .filter(holds)
        .map(|contract| {
            let ends = contract.terms.valid_until.filter(|ends| *ends < until);
            (contract.id.as_str(), contract.partner.as_str(), contract.terms.valid_from, ends)
        })
        .collect();
    held.sort_unstable();
    serde_json::to_string(&held).expect("texts and times are always JSON")
}

/// Whether the amount is another, or other tiers count it.
fn is_other(trial: &Trial, recorded: &Recorded, by: &RatedBy, tried: &Tried) -> bool {
    if recorded.is_asked || tried.amount != recorded.paid {
        return !recorded.is_asked;
    }
    let rule = tried.rule.map(|index| &trial.rules()[index]).or(tried.contract.as_ref());
    let is_same = rule.map(|rule| (&rule.id, rule.version)) == by.rule.as_ref().map(|(id, of)| (id, *of));
    !is_same && (tried.counted.is_some() || by.rule.is_some())
}

/// A conversion with what it owes by the rules on trial.
#[derive(Clone, Debug)]
struct Other {
    conversion: ConversionId,
    by: RatedBy,
    recorded: Recorded,
    period: Option<String>,
    explained: Explained,
}

fn changed(
    trial: &Trial,
    program: &ProgramId,
    row: &RatedRow,
    by: &RatedBy,
    tried: Tried,
) -> Result<Other, ReratingError> {
    let recorded = row.recorded.clone();
    let explanation = explain(trial, program, &recorded, by, &tried)?;
    let conversion =
        ConversionId::parse(&row.conversion).map_err(|_| DbError::column("conversion_id", "it is no id"))?;
    let explained =
        Explained { rating: Rating::of(&explanation), explanation: views::explanation(&explanation) };
    Ok(Other {
        conversion,
        by: by.clone(),
        recorded,
        period: tried.counted.map(|(period, _)| period),
        explained,
    })
}

/// Why it would owe that.
fn explain(
    trial: &Trial,
    program: &ProgramId,
    recorded: &Recorded,
    by: &RatedBy,
    tried: &Tried,
) -> Result<Explanation, RuleError> {
    let source = if by.is_fallback_affiliates { RateSource::Affiliate } else { RateSource::Program };
    let fallback =
        recorded.fallback.map(|rate| Offer { source, formula: Formula::Percentage(rate), rule: None });
    let ruled = trial.ruled(recorded, tried);
    let program = (program.as_str(), by.program_version);
    derive(recorded.gross, None, ruled.as_ref(), fallback.into_iter().collect(), program)
}

/// The lines that follow from what changes.
async fn planned(
    tx: &Tx,
    others: Vec<Other>,
    first: usize,
    why: &Why,
    at: Timestamp,
) -> Result<Vec<Line>, DbError> {
    let mut lines = Vec::with_capacity(others.len());
    let conversions: Vec<_> = others.iter().map(|other| other.conversion.clone()).collect();
    let mut all = slots_of(tx, &conversions).await?;
    for other in others {
        let Other { conversion, by, recorded, period, explained } = other;
        let mut slots = all.remove(&conversion).ok_or(DbError::NoRow)?;
        // The id that it gets is not known yet, and nothing depends on it.
        let added = by.commission.clone();
        let (Done { outcome, before, booked }, _) = plan(&mut slots, &explained.rating, &added, why, at);
        let number = i64::try_from(first + lines.len() + 1).map_err(|_| DbError::Range("a line"))?;
        lines.push(Line {
            number,
            conversion,
            commission: by.commission,
            added: None,
            affiliate: by.affiliate,
            occurred_at: recorded.facts.occurred_at,
            gross: recorded.gross,
            outcome,
            before,
            rating: explained.rating,
            booked,
            period,
            former_rule: by.rule,
            explanation: explained.explanation,
        });
    }
    Ok(lines)
}

/// Rules and contracts that conversions were rated by before, each read once.
#[derive(Debug, Default)]
struct Formers {
    rules: HashMap<RuleId, Option<Rule>>,
    contracts: HashMap<AffiliateId, Vec<PartnerContract>>,
}

impl Formers {
    /// What a conversion counted for, it counts for no longer; and for what it is rated by now.
    async fn recount(&mut self, tx: &Tx, line: &Line) -> Result<(), DbError> {
        let was = match &line.former_rule {
            Some((id, version)) => {
                let period = self.period(tx, id, *version, line.occurred_at).await?;
                let period = match period {
                    Some(period) => Some(period),
                    None => self.contract_period(tx, id, line).await?,
                };
                period.map(|period| (id.clone(), period))
            }
            None => None,
        };
        let is = match (line.rating.source, &line.period) {
            (RateSource::Rule | RateSource::Contract, Some(period)) => {
                let id = RuleId::parse(&line.rating.rule);
                let id = id.map_err(|_| DbError::column("rule", "it is no id"))?;
                Some((id, period.clone()))
            }
            _ => None,
        };
        if was == is {
            return Ok(());
        }
        if let Some((rule, period)) = was {
            rules::uncount(tx, &rule, &line.affiliate, &period, line.gross).await?;
        }
        if let Some((rule, period)) = is {
            rules::count(tx, &rule, &line.affiliate, &period, line.gross).await?;
        }
        Ok(())
    }

    /// The period that a version of a rule counted a moment in.
    async fn period(
        &mut self,
        tx: &Tx,
        id: &RuleId,
        version: u32,
        at: Timestamp,
    ) -> Result<Option<String>, DbError> {
        if !self.rules.contains_key(id) {
            self.rules.insert(id.clone(), rules::load(tx, id).await?);
        }
        let rule = self.rules.get(id).and_then(Option::as_ref);
        Ok(rule.and_then(|rule| rule.version(version)).and_then(|version| version.terms.period(at)))
    }

    /// The period that a partner's contract counted a conversion in.
    async fn contract_period(
        &mut self,
        tx: &Tx,
        id: &RuleId,
        line: &Line,
    ) -> Result<Option<String>, DbError> {
        if !self.contracts.contains_key(&line.affiliate) {
            let theirs = contracts::of_partner(tx, &line.affiliate).await?;
            self.contracts.insert(line.affiliate.clone(), theirs);
        }
        let contract = self.contracts.get(&line.affiliate).into_iter().flatten().find(|one| one.id == *id);
        Ok(contract.and_then(|contract| contract.terms.period(line.occurred_at)))
    }
}
