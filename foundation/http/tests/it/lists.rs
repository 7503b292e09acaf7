//! Pages, their cursors and formats.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use hexalpes_http::{Fields, Filters, Format, FromFields, ListQuery, Page, Problem, Raw, Record, layers};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{edge, get_from};

const NAMES: [&str; 5] = ["a", "b", "c, the \"third\"", "d", "e"];

#[derive(Clone, Serialize)]
struct Item {
    created_at: u32,
    name: &'static str,
}

impl Record for Item {
    const COLUMNS: &'static [&'static str] = &["created_at", "name"];

    fn cells(&self) -> Vec<String> {
        vec![self.created_at.to_string(), self.name.to_owned()]
    }
}

struct Narrowed(Option<String>);

impl FromFields for Narrowed {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("name", Raw::string).map(Self)
    }
}

async fn narrowed(_: ListQuery, Filters(Narrowed(name)): Filters<Narrowed>) -> String {
    name.unwrap_or_default()
}

#[tokio::test]
async fn a_filter_that_nobody_knows_is_refused() {
    let face = layers(Router::new().route("/items", get(narrowed)), edge());
    assert_eq!(get_from(&face, "/items?limit=2&name=a%20b&sort=name", &[]).await.text, "a b");
    let answer = get_from(&face, "/items?nam=b&name=1&name=2", &[]).await;
    assert_eq!(answer.problem(422), "invalid_query");
    let errors = &answer.json()["errors"];
    assert_eq!([&errors[0]["pointer"], &errors[1]["pointer"]], ["/name", "/nam"]);
    assert_eq!(errors[1]["message"], "is unknown; did you mean name?");
}

async fn items(query: ListQuery) -> Result<Response, Problem> {
    let sort = query.sort(&["created_at", "name"])?;
    let after = query.after::<1>(sort)?.map(|[at]| at.parse::<u32>().unwrap());
    let mut items: Vec<Item> = (0..).zip(NAMES).map(|(created_at, name)| Item { created_at, name }).collect();
    if sort.is_descending {
        items.reverse();
    }
    let is_past = |item: &Item| match after {
        None => true,
        Some(after) if sort.is_descending => item.created_at < after,
        Some(after) => item.created_at > after,
    };
    let items = items.into_iter().filter(is_past).take(query.limit as usize + 1).collect();
    let page = Page::cut(items, query.limit, sort, |last: &Item| [last.created_at.to_string()]);
    Ok(page.into_answer(query.format))
}

fn face() -> Router {
    layers(Router::new().route("/items", get(items)), edge())
}

fn numbers(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|item| item["created_at"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn cursors_lead_through_the_list_newest_first() {
    let first = get_from(&face(), "/items?limit=2", &[]).await.json();
    assert_eq!(numbers(&first), [4, 3]);
    let next = format!("/items?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = get_from(&face(), &next, &[]).await.json();
    assert_eq!(numbers(&second), [2, 1]);
    let next = format!("/items?limit=2&cursor={}", second["next_cursor"].as_str().unwrap());
    let third = get_from(&face(), &next, &[]).await.json();
    assert_eq!(numbers(&third), [0]);
    assert_eq!(third["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_page_that_is_just_full_has_no_next() {
    let page = get_from(&face(), "/items?limit=5&sort=created_at&other=1", &[]).await.json();
    assert_eq!(numbers(&page), [0, 1, 2, 3, 4]);
    assert_eq!(page["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_wrong_limit_sort_or_cursor_is_refused() {
    let limits = ["limit=0", "limit=201", "limit=-1", "limit=x", "limit="];
    let others = ["sort=colour", "cursor=zz", "cursor=abc", "cursor=5b5d", "limit=1&limit=2"];
    for query in limits.into_iter().chain(others) {
        let answer = get_from(&face(), &format!("/items?{query}"), &[]).await;
        assert_eq!(answer.problem(422), "invalid_query", "{query}");
    }
    assert_eq!(numbers(&get_from(&face(), "/items?limit=200", &[]).await.json()).len(), 5);
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let page = get_from(&face(), "/items?limit=1", &[]).await.json();
    let path = format!("/items?sort=name&cursor={}", page["next_cursor"].as_str().unwrap());
    let answer = get_from(&face(), &path, &[]).await;
    assert_eq!(answer.problem(422), "invalid_query");
    assert_eq!(answer.json()["parameter"], json!("cursor"));
}

#[tokio::test]
async fn a_list_is_csv_for_those_who_ask() {
    let accept = [("accept", "application/xml, text/csv;q=0.9")];
    let answer = get_from(&face(), "/items?sort=created_at&limit=3", &accept).await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(answer.text, "created_at,name\n0,a\n1,b\n2,\"c, the \"\"third\"\"\"\n");
    assert!(!answer.header("x-next-cursor").is_empty());
}

struct Cell(&'static str);

impl Serialize for Cell {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl Record for Cell {
    const COLUMNS: &'static [&'static str] = &["cell"];

    fn cells(&self) -> Vec<String> {
        vec![self.0.to_owned()]
    }
}

#[tokio::test]
async fn a_cell_that_a_spreadsheet_would_run_is_text() {
    let cells = ["=1+1", "+1", "-1-1", "@SUM(A1)", "\t=1", "-12.50", "-", "Ñandú", "a=b"].map(Cell);
    let page = Page { items: cells.into(), next_cursor: None };
    let answer = axum::body::to_bytes(page.into_answer(Format::Csv).into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let expected = ["cell", "'=1+1", "'+1", "'-1-1", "'@SUM(A1)", "'\t=1", "-12.50", "'-", "Ñandú", "a=b"];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}
