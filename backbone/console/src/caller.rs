//! Who looks: their token, which is all the rights that there are, and their name.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, header::COOKIE, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};
use hexalpes_client::{AdminClient, Client, ClientOptions, Token};

use crate::{Console, ask::Failure, login, page};

/// What the cookie with the token is called.
pub(crate) const COOKIE_NAME: &str = "hexalpes_console";

#[derive(Clone)]
pub(crate) struct Caller {
    /// Asks the broker with the caller's token.
    pub(crate) admin: AdminClient,
    options: ClientOptions,
    /// The role, as the token says; none without a token.
    pub(crate) role: Option<String>,
}

impl Caller {
    pub(crate) fn with_token(console: &Console, token: Option<&str>) -> Self {
        let role = token.map(|token| {
            let shown = hexalpes_auth::decode_unverified(token).ok();
            let role = shown.and_then(|shown| shown["claims"]["sub"].as_str().map(str::to_owned));
            role.unwrap_or_else(|| "?".to_owned())
        });
        let token = token.map(Token::new);
        Self {
            admin: console.admin.with_token(token.clone()),
            options: ClientOptions { token, ..console.client.clone() },
            role,
        }
    }

    /// Speaks the broker's protocol with the caller's token.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(self.options.clone()).map_err(|error| Failure::Away(error.to_string()))
    }
}

/// Somebody to whom the broker answers a question of administrators. The services ask nobody who they are: what is done
/// with them from here is done by such callers alone, and by nobody while the broker cannot be asked.
pub(crate) struct Administrator(pub(crate) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Administrator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Ok(caller) = Caller::from_request_parts(parts, state).await;
        caller.admin.tenants().await.map_err(Failure::Unproved)?;
        Ok(Self(caller))
    }
}

/// Lets those in whom the broker knows. Where it asks nobody, that is everybody; where it is away, what can be seen without
/// it is what anybody on this machine may ask the services for.
pub(crate) async fn gate(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let token = token_in(request.headers());
    let caller = Caller::with_token(&console, token.as_deref());
    let asked = caller.admin.clusters().await;
    if asked.is_err_and(|error| error.status().is_some_and(|status| status.as_u16() == 401)) {
        if *request.method() == Method::GET {
            let to = request.uri().path_and_query().map_or("/", |path| path.as_str());
            return Redirect::to(&page::link("/login", &[("next", to)])).into_response();
        }
        return (StatusCode::UNAUTHORIZED, login::form("/", Some(login::Wrong::Refused))).into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

pub(crate) fn token_in(headers: &HeaderMap) -> Option<String> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let token = pairs.find(|(name, _)| *name == COOKIE_NAME)?.1;
    (!token.is_empty()).then(|| token.to_owned())
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().expect("the gate lets nobody by without one"))
    }
}
