use hexalpes_routing::Carries;
use serde_json::{Value, json};

use super::*;

/// Seed 3's `debezium-mysql-outbox.json`, to the letter.
const SEED: &str = include_str!("../../tests/debezium-mysql-outbox.json");

/// The seed's with other keys under `configs`; one that is null is taken out.
fn with(changes: &[(&str, Value)]) -> Result<SourceConfig, ConfigError> {
    let mut json: Value = serde_json::from_str(SEED).unwrap();
    for (key, value) in changes {
        json["configs"][key] = value.clone();
    }
    let config = SourceConfig::read(&json)?;
    config.check_host().map(|()| config)
}

/// Accepts S3-SRC-1, S3-SRCFG-1, S3-SRCFG-2, S3-SRCFG-3, S3-SRCFG-4, S3-SRCFG-5, S3-SRCFG-6, S3-SRCFG-7, S3-SRCFG-8,
/// S3-SRCFG-9, S3-SRCFG-10, S3-SRCFG-11, S3-SRCFG-12, S3-SRCFG-13, S3-SRCFG-14, S3-SRCFG-15, S3-SRCFG-16, S3-SRCFG-17,
/// S3-SRCFG-18, S3-SRCFG-19, S3-SRCFG-20, S3-SRCFG-21, S3-SRCFG-22, S3-SRCFG-23, S3-SRCFG-24, C-21.
#[test]
fn the_seeds_file_is_taken_as_it_is_and_both_topics_come_of_it() {
    let config = with(&[]).unwrap();
    assert_eq!(config.full_name(), "public/default/mysql-outbox-commissions");
    assert_eq!(config.url(), "mysql://alpes:alpes@mysql:3306/alpes?ssl-mode=DISABLED");
    assert_eq!((config.connector, config.server_id), (Connector::MySql, 223_344));
    assert_eq!(config.modes, Modes { decimal: DecimalMode::Double, ..Modes::default() });
    assert!(config.takes_what_is_there && config.rules.is_empty());
    let table = &config.table;
    assert_eq!((table.schema.as_str(), table.name.as_str()), ("alpes", "outbox_event"));
    assert_eq!(table.raw.to_string(), "persistent://public/default/alpes-mysql.alpes.outbox_event");
    assert_eq!(table.events.to_string(), "persistent://public/default/outbox-events");
    assert_eq!(
        config.notes,
        ["these keys have no effect: parallelism, database.allowPublicKeyRetrieval, database.history, \
          database.history.pulsar.service.url, database.history.pulsar.topic, include.schema.changes, \
          tombstones.on.delete"]
    );
    assert!(!format!("{config:?}").contains("alpes:alpes"));
}

