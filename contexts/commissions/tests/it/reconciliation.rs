//! What a reconciliation reads, on every database, in pages of one.

use hexalpes_commissions::reconciliation::{
    Booked, Owed, PaidItem, PayoutLine, booked, booked_of_nothing, owed_for, paid_items, payout_lines,
};
use hexalpes_db::{DbError, Tx};
use sea_query::{Expr, ExprTrait as _, Query};
use serde_json::{Value, json};

use crate::support::{TestApp, a_conversion, on_each_database};

async fn done(app: &TestApp, path: &str, body: &Value) -> Value {
    let (status, answer) = app.post(path, body.to_string()).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

/// A commission of a tenth of `gross`, and its id.
async fn calculated(app: &TestApp, conversion: &str, affiliate: &str, gross: i64) -> String {
    let mut body = a_conversion(conversion);
    body["grossAmount"] = json!(gross);
    body["affiliateId"] = json!(affiliate);
    let (_, calculated) = app.calculate(&body).await;
    calculated["commissionId"].as_str().unwrap().to_owned()
}

async fn all_booked(app: &TestApp) -> Vec<Booked> {
    let mut all: Vec<Booked> = Vec::new();
    loop {
        let after = all.last().map_or_else(String::new, |last| last.commission.clone());
        let Some(one) = booked(app.db(), &after, 1).await.unwrap().pop() else { return all };
        all.push(one);
    }
}

/// Accepts S4-BEH-2.
#[tokio::test(flavor = "multi_thread")]
async fn books_and_payouts_are_read_beside_what_they_must_come_to() {
    on_each_database(async |app| {
        let paid = calculated(&app, "conv-1", "aff-1", 100).await;
        let failed = calculated(&app, "conv-2", "aff-2", 200).await;
        let rejected = calculated(&app, "conv-3", "aff-3", 300).await;
        for id in [&paid, &failed] {
            app.approve(id).await;
        }
        done(&app, &format!("/api/v1/comisiones/{rejected}/rechazar"), &json!({ "motivo": "fraude" })).await;
        let payout = done(&app, "/v1/payouts", &json!({ "currency": "USD" })).await;
        let payout = payout["payoutId"].as_str().unwrap();
        let path = format!("/v1/payouts/{payout}");
        done(&app, &format!("{path}/send"), &json!({})).await;
        done(&app, &format!("{path}/settle"), &json!({ "lines": [1] })).await;
        done(&app, &format!("{path}/fail"), &json!({ "lines": [2], "reason": "cuenta cerrada" })).await;

        let owed = owed_for(app.db(), vec!["conv-1".to_owned(), "nobody".to_owned()]).await.unwrap();
        let expected =
            Owed { conversion: "conv-1".to_owned(), gross_minor: 10_000, currency: "USD".to_owned() };
        assert_eq!(owed, [expected]);

        let all = all_booked(&app).await;
        let of = |id: &str| all.iter().find(|one| one.commission == id).unwrap();
        let numbers = |id: &str| {
            let one = of(id);
            [one.amount_minor, one.accrued_minor, one.taken_back_minor, one.booked_back_minor]
        };
        assert_eq!(numbers(&paid), [1_000, 1_000, 0, 0]);
        assert_eq!(numbers(&failed), [2_000, 2_000, 0, 0]);
        assert_eq!(numbers(&rejected), [3_000; 4]);
        assert_eq!(all.iter().filter_map(|one| one.paid_with.as_deref()).collect::<Vec<_>>(), [payout]);
        assert_eq!((all.len(), of(&paid).paid_with.as_deref()), (3, Some(payout)));

        let line = |number, minor| PayoutLine {
            payout: payout.to_owned(),
            number,
            amount_minor: minor,
            items_minor: minor,
        };
        let first = payout_lines(app.db(), None, 1).await.unwrap();
        assert_eq!(first, [line(1, 1_000)]);
        assert_eq!(payout_lines(app.db(), first.last(), 9).await.unwrap(), [line(2, 2_000)]);
        let items = paid_items(app.db(), None, 9).await.unwrap();
        let item = PaidItem { payout: payout.to_owned(), number: 1, commission: paid.clone() };
        assert_eq!(items, [item]);
        assert_eq!(paid_items(app.db(), items.last(), 9).await.unwrap(), []);

        assert_eq!(booked_of_nothing(app.db(), 9).await.unwrap(), [""; 0]);
        let delete =
            Query::delete().from_table("commission").and_where(Expr::col("id").eq(&*paid)).to_owned();
        let delete = async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&delete).await };
        app.db().write(delete).await.unwrap();
        assert_eq!(booked_of_nothing(app.db(), 9).await.unwrap(), [paid]);
    })
    .await;
}
