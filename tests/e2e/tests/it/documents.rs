//! What the documents of the APIs say is true: schemathesis asks what they allow, and what they do not; and what is
//! written for people names all that there is.

use std::{fs, process::Command};

use hexalpes_e2e::Product;
use serde_json::json;

use crate::CHECKOUT;

/// What may be refused although it looks right: an id of nothing, two fields that contradict each other. And what looks wrong may
/// be too large to be looked at.
const SETTINGS: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "303", "401", "403", "404", "409", "413", "422"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]

# Each item of a batch has an answer of its own, in a batch that is answered with 200.
[[operations]]
include-name-regex = '^POST .*(/lote|/batch|/results)$'
checks.negative_data_rejection.enabled = false

# It answers for as long as somebody listens.
[[operations]]
include-path = "/v1/inbox/{recipient}/events"
enabled = false
"#;

/// No answer is a failure of ours or one that the document does not tell of, what it forbids is refused, and what is
/// made can be found.
#[tokio::test(flavor = "multi_thread")]
async fn all_apis_answer_as_their_documents_say() {
    let Some(python) = hexalpes_engines::python() else { return };
    let product = Product::start();
    let affiliate = json!({ "nombre": "Ana", "email": "ana@email.com", "tipo_afiliado": "premium" });
    let (_, affiliate) = product.api_at("--affiliates-port").post("/api/v1/afiliados", &affiliate).await;
    let sale = json!({ "afiliado_id": affiliate["id"], "valor_conversion": 10, "tipo_conversion": "venta" });
    let (status, sale) = product.api_at("--conversions-port").post("/api/v1/conversiones", &sale).await;
    assert_eq!(status, 201, "{sale}");

    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("schemathesis.toml");
    fs::write(&settings, SETTINGS).unwrap();
    let flags = [
        "--partners-port",
        "--affiliates-port",
        "--conversions-port",
        "--marketing-port",
        "--commissions-port",
        "--campaigns-port",
        "--recruitment-port",
        "--analytics-port",
        "--notifications-port",
    ];
    let asked = flags.map(|flag| {
        let document = format!("http://127.0.0.1:{}/openapi.json", product.port_of(flag));
        let mut command = Command::new(&python);
        command.args(["-m", "schemathesis.cli", "--config-file"]).arg(&settings);
        command.args(["run", &document, "--max-examples", "4", "--workers", "1", "--no-color"]);
        // A clock that is slow because others build is no failure, and neither is what an earlier run remembers.
        command.args(["--suppress-health-check", "all", "--generation-database", "none"]);
        command.current_dir(folder.path());
        (flag, tokio::task::spawn_blocking(move || command.output().unwrap()))
    });
    for (flag, asked) in asked {
        let output = asked.await.unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{flag}: {told}\n{}", product.log());
    }
}

/// Accepts S4-FIL-5.
#[tokio::test]
async fn the_guide_names_every_path_of_every_api() {
    let guide = fs::read_to_string(format!("{CHECKOUT}/docs/ECOSYSTEM_DOCS.md")).unwrap();
    let product = Product::start();
    let mut missing = Vec::new();
    for flag in [
        "--partners-port",
        "--affiliates-port",
        "--conversions-port",
        "--marketing-port",
        "--commissions-port",
        "--campaigns-port",
        "--recruitment-port",
        "--analytics-port",
        "--notifications-port",
    ] {
        let (_, document) = product.api_at(flag).get("/openapi.json").await;
        let paths = document["paths"].as_object().unwrap().keys();
        missing.extend(paths.filter(|path| !guide.contains(&format!("{path}`"))).cloned());
    }
    assert_eq!(missing, Vec::<String>::new(), "docs/ECOSYSTEM_DOCS.md does not name them");
}

/// Accepts S4-FIL-5.
#[test]
fn the_context_map_says_where_every_event_flows() {
    let map = fs::read_to_string(format!("{CHECKOUT}/docs/CONTEXT_MAP.md")).unwrap();
    let mut missing = Vec::new();
    // A test of the contracts holds the schemas to the events.
    for context in fs::read_dir(format!("{CHECKOUT}/schemas")).unwrap() {
        for schema in fs::read_dir(context.unwrap().path()).unwrap() {
            let name = schema.unwrap().file_name().into_string().unwrap();
            let event = name.split('.').next().unwrap();
            if !map.contains(&format!("`{event}`")) {
                missing.push(name);
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "docs/CONTEXT_MAP.md does not name them");
}
