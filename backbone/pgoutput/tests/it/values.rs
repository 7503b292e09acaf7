//! Values are exact, from the log and from the table.

use hexalpes_capture::{Snapshot, Value};
use hexalpes_kernel::Timestamp;
use hexalpes_pgoutput::Slot;

use crate::place::{Place, rows};

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn local(text: &str) -> Value {
    Value::Local(text.into())
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.into())
}

fn json(text: &str) -> Value {
    Value::Json(text.into())
}

/// A column's type, the value as SQL writes it, and what is to come.
fn every_type() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("smallint", "-32768", Value::Integer(-32768)),
        ("integer", "2147483647", Value::Integer(2_147_483_647)),
        ("bigint", "-9223372036854775808", Value::Integer(i64::MIN)),
        ("numeric", "123456789012345678901234567890.10", decimal("123456789012345678901234567890.10")),
        ("numeric(10,2)", "-0.5", decimal("-0.50")),
        ("numeric", "'NaN'", text("NaN")),
        ("real", "0.1", Value::Float(0.1)),
        ("double precision", "0.1::float8 + 0.2", Value::Float(0.300_000_000_000_000_04)),
        ("double precision", "'-Infinity'", Value::Float(f64::NEG_INFINITY)),
        ("boolean", "true", Value::Boolean(true)),
        ("boolean", "false", Value::Boolean(false)),
        ("text", "'it''s a €, a 𝄞 and a \\'", text("it's a €, a 𝄞 and a \\")),
        ("text", "''", text("")),
        ("text", "NULL", Value::Null),
        ("varchar(20)", "'Ñandú '", text("Ñandú ")),
        ("char(5)", "'ab'", text("ab   ")),
        ("json", "'{\"b\": 9007199254740993, \"a\":1.10}'", json("{\"b\": 9007199254740993, \"a\":1.10}")),
        ("jsonb", "'{\"b\": 9007199254740993, \"a\":1.10}'", json("{\"a\": 1.10, \"b\": 9007199254740993}")),
        ("bytea", "'\\x00ff10'", Value::Bytes(vec![0, 255, 16].into())),
        ("bytea", "''", Value::Bytes(Vec::new().into())),
        (
            "uuid",
            "'0194633C-7C5D-7E50-A0E4-0242AC120002'",
            Value::Uuid("0194633c-7c5d-7e50-a0e4-0242ac120002".parse().unwrap()),
        ),
        (
            "timestamptz",
            "'2025-01-15 09:20:00.123456-05'",
            Value::Instant(Timestamp::parse("2025-01-15T14:20:00.123456Z").unwrap()),
        ),
        ("timestamptz", "'infinity'", text("infinity")),
        ("timestamp", "'2025-01-15 14:20:00.5'", local("2025-01-15 14:20:00.500000")),
        ("timestamp(3)", "'2025-01-15 14:20:00.5'", local("2025-01-15 14:20:00.500")),
        ("timestamp", "'infinity'", local("infinity")),
        ("date", "'2025-01-15'", local("2025-01-15")),
        ("time", "'14:20:00'", local("14:20:00.000000")),
        ("time(0)", "'14:20:00'", local("14:20:00")),
        ("timetz", "'14:20:00-05'", text("14:20:00-05")),
        ("interval", "'1 year 2 days 03:04:05'", text("1 year 2 days 03:04:05")),
        ("mood", "'all right'", text("all right")),
        ("mood[]", "'{sad,NULL}'", text("{sad,NULL}")),
        ("text[]", "ARRAY['a b', NULL, 'c\"d']", text("{\"a b\",NULL,\"c\\\"d\"}")),
        ("int4range", "'[1,5)'", text("[1,5)")),
        ("positive", "7", text("7")),
        ("inet", "'10.0.0.1/8'", text("10.0.0.1/8")),
    ]
}

