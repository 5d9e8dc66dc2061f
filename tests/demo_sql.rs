//! What the gateway asks of a PostgreSQL, asked of those of the demo.

#[expect(dead_code, reason = "the other tests of the demo use the rest")]
#[path = "demo_postgres/support.rs"]
mod support;

use std::time::{Duration, Instant};

use deadpool_postgres::{Config, Runtime};
use futures_util::{SinkExt, TryStreamExt, future};
use gnuhealth_fhir::demo::postgres::Choice;
use gnuhealth_fhir::demo::snapshot::{self, Loaded};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use support::{Folder, choices, connect, start};

const HOSPITAL: &str = include_str!("demo_postgres/hospital.sql");

#[tokio::test]
async fn the_sql_of_the_gateway_is_understood() {
    for choice in choices() {
        let server = start(choice, None).await;
        let mut client = connect(server.url()).await;
        prepared(&client).await;
        aggregates(&client).await;
        time_zone(&client).await;
        transactions(&mut client).await;
        copies(&client).await;
        letters(&client).await;
        server.stop().await;
    }
}

async fn prepared(client: &Client) {
    let statement = client.prepare("SELECT $1::int8 + 1, $2::text, $3::bytea").await.expect("a statement");
    for number in 0..100_i64 {
        let row = client.query_one(&statement, &[&number, &"ñandú", &&b"\0\xff"[..]]).await.expect("a row");
        assert_eq!((row.get(0), row.get(1), row.get(2)), (number + 1, "ñandú", &b"\0\xff"[..]));
    }
    let wrong = client.prepare("SELECT nothing").await.expect_err("there is no such column");
    assert_eq!(wrong.code(), Some(&SqlState::UNDEFINED_COLUMN));
}

async fn aggregates(client: &Client) {
    let sql = "SELECT array_agg(ROW(a, b))::text FROM (VALUES (1, 'x'), (2, 'y')) v(a, b)";
    let records: String = client.query_one(sql, &[]).await.expect("a row").get(0);
    assert_eq!(records, r#"{"(1,x)","(2,y)"}"#);
    // As it is on the wire, without a cast: an array of anonymous records.
    let row =
        client.query_one("SELECT array_agg(ROW(a)) FROM (VALUES (1), (2)) v(a)", &[]).await.expect("a row");
    assert_eq!(row.columns()[0].type_().name(), "_record");
    let sql = "SELECT p.id, c.names FROM generate_series(1, 3) p(id) LEFT JOIN LATERAL \
               (SELECT jsonb_agg(jsonb_build_object('n', n) ORDER BY n) AS names FROM generate_series(1, p.id) n) c ON true \
               WHERE c.names @> '[{\"n\": 2}]' ORDER BY p.id";
    let rows = client.query(sql, &[]).await.expect("rows");
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [2, 3]);
}

async fn time_zone(client: &Client) {
    client.batch_execute("SET TIME ZONE 'America/Argentina/Cordoba'").await.expect("it is known");
    let sql = "SELECT '2026-01-01T00:00:00Z'::timestamptz::text";
    let text: String = client.query_one(sql, &[]).await.expect("a row").get(0);
    assert_eq!(text, "2025-12-31 21:00:00-03");
    client.batch_execute("RESET TIME ZONE").await.expect("it is reset");
}

async fn transactions(client: &mut Client) {
    client.batch_execute("CREATE TABLE moved (id int PRIMARY KEY)").await.expect("it is made");
    let transaction = client.transaction().await.expect("it begins");
    transaction.execute("INSERT INTO moved VALUES (1)", &[]).await.expect("it is added");
    transaction.rollback().await.expect("it is undone");
    let transaction = client.build_transaction().read_only(true).start().await.expect("it begins");
    let refused = transaction.execute("INSERT INTO moved VALUES (2)", &[]).await.expect_err("only to read");
    assert_eq!(refused.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION));
    drop(transaction);
    let count: i64 = client.query_one("SELECT count(*) FROM moved", &[]).await.expect("a row").get(0);
    assert_eq!(count, 0);
}

async fn copies(client: &Client) {
    let sink = client.copy_in("COPY moved FROM stdin").await.expect("it takes rows");
    let mut sink = std::pin::pin!(sink);
    let rows: String = (0..10_000).map(|id| format!("{id}\n")).collect();
    sink.send(bytes::Bytes::from(rows)).await.expect("they are taken");
    assert_eq!(sink.finish().await.expect("it ends"), 10_000);
    let rows = client.copy_out("COPY moved TO stdout").await.expect("it gives rows");
    let sizes: Vec<_> = rows.map_ok(|row| row.len()).try_collect().await.expect("it gives all");
    assert_eq!(sizes.len(), 10_000);
}

