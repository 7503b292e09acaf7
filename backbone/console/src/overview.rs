//! The first page: the broker, the services, their relays and handlers, and what needs somebody first.

use axum::extract::{Query, State};
use futures::{StreamExt as _, future::join_all, join, stream};
use hexalpes_client::TopicName;
use hexalpes_desk::letters::{SUFFIX, waiting};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Console, Service,
    ask::Failure,
    attention::{self, Concern},
    caller::Caller,
    handlers,
    page::{facts, link, member, page as framed, t, table, text},
};

/// So many calls of the broker are under way at once.
pub(crate) const AT_ONCE: usize = 8;
/// No page comes anew more often, in seconds.
const EVERY_MIN: u32 = 2;

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Seconds after which it comes anew.
    every: Option<u32>,
}

/// All that the page tells of, as far as it was answered.
pub(crate) struct Seen {
    pub(crate) broker: Result<(), String>,
    pub(crate) version: Result<String, String>,
    pub(crate) brokers: Result<Vec<String>, String>,
    pub(crate) services: Vec<SeenService>,
    /// Relays of outboxes that others write.
    pub(crate) sources: Result<Vec<Value>, String>,
    pub(crate) letters: Result<Vec<(TopicName, u64)>, String>,
}

pub(crate) struct SeenService {
    pub(crate) service: Service,
    pub(crate) health: Result<Value, String>,
    /// None where it has none.
    pub(crate) relay: Option<Result<Value, String>>,
    pub(crate) consumers: Result<Vec<Value>, String>,
}

pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Markup {
    let seen = Seen::of(&console, &caller).await;
    let every = asked.every.map(|every| every.max(EVERY_MIN));
    let again = link("/", &[("every", "5")]);
    let body = html! {
        (concerns(&attention::of(&seen)))
        h2 { (t!("Broker", "Bróker")) }
        (broker(&seen))
        h2 { (t!("Services", "Servicios")) }
        (services(&seen.services))
        h2 { "Relays" }
        (relays(&seen))
        h2 { (t!("Dead letters", "Mensajes muertos")) }
        @match &seen.letters {
            Ok(topics) => { (letters(topics)) },
            Err(why) => { p.bad { (why) } },
        }
        h2 { a href="/handlers" { (t!("Handlers", "Manejadores")) } }
        (handlers::shown(seen.services.iter().flat_map(|one| one.consumers.iter().flatten())))
        p.note {
            @if every.is_some() { a href="/" { (t!("Stop refreshing", "Dejar de actualizar")) } }
            @else { a href=(again) { (t!("Refresh every 5 seconds", "Actualizar cada 5 segundos")) } }
        }
    };
    framed(&caller, t!("Overview", "Resumen"), every, &body)
}

impl Seen {
    async fn of(console: &Console, caller: &Caller) -> Self {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let services = join_all(console.services.iter().map(|service| SeenService::of(console, service)));
        let (broker, version, brokers, letters, services, sources) = join!(
            caller.admin.health(),
            caller.admin.version(),
            caller.admin.brokers(),
            dead_letters(caller),
            services,
            crate::relays::sources(console)
        );
        Self {
            broker: broker.map_err(|error| told(&error)),
            version: version.map_err(|error| told(&error)),
            brokers: brokers.map_err(|error| told(&error)),
            services,
            sources: sources.map_err(|error| told(&error)),
            letters: letters.map_err(|error| told(&error)),
        }
    }
}

impl SeenService {
    async fn of(console: &Console, service: &Service) -> Self {
        let told = |error: Failure| error.to_string();
        let (health, relay, consumers) = if service.has_outbox {
            let relay = console.desk(service, "/debug/relay");
            let (health, relay, consumers) =
                join!(console.health(service), relay, console.desk(service, "/debug/consumers"));
            (health, Some(relay), consumers)
        } else {
            (console.health(service).await, None, Ok(Value::Null))
        };
        let consumers = consumers.map(|consumers| match consumers {
            Value::Array(consumers) => consumers,
            _ => Vec::new(),
        });
        Self {
            service: service.clone(),
            health: health.map_err(told),
            relay: relay.map(|relay| relay.map_err(told)),
            consumers: consumers.map_err(told),
        }
    }
}

/// All namespaces that the caller may know of.
pub(crate) async fn namespaces(caller: &Caller) -> Result<Vec<String>, Failure> {
    let mut tenants = caller.admin.tenants().await?;
    tenants.sort();
    let mut all = Vec::new();
    for tenant in tenants {
        let mut namespaces = caller.admin.namespaces(&tenant).await?;
        namespaces.sort();
        all.extend(namespaces);
    }
    Ok(all)
}

/// The topics of dead letters that wait for a decision, and how many wait.
pub(crate) async fn dead_letters(caller: &Caller) -> Result<Vec<(TopicName, u64)>, Failure> {
    let mut topics = Vec::new();
    for namespace in namespaces(caller).await? {
        for name in caller.admin.topics(&namespace).await? {
            topics.extend(TopicName::parse(&name).ok().filter(|topic| topic.local().ends_with(SUFFIX)));
        }
    }
    let counted = stream::iter(topics).map(async |topic| {
        let waiting = waiting(&caller.admin, &topic).await?;
        Ok((topic, waiting))
    });
    let counted: Vec<Result<_, Failure>> = counted.buffered(AT_ONCE).collect().await;
    counted.into_iter().collect()
}