#[tokio::test]
async fn every_type_comes_as_it_was_written() {
    let columns = every_type();
    let declared: Vec<String> =
        columns.iter().enumerate().map(|(n, (kind, ..))| format!("\"Ä {n}\" {kind}")).collect();
    let make = format!(
        "CREATE SCHEMA \"An.other \"\"one\"; SET search_path = \"An.other \"\"one\"; \
         CREATE TYPE mood AS ENUM ('sad', 'all right'); CREATE DOMAIN positive AS integer CHECK (value > 0); \
         CREATE TABLE \"Out box\" (id bigint PRIMARY KEY, twice bigint GENERATED ALWAYS AS (id * 2) STORED, {})",
        declared.join(", ")
    );
    // A dot ends the name of a schema in these tests, so it is set by hand.
    let Some(mut place) = Place::with(&make, &["public.none"]).await else { return };
    place.options.tables = vec![hexalpes_capture::TableName::new("An.other \"one", "Out box")];
    let names: Vec<String> = (0..columns.len()).map(|n| format!("\"Ä {n}\"")).collect();
    let values: Vec<&str> = columns.iter().map(|(_, value, _)| *value).collect();
    // Whatever habits a user has, they are not ours.
    let user = "ALTER ROLE CURRENT_USER IN DATABASE";
    let database = place.options.slot.clone();
    place
        .run(&format!(
            "{user} {database} SET bytea_output = 'escape'; {user} {database} SET DateStyle = 'German'; \
             {user} {database} SET TimeZone = 'America/Bogota'; {user} {database} SET extra_float_digits = -3; \
             {user} {database} SET IntervalStyle = 'iso_8601'"
        ))
        .await;
    let mut log = place.log().await;
    place
        .run(&format!("INSERT INTO \"Out box\" (id, {}) VALUES (1, {})", names.join(", "), values.join(", ")))
        .await;
    let (given, _) = rows(&mut log, 1).await;

    let mut expected = vec![Value::Integer(1)];
    expected.extend(columns.into_iter().map(|(.., value)| value));
    assert_eq!(given[0].values, expected);
    assert_eq!((&*given[0].table.columns[0], &*given[0].table.columns[1]), ("id", "Ä 0"));
    assert_eq!(
        (given[0].table.schema.as_deref(), &*given[0].table.name),
        (Some("An.other \"one"), "Out box")
    );

    let mut snapshot = Slot::snapshot(&place.options, place.table(), "id").await.unwrap();
    let read = snapshot.after(None, 10).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((&read[0].values, &read[0].table), (&expected, &given[0].table));
    assert!(read[0].origin.is_snapshot);
}

#[tokio::test]
async fn a_column_that_is_added_while_it_runs_is_in_the_rows_after_it() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("INSERT INTO outbox VALUES (1, 'before')").await;
    place
        .run("ALTER TABLE outbox ADD COLUMN headers jsonb DEFAULT '{}'; ALTER TABLE outbox DROP payload")
        .await;
    place.run("INSERT INTO outbox VALUES (2, '{\"a\": 1}')").await;
    let (given, _) = rows(&mut log, 2).await;
    assert_eq!(given[0].table.columns, ["id", "payload"]);
    assert_eq!(given[0].values, [Value::Integer(1), text("before")]);
    assert_eq!(given[1].table.columns, ["id", "headers"]);
    assert_eq!(given[1].values, [Value::Integer(2), json("{\"a\": 1}")]);
}

#[tokio::test]
async fn a_value_of_megabytes_comes_whole() {
    let Some(mut place) = Place::open().await else { return };
    let mut log = place.log().await;
    place.run("ALTER TABLE outbox ALTER payload SET STORAGE EXTERNAL").await;
    place.run("INSERT INTO outbox VALUES (1, repeat('0123456789abcdef', 300000)), (2, NULL)").await;
    let (given, _) = rows(&mut log, 2).await;
    assert_eq!(given[0].get("payload"), Some(&text(&"0123456789abcdef".repeat(300_000))));
    assert_eq!(given[1].get("payload"), Some(&Value::Null));
}

#[tokio::test]
async fn rows_of_partitions_come_under_the_name_of_their_table() {
    let make = "CREATE TABLE outbox (id bigint PRIMARY KEY, payload text) PARTITION BY RANGE (id); \
                CREATE TABLE low PARTITION OF outbox FOR VALUES FROM (0) TO (10); \
                CREATE TABLE high PARTITION OF outbox FOR VALUES FROM (10) TO (20)";
    let Some(mut place) = Place::with(make, &["outbox"]).await else { return };
    let mut log = place.log().await;
    place.run("INSERT INTO outbox VALUES (1, 'a'), (11, 'b')").await;
    let (given, _) = rows(&mut log, 2).await;
    assert_eq!(given.iter().map(|row| &*row.table.name).collect::<Vec<_>>(), ["outbox", "outbox"]);
}
