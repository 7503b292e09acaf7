//! What a path names, parsed, and whether it is there.

use hexalpes_broker::{AdminError, Broker};
use hexalpes_wire::{
    TopicName,
    topic::{Domain, TopicNameError},
};

use crate::refusal::Refusal;

/// Of which kind the topics of a route are; persistent, where it does not say.
pub(crate) fn domain(route: &str) -> Domain {
    if route.contains("/non-persistent/") { Domain::NonPersistent } else { Domain::Persistent }
}

pub(crate) fn topic(
    domain: Domain,
    tenant: &str,
    namespace: &str,
    local: &str,
) -> Result<TopicName, TopicNameError> {
    TopicName::parse(&format!("{}://{tenant}/{namespace}/{local}", domain.as_str()))
}

/// Some topic, to know whether these can be names.
fn any_topic(tenant: &str, namespace: &str) -> Result<TopicName, Refusal> {
    Ok(topic(Domain::Persistent, tenant, namespace, "any")?)
}

/// `tenant/namespace`. A namespace is named well if a topic in it can be.
pub(crate) fn namespace(tenant: &str, namespace: &str) -> Result<String, Refusal> {
    Ok(any_topic(tenant, namespace)?.full_namespace())
}

pub(crate) fn tenant(tenant: &str) -> Result<String, Refusal> {
    Ok(any_topic(tenant, "any")?.tenant().to_owned())
}

pub(crate) fn has_namespace(broker: &Broker, namespace: &str) -> bool {
    broker.namespaces().iter().any(|known| known == namespace)
}

pub(crate) fn known_namespace(broker: &Broker, namespace: &str) -> Result<(), Refusal> {
    if has_namespace(broker, namespace) {
        Ok(())
    } else {
        Err(AdminError::NoNamespace(namespace.to_owned()).into())
    }
}

pub(crate) fn known_tenant(broker: &Broker, tenant: &str) -> Result<(), Refusal> {
    if broker.tenant(tenant).is_some() { Ok(()) } else { Err(AdminError::NoTenant(tenant.to_owned()).into()) }
}
