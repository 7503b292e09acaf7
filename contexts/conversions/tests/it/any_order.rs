//! What the affiliates context tells leads to the same knowledge, however often and in whatever order it comes.

use std::collections::BTreeMap;

use hexalpes_conversions::commands::{Told, learn};
use hexalpes_conversions::domain::{AffiliateId, KnownAffiliate, KnownProgram, Model, ProgramId};
use hexalpes_db::{DbError, Row, Tx};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prelude::*, strategy::ValueTree as _};
use sea_query::{Asterisk, Expr, ExprTrait as _, Order, Query};

use crate::support::{TestApp, a_program, an_affiliate, on_each_database};

const CASES: u32 = 200;

/// One of the first revisions of a program or of one of its affiliates, and how it is then.
#[derive(Clone, Debug)]
struct Tale {
    of_program: bool,
    which: u8,
    revision: u32,
}

fn tales() -> impl Strategy<Value = Vec<Tale>> {
    let tale = (any::<bool>(), 0_u8..3, 1_u32..5).prop_map(|(of_program, which, revision)| Tale {
        of_program,
        which,
        revision,
    });
    prop::collection::vec(tale, 1..12)
}

impl Tale {
    /// The revision says everything else: two that tell the same revision tell the same.
    fn told(&self, case: u32) -> Told {
        let is_active = !self.revision.is_multiple_of(3);
        if self.of_program {
            let id = ProgramId::parse(&format!("p{}-{case}", self.which)).unwrap();
            let model = if self.revision.is_multiple_of(2) { Model::FirstClick } else { Model::LastClick };
            Told::Program(KnownProgram { id, revision: self.revision, is_active, ..a_program("x", model) })
        } else {
            let id = AffiliateId::parse(&format!("a{}-{case}", self.which)).unwrap();
            let known = an_affiliate("x", "default");
            Told::Affiliate(KnownAffiliate { id, revision: self.revision, is_active, ..known })
        }
    }
}

async fn learned(app: &TestApp, case: u32, tales: &[Tale]) -> Vec<String> {
    let told: Vec<Told> = tales.iter().map(|tale| tale.told(case)).collect();
    app.db
        .write(async move |tx: &Tx| -> Result<(), DbError> {
            for told in &told {
                learn(tx, told.clone()).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let mut known = Vec::new();
    for (table, extra) in [("known_program", "model"), ("known_affiliate", "code")] {
        let select = Query::select()
            .column(Asterisk)
            .from(table)
            .and_where(Expr::col("id").like(format!("%-{case}")))
            .order_by("id", Order::Asc)
            .to_owned();
        let read = async move |tx: &Tx| -> Result<Vec<Row>, DbError> { tx.fetch_all(&select).await };
        for row in app.db.read(read).await.unwrap() {
            let text = |column| row.get::<String>(column).unwrap();
            let id = text("id").replace(&format!("-{case}"), "");
            let (revision, active) =
                (row.get::<u32>("revision").unwrap(), row.get::<bool>("is_active").unwrap());
            known.push(format!("{table} {id} {revision} {active} {}", text(extra)));
        }
    }
    known
}

/// Accepts S2-PRP-2.
#[tokio::test(flavor = "multi_thread")]
async fn knowledge_does_not_depend_on_order_or_repetition() {
    on_each_database(async |app| {
        let mut runner = TestRunner::new(Config::default());
        for case in 0..CASES {
            let tales = tales().new_tree(&mut runner).unwrap().current();
            // The newest of each, told once, is all there is to know.
            let mut newest: BTreeMap<(bool, u8), Tale> = BTreeMap::new();
            for tale in &tales {
                let known = newest.entry((tale.of_program, tale.which)).or_insert_with(|| tale.clone());
                if tale.revision > known.revision {
                    *known = tale.clone();
                }
            }
            let newest: Vec<Tale> = newest.into_values().collect();
            let mut turned = tales.clone();
            turned.reverse();
            turned.extend(tales.clone());
            let expected = learned(&app, 3 * case, &newest).await;
            assert_eq!(learned(&app, 3 * case + 1, &tales).await, expected, "{tales:?}");
            assert_eq!(learned(&app, 3 * case + 2, &turned).await, expected, "{turned:?}");
        }
    })
    .await;
}
