//! How a broker differs from the file.

use std::{collections::BTreeSet, fmt};

use hexalpes_client::AdminClient;

use crate::{
    apply::Deed,
    file::{Permissions, TopicSpec, Topology},
    letters,
    names::{Namespace, Tenant, Topic},
    policies::{self, Policies},
    refusal::TopologyError,
    there::{self, Topics},
};

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file has it, the broker does not.
    Create,
    /// Both have it, otherwise.
    Change,
    /// The broker has it, the file does not. It stays, unless it is pruned.
    OnlyThere,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub change: Change,
    /// `topic persistent://acme/sales/orders`, `retention of namespace acme/sales`.
    pub what: String,
    /// As the broker has it; empty where it has nothing. Of what is only there: what would be lost with it.
    pub from: String,
    /// As the file has it; empty where it has nothing.
    pub to: String,
    /// None for what nobody but its owner deletes: namespaces, and topics of dead letters and retries.
    pub(crate) deed: Option<Deed>,
}

impl Step {
    /// Whether pruning deletes it.
    pub fn is_prunable(&self) -> bool {
        self.change == Change::OnlyThere && self.deed.is_some()
    }
}

/// `+`, `~` or `?`, and what.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, from, to, .. } = self;
        match self.change {
            Change::Create if to.is_empty() => write!(f, "+ {what}"),
            Change::Create => write!(f, "+ {what}: {to}"),
            Change::Change => write!(f, "~ {what}: {from} -> {to}"),
            Change::OnlyThere if from.is_empty() => write!(f, "? {what} is only there"),
            Change::OnlyThere => write!(f, "? {what} ({from}) is only there"),
        }
    }
}

/// All differences, in the order in which they can be made good.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    /// Compares. Nothing is changed.
    pub async fn make(topology: &Topology, admin: &AdminClient) -> Result<Self, TopologyError> {
        let mut planner = Planner { topology, admin, steps: Vec::new() };
        let tenants = admin.tenants().await.map_err(TopologyError::reading("the list of tenants"))?;
        for (tenant, spec) in &topology.tenants {
            let is_there = tenants.iter().any(|there| there == tenant.as_str());
            planner.tenant(tenant, spec.admin_roles.as_ref(), is_there).await?;
        }
        for tenant in topology.tenants.keys() {
            let is_there = tenants.iter().any(|there| there == tenant.as_str());
            planner.namespaces(tenant, is_there).await?;
        }
        let mut steps = planner.steps;
        // What is only there is told last, and goes last.
        steps.sort_by_key(|step| step.change == Change::OnlyThere);
        Ok(Self { steps })
    }

    /// Whether the broker has all that the file says. It may have more.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.change == Change::OnlyThere)
    }

    /// Without the schemas that are to be of another kind than the topics have: somebody decided that these carry
    /// something else, and no broker lets a kind follow another.
    pub fn keeping_kinds(mut self) -> Self {
        self.steps.retain(|step| match &step.deed {
            Some(Deed::UploadSchema { schema, has: Some(has), .. }) => *has == schema.kind,
            _ => true,
        });
        self
    }

    /// What pruning deletes.
    pub fn prunable(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_prunable())
    }
}

struct Planner<'a> {
    topology: &'a Topology,
    admin: &'a AdminClient,
    steps: Vec<Step>,
}

