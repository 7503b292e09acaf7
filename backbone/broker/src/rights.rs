//! Who may do what: superusers everything, a tenant's administrators all that is the tenant's, and others what was
//! granted to their role in a namespace or on a topic.
//!
//! Grants lie with the namespace's policies, under Pulsar's name and in its shape.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use hexalpes_auth::{Caller, Refused};
use hexalpes_wire::TopicName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    broker::{AdminError, Broker, Shared},
    connection::outbox::Outbox,
    policy::Policy,
    topic::Topic,
};

/// What can be granted to a role. Only the first two are asked for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Produce,
    Consume,
    Functions,
    Sources,
    Sinks,
    Packages,
}

/// Roles, and what each may do.
pub type Roles = BTreeMap<String, BTreeSet<Action>>;

/// What is granted in a namespace, as Pulsar's policies have it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    #[serde(default, rename = "namespace_auth")]
    pub namespace: Roles,
    /// By whole name; what is granted on a topic that has partitions holds for each of them.
    #[serde(default, rename = "destination_auth")]
    pub topics: BTreeMap<String, Roles>,
    /// Which roles may use a subscription, where not all may that consume.
    #[serde(default, rename = "subscription_auth_roles")]
    pub subscriptions: BTreeMap<String, BTreeSet<String>>,
}

/// What one has to be allowed.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a> {
    /// What only superusers may.
    Everything,
    /// What a tenant's administrators may.
    Administer {
        tenant: &'a str,
    },
    Produce {
        topic: &'a TopicName,
    },
    /// Of a subscription, if one is named.
    Consume {
        topic: &'a TopicName,
        subscription: Option<&'a str>,
    },
    /// Either of both.
    Use {
        topic: &'a TopicName,
    },
    /// `tenant/namespace`
    UseNamespace {
        namespace: &'a str,
    },
    ConsumeNamespace {
        namespace: &'a str,
    },
}

impl fmt::Display for Right<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("do what only superusers do"),
            Self::Administer { tenant } => write!(f, "administer tenant {tenant}"),
            Self::Produce { topic } => write!(f, "produce to {topic}"),
            Self::Consume { topic, subscription: None } => write!(f, "consume from {topic}"),
            Self::Consume { topic, subscription: Some(name) } => {
                write!(f, "consume from {topic} as subscription {name:?}")
            }
            Self::Use { topic } => write!(f, "produce to {topic} or consume from it"),
            Self::UseNamespace { namespace } => {
                write!(f, "produce to namespace {namespace} or consume from it")
            }
            Self::ConsumeNamespace { namespace } => write!(f, "consume from namespace {namespace}"),
        }
    }
}

/// Somebody wanted what is not theirs to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("role {role:?} may not {right}")]
    Role { role: String, right: String },
    #[error("nobody may who does not say who it is")]
    Nobody,
}

impl Broker {
    /// Who calls over REST: what its header `Authorization` says of it or the name in its certificate, and whom it
    /// speaks for; none if nobody asks clients who they are, or rights do not count.
    pub fn caller(
        &self,
        authorization: Option<&str>,
        common_name: Option<&str>,
        original: Option<&str>,
    ) -> Result<Option<Caller>, Refused> {
        let options = &self.shared.options;
        let Some(authentication) = &options.authentication else { return Ok(None) };
        let now = Duration::from_millis(options.clock.now_ms());
        let found = authentication.authenticate_header(authorization, common_name, now);
        self.shared
            .around
            .counters
            .proof(hexalpes_auth::Authentication::method(authorization, common_name), &found);
        let identity = found?;
        let Some(rights) = &options.authorization else { return Ok(None) };
        Ok(Some(rights.caller(identity.role, original, true)?))
    }

    /// Whether rights count at all.
    pub fn asks_for_rights(&self) -> bool {
        self.shared.options.authorization.is_some()
    }

