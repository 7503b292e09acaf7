//! axum's extractors, refusing as this interface does.

use axum::{
    body::Bytes,
    extract::{self, FromRequest, FromRequestParts, MatchedPath, Request},
};
use hexalpes_wire::TopicName;
use http::request::Parts;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{names, refusal::Refusal};

pub(crate) struct Path<T>(pub(crate) T);

/// The topic that a path names, whatever stands behind it; persistent or not, as its route says.
pub(crate) struct Topic(pub(crate) TopicName);

#[derive(Deserialize)]
struct Names {
    tenant: String,
    namespace: String,
    topic: String,
}

pub(crate) struct Query<T>(pub(crate) T);

pub(crate) struct Body(pub(crate) Bytes);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Ok(Self(extract::Path::from_request_parts(parts, state).await?.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Topic {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(Names { tenant, namespace, topic }) = Path::from_request_parts(parts, state).await?;
        let domain = names::domain(parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str));
        Ok(Self(names::topic(domain, &tenant, &namespace, &topic)?))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Ok(Self(extract::Query::from_request_parts(parts, state).await?.0))
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        Ok(Self(Bytes::from_request(request, state).await?))
    }
}
