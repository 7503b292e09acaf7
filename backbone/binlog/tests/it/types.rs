//! Values of every type, literally.

use bytes::Bytes;
use hexalpes_binlog::Binlog;
use hexalpes_capture::{Inserted, Snapshot as _, Value};
use hexalpes_kernel::Timestamp;
use mysql_async::prelude::Queryable;
use uuid::Uuid;

use crate::world::{World, rows, worlds};

const KINDS: &str = "CREATE TABLE kinds (
    id INT NOT NULL PRIMARY KEY,
    tiny TINYINT, tiny_u TINYINT UNSIGNED, small SMALLINT, small_u SMALLINT UNSIGNED,
    born YEAR, medium MEDIUMINT, medium_u MEDIUMINT UNSIGNED, whole INT, whole_u INT UNSIGNED,
    big BIGINT, big_u BIGINT UNSIGNED, yes BOOLEAN,
    amount DECIMAL(20,4), rate DECIMAL(5,5), wide DECIMAL(65,30), single FLOAT, twice DOUBLE,
    one_bit BIT(1), bits BIT(20),
    name VARCHAR(100), short CHAR(36), latin VARCHAR(20) CHARACTER SET latin1,
    note TEXT, long_note LONGTEXT CHARACTER SET utf8mb3, wide_text VARCHAR(20) CHARACTER SET ucs2,
    raw BINARY(16), var VARBINARY(300), tiny_blob TINYBLOB, big_blob LONGBLOB,
    day DATE, clock TIME, clock_6 TIME(6), here DATETIME, here_3 DATETIME(3), here_6 DATETIME(6),
    moment TIMESTAMP NULL, moment_6 TIMESTAMP(6) NULL,
    choice ENUM('a','it''s','ñ'), choices SET('x','y','z'),
    computed INT AS (tiny + 1) VIRTUAL, kept INT AS (tiny + 2) STORED, last INT
) CHARACTER SET utf8mb4";

/// The columns that a row is inserted with.
const GIVEN: &str = "id, tiny, tiny_u, small, small_u, born, medium, medium_u, whole, whole_u, big, big_u, yes, amount, \
    rate, wide, single, twice, one_bit, bits, name, short, latin, note, long_note, wide_text, raw, var, tiny_blob, \
    big_blob, day, clock, clock_6, here, here_3, here_6, moment, moment_6, choice, choices, last";

const ORDINARY: &str = "1, 1, 200, 300, 60000, 2025, 70000, 16000000, 7, 4000000000, 9007199254740993, 5, TRUE, \
    1234567.8901, 0.12345, 123456789012345678901234567890.000000000000000000000000000001, 0.1, 0.1, b'1', \
    b'10000000000000000001', 'Año 🎉', '0190b3a0-1111-7abc-8abc-0123456789ab', 'é €', 'text', 'añejo', 'ñandú', \
    x'0190b3a011117abc8abc0123456789ab', x'00ff00', x'', x'0a', '2025-01-15', '14:20:00', '14:20:00.123456', \
    '2025-01-15 14:20:00', '2025-01-15 14:20:00.120', '2025-01-15 14:20:00.123456', '2025-01-15 14:20:00', \
    '2025-01-15 14:20:00.123456', 'it''s', 'x,z', 41";

const EXTREME: &str = "2, -128, 0, -32768, 0, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, \
    18446744073709551615, FALSE, -9999999999999999.9999, -0.99999, -0.000000000000000000000000000001, -3.5e38 * 0.5, \
    -1.7976931348623157e308, b'0', b'0', '', '', '', '', '', '', x'01', x'', x'00', x'ff', '9999-12-31', '-838:59:59', \
    '-00:00:00.000001', '1000-01-01 00:00:00', '0000-00-00 00:00:00', '9999-12-31 23:59:59.999999', \
    '1970-01-02 00:00:01', '2038-01-19 03:14:07.999999', 'ñ', '', -41";

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn local(text: &str) -> Value {
    Value::Local(text.into())
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.into())
}

fn bytes(bytes: &'static [u8]) -> Value {
    Value::Bytes(Bytes::from_static(bytes))
}

fn moment(text: &str) -> Value {
    Value::Instant(Timestamp::parse(text).unwrap())
}