    /// Fails unless the caller has the right, or rights do not count.
    pub fn allow(&self, caller: Option<&Caller>, right: Right<'_>) -> Result<(), Forbidden> {
        self.shared.allow(caller, right)
    }

    /// What is granted in a namespace.
    pub fn grants(&self, namespace: &str) -> Result<Grants, AdminError> {
        let set = self.policy(namespace, Policy::Grants)?;
        // It was checked when it was set.
        Ok(set.and_then(|set| Grants::deserialize(&set).ok()).unwrap_or_default())
    }

    /// Changes what is granted in a namespace, and sends away who is connected and has lost its right.
    pub fn change_grants(&self, namespace: &str, change: impl FnOnce(&mut Grants)) -> Result<(), AdminError> {
        {
            let _changing = self.shared.changing.lock();
            let mut grants = self.grants(namespace)?;
            change(&mut grants);
            self.shared.put_grants(namespace, &grants)?;
        }
        self.shared.send_away_without_rights(|other| other == namespace);
        Ok(())
    }
}

impl Shared {
    pub(crate) fn allow(&self, caller: Option<&Caller>, right: Right<'_>) -> Result<(), Forbidden> {
        if self.options.authorization.is_none() {
            return Ok(());
        }
        let caller = caller.ok_or(Forbidden::Nobody)?;
        match caller.roles().find(|role| !self.has(role, right)) {
            Some(role) => Err(Forbidden::Role { role: role.to_owned(), right: right.to_string() }),
            None => Ok(()),
        }
    }

    fn has(&self, role: &str, right: Right<'_>) -> bool {
        let is_superuser =
            self.options.authorization.as_ref().is_some_and(|rights| rights.is_superuser(role));
        is_superuser
            || match right {
                Right::Everything => false,
                Right::Administer { tenant } => self.administers(role, tenant),
                Right::Produce { topic } => {
                    self.administers(role, topic.tenant()) || self.is_granted(role, topic, &["produce"])
                }
                Right::Use { topic } => {
                    self.administers(role, topic.tenant())
                        || self.is_granted(role, topic, &["produce", "consume"])
                }
                Right::Consume { topic, subscription } => {
                    self.administers(role, topic.tenant())
                        || self.is_granted(role, topic, &["consume"])
                            && subscription.is_none_or(|name| self.may_subscribe(role, topic, name))
                }
                Right::UseNamespace { namespace } => {
                    self.administers(role, tenant_of(namespace))
                        || self.is_granted_in(role, namespace, &["produce", "consume"])
                }
                Right::ConsumeNamespace { namespace } => {
                    self.administers(role, tenant_of(namespace))
                        || self.is_granted_in(role, namespace, &["consume"])
                }
            }
    }

    fn administers(&self, role: &str, tenant: &str) -> bool {
        self.tenants.read().get(tenant).is_some_and(|info| info.admin_roles.contains(role))
    }

    fn is_granted_in(&self, role: &str, namespace: &str, actions: &[&str]) -> bool {
        let namespaces = self.namespaces.read();
        namespaces.get(namespace).is_some_and(|policies| {
            has_one(&policies[Policy::Grants.name()]["namespace_auth"][role], actions)
        })
    }

    fn is_granted(&self, role: &str, topic: &TopicName, actions: &[&str]) -> bool {
        let namespace = topic.full_namespace();
        if self.is_granted_in(role, &namespace, actions) {
            return true;
        }
        let namespaces = self.namespaces.read();
        let Some(policies) = namespaces.get(&namespace) else { return false };
        let topics = &policies[Policy::Grants.name()]["destination_auth"];
        let on = |name: &TopicName| has_one(&topics[name.to_string().as_str()][role], actions);
        on(topic) || topic.partition().is_some() && on(&topic.without_partition())
    }

