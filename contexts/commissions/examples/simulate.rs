//! How long it takes to try a draft on a million recorded conversions, on SQLite:
//! `cargo run --release -p hexalpes-commissions --example simulate`.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use hexalpes_commissions::commands::{self, DraftRule, Simulate};
use hexalpes_commissions::domain::{
    Band, Basis, Conditions, Earns, Formula, Mode, Period, Program, RuleId, RuleTerms, Tiers,
};
use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_kernel::{
    Actor, Amount, CausationId, Cause, CorrelationId, Currency, Edge, FixedEdge, Rate, Timestamp,
};
use sea_query::Query;

const CONVERSIONS: i64 = 1_000_000;
const AFFILIATES: i64 = 2_000;
const CAMPAIGNS: i64 = 10;
const IN_ONE_STATEMENT: i64 = 500;
const IN_ONE_TRANSACTION: i64 = 20_000;
const SECOND: i64 = 1_000_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("commissions.db").display());
    let db = Db::open(&DatabaseUrl::parse(&url)?, DbOptions::default()).await?;
    db.migrate(hexalpes_outbox::MIGRATIONS).await?;
    db.migrate(hexalpes_commissions::MIGRATIONS).await?;
    let beginning = Timestamp::parse("2025-01-01T00:00:00Z")?;
    let edge: Arc<dyn Edge> = Arc::new(FixedEdge::at(beginning));

    let started = Instant::now();
    for first in (0..CONVERSIONS).step_by(usize::try_from(IN_ONE_TRANSACTION)?) {
        db.write(async move |tx: &Tx| record(tx, first, beginning).await).await?;
    }
    println!("recorded {CONVERSIONS} conversions in {:.1?}", started.elapsed());

    let percent = |percent| Rate::from_percent(Amount::new(percent, 0));
    let band = |from, rate| Ok::<_, Box<dyn Error>>(Band { from, earns: Earns::Rate(percent(rate)?) });
    let bands = vec![band(0, 5)?, band(100_000, 8)?, band(1_000_000, 12)?];
    let tiers = Tiers::new(Basis::Amount, Mode::Marginal, Period::Month, bands)?;
    let drafts = [
        ("a percentage for one campaign", Formula::Percentage(percent(12)?), Some("cmp-1")),
        ("tiers by amount in a month", Formula::Tiered(tiers), None),
    ];
    for (name, formula, campaign) in drafts {
        let campaign = campaign.map(hexalpes_commissions::domain::CampaignId::parse).transpose()?;
        let conditions = Conditions { campaign, ..Conditions::default() };
        let terms = RuleTerms { conditions, currency: Some(Currency::USD), ..RuleTerms::plain(formula) };
        let rule = RuleId::new(edge.uuid());
        let program = Program::default().id();
        let draft = DraftRule { id: rule.clone(), program: program.clone(), name: name.to_owned(), terms };
        let cause = cause(&*edge);
        db.write(async move |tx: &Tx| commands::draft_rule(tx, draft.clone(), &program, &cause).await)
            .await?;

        let started = Instant::now();
        let until = Timestamp::parse("2030-01-01T00:00:00Z")?;
        let wanted = Simulate { rule, version: None, from: beginning, until };
        let simulated = commands::simulate(&db, wanted).await?;
        let outcome = simulated.outcome;
        println!(
            "{name}: {} conversions, {} by the rule, {} affiliates, in {:.2?}",
            outcome.conversions,
            outcome.matched,
            outcome.affiliates.len(),
            started.elapsed()
        );
    }
    db.close().await;
    Ok(())
}

fn cause(edge: &dyn Edge) -> Cause {
    Cause {
        correlation: CorrelationId::new(edge.uuid()),
        causation: CausationId::of_command(edge.uuid()),
        actor: Actor::anonymous(),
        at: edge.now(),
    }
}

/// What was calculated of a row of conversions, as the context keeps it.
async fn record(tx: &Tx, first: i64, beginning: Timestamp) -> Result<(), DbError> {
    for start in (first..first + IN_ONE_TRANSACTION).step_by(500) {
        let mut insert = Query::insert()
            .into_table("rated_conversion")
            .columns([
                "tenant",
                "conversion_id",
                "commission_id",
                "program_id",
                "affiliate_id",
                "affiliate_type",
                "campaign_id",
                "kind",
                "currency",
                "gross_minor",
                "commission_minor",
                "occurred_at",
                "source",
                "fallback_percent",
                "fallback_source",
                "program_version",
            ])
            .to_owned();
        for number in start..start + IN_ONE_STATEMENT {
            let gross = 1_000 + number * 7_919 % 50_000;
            insert.values_panic([
                "default".into(),
                format!("conv_{number:032}").into(),
                format!("com_{number:032}").into(),
                "default".into(),
                format!("af_{:032}", number * 31 % AFFILIATES).into(),
                "premium".into(),
                format!("cmp-{}", number % CAMPAIGNS).into(),
                "sale".into(),
                "USD".into(),
                gross.into(),
                (gross / 10).into(),
                (beginning.as_micros() + number * 20 * SECOND).into(),
                0_i64.into(),
                "10".into(),
                0_i64.into(),
                1_i64.into(),
            ]);
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}
