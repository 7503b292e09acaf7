//! Which right a call takes: one table for all routes, as Pulsar 4.0 has it.
//!
//! What is not in the table takes the administrator of the tenant in its path, and a superuser where there is none: a new
//! route is closed until somebody says here who may come in.

use axum::extract::RawPathParams;
use hexalpes_auth::Caller;
use hexalpes_broker::{Broker, Right};
use http::{Method, StatusCode};

use crate::{names, refusal::Refusal};

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Whoever proved who it is.
    Anybody,
    /// Who may produce to the topic, or consume from it.
    User,
    Producer,
    Consumer,
    /// The same in the whole namespace.
    NamespaceUser,
    NamespaceConsumer,
    /// The tenant's.
    Administrator,
    Superuser,
}

const READ: &[Method] = &[Method::GET];
const ALL: &[Method] = &[Method::GET, Method::PUT, Method::POST, Method::DELETE];

macro_rules! namespace {
    ($rest:literal) => {
        concat!("/admin/v2/namespaces/{tenant}/{namespace}/", $rest)
    };
}

macro_rules! topic {
    ($rest:literal) => {
        concat!("/admin/v2/{domain}/{tenant}/{namespace}/{topic}/", $rest)
    };
}

macro_rules! schemas {
    ($rest:literal) => {
        concat!("/admin/v2/schemas/{tenant}/{namespace}/{topic}/", $rest)
    };
}

/// Routes, each of which stands for those below it too, with the methods, who may call them, and the status for others:
/// Pulsar has two. The first that fits counts.
const TABLE: &[(&str, &[Method], Who, StatusCode)] = {
    use Who::{
        Administrator, Anybody, Consumer, NamespaceConsumer, NamespaceUser, Producer, Superuser, User,
    };
    const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;
    const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
    &[
        ("/admin/v2/brokers/version", READ, Anybody, UNAUTHORIZED),
        ("/admin/v2/brokers/ready", READ, Anybody, UNAUTHORIZED),
        ("/admin/v2/clusters/{cluster}", ALL, Superuser, UNAUTHORIZED),
        ("/admin/v2/clusters", READ, Anybody, UNAUTHORIZED),
        ("/admin/v2/tenants/{tenant}", &[Method::GET, Method::POST], Administrator, UNAUTHORIZED),
        ("/admin/v2/tenants", ALL, Superuser, UNAUTHORIZED),
        (namespace!("topics"), READ, NamespaceUser, FORBIDDEN),
        (namespace!("bundles"), READ, NamespaceUser, FORBIDDEN),
        (namespace!("clearBacklog"), &[Method::POST], NamespaceConsumer, FORBIDDEN),
        (namespace!("unsubscribe"), &[Method::POST], NamespaceConsumer, FORBIDDEN),
        (topic!("stats"), READ, User, UNAUTHORIZED),
        (topic!("internalStats"), READ, User, UNAUTHORIZED),
        (topic!("internal-info"), READ, User, UNAUTHORIZED),
        (topic!("partitions"), READ, User, UNAUTHORIZED),
        (topic!("partitioned-stats"), READ, User, UNAUTHORIZED),
        (topic!("partitioned-internalStats"), READ, User, UNAUTHORIZED),
        (topic!("properties"), READ, User, UNAUTHORIZED),
        (topic!("createMissedPartitions"), &[Method::POST], User, UNAUTHORIZED),
        (topic!("subscriptions"), READ, Consumer, UNAUTHORIZED),
        (topic!("subscription"), ALL, Consumer, UNAUTHORIZED),
        (topic!("all_subscription"), ALL, Consumer, UNAUTHORIZED),
        (topic!("lastMessageId"), READ, Consumer, UNAUTHORIZED),
        (topic!("backlogSize"), ALL, Consumer, UNAUTHORIZED),
        (topic!("backlog"), READ, Consumer, UNAUTHORIZED),
        (topic!("ledger"), READ, Consumer, UNAUTHORIZED),
        (topic!("messageid"), READ, Consumer, UNAUTHORIZED),
        (topic!("examinemessage"), ALL, Consumer, UNAUTHORIZED),
        (topic!("permissions"), ALL, Administrator, UNAUTHORIZED),
        (topic!("compaction"), ALL, Administrator, UNAUTHORIZED),
        (topic!("unload"), ALL, Administrator, UNAUTHORIZED),
        (topic!("terminate"), ALL, Administrator, UNAUTHORIZED),
        (topic!("truncate"), ALL, Administrator, UNAUTHORIZED),
        (topic!("offload"), ALL, Administrator, UNAUTHORIZED),
        (topic!("properties"), ALL, Administrator, UNAUTHORIZED),
        (schemas!("schema"), READ, User, UNAUTHORIZED),
        (schemas!("schema"), &[Method::POST], Producer, UNAUTHORIZED),
        (schemas!("schemas"), READ, User, UNAUTHORIZED),
        (schemas!("metadata"), READ, User, UNAUTHORIZED),
        (schemas!("version"), &[Method::POST], User, UNAUTHORIZED),
        ("/admin/v2/schemas", ALL, Administrator, UNAUTHORIZED),
        ("/lookup/v2/topic/{domain}/{tenant}/{namespace}/{topic}/bundle", READ, NamespaceUser, FORBIDDEN),
        ("/lookup/v2/topic/{domain}/{tenant}/{namespace}/{topic}", READ, User, UNAUTHORIZED),
    ]
};

