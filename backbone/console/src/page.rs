//! What all pages have in common: their frame, tables, links and forms.

use axum::{
    extract::Request,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use hexalpes_http::Language;
use maud::{DOCTYPE, Markup, html};
use url::form_urlencoded::Serializer;

use crate::caller::Caller;

/// One of two texts, in the language that the request which is being answered asked for.
macro_rules! t {
    ($english:expr, $spanish:expr $(,)?) => {
        match hexalpes_http::Language::spoken() {
            hexalpes_http::Language::English => $english,
            hexalpes_http::Language::Spanish => $spanish,
        }
    };
}
pub(crate) use t;

/// A page without the way to others.
pub(crate) fn bare(title: &str, body: &Markup) -> Markup {
    frame(title, None, &html! {}, body)
}

/// A page. `every`: it comes anew after so many seconds.
pub(crate) fn page(caller: &Caller, title: &str, every: Option<u32>, body: &Markup) -> Markup {
    let links = [
        ("/", t!("Overview", "Resumen")),
        ("/topics", t!("Topics", "Temas")),
        ("/letters", t!("Dead letters", "Mensajes muertos")),
        ("/handlers", t!("Handlers", "Manejadores")),
        ("/relays", "Relays"),
        ("/trace", t!("Trace", "Traza")),
    ];
    let nav = html! {
        nav {
            strong { "Hexalpes" }
            @for (to, name) in links { a href=(to) { (name) } }
            @if let Some(role) = &caller.role {
                form method="post" action="/logout" { (role) " " button.link type="submit" { (t!("leave", "salir")) } }
            } @else {
                a href="/login" { (t!("Enter with a token", "Entrar con un token")) }
            }
        }
    };
    frame(title, every, &nav, body)
}

fn frame(title: &str, every: Option<u32>, nav: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(Language::spoken().tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(seconds) = every { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · Hexalpes" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                (nav)
                main { h1 { (title) } (body) }
            }
        }
    }
}

pub(crate) async fn absent(request: Request) -> Response {
    let body =
        html! { p { code { (request.uri().path()) } } p { a href="/" { (t!("Overview", "Resumen")) } } };
    (StatusCode::NOT_FOUND, bare(t!("There is no such page", "No hay tal página"), &body)).into_response()
}

/// An address of ours with what it asks.
pub(crate) fn link(path: &str, query: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Asks somebody without a token for a name, which is written down beside what is done.
pub(crate) fn who(caller: &Caller) -> Markup {
    html! {
        @if caller.role.is_none() {
            label { (t!("Who you are", "Quién es usted")) input name="who" maxlength="64" pattern="[!-~]+"; }
        }
    }
}

pub(crate) fn topic_link(topic: &str) -> String {
    link("/topic", &[("name", topic)])
}

/// Rows with what stands above them.
pub(crate) fn table(heads: &[&str], rows: &[Vec<Markup>]) -> Markup {
    if rows.is_empty() {
        return html! { p.note { (t!("None.", "Ninguno.")) } };
    }
    html! {
        table {
            thead { tr { @for head in heads { th { (head) } } } }
            tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
        }
    }
}

/// Names and values, one below the other.
pub(crate) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! { dl { @for (name, value) in facts { dt { (name) } dd { (value) } } } }
}

pub(crate) fn text(value: impl std::fmt::Display) -> Markup {
    html! { (value.to_string()) }
}

/// A member of an answer: what is not there is a dash.
pub(crate) fn member(value: &serde_json::Value) -> Markup {
    match value {
        serde_json::Value::Null => html! { span.note { "–" } },
        serde_json::Value::String(text) => html! { (text) },
        serde_json::Value::Bool(true) => html! { (t!("yes", "sí")) },
        serde_json::Value::Bool(false) => html! { (t!("no", "no")) },
        other => html! { (other.to_string()) },
    }
}

/// With one decimal.
pub(crate) fn rate(value: &serde_json::Value) -> Markup {
    html! { (format!("{:.1}", value.as_f64().unwrap_or_default())) }
}

/// In the unit that leaves it short.
pub(crate) fn bytes(value: &serde_json::Value) -> Markup {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut size, mut unit) = (value.as_f64().unwrap_or_default(), 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        html! { (format!("{size:.0} B")) }
    } else {
        html! { (format!("{size:.1} {}", UNITS[unit])) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_says_what_it_asks_and_nothing_else() {
        assert_eq!(
            topic_link("persistent://a/b/c&d=\"<é>"),
            "/topic?name=persistent%3A%2F%2Fa%2Fb%2Fc%26d%3D%22%3C%C3%A9%3E"
        );
        assert_eq!(link("/", &[]), "/");
    }

    #[test]
    fn what_others_say_is_text() {
        let shown = member(&json!("<script>alert(1)</script>\"")).into_string();
        assert_eq!(shown, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;");
        let heads = table(&["<b>"], &[vec![text("<i>")]]).into_string();
        assert!(heads.contains("<th>&lt;b&gt;</th>") && heads.contains("<td>&lt;i&gt;</td>"), "{heads}");
    }

    #[test]
    fn sizes_are_short() {
        let shown = |value| bytes(&json!(value)).into_string();
        assert_eq!((shown(0), shown(1023), shown(1024)), ("0 B".into(), "1023 B".into(), "1.0 KiB".into()));
        assert_eq!(shown(5_767_168), "5.5 MiB");
    }
}
