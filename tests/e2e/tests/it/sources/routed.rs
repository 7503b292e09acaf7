//! Rules that send rows of others to topics of their own: those of a source's own configuration, as Debezium's event router
//! has them, and those of a topology file.

use std::fs;

use hexalpes_client::Message;
use hexalpes_e2e::Product;
use hexalpes_engines::log_databases;
use serde_json::json;

use super::table::{Table, at_least, ids, json_of};
use crate::command::create_source;

/// Its topic has a group of the rule, so that each table has topics of its own there.
fn topology(tables: &[Table]) -> String {
    let rule = |table: &Table| {
        format!(
            r#"
[routes.{source}]
source = "{source}"
field = "pedido"
regex = 'p-([01])'
topic = "acme/sales/{source}-$1"
key = "clave"
headers = {{ total = "importe" }}
content = "change"
"#,
            source = table.source
        )
    };
    tables.iter().map(rule).collect()
}

/// Accepts C-21.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_others_go_where_their_router_and_a_topology_file_send_them() {
    let tables: Vec<Table> =
        log_databases().into_iter().map(|database| Table::make(database, "routed")).collect();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("routes.toml");
    fs::write(&file, topology(&tables)).expect("it can be written");
    let product = Product::start_set(vec![("HEXALPES_TOPOLOGY_FILE", file.display().to_string())]);
    for table in &tables {
        let mut config = table.config();
        let configs = config["configs"].as_object_mut().expect("it has some");
        configs.retain(|key, _| !key.starts_with("hexalpes.column"));
        for (key, value) in [
            ("type", "io.debezium.transforms.outbox.EventRouter"),
            ("table.field.event.id", "clave"),
            ("table.field.event.key", "pedido"),
            ("table.field.event.type", "suceso"),
            ("table.field.event.payload", "cuerpo"),
            ("table.fields.additional.placement", "suceso:header:eventType,importe:header"),
            ("route.by.field", "suceso"),
            ("route.topic.regex", r"tienda\.Pedido(?<hecho>.*)"),
            ("route.topic.replacement", &format!("{}.${{hecho}}", table.source)),
        ] {
            configs.insert(format!("transforms.outbox.{key}"), json!(value));
        }
        configs.insert("transforms".to_owned(), json!("outbox"));

        // Rows that were there, and rows of the log; each third is another event, and one fits no rule.
        let others = "update salida set suceso = 'tienda.PedidoEnviado' where n % 3 = 0";
        table.insert(0..6);
        table.run(others);
        create_source(&product, &config);
        table.at_the_log(&product);
        let values =
            |key: usize, kind: &str| format!("('k-{key}', 'p-{}', '{kind}', '{{\"n\":{key}}}')", key % 3);
        let rows =
            [values(6, "tienda.PedidoPagado"), values(7, "otra.Cosa"), values(8, "tienda.PedidoEnviado")];
        table.run(&format!("insert into salida (clave, pedido, suceso, cuerpo) values {}", rows.join(", ")));
        // When the row is written, it is on all of its topics.
        table.written(&product, 9);
        compare(&product, table).await;
        table.order(&product, &["delete", "--forget"]);
    }
}

async fn compare(product: &Product, table: &Table) {
    let service = &product.urls().service;
    let own = |name: &str| format!("persistent://public/default/{}.{name}", table.source);
    for (name, keys) in [("Pagado", &[0, 1, 3, 4, 6][..]), ("Enviado", &[2, 5, 8])] {
        let routed = at_least(service, &own(name), keys.len()).await;
        let found: Vec<_> = routed.iter().map(as_routed).collect();
        let expected: Vec<_> = keys
            .iter()
            .map(|key| {
                let [id, aggregate, kind] =
                    [format!("k-{key}"), format!("p-{}", key % 3), format!("tienda.Pedido{name}")];
                (id, aggregate, kind, "1.50".to_owned(), format!("{{\"n\":{key}}}"))
            })
            .collect();
        assert_eq!(found, expected, "{}", table.engine());
    }
    // By the topology: the change, under another key, of some orders alone.
    for order in 0..2 {
        let topic = format!("persistent://acme/sales/{}-{order}", table.source);
        let changes = at_least(service, &topic, 3).await;
        let expected = [order, order + 3, order + 6].map(|key| format!("k-{key}"));
        assert_eq!(ids(&changes), expected, "{}", table.engine());
        for (change, id) in changes.iter().zip(&expected) {
            assert_eq!((change.key.as_ref(), change.property("total")), (Some(id), Some("1.50")));
            assert_eq!(json_of(change)["after"]["clave"], *id);
        }
    }
    // All are where they are without a rule, too.
    let all: Vec<String> = (0..9).map(|key| format!("k-{key}")).collect();
    for topic in [table.events(), table.raw()] {
        assert_eq!(ids(&at_least(service, &topic, 9).await), all, "{topic}");
    }
}

/// What a message of the event router has: id, key, both headers, and the payload as it is in its column.
fn as_routed(message: &Message) -> (String, String, String, String, String) {
    let header = |name: &str| message.property(name).unwrap_or_default().to_owned();
    let payload = String::from_utf8_lossy(&message.payload).into_owned();
    let key = message.key.clone().unwrap_or_default();
    (header("id"), key, header("eventType"), header("importe"), payload)
}
