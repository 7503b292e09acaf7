//! `/openapi.json` and `/docs`: true, and without anything from elsewhere.

use axum::Router;
use hexalpes_http::openapi::{differences, published};
use hexalpes_http::{Body, layers};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::support::{Order, OrderBody, edge, get_from};

/// Takes an order.
#[utoipa::path(post, path = "/orders", request_body = OrderBody, responses((status = 200, description = "Taken")))]
async fn order(body: Body<Order>) -> String {
    body.value.conversion
}

fn face() -> Router {
    let api = OpenApiRouter::new().routes(routes!(order));
    layers(published(api, "Orders", "Takes orders"), edge())
}

#[tokio::test]
async fn the_document_tells_of_every_route_its_body_and_its_refusals() {
    let document = get_from(&face(), "/openapi.json", &[]).await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["title"], "Orders");
    let order = &document["paths"]["/orders"]["post"];
    assert_eq!(order["summary"], "Takes an order.");
    let refusal = &order["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
    assert_eq!(refusal, "#/components/schemas/Problem");
    let names: Vec<&Value> = order["parameters"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Accept-Language", "X-Correlation-Id", "Idempotency-Key", "X-Actor"]);
    assert!(document["components"]["schemas"]["OrderBody"]["properties"]["conversionId"].is_object());
    assert!(document["paths"]["/health"]["get"].is_object());
}

#[tokio::test]
async fn the_page_is_there_without_anything_from_elsewhere() {
    assert_eq!(get_from(&face(), "/docs", &[]).await.header("location"), "/docs/");
    let page = get_from(&face(), "/docs/", &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui-bundle.js") && !page.text.contains("://"), "{}", page.text);
    assert_eq!(get_from(&face(), "/docs/swagger-ui-bundle.js", &[]).await.status, 200);
}

#[test]
fn a_body_and_its_schema_say_the_same_or_the_difference_is_told() {
    #[derive(utoipa::ToSchema)]
    #[expect(dead_code, reason = "it is read as a schema")]
    struct Wrong {
        #[schema(rename = "conversionId")]
        conversion: Option<String>,
        amout: f64,
    }
    assert_eq!(differences::<Order, OrderBody>(), Vec::<String>::new());
    assert_eq!(
        differences::<Order, Wrong>(),
        [
            "Wrong.amout: the parser does not take it",
            "Wrong.amount: the schema does not tell of it",
            "Wrong.note: the schema does not tell of it",
            "Wrong.amount: the schema says that it may be missing",
            "Wrong.conversionId: the schema says that it may be missing",
            "Wrong.amout: the parser lets it be missing",
        ]
    );
}