/// Whether a route is this one of the table, or below it. A name that is not said is any.
fn is_at(route: &str, at: &str) -> bool {
    let mut route = route.split('/');
    at.split('/').all(|part| {
        route.next().is_some_and(|found| match part {
            "{domain}" => ["persistent", "non-persistent", part].contains(&found),
            part => found == part || part.starts_with('{'),
        })
    })
}

/// Who may call a route, and the status for others.
fn who(method: &Method, route: &str) -> (Who, StatusCode) {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let parts: Vec<_> = route.split('/').skip(3).collect();
    match (parts.as_slice(), method) {
        // Making and deleting a namespace is the tenant's business, what is in it the namespace's.
        (["namespaces", _], _) => return (Who::Administrator, StatusCode::UNAUTHORIZED),
        (["namespaces", _, _], &Method::PUT | &Method::DELETE) => {
            return (Who::Administrator, StatusCode::UNAUTHORIZED);
        }
        // The lists of a namespace; `partitioned` stands where a topic does.
        (["persistent" | "non-persistent", _, _], _)
        | (["persistent" | "non-persistent", _, _, _], &Method::GET) => {
            return (Who::NamespaceUser, StatusCode::FORBIDDEN);
        }
        _ => {}
    }
    let found = TABLE.iter().find(|(at, methods, ..)| methods.contains(method) && is_at(route, at));
    match found {
        Some((_, _, who, status)) => (*who, *status),
        None if route.contains("/{tenant}/") => (Who::Administrator, StatusCode::FORBIDDEN),
        None => (Who::Superuser, StatusCode::UNAUTHORIZED),
    }
}

/// Fails unless the caller may call this route with these names in its path.
pub(crate) fn check(
    broker: &Broker,
    caller: Option<&Caller>,
    method: &Method,
    route: &str,
    parameters: Option<&RawPathParams>,
) -> Result<(), Refusal> {
    let (who, status) = who(method, route);
    let named = |name: &str| {
        let found = parameters.and_then(|all| all.iter().find(|(key, _)| *key == name));
        found.map_or("", |(_, value)| value)
    };
    let (tenant, namespace) = (named("tenant"), format!("{}/{}", named("tenant"), named("namespace")));
    let topic = names::topic(names::domain(route), tenant, named("namespace"), named("topic")).ok();
    let right = match (who, &topic) {
        (Who::Anybody, _) => return Ok(()),
        (Who::User, Some(topic)) => Right::Use { topic },
        (Who::Producer, Some(topic)) => Right::Produce { topic },
        (Who::Consumer, Some(topic)) => {
            let subscription = Some(named("subscription")).filter(|name| !name.is_empty());
            Right::Consume { topic, subscription }
        }
        (Who::NamespaceUser, _) => Right::UseNamespace { namespace: &namespace },
        (Who::NamespaceConsumer, _) => Right::ConsumeNamespace { namespace: &namespace },
        // A topic that can be none is told so to who could make one.
        (Who::Administrator | Who::User | Who::Producer | Who::Consumer, _) if !tenant.is_empty() => {
            Right::Administer { tenant }
        }
        _ => Right::Everything,
    };
    broker.allow(caller, right).map_err(|why| Refusal::Forbidden { status, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_spoke_of_takes_an_administrator_or_a_superuser() {
        let new = |route| who(&Method::POST, route).0;
        assert_eq!(new("/admin/v2/something"), Who::Superuser);
        assert_eq!(new("/admin/v2/tenants/{tenant}/something"), Who::Administrator);
        assert_eq!(new("/admin/v2/something/{tenant}/{namespace}/{topic}/subscription"), Who::Administrator);
        assert_eq!(new("/admin/v2/namespaces/{tenant}/{namespace}/something"), Who::Administrator);
        assert_eq!(new("/admin/v2/persistent/{tenant}/{namespace}/{topic}/something"), Who::Administrator);
        assert_eq!(new("/admin/v3/{tenant}/something"), Who::Administrator);
        assert_eq!(new("/admin/v2/brokers/{cluster}"), Who::Superuser);
    }
}
