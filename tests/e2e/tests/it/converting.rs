//! kill −9 of everything at drawn points, while customers buy: each conversion that was accepted has exactly one
//! commission in the end, and the contexts agree.

use std::collections::BTreeSet;
use std::sync::Arc;

use hexalpes_db::{DatabaseUrl, Db, DbError, DbOptions, Tx};
use hexalpes_e2e::{Api, Dice, PATIENCE, Product, rounds};
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::reconcile::Said;

const KILLS: usize = 8;
const CLIENTS: usize = 12;
const SALES_EACH: usize = 15;
/// Looks at a product that starts, at most; each takes some milliseconds.
const LOOKS: usize = 12;
const PAGE: usize = 200;

/// What is known of all that was sent.
#[derive(Default)]
struct Sent {
    accepted: BTreeSet<String>,
    /// So many answers were not seen.
    cut_off: usize,
}

/// Customers who buy at once, each one thing after the other until an answer does not come.
struct Customers {
    buying: JoinSet<(Vec<String>, bool)>,
    answers: Arc<watch::Sender<usize>>,
}

impl Customers {
    fn buy(api: &Api, affiliate: &str, round: usize) -> Self {
        let answers = Arc::new(watch::Sender::new(0));
        let buying = (0..CLIENTS)
            .map(|client| {
                let (api, answers) = (api.clone(), Arc::clone(&answers));
                let affiliate = affiliate.to_owned();
                async move {
                    let mut accepted = Vec::new();
                    for number in 0..SALES_EACH {
                        let sale = json!({
                            "afiliado_id": affiliate, "valor_conversion": 10 + number, "tipo_conversion": "venta",
                            "moneda": "USD", "referencia_externa": format!("order-{round}-{client}-{number}"),
                        });
                        let Some((status, sale)) = api.try_post("/api/v1/conversiones", &sale).await else {
                            return (accepted, true);
                        };
                        assert_eq!(status, 201, "{sale}");
                        accepted.push(sale["id"].as_str().unwrap().to_owned());
                        answers.send_modify(|answers| *answers += 1);
                    }
                    (accepted, false)
                }
            })
            .collect();
        Self { buying, answers }
    }

    /// Returns when all together saw so many answers, or somebody gave up.
    async fn answered(&self, count: usize) {
        let mut answers = self.answers.subscribe();
        let _ = timeout(PATIENCE, answers.wait_for(|answers| *answers >= count)).await;
    }

    async fn finish(mut self, sent: &mut Sent) {
        while let Some(known) = self.buying.join_next().await {
            let (accepted, is_cut_off) = known.unwrap();
            sent.accepted.extend(accepted);
            sent.cut_off += usize::from(is_cut_off);
        }
    }
}

/// The conversions of all commissions that there are.
async fn with_commission(product: &Product) -> Vec<String> {
    let api = product.api_at("--marketing-port");
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/comisiones?limit={PAGE}&sort=created_at{cursor}");
        let (status, page) = api.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|one| one["conversion_id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// What is wrong: accepted conversions without a commission, and conversions that have two.
async fn wrong(product: &Product, sent: &Sent) -> Vec<String> {
    let found = with_commission(product).await;
    let each: BTreeSet<&String> = found.iter().collect();
    let mut wrong: Vec<String> = sent
        .accepted
        .iter()
        .filter(|id| !each.contains(id))
        .map(|id| format!("{id} has no commission"))
        .collect();
    if each.len() != found.len() {
        wrong.push(format!("{} conversions have {} commissions", each.len(), found.len()));
    }
    wrong
}

/// Accepts S4-BEH-1, S4-BEH-6.
#[tokio::test(flavor = "multi_thread")]
async fn each_conversion_that_was_accepted_has_one_commission_however_often_everything_is_killed() {
    let (mut dice, mut sent) = (Dice::new(), Sent::default());
    let mut product = Product::start();
    let conversions = product.api_at("--conversions-port");
    let affiliate = json!({
        "nombre": "Ana", "email": "ana@email.com", "tipo_afiliado": "premium",
        "configuracion_comisiones": { "comision_base": 15.0, "comision_premium": 20.0 },
    });
    let (status, affiliate) = product.api_at("--affiliates-port").post("/api/v1/afiliados", &affiliate).await;
    assert_eq!(status, 201, "{affiliate}");
    let affiliate = affiliate["id"].as_str().unwrap();
    // An affiliate that conversions have not heard of yet is waited for.
    let first = Customers::buy(&conversions, affiliate, usize::MAX);
    first.finish(&mut sent).await;
    assert_eq!(sent.cut_off, 0);
    for round in 0..rounds(KILLS) {
        let customers = Customers::buy(&conversions, affiliate, round);
        customers.answered(dice.roll(CLIENTS * SALES_EACH)).await;
        product.kill();
        customers.finish(&mut sent).await;
        // Now and then recovery is killed as well.
        if dice.roll(3) == 0 {
            product.start_and_kill_at_once(dice.roll(LOOKS));
        }
        product.restart();
    }
    assert!(sent.cut_off > 0, "no conversion was cut off: the test shows nothing");
    let said = Said::by(&product, "60");
    assert!(said.agrees(), "{}", product.log());
    assert_eq!(wrong(&product, &sent).await, Vec::<String>::new());

    // It would be seen: one commission is lost, behind the product's back.
    let lost = sent.accepted.first().unwrap().clone();
    let db = DatabaseUrl::file(product.data().join("commissions.db"));
    let db = Db::open(&db, DbOptions::default()).await.unwrap();
    let delete = Query::delete()
        .from_table("commission")
        .and_where(Expr::col("conversion_id").eq(lost.as_str()))
        .to_owned();
    let deleted = db.write(async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&delete).await }).await;
    assert_eq!(deleted.unwrap(), 1);
    assert_eq!(wrong(&product, &sent).await, [format!("{lost} has no commission")]);
    assert!(!Said::by(&product, "0").differing().is_empty());
}