fn concerns(concerns: &[Concern]) -> Markup {
    if concerns.is_empty() {
        return html! { p.good { (t!("All is well.", "Todo va bien.")) } };
    }
    html! {
        section.bad {
            h2 { (t!("This needs somebody", "Esto necesita a alguien")) }
            ul { @for Concern { what, to } in concerns { li { a href=(to) { (what) } } } }
        }
    }
}

fn broker(seen: &Seen) -> Markup {
    let said = |told: &Result<String, String>| match told {
        Ok(told) => text(told),
        Err(why) => html! { span.bad { (why) } },
    };
    let health = match &seen.broker {
        Ok(()) => html! { span.good { (t!("stores and delivers", "guarda y entrega")) } },
        Err(why) => html! { span.bad { (why) } },
    };
    let brokers = match &seen.brokers {
        Ok(brokers) => Ok(brokers.join(", ")),
        Err(why) => Err(why.clone()),
    };
    facts(&[
        (t!("Health", "Salud"), health),
        (t!("Version", "Versión"), said(&seen.version)),
        (t!("Brokers", "Brókers"), said(&brokers)),
    ])
}

fn services(services: &[SeenService]) -> Markup {
    let rows: Vec<Vec<Markup>> = services
        .iter()
        .map(|SeenService { service, health, .. }| {
            let (status, checks) = match health {
                Ok(report) => (state(&report["status"]), checks(&report["checks"])),
                Err(why) => (html! { span.bad { (t!("away", "ausente")) } }, html! { (why) }),
            };
            vec![text(&service.name), status, checks, html! { code { (service.url) } }]
        })
        .collect();
    let heads = [
        t!("Service", "Servicio"),
        t!("Health", "Salud"),
        t!("Checks", "Comprobaciones"),
        t!("Address", "Dirección"),
    ];
    table(&heads, &rows)
}

fn state(status: &Value) -> Markup {
    match status.as_str() {
        Some("ok") => html! { span.good { "ok" } },
        Some(status) => html! { span.bad { (status) } },
        None => html! { span.bad { "?" } },
    }
}

/// Those that are not well are told, the others counted.
fn checks(checks: &Value) -> Markup {
    let all: Vec<_> = checks.as_object().into_iter().flatten().collect();
    let bad: Vec<_> = all.iter().filter(|(_, check)| check["status"] != "ok").collect();
    html! {
        @for (name, check) in &bad {
            div { (name) ": " (state(&check["status"])) " " (check["detail"].as_str().unwrap_or_default()) }
        }
        @if bad.len() < all.len() {
            details {
                summary { (all.len() - bad.len()) " ok" }
                @for (name, _) in all.iter().filter(|(_, check)| check["status"] == "ok") { div { (name) } }
            }
        }
    }
}

/// The columns of a relay, which has the same names everywhere.
pub(crate) fn relay_row(name: Markup, relay: &Value) -> Vec<Markup> {
    let number = |name: &str| member(&relay[name]);
    vec![
        name,
        number("running"),
        number("numWritten"),
        number("lagRows"),
        number("lagSeconds"),
        number("parked"),
        html! { @if let Some(alarm) = relay["alarm"].as_str() { span.bad { (alarm) } } },
    ]
}

pub(crate) fn relay_heads() -> [&'static str; 7] {
    [
        "Relay",
        t!("Runs", "Corre"),
        t!("Published", "Publicadas"),
        t!("Rows behind", "Filas de retraso"),
        t!("Seconds behind", "Segundos de retraso"),
        t!("Parked", "Apartadas"),
        t!("Alarm", "Alarma"),
    ]
}

fn relays(seen: &Seen) -> Markup {
    let named = |name: &str, relay: &Value| {
        let to = link("/relay", &[("of", name)]);
        relay_row(html! { a href=(to) { (name) } }, relay)
    };
    let of_services = seen
        .services
        .iter()
        .filter_map(|one| Some(named(&one.service.name, one.relay.as_ref()?.as_ref().ok()?)));
    let of_sources = seen
        .sources
        .iter()
        .flatten()
        .map(|source| named(source["name"].as_str().unwrap_or_default(), source));
    let rows: Vec<Vec<Markup>> = of_services.chain(of_sources).collect();
    table(&relay_heads(), &rows)
}

/// So many dead letters, in words.
pub(crate) fn so_many(letters: u64) -> String {
    match letters {
        1 => t!("1 dead letter", "1 mensaje muerto").to_owned(),
        letters => t!(format!("{letters} dead letters"), format!("{letters} mensajes muertos")),
    }
}

pub(crate) fn letters(topics: &[(TopicName, u64)]) -> Markup {
    let rows: Vec<Vec<Markup>> = topics
        .iter()
        .map(|(topic, waiting)| {
            let name = topic.to_string();
            let to = link("/letters", &[("topic", &name)]);
            vec![
                html! { a href=(to) { (name) } },
                html! { @if *waiting > 0 { span.bad { (waiting) } } @else { "0" } },
            ]
        })
        .collect();
    table(&[t!("Topic", "Tema"), t!("Waiting", "En espera")], &rows)
}
