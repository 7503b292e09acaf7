//! Pulsar's Admin REST v2 over the broker.
//!
//! [`router`] answers what a client needs before it produces and consumes: tenants, namespaces and their
//! policies, topics with and without partitions and what is counted for them, the lookup over HTTP, and metrics for
//! Prometheus. Names and status codes are Pulsar's: <https://pulsar.apache.org/admin-rest-api/>.
//!
//! Who calls, and whether it may, is asked before a route is reached; the table of rights has all of them.
//!
//! Not here: whoever binds the port.

mod absent;
mod authentication;
mod brokers;
mod bundles;
mod clusters;
mod compaction;
mod each;
mod extract;
mod lookup;
mod messages;
mod metrics;
mod names;
mod namespaces;
mod partitions;
mod permissions;
mod policies;
mod positions;
mod properties;
mod quotas;
mod refusal;
mod rights;
mod schemas;
mod subscriptions;
mod tenants;
mod topic_policies;
mod topics;
mod upkeep;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{delete, get, post, put},
};
use hexalpes_broker::Broker;

use lookup::Scheme;
pub use metrics::Beside;
use refusal::Refusal;

/// No body of this interface is longer than a few policies, or a schema.
const BODY_BYTES_MAX: usize = 1 << 20;
/// The one cluster there is, called as Pulsar calls itself when it stands alone.
const CLUSTER: &str = "standalone";

/// All routes, for a server on the admin port. It wants a tokio runtime with blocking threads: what changes
/// the broker waits for the disk.
pub fn router(broker: Broker) -> Router {
    router_with(broker, Router::new())
}

/// The same with routes of others, which only those may call who may call these: a path with `{tenant}` takes the
/// tenant's administrator, another one a superuser.
pub fn router_with(broker: Broker, others: Router) -> Router {
    const NAMESPACE: &str = "/admin/v2/namespaces/{tenant}/{namespace}";
    const SCHEMAS: &str = "/admin/v2/schemas/{tenant}/{namespace}/{topic}";
    const TOPIC: &str = "/admin/v2/persistent/{tenant}/{namespace}/{topic}";
    Router::new()
        .route("/admin/v2/brokers/health", get(brokers::health))
        .route("/admin/v2/brokers/ready", get(brokers::health))
        .route("/admin/v2/brokers/version", get(brokers::version))
        .route("/admin/v2/brokers/configuration/runtime", get(brokers::configuration))
        .route("/admin/v2/brokers/configuration", get(brokers::nothing_dynamic))
        .route("/admin/v2/brokers/configuration/values", get(brokers::nothing_set))
        .route("/admin/v2/brokers/internal-configuration", get(brokers::internals))
        .route("/admin/v2/brokers/leaderBroker", get(brokers::leader))
        .route("/admin/v2/brokers/backlog-quota-check", get(brokers::check_policies))
        .route("/admin/v2/brokers", get(brokers::here))
        .route("/admin/v2/brokers/{cluster}", get(brokers::here))
        .route("/admin/v2/broker-stats/topics", get(brokers::topics))
        .route("/admin/v2/brokers/configuration/{name}/{value}", post(brokers::change))
        .route("/admin/v2/brokers/configuration/{name}", delete(brokers::forget))
        .route("/admin/v2/brokers/{cluster}/{broker}/ownedNamespaces", get(brokers::owned))
        .merge(of_clusters())
        .route("/admin/v2/tenants", get(tenants::list))
        .route(
            "/admin/v2/tenants/{tenant}",
            put(tenants::create).get(tenants::read).post(tenants::update).delete(tenants::delete),
        )
        .route("/admin/v2/namespaces/{tenant}", get(namespaces::list))
        .route(NAMESPACE, put(namespaces::create).get(namespaces::read).delete(namespaces::delete))
        .route(&format!("{NAMESPACE}/topics"), get(topics::of_namespace))
        .merge(of_namespaces(NAMESPACE))
        .route(&format!("{NAMESPACE}/backlogQuotaMap"), get(quotas::of_namespace))
        .route(
            &format!("{NAMESPACE}/backlogQuota"),
            post(quotas::set_for_namespace).delete(quotas::unset_for_namespace),
        )
        .route(
            &format!("{NAMESPACE}/{{policy}}"),
            get(policies::read).post(policies::set).put(policies::replace).delete(policies::unset),
        )
        .merge(of_domain("persistent"))
        .merge(of_domain("non-persistent"))
        .merge(of_topics(TOPIC))
        .merge(of_subscriptions(TOPIC))
        .route(&format!("{TOPIC}/compaction"), put(compaction::compact).get(compaction::status))
        .route(
            &format!("{SCHEMAS}/schema"),
            get(schemas::newest).post(schemas::upload).delete(schemas::delete),
        )
        .route(&format!("{SCHEMAS}/schema/{{version}}"), get(schemas::version))
        .route(&format!("{SCHEMAS}/schemas"), get(schemas::all))
        .route(&format!("{SCHEMAS}/metadata"), get(schemas::metadata))
        .route(&format!("{SCHEMAS}/compatibility"), post(schemas::compatibility))
        .route(&format!("{SCHEMAS}/version"), post(schemas::find))
        .route("/metrics", get(metrics::metrics))
        .route("/metrics/", get(metrics::metrics))
        .merge(others.with_state(()))
        .fallback(async || Refusal::NoPath)
        .method_not_allowed_fallback(async || Refusal::Method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(broker.clone(), authentication::authenticate))
        .with_state(broker)
}