impl Planner<'_> {
    fn create(&mut self, what: String, to: String, deed: Deed) {
        let step = Step { change: Change::Create, what, from: String::new(), to, deed: Some(deed) };
        self.steps.push(step);
    }

    fn change(&mut self, what: String, from: String, to: String, deed: Deed) {
        self.steps.push(Step { change: Change::Change, what, from, to, deed: Some(deed) });
    }

    fn only_there(&mut self, what: String, from: String, deed: Option<Deed>) {
        self.steps.push(Step { change: Change::OnlyThere, what, from, to: String::new(), deed });
    }

    async fn tenant(
        &mut self,
        tenant: &Tenant,
        roles: Option<&BTreeSet<String>>,
        is_there: bool,
    ) -> Result<(), TopologyError> {
        let what = format!("tenant {tenant}");
        let name = tenant.as_str().to_owned();
        if !is_there {
            self.create(what, String::new(), Deed::CreateTenant { name: name.clone() });
        }
        let Some(roles) = roles else { return Ok(()) };
        let known = if is_there { there::admin_roles(self.admin, tenant).await? } else { BTreeSet::new() };
        if known != *roles {
            let what = format!("administrators of tenant {tenant}");
            self.change(what, list(&known), list(roles), Deed::SetAdminRoles { name, roles: roles.clone() });
        }
        Ok(())
    }

    async fn namespaces(&mut self, tenant: &Tenant, is_there: bool) -> Result<(), TopologyError> {
        let (topology, admin) = (self.topology, self.admin);
        let known: BTreeSet<String> = if is_there {
            let what = format!("the list of namespaces of {tenant}");
            admin
                .namespaces(tenant.as_str())
                .await
                .map_err(TopologyError::reading(what))?
                .into_iter()
                .collect()
        } else {
            BTreeSet::new()
        };
        for (namespace, policies) in
            topology.namespaces.iter().filter(|(namespace, _)| namespace.tenant() == *tenant)
        {
            let is_there = known.contains(namespace.as_str());
            if !is_there {
                let deed = Deed::CreateNamespace { name: namespace.as_str().to_owned() };
                self.create(format!("namespace {namespace}"), String::new(), deed);
            }
            self.policies(namespace, policies, is_there).await?;
            self.topics(namespace, is_there).await?;
        }
        if topology.whole_tenants.contains(tenant) {
            for name in known {
                if !topology.namespaces.keys().any(|ours| *ours.as_str() == name) {
                    self.only_there(format!("namespace {name}"), String::new(), None);
                }
            }
        }
        Ok(())
    }

    async fn policies(
        &mut self,
        namespace: &Namespace,
        policies: &Policies,
        is_there: bool,
    ) -> Result<(), TopologyError> {
        for setting in policies.settings() {
            let known = if is_there { there::policy(self.admin, namespace, &setting).await? } else { None };
            if known.as_ref().is_some_and(|known| policies::is_so(known, &setting.value)) {
                continue;
            }
            let what = format!("{} of namespace {namespace}", setting.field);
            let from = known.map_or("nothing".to_owned(), |known| known.to_string());
            let to = setting.value.to_string();
            self.change(
                what,
                from,
                to,
                Deed::SetPolicy { namespace: namespace.as_str().to_owned(), setting },
            );
        }
        let Some(wanted) = &policies.permissions else { return Ok(()) };
        let known = if is_there { there::permissions(self.admin, namespace).await? } else { Vec::new() };
        self.permissions(namespace, wanted, &known);
        Ok(())
    }

    fn permissions(
        &mut self,
        namespace: &Namespace,
        wanted: &Permissions,
        known: &[(String, BTreeSet<String>)],
    ) {
        for (role, actions) in wanted {
            let actions: BTreeSet<String> = actions.iter().map(|action| action.name().to_owned()).collect();
            let has =
                known.iter().find(|(known, _)| known == role).map(|(_, has)| has.clone()).unwrap_or_default();
            if has != actions {
                let what = format!("permissions of {role} in namespace {namespace}");
                let (from, to) = (list(&has), list(&actions));
                let deed =
                    Deed::Grant { namespace: namespace.as_str().to_owned(), role: role.clone(), actions };
                self.change(what, from, to, deed);
            }
        }
        for (role, has) in known.iter().filter(|(role, _)| !wanted.contains_key(role)) {
            let deed = Deed::Revoke { namespace: namespace.as_str().to_owned(), role: role.clone() };
            let what = format!("permissions of {role} in namespace {namespace}");
            self.only_there(what, list(has), Some(deed));
        }
    }

    async fn topics(&mut self, namespace: &Namespace, is_there: bool) -> Result<(), TopologyError> {
        let topology = self.topology;
        let known = if is_there { there::topics(self.admin, namespace).await? } else { Topics::default() };
        for (topic, spec) in topology.topics.iter().filter(|(topic, _)| Namespace::of(&topic.0) == *namespace)
        {
            self.topic(topic, spec, &known).await?;
        }
        for topic in known.all().filter(|topic| !topology.topics.contains_key(topic)) {
            let is_partitioned = known.partitioned.contains(&topic);
            let unread = there::unread(self.admin, &topic, is_partitioned, None).await?;
            let deed = Deed::DeleteTopic { topic: topic.0.clone(), is_partitioned };
            let stays = letters::are_in(&topic, topology.topics.keys());
            self.only_there(format!("topic {topic}"), unread, Some(deed).filter(|_| !stays));
        }
        Ok(())
    }

    async fn topic(&mut self, topic: &Topic, spec: &TopicSpec, known: &Topics) -> Result<(), TopologyError> {
        let is_there = self.partitions(topic, spec, known).await?;
        if let Some(schema) = &spec.schema {
            let has = if is_there { there::schema(self.admin, topic).await? } else { None };
            if !has.as_ref().is_some_and(|has| has.is(schema)) {
                let what = format!("schema of topic {topic}");
                let deed = Deed::UploadSchema {
                    topic: topic.0.clone(),
                    schema: schema.clone(),
                    has: has.as_ref().map(|has| has.kind.clone()),
                };
                match has {
                    Some(has) => self.change(what, has.in_words(), schema.in_words(), deed),
                    None => self.create(what, schema.in_words(), deed),
                }
            }
        }
        let Some(wanted) = &spec.subscriptions else { return Ok(()) };
        let has = if is_there { there::subscriptions(self.admin, topic).await? } else { BTreeSet::new() };
        for name in wanted.difference(&has) {
            let deed = Deed::CreateSubscription { topic: topic.0.clone(), name: name.clone() };
            self.create(format!("subscription {name} of topic {topic}"), String::new(), deed);
        }
        for name in has.difference(wanted) {
            let is_partitioned = known.partitioned.contains(topic);
            let unread = there::unread(self.admin, topic, is_partitioned, Some(name)).await?;
            let deed = Deed::DeleteSubscription { topic: topic.0.clone(), name: name.clone() };
            self.only_there(format!("subscription {name} of topic {topic}"), unread, Some(deed));
        }
        Ok(())
    }

    /// The topic itself; whether it is there.
    async fn partitions(
        &mut self,
        topic: &Topic,
        spec: &TopicSpec,
        known: &Topics,
    ) -> Result<bool, TopologyError> {
        let wanted = spec.partitions.map_or(0, std::num::NonZeroU32::get);
        let has = match (known.partitioned.contains(topic), known.alone.contains(topic)) {
            (true, _) => there::partitions(self.admin, topic).await?,
            (false, true) => 0,
            (false, false) => {
                let deed = Deed::CreateTopic { topic: topic.0.clone(), partitions: wanted };
                self.create(format!("topic {topic}"), in_partitions(wanted), deed);
                return Ok(false);
            }
        };
        let (file, name) = (self.topology.name.clone(), topic.to_string());
        match (has, wanted) {
            (has, wanted) if has == wanted => {}
            (0, wanted) => return Err(TopologyError::NeverPartitioned { file, topic: name, wanted }),
            (has, wanted) if wanted < has => {
                return Err(TopologyError::FewerPartitions { file, topic: name, has, wanted });
            }
            (has, wanted) => {
                let deed = Deed::Grow { topic: topic.0.clone(), partitions: wanted };
                self.change(format!("topic {topic}"), in_partitions(has), in_partitions(wanted), deed);
            }
        }
        Ok(true)
    }
}

fn in_partitions(count: u32) -> String {
    match count {
        0 => "without partitions".to_owned(),
        1 => "1 partition".to_owned(),
        count => format!("{count} partitions"),
    }
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
