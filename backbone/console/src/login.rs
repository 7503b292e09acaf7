//! A token is asked for, and kept in a cookie that no script sees and no other site has sent along.

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header::SET_COOKIE},
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Console,
    caller::{COOKIE_NAME, Caller},
    page::{self, t},
};

/// Browsers keep no larger cookie.
const TOKEN_BYTES_MAX: usize = 3800;

#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Entry {
    token: String,
    next: Option<String>,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Refused,
    /// It is none that a header could carry.
    NoToken,
    Away(String),
}

pub(crate) async fn page(Query(query): Query<Next>) -> Markup {
    form(local(query.next.as_deref()), None)
}

pub(crate) async fn enter(State(console): State<Console>, Form(entry): Form<Entry>) -> Response {
    let (token, next) = (entry.token.trim(), local(entry.next.as_deref()));
    if !is_fit(token) {
        return (StatusCode::BAD_REQUEST, form(next, Some(Wrong::NoToken))).into_response();
    }
    match Caller::with_token(&console, Some(token)).admin.clusters().await {
        Ok(_) => {}
        Err(error) if error.status().is_some_and(|status| status.as_u16() == 401) => {
            return (StatusCode::UNAUTHORIZED, form(next, Some(Wrong::Refused))).into_response();
        }
        Err(error) => {
            let wrong = Wrong::Away(error.to_string());
            return (StatusCode::BAD_GATEWAY, form(next, Some(wrong))).into_response();
        }
    }
    let mut response = Redirect::to(next).into_response();
    set_cookie(&mut response, &format!("{COOKIE_NAME}={token}; Path=/; HttpOnly; SameSite=Strict"));
    response
}

pub(crate) async fn leave() -> Response {
    let mut response = Redirect::to("/login").into_response();
    set_cookie(&mut response, &format!("{COOKIE_NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"));
    response
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
}

/// What a cookie may hold (RFC 6265, section 4.1.1).
fn is_fit(token: &str) -> bool {
    !token.is_empty()
        && token.len() <= TOKEN_BYTES_MAX
        && token.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte))
}

/// Where to go then: a page of ours.
fn local(next: Option<&str>) -> &str {
    // Browsers leave tabs and line ends out, and take a backslash for a slash.
    let is_ours = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains(|letter: char| letter == '\\' || letter.is_control())
    };
    next.filter(is_ours).unwrap_or("/")
}

pub(crate) fn form(next: &str, wrong: Option<Wrong>) -> Markup {
    let body = html! {
        @match wrong {
            Some(Wrong::Refused) => p.bad { (t!("The broker does not know this token, or it is over.", "El bróker no conoce este token, o ha caducado.")) },
            Some(Wrong::NoToken) => p.bad { (t!("This is no token.", "Esto no es un token.")) },
            Some(Wrong::Away(why)) => p.bad { (t!("The broker cannot be asked: ", "No se puede preguntar al bróker: ")) (why) },
            None => {},
        }
        p { (t!("The broker asks who you are. Your token is passed on to it; what it lets you do, you may do here.",
            "El bróker pregunta quién es usted. Su token se le pasa; lo que le permita hacer, puede hacerlo aquí.")) }
        form method="post" action="/login" {
            input type="hidden" name="next" value=(next);
            label { "Token" input type="password" name="token" autocomplete="off" required autofocus; }
            button type="submit" { (t!("Enter", "Entrar")) }
        }
        p.note { (t!("`hexalpes token create --subject ROLE` makes one.", "`hexalpes token create --subject ROL` crea uno.")) }
    };
    page::bare(t!("Who are you?", "¿Quién es usted?"), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_to_pages_of_ours_alone() {
        assert_eq!(local(Some("/topic?name=a%2Fb")), "/topic?name=a%2Fb");
        for elsewhere in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "javascript:x",
            "",
        ] {
            assert_eq!(local(Some(elsewhere)), "/", "{elsewhere}");
        }
        assert_eq!(local(None), "/");
    }

    #[test]
    fn a_token_fits_into_a_cookie() {
        assert!(is_fit("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.x-_Y"));
        for wrong in ["", "a b", "a;Path=/x", "a,b", "a\"", "ñ", &"x".repeat(TOKEN_BYTES_MAX + 1)] {
            assert!(!is_fit(wrong), "{wrong}");
        }
    }
}