/// What topics have whether they are persistent or not.
fn of_domain(domain: &str) -> Router<Broker> {
    let namespace = format!("/admin/v2/{domain}/{{tenant}}/{{namespace}}");
    let topic = format!("{namespace}/{{topic}}");
    Router::new()
        .route(&namespace, get(topics::list))
        .route(&topic, put(topics::create).delete(topics::delete).get(partitions::list))
        .route(&format!("{topic}/stats"), get(topics::stats))
        .route(&format!("{topic}/subscriptions"), get(topics::subscriptions))
        .route(
            &format!("{topic}/partitions"),
            get(partitions::read).put(partitions::create).post(partitions::grow).delete(partitions::delete),
        )
        .route(&format!("{topic}/partitioned-stats"), get(partitions::stats))
        .route(&format!("{topic}/internalStats"), get(upkeep::internals))
        .route(&format!("{topic}/unload"), put(upkeep::unload))
        .route(&format!("{topic}/permissions"), get(permissions::of_topic))
        .route(
            &format!("{topic}/permissions/{{role}}"),
            post(permissions::grant_on_topic).delete(permissions::revoke_on_topic),
        )
        .route(&format!("/lookup/v2/topic/{domain}/{{tenant}}/{{namespace}}/{{topic}}"), get(lookup::lookup))
        .route(
            &format!("/lookup/v2/topic/{domain}/{{tenant}}/{{namespace}}/{{topic}}/bundle"),
            get(bundles::of_topic),
        )
}

fn of_clusters() -> Router<Broker> {
    let at = |rest: &str| format!("/admin/v2/clusters{rest}");
    Router::new()
        .route(&at(""), get(clusters::list))
        .route(
            &at("/{cluster}"),
            get(clusters::read).put(clusters::create).post(clusters::update).delete(clusters::delete),
        )
        .route(&at("/{cluster}/peers"), get(clusters::peers).post(clusters::set_peers))
        .route(&at("/{cluster}/failureDomains"), get(clusters::domains))
        .route(
            &at("/{cluster}/failureDomains/{domain}"),
            get(clusters::domain).delete(clusters::domain).post(clusters::set_domain),
        )
        .route(&at("/{cluster}/namespaceIsolationPolicies"), get(clusters::isolation))
        .route(
            &at("/{cluster}/namespaceIsolationPolicies/{policy}"),
            get(clusters::isolation_policy).delete(clusters::isolation_policy).post(clusters::set_isolation),
        )
}

