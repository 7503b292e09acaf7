//! Outboxes that others write.

use serde_json::{Value, json};
use url::Url;

/// Has a table of a server's database, `schema.table`, read by a source, as `pulsar-admin sources create` takes it: the archive is
/// of Debezium's connectors, for `MySQL` too that of `MariaDB`, and the events go to that topic.
pub fn source_config(database: &str, name: &str, table: &str, events: &str) -> Value {
    let url = Url::parse(database).expect("a test database has an address");
    let connector = if url.scheme().starts_with("postgres") { "postgres" } else { "mariadb" };
    json!({
        "archive": format!("builtin://debezium-{connector}"), "tenant": "public", "namespace": "default",
        "name": name, "topicName": events, "parallelism": 1,
        "configs": {
            "database.hostname": url.host_str(), "database.port": url.port().map(|port| port.to_string()),
            "database.user": url.username(), "database.password": url.password(),
            "database.dbname": url.path().trim_start_matches('/'), "database.server.name": name,
            "database.ssl.mode": "disabled", "table.include.list": table,
        },
    })
}