fn ordinary() -> Vec<Value> {
    let integer = Value::Integer;
    let uuid = b"\x01\x90\xb3\xa0\x11\x11\x7a\xbc\x8a\xbc\x01\x23\x45\x67\x89\xab";
    vec![
        integer(1),
        integer(1),
        integer(200),
        integer(300),
        integer(60_000),
        integer(2025),
        integer(70_000),
        integer(16_000_000),
        integer(7),
        integer(4_000_000_000),
        integer(9_007_199_254_740_993),
        integer(5),
        integer(1),
        decimal("1234567.8901"),
        decimal("0.12345"),
        decimal("123456789012345678901234567890.000000000000000000000000000001"),
        Value::Float(f64::from(0.1_f32)),
        Value::Float(0.1),
        Value::Boolean(true),
        bytes(b"\x08\x00\x01"),
        text("Año 🎉"),
        text("0190b3a0-1111-7abc-8abc-0123456789ab"),
        text("é €"),
        text("text"),
        text("añejo"),
        text("ñandú"),
        bytes(uuid),
        bytes(b"\x00\xff\x00"),
        bytes(b""),
        bytes(b"\n"),
        local("2025-01-15"),
        local("14:20:00"),
        local("14:20:00.123456"),
        local("2025-01-15 14:20:00"),
        local("2025-01-15 14:20:00.120"),
        local("2025-01-15 14:20:00.123456"),
        moment("2025-01-15T08:50:00Z"),
        moment("2025-01-15T08:50:00.123456Z"),
        text("it's"),
        text("x,z"),
        integer(2),
        integer(3),
        integer(41),
    ]
}