/// What there is of a namespace beside its topics and policies.
fn of_namespaces(namespace: &str) -> Router<Broker> {
    let at = |rest: &str| format!("{namespace}/{rest}");
    Router::new()
        .route(&at("bundles"), get(bundles::read))
        .route(&at("properties"), get(properties::all).put(properties::add).delete(properties::clear))
        .route(
            &at("persistence/bookieAffinity"),
            get(absent::bookies).delete(absent::bookies).post(absent::set_bookies),
        )
        .route(&at("property/{key}"), get(properties::one).delete(properties::remove))
        .route(&at("property/{key}/{value}"), put(properties::set))
        .route(&at("unload"), put(bundles::unload))
        .route(&at("{policy}/unload"), put(bundles::unload_bundle))
        .route(&at("replication"), get(bundles::clusters).post(bundles::set_clusters))
        .route(&at("clearBacklog"), post(bundles::clear))
        .route(&at("clearBacklog/{subscription}"), post(bundles::clear_subscription))
        .route(&at("unsubscribe/{subscription}"), post(bundles::unsubscribe))
        .route(&at("{policy}/clearBacklog"), post(bundles::clear_bundle))
        .route(&at("{policy}/clearBacklog/{subscription}"), post(bundles::clear_subscription_of_bundle))
        .route(&at("{policy}/unsubscribe/{subscription}"), post(bundles::unsubscribe_bundle))
        .route(&at("permissions"), get(permissions::of_namespace))
        .route(
            &at("permissions/{role}"),
            post(permissions::grant_in_namespace).delete(permissions::revoke_in_namespace),
        )
        .route(&at("permissions/subscription"), get(permissions::of_subscriptions))
        .route(&at("permissions/subscription/{subscription}"), post(permissions::grant_subscription))
        .route(&at("permissions/{subscription}/{role}"), delete(permissions::revoke_subscription))
}

/// What there is of a topic beside its partitions and statistics.
fn of_topics(topic: &str) -> Router<Broker> {
    let at = |rest: &str| format!("{topic}/{rest}");
    Router::new()
        .route(&at("internal-info"), get(upkeep::info))
        .route(&at("partitioned-internalStats"), get(upkeep::partitioned_internals))
        .route(&at("ledger/{ledger}/entry/{entry}"), get(messages::by_id))
        .route(&at("examinemessage"), get(messages::examine))
        .route(&at("messageid/{time}"), get(messages::by_time))
        .route(&at("lastMessageId"), get(messages::last))
        .route(&at("backlogSize"), put(messages::backlog_size))
        .route(
            &at("properties"),
            get(upkeep::properties).put(upkeep::set_properties).delete(upkeep::remove_property),
        )
        .route(&at("terminate"), post(upkeep::terminate))
        .route(&at("terminate/partitions"), post(upkeep::terminate_partitions))
        .route(&at("truncate"), delete(upkeep::truncate))
        .route(&at("trim"), post(upkeep::trim))
        .route(&at("policies"), delete(topic_policies::clear))
        .route(&at("offload"), get(absent::offloading).put(absent::offload))
        .route(&at("createMissedPartitions"), post(upkeep::create_missed))
        .route(&at("backlogQuotaMap"), get(quotas::of_topic))
        .route(&at("backlogQuota"), post(quotas::set_for_topic).delete(quotas::unset_for_topic))
        .route(
            &at("{policy}"),
            get(topic_policies::read)
                .post(topic_policies::set)
                .put(topic_policies::replace)
                .delete(topic_policies::unset),
        )
        .route(&at("all_subscription/expireMessages/{seconds}"), post(subscriptions::expire_all))
}

fn of_subscriptions(topic: &str) -> Router<Broker> {
    let of = |rest: &str| format!("{topic}/subscription/{{subscription}}{rest}");
    Router::new()
        .route(&of(""), put(subscriptions::create).delete(subscriptions::delete))
        .route(&of("/skip/{entries}"), post(subscriptions::skip))
        .route(&of("/skip_all"), post(subscriptions::clear))
        .route(&of("/resetcursor"), post(subscriptions::reset_to_message))
        .route(&of("/resetcursor/{time}"), post(subscriptions::reset_to_time))
        .route(&of("/expireMessages"), post(subscriptions::expire_through))
        .route(&of("/expireMessages/{seconds}"), post(subscriptions::expire))
        .route(&of("/position/{nth}"), get(messages::peek))
        .route(&of("/analyzeBacklog"), post(subscriptions::analyze))
        .route(
            &of("/replicatedSubscriptionStatus"),
            get(subscriptions::replicated).post(subscriptions::set_replicated),
        )
        .route(&of("/properties"), get(subscriptions::properties).put(subscriptions::set_properties))
}

/// The same for a server that speaks TLS: it says so where it tells of its own address.
pub fn tls_router_with(broker: Broker, others: Router) -> Router {
    router_with(broker, others).layer(Extension(Scheme::Https))
}

/// Calls the broker where waiting for the disk holds nobody up.
async fn blocking<T: Send + 'static>(
    broker: Broker,
    work: impl FnOnce(&Broker) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let worked = tokio::task::spawn_blocking(move || work(&broker)).await;
    worked.unwrap_or_else(|error| {
        tracing::error!(%error, "a call of the admin interface ended in a panic");
        Err(Refusal::Panicked)
    })
}
