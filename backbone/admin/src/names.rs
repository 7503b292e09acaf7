//! What a path names, parsed, and whether it is there.

use hexalpes_broker::{AdminError, Broker};
use hexalpes_wire::TopicName;

use crate::refusal::Refusal;

pub(crate) fn topic(tenant: &str, namespace: &str, local: &str) -> Result<TopicName, Refusal> {
    Ok(TopicName::parse(&format!("persistent://{tenant}/{namespace}/{local}"))?)
}

/// `tenant/namespace`. A namespace is named well if a topic in it can be.
pub(crate) fn namespace(tenant: &str, namespace: &str) -> Result<String, Refusal> {
    Ok(topic(tenant, namespace, "any")?.full_namespace())
}

pub(crate) fn tenant(tenant: &str) -> Result<String, Refusal> {
    Ok(topic(tenant, "any", "any")?.tenant().to_owned())
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