fn extreme() -> Vec<Value> {
    let integer = Value::Integer;
    vec![
        integer(2),
        integer(-128),
        integer(0),
        integer(-32_768),
        integer(0),
        integer(0),
        integer(-8_388_608),
        integer(0),
        integer(-2_147_483_648),
        integer(0),
        integer(i64::MIN),
        Value::Unsigned(u64::MAX),
        integer(0),
        decimal("-9999999999999999.9999"),
        decimal("-0.99999"),
        decimal("-0.000000000000000000000000000001"),
        Value::Float(f64::from(-1.75e38_f32)),
        Value::Float(f64::MIN),
        Value::Boolean(false),
        bytes(b"\x00\x00\x00"),
        text(""),
        text(""),
        text(""),
        text(""),
        text(""),
        text(""),
        bytes(b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        bytes(b""),
        bytes(b"\x00"),
        bytes(b"\xff"),
        local("9999-12-31"),
        local("-838:59:59"),
        local("-00:00:00.000001"),
        local("1000-01-01 00:00:00"),
        local("0000-00-00 00:00:00.000"),
        local("9999-12-31 23:59:59.999999"),
        moment("1970-01-01T18:30:01Z"),
        moment("2038-01-18T21:44:07.999999Z"),
        text("ñ"),
        text(""),
        integer(-127),
        integer(-126),
        integer(-41),
    ]
}

fn nothing() -> Vec<Value> {
    let mut values = vec![Value::Null; 43];
    values[0] = Value::Integer(3);
    values
}

/// What the table has, in pieces of two.
async fn taken(world: &World) -> Vec<Inserted> {
    let table = &world.options.tables[0];
    let mut snapshot = Binlog::snapshot(&world.options, table, "id").await.unwrap();
    let mut all = snapshot.after(None, 2).await.unwrap();
    loop {
        let key = all.last().and_then(|row| row.get("id")).cloned();
        let more = snapshot.after(key.as_ref(), 2).await.unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn values(rows: &[Inserted]) -> Vec<&[Value]> {
    rows.iter().map(|row| row.values.as_slice()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_are_exact_whatever_the_log_says_of_columns() {
    for world in worlds(&["kinds"]) {
        world.run(&[KINDS]).await;
        let mut session = world.session().await;
        session.query_drop("SET time_zone = '+05:30', sql_mode = ''").await.unwrap();
        for metadata in ["NO_LOG", "MINIMAL", "FULL"] {
            if metadata == "NO_LOG" && !world.is_mariadb() {
                continue;
            }
            world.run(&[&format!("SET GLOBAL binlog_row_metadata = {metadata}"), "DELETE FROM kinds"]).await;
            let mut log = world.open_now().await;
            for row in [ORDINARY, EXTREME] {
                session.query_drop(format!("INSERT INTO kinds ({GIVEN}) VALUES ({row})")).await.unwrap();
            }
            session.query_drop("INSERT INTO kinds (id) VALUES (3)").await.unwrap();
            let (rows, _) = rows(&mut log, 3).await;
            let expected = [ordinary(), extreme(), nothing()];
            for (row, expected) in rows.iter().zip(&expected) {
                let columns = row.table.columns.iter().zip(row.values.iter().zip(expected));
                for (column, (value, expected)) in columns {
                    assert_eq!(value, expected, "{column} of {:?} with {metadata}", row.values[0]);
                }
                assert_eq!(row.table.columns.len(), 43);
                assert_eq!(row.get("last"), expected.last(), "no name is shifted by what is computed");
            }
            let taken = taken(&world).await;
            assert_eq!(values(&taken), values(&rows), "the table says the same as the log");
            assert!(taken.iter().all(|row| row.origin.is_snapshot));
        }
        world.run(&["SET GLOBAL binlog_row_metadata = DEFAULT"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_keeps_all_digits_of_its_numbers() {
    for world in worlds(&["docs"]) {
        world.run(&["CREATE TABLE docs (id INT PRIMARY KEY, doc JSON)"]).await;
        let mut log = world.open_now().await;
        let long = format!("[{}]", vec![r#"{"key": "value"}"#; 5_000].join(", "));
        let mut docs = vec![
            r#"{"a": [1.5, true, null, "ñ\n\"🎉"], "n": 9007199254740993, "large": 18446744073709551615}"#,
            "[-1, 40000, -40000, 5000000000, 0.1, 3.0, 1e20, -2.5e-20, 123456.75]",
            "{}",
            "[]",
            "null",
            r#""text""#,
            "-9223372036854775808",
        ];
        docs.push(&long);
        let mut session = world.session().await;
        for (id, doc) in docs.iter().enumerate() {
            session.exec_drop("INSERT INTO docs VALUES (?, ?)", (id, doc)).await.unwrap();
        }
        let is_mysql = !world.is_mariadb();
        if is_mysql {
            let odd = "INSERT INTO docs VALUES (100, JSON_OBJECT('d', CAST(1.50 AS DECIMAL(10,2)), \
                'day', CAST('2025-01-15' AS DATE), 'at', CAST('2025-01-15 14:20:00.5' AS DATETIME(6)), \
                'span', CAST('-01:02:03' AS TIME(6))))";
            session.query_drop(odd).await.unwrap();
        }
        let (rows, _) = rows(&mut log, docs.len() + usize::from(is_mysql)).await;
        for (row, doc) in rows.iter().zip(&docs) {
            if is_mysql {
                assert_eq!(row.get("doc"), Some(&Value::Json((*doc).into())));
            } else {
                assert_eq!(row.get("doc"), Some(&text(doc)), "a JSON column of MariaDB is a text");
            }
        }
        assert_eq!(values(&taken(&world).await), values(&rows));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_of_mariadb_alone_are_what_they_say() {
    for world in worlds(&["places"]) {
        if !world.is_mariadb() {
            continue;
        }
        world.run(&["CREATE TABLE places (id UUID PRIMARY KEY, six INET6, raw BINARY(16))"]).await;
        let mut log = world.open_now().await;
        let seven = "0190b3a0-1111-7abc-8abc-0123456789ab";
        let four = "123e4567-e89b-42d3-a456-426614174000";
        let zeros = "0190b3a0-1111-7abc-8abc-012345678900";
        for uuid in [seven, four, zeros] {
            world.run(&[&format!("INSERT INTO places VALUES ('{uuid}', '2001:db8::1', x'01')")]).await;
        }
        let (rows, _) = rows(&mut log, 3).await;
        let ids: Vec<Value> = rows.iter().map(|row| row.values[0].clone()).collect();
        assert_eq!(ids, [seven, four, zeros].map(|uuid| Value::Uuid(Uuid::parse_str(uuid).unwrap())));
        assert_eq!(rows[0].values[1], text("2001:db8::1"));
        assert!(matches!(&rows[0].values[2], Value::Bytes(bytes) if bytes.len() == 16));
        let taken = taken(&world).await;
        assert_eq!(taken.len(), 3);
        for row in &taken {
            assert!(values(&rows).contains(&row.values.as_slice()));
        }
    }
}
