//! What a client has seen, and what it may change then.

use axum::Router;
use axum::body::Body as Stream;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use hexalpes_http::{Answer, IfMatch, Problem, layers};
use serde_json::json;

use crate::support::{edge, get_from, send};

async fn read() -> Answer {
    Answer::json(StatusCode::OK, &json!({ "revision": 3, "inner": { "revision": 9 } }))
}

async fn change(seen: IfMatch) -> Result<Answer, Problem> {
    seen.check(3)?;
    Ok(Answer::json(StatusCode::OK, &json!({ "revision": 4 })))
}

fn face() -> Router {
    let none = || async { Answer::json(StatusCode::OK, &json!(["no", "revision"])) };
    let router = Router::new().route("/thing", get(read).patch(change)).route("/things", get(none));
    layers(router, edge())
}

#[tokio::test]
async fn what_has_a_revision_has_it_as_its_tag() {
    assert_eq!(get_from(&face(), "/thing", &[]).await.header("etag"), "\"3\"");
    assert_eq!(get_from(&face(), "/things", &[]).await.header("etag"), "");
}

#[tokio::test]
async fn a_change_of_what_is_no_longer_so_is_refused() {
    for (seen, status) in [
        (None, 200),
        (Some("\"3\""), 200),
        (Some("\"2\", \"3\""), 200),
        (Some("*"), 200),
        (Some("\"2\""), 412),
        (Some("W/\"3\""), 412),
        (Some("3"), 422),
        (Some("\""), 422),
        (Some(""), 422),
    ] {
        let mut request = Request::patch("/thing");
        if let Some(seen) = seen {
            request = request.header("if-match", seen);
        }
        let answer = send(&face(), request.body(Stream::empty()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{seen:?}: {}", answer.text);
        match status {
            200 => assert_eq!(answer.header("etag"), "\"4\""),
            412 => {
                assert_eq!(answer.problem(412), "not_newest");
                assert_eq!(answer.json()["revision"], 3);
            }
            _ => assert_eq!(answer.problem(422), "invalid_header"),
        }
    }
}