#[test]
fn debeziums_event_router_names_the_columns_and_is_a_rule() {
    let router = [
        ("transforms", json!("outbox")),
        ("transforms.outbox.type", json!("io.debezium.transforms.outbox.EventRouter")),
        ("transforms.outbox.table.field.event.id", json!("clave")),
        ("transforms.outbox.table.field.event.key", json!("pedido")),
        ("transforms.outbox.table.field.event.timestamp", json!("cuando")),
        ("transforms.outbox.route.by.field", json!("tipo")),
        (
            "transforms.outbox.table.fields.additional.placement",
            json!("suceso:header:eventType, clave:header"),
        ),
        ("transforms.outbox.table.expand.json.payload", json!("true")),
        ("transforms.outbox.route.tombstone.on.empty.payload", json!("true")),
        ("hexalpes.column.type", json!("suceso")),
        ("hexalpes.snapshot.key", json!("seq")),
    ];
    let config = with(&router).unwrap();
    let mapping = Mapping {
        id: "clave".to_owned(),
        aggregate_id: "pedido".to_owned(),
        aggregate_type: crate::mapping::Column::named("tipo"),
        kind: crate::mapping::Column::named("suceso"),
        occurred_at: crate::mapping::Column::named("cuando"),
        ..Mapping::default()
    };
    assert_eq!((config.mapping, config.snapshot_key.as_deref()), (mapping, Some("seq")));
    let rule = RuleSpec {
        field: "tipo".to_owned(),
        regex: "(?<routedByValue>.*)".to_owned(),
        topic: "public/default/outbox.event.${routedByValue}".to_owned(),
        key: "pedido".to_owned(),
        headers: [("eventType", "suceso"), ("clave", "clave")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into(),
        content: Carries::Payload,
    };
    assert_eq!(config.rules, [rule]);
    // The seed's router is not in the list any more, so that what it says has no effect.
    assert_eq!(config.notes.len(), 2);
    assert!(config.notes[1].contains("transforms.route.regex"), "{:?}", config.notes);
    assert!(
        config.notes[1].contains("transforms.outbox.route.tombstone.on.empty.payload"),
        "{:?}",
        config.notes
    );
    assert!(!config.notes[1].contains("expand.json.payload"), "{:?}", config.notes);
}

#[test]
fn a_router_makes_the_topic_of_events_of_the_tables_name() {
    let router = |regex: &str| {
        let keys = [
            ("table.include.list", json!("alpes\\.outbox_event")),
            ("transforms.route.regex", json!(regex)),
            ("transforms.route.replacement", json!("acme/sales/$2-$3")),
        ];
        with(&keys).unwrap().table.events.to_string()
    };
    assert_eq!(router(r"([^.]+)\.([^.]+)\.out(.*)"), "persistent://acme/sales/alpes-box_event");
    // What it does not fit goes where it would without.
    assert_eq!(router(r"([^.]+)\.([^.]+)\.in(.*)"), "persistent://public/default/outbox-events");
}

#[test]
fn a_source_of_postgresql_has_a_database_a_slot_and_a_publication() {
    let mut json: Value = serde_json::from_str(SEED).unwrap();
    json["archive"] = json!("builtin://debezium-postgres");
    json["configs"]["database.dbname"] = json!("tienda");
    json["configs"]["table.include.list"] = json!("public.salida");
    json["configs"]["database.port"] = json!(5433);
    json["configs"]["database.password"] = json!("p@ss/ñ");
    let config = SourceConfig::read(&json).unwrap();
    assert_eq!(config.url(), "postgresql://alpes:p%40ss%2F%C3%B1@mysql:5433/tienda?sslmode=disable");
    assert_eq!(config.slot, "hexalpes_mysql_outbox_commissions");
    assert_eq!(config.publication, config.slot);
    json["configs"]["slot.name"] = json!("mine");
    assert_eq!(SourceConfig::read(&json).unwrap().slot, "mine");
}

#[test]
fn a_host_is_a_name_or_an_address_of_either_kind() {
    for (host, in_url) in [
        ("mariadb", "@mariadb:"),
        ("db_1.acme", "@db_1.acme:"),
        ("10.0.0.7", "@10.0.0.7:"),
        ("::1", "@[::1]:"),
        ("[2001:db8::1]", "@[2001:db8::1]:"),
    ] {
        let url = with(&[("database.hostname", json!(host))]).unwrap().url();
        assert!(url.contains(in_url), "{url}");
    }
}

#[test]
fn what_is_not_said_has_a_name_of_its_own() {
    let config = with(&[("database.server.id", Value::Null), ("database.server.name", Value::Null)]).unwrap();
    assert!(config.server_id >= 1_000_000_000, "{}", config.server_id);
    let raw = "persistent://public/default/mysql-outbox-commissions.alpes.outbox_event";
    assert_eq!(config.table.raw.to_string(), raw);
}

#[test]
fn what_cannot_be_is_refused_by_its_key_with_the_way_out() {
    for (key, value, words) in [
        ("database.hostname", Value::Null, "database.hostname is missing"),
        ("database.hostname", json!("db host"), "write the host's name or its address alone"),
        ("database.hostname", json!("db:3306"), "write the host's name or its address alone"),
        ("database.port", json!("70000"), "write a number from 1 to 65535"),
        ("database.server.id", json!("0"), "write a number from 1"),
        ("table.include.list", Value::Null, "table.include.list is missing"),
        ("table.include.list", json!("alpes.*"), "name the table in full"),
        ("table.include.list", json!("a.b,a.c"), "make a source for each table"),
        ("table.include.list", json!("outbox_event"), "name the table in full"),
        ("database.include.list", json!("otra"), "it leaves out table alpes.outbox_event: add alpes"),
        ("decimal.handling.mode", json!("float"), "write precise, double or string"),
        ("binary.handling.mode", json!("utf8"), "write bytes, base64"),
        ("time.precision.mode", json!("nanos"), "write adaptive_time_microseconds"),
        ("snapshot.mode", json!("always"), "write initial, or never"),
        ("database.ssl.mode", json!("maybe"), "write disabled, preferred"),
        ("slot.name", json!("Mine"), "take up to 63 of a-z 0-9 _"),
        (
            "transforms.route.type",
            json!("org.acme.Upper"),
            "write org.apache.kafka.connect.transforms.RegexRouter",
        ),
        ("transforms.route.type", Value::Null, "transforms.route.type is missing"),
        ("transforms.route.regex", json!("("), "transforms.route.regex: the regex \"(\" cannot be read"),
        ("transforms.route.regex", Value::Null, "a RegexRouter has a regex and a replacement"),
        ("transforms.route.replacement", json!("$0.$3"), "names group 3"),
        ("transforms.route.replacement", json!("alpes-mysql.alpes.outbox_event"), "it carries the changes"),
        ("connector.class", json!("io.debezium.connector.oracle.OracleConnector"), ""),
    ] {
        let refused = with(&[(key, value)]);
        // The archive says it all the same.
        if words.is_empty() {
            assert!(refused.is_ok());
            continue;
        }
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(SourceConfig::read(&json!([])), Err(ConfigError::Shape));
    let error =
        SourceConfig::read(&json!({ "archive": "builtin://debezium-mongodb" })).unwrap_err().to_string();
    assert!(
        error.starts_with("archive is \"builtin://debezium-mongodb\": MySQL, MariaDB and PostgreSQL"),
        "{error}"
    );
}