    /// A subscription with roles of its own is for them alone. Where names are to begin with a role, it is with this.
    fn may_subscribe(&self, role: &str, topic: &TopicName, subscription: &str) -> bool {
        let namespaces = self.namespaces.read();
        let Some(policies) = namespaces.get(&topic.full_namespace()) else { return false };
        if policies[Policy::SubscriptionAuthMode.name()] == "Prefix" && !subscription.starts_with(role) {
            return false;
        }
        let roles = &policies[Policy::Grants.name()]["subscription_auth_roles"][subscription];
        let Some(roles) = roles.as_array().filter(|roles| !roles.is_empty()) else { return true };
        roles.iter().any(|allowed| allowed == role)
    }

    /// Writes down what is granted in a namespace; `changing` is held.
    fn put_grants(&self, namespace: &str, grants: &Grants) -> Result<(), AdminError> {
        let policies = self.namespaces.read().get(namespace).cloned();
        let mut changed = policies.ok_or_else(|| AdminError::NoNamespace(namespace.to_owned()))?;
        changed[Policy::Grants.name()] =
            serde_json::to_value(grants).expect("texts and lists of them become JSON");
        self.metadata.put_namespace(namespace, &changed.to_string())?;
        self.namespaces.write().insert(namespace.to_owned(), changed);
        Ok(())
    }

    /// Takes back what was granted on a topic that is about to go, or on its partitions, so that a later one of its name is not born with it;
    /// `changing` is held.
    pub(crate) fn forget_grants(&self, topic: &TopicName) -> Result<(), AdminError> {
        let namespace = topic.full_namespace();
        let set =
            self.namespaces.read().get(&namespace).map(|policies| policies[Policy::Grants.name()].clone());
        let Some(mut grants) = set.and_then(|set| Grants::deserialize(&set).ok()) else { return Ok(()) };
        let before = grants.topics.len();
        let is_of_it = |other: TopicName| other == *topic || other.without_partition() == *topic;
        grants.topics.retain(|name, _| !TopicName::parse(name).is_ok_and(is_of_it));
        if grants.topics.len() == before { Ok(()) } else { self.put_grants(&namespace, &grants) }
    }

    /// Sends away who is connected in these namespaces and has no right to it any more, or watches their topics.
    pub(crate) fn send_away_without_rights(&self, is_concerned: impl Fn(&str) -> bool) {
        if self.options.authorization.is_none() {
            return;
        }
        self.watchers.keep(|outbox, namespace| {
            !is_concerned(namespace) || self.allow(outbox.caller(), Right::UseNamespace { namespace }).is_ok()
        });
        let topics: Vec<_> = self.topics.read().values().cloned().collect();
        for topic in topics.iter().filter(|topic| is_concerned(&topic.name.full_namespace())) {
            self.send_away_from(topic);
        }
    }

    /// A right that is taken back just when it was asked for has nobody to send away yet: so it is looked at again once
    /// its producer or consumer is there. One of both then sees the other.
    pub(crate) fn send_away_if_without(&self, outbox: &Outbox, right: Right<'_>, topic: &Topic) {
        if self.allow(outbox.caller(), right).is_err() {
            self.send_away_from(topic);
        }
    }

    fn send_away_from(&self, topic: &Topic) {
        let may = |outbox: &Arc<Outbox>, right: Right<'_>| self.allow(outbox.caller(), right).is_ok();
        topic.send_away(
            |outbox| may(outbox, Right::Produce { topic: &topic.name }),
            |outbox, subscription| {
                may(outbox, Right::Consume { topic: &topic.name, subscription: Some(subscription) })
            },
        );
        self.promote(topic);
    }
}

fn has_one(granted: &Value, actions: &[&str]) -> bool {
    granted
        .as_array()
        .is_some_and(|granted| granted.iter().any(|one| actions.iter().any(|action| one == action)))
}

pub(crate) fn tenant_of(namespace: &str) -> &str {
    namespace.split_once('/').map_or(namespace, |(tenant, _)| tenant)
}