async fn letters(client: &Client) {
    let row = client.query_one("SELECT lower('ÁÑ'), 'b' < 'C'", &[]).await.expect("a row");
    assert_eq!(row.get::<_, String>(0), "áñ");
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    for choice in choices() {
        let server = start(choice, None).await;
        let mut config = Config { url: Some(server.url().to_owned()), ..Config::default() };
        for size in [1, 8] {
            config.pool = Some(deadpool_postgres::PoolConfig::new(size));
            let pool = config.create_pool(Some(Runtime::Tokio1), NoTls).expect("a pool");
            let asked = (0..40_i32).map(async |number| {
                let client = pool.get().await.expect("a connection");
                let statement =
                    client.prepare_cached("SELECT $1::int4, pg_sleep(0.01)").await.expect("a statement");
                client.query_one(&statement, &[&number]).await.expect("a row").get::<_, i32>(0)
            });
            assert_eq!(future::join_all(asked).await, (0..40).collect::<Vec<_>>());
        }
        // A client that leaves without a word does not disturb the others.
        let stays = connect(server.url()).await;
        for _ in 0..20 {
            let leaves = connect(server.url()).await;
            let question = leaves.query_one("SELECT pg_sleep(1)", &[]);
            let _ = tokio::time::timeout(Duration::from_millis(5), question).await;
        }
        stays.query_one("SELECT 1", &[]).await.expect("it is still served");
        server.stop().await;
    }
}

#[tokio::test]
async fn questions_can_be_cancelled() {
    for choice in choices() {
        let server = start(choice, None).await;
        let client = connect(server.url()).await;
        let token = client.cancel_token();
        let begun = Instant::now();
        let (answer, ()) = future::join(client.query_one("SELECT pg_sleep(60)", &[]), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            token.cancel_query(NoTls).await.expect("it is told");
        })
        .await;
        assert_eq!(answer.expect_err("it was cancelled").code(), Some(&SqlState::QUERY_CANCELED));
        assert!(begun.elapsed() < Duration::from_secs(10));
        client.query_one("SELECT 1", &[]).await.expect("the connection goes on");
        server.stop().await;
    }
}

/// A known gap of the carried one: its timers are off. Should it learn them, this test tells.
#[tokio::test]
async fn only_an_installed_postgresql_has_statement_timeouts() {
    for choice in choices() {
        let server = start(choice, None).await;
        let client = connect(server.url()).await;
        client.batch_execute("SET statement_timeout = '50ms'").await.expect("it is taken");
        let answer = client.query_one("SELECT pg_sleep(0.5)", &[]).await;
        assert_eq!(answer.is_err(), choice == Choice::Local, "{choice:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_snapshot_is_loaded_once() {
    let snapshot = compress_to_vec(HOSPITAL.as_bytes(), CompressionLevel::Fastest);
    for choice in choices() {
        let folder = Folder::new();
        let server = start(choice, Some(folder.path())).await;
        assert_eq!(
            snapshot::load(server.url(), &snapshot[..]).await.expect("it loads"),
            Loaded::Now { rows: 5 }
        );
        let client = connect(server.url()).await;
        let sql = "SELECT string_agg(name, '|' ORDER BY id), nextval('party_party_id_seq') FROM party_party";
        let row = client.query_one(sql, &[]).await.expect("a row");
        assert_eq!((row.get(0), row.get(1)), ("Ana;|Berta\nTab\there|\\.", 4_i64));
        drop(client);
        server.stop().await;

        let server = start(choice, Some(folder.path())).await;
        assert_eq!(snapshot::load(server.url(), &snapshot[..]).await.expect("it is there"), Loaded::Before);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_snapshot_that_fails_leaves_nothing() {
    let broken = HOSPITAL.replace("\\.\n\nSELECT", "4\tx\ty\n\\.\n\nSELECT");
    let half = HOSPITAL.split_inclusive("Berta").next().expect("its beginning");
    let server = start(choices()[0], None).await;
    for (script, message) in [
        (
            broken.as_str(),
            "the database refuses the snapshot at \"COPY public.nothing (id) FROM stdin\": extra data",
        ),
        (half, "the snapshot ends within \"COPY public.party_party (id, name)\""),
        (
            "CREATE TABLE public.a (id int);\nCREATE TABLE b (id nonsense);\n",
            "at \"nonsense);\": type \"nonsense\"",
        ),
    ] {
        let snapshot = compress_to_vec(script.as_bytes(), CompressionLevel::Fastest);
        let error = snapshot::load(server.url(), &snapshot[..]).await.expect_err("it is broken");
        assert!(error.to_string().contains(message), "{error}");
    }
    let error = snapshot::load(server.url(), &b"no zstd"[..]).await.expect_err("it is not compressed");
    assert!(matches!(error, snapshot::Error::Compressed(_)), "{error}");
    let client = connect(server.url()).await;
    let sql = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(client.query_one(sql, &[]).await.expect("a row").get::<_, i64>(0), 0);
    server.stop().await;
}
