//! Relays: those of the services and those of outboxes that others write, what they could not publish, what was done with
//! them, and doing it.

use axum::{
    Form,
    extract::{Query, State},
    response::Redirect,
};
use futures::{future::join_all, join};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Console, Service,
    ask::Failure,
    caller::{Administrator, Caller},
    orders::{self, Done},
    overview::{relay_heads, relay_row},
    page::{facts, link, member, page as framed, t, table, text, who},
};

/// Where sources are asked for.
const SOURCES: &str = "/admin/v3/sources";

#[derive(Deserialize)]
pub(crate) struct Asked {
    of: String,
    done: Option<Done>,
}

/// What is to be done with a relay, or with one event that it could not publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Pause,
    Resume,
    Restart,
    Resnapshot,
    Skip,
    Retry,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Order {
    of: String,
    what: Verb,
    /// The event, of one that is parked.
    #[serde(default)]
    event: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    who: String,
}

/// A relay by the name of its service, or `tenant/namespace/name` of a source.
struct Relay<'a> {
    service: &'a Service,
    /// What the paths of its desk begin with.
    base: String,
}

impl<'a> Relay<'a> {
    fn named(console: &'a Console, name: &str) -> Result<Self, Failure> {
        if !name.contains('/') {
            let service = console.service(name)?;
            return Ok(Self { service, base: format!("{}/debug", service.desk) });
        }
        let is_plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.=:".contains(&byte))
        };
        if name.split('/').count() != 3 || !name.split('/').all(is_plain) {
            return Err(Failure::Absent(format!(
                "{name} is no source: sources are called tenant/namespace/name"
            )));
        }
        let service = sources_of(console).ok_or_else(|| Failure::Absent(name.to_owned()))?;
        Ok(Self { service, base: format!("{SOURCES}/{name}") })
    }

    async fn get(&self, console: &Console, rest: &str) -> Result<Value, Failure> {
        console.get(self.service, &format!("{}/relay{rest}", self.base)).await
    }
}

fn sources_of(console: &Console) -> Option<&Service> {
    console.services.iter().find(|service| service.has_sources)
}

pub(crate) async fn page(State(console): State<Console>, caller: Caller) -> Markup {
    let with_outbox = console.services.iter().filter(|service| service.has_outbox);
    let asked = with_outbox.map(async |service| {
        let name = linked(&service.name);
        match console.desk(service, "/debug/relay").await {
            Ok(relay) => relay_row(name, &relay),
            Err(why) => vec![name, html! { span.bad { (why.to_string()) } }],
        }
    });
    let (mut rows, sources) = join!(join_all(asked), sources(&console));
    for source in sources.iter().flatten() {
        rows.push(relay_row(linked(source["name"].as_str().unwrap_or_default()), source));
    }
    let body = html! {
        (table(&relay_heads(), &rows))
        @if let Err(why) = &sources { p.bad { (why.to_string()) } }
    };
    framed(&caller, "Relays", None, &body)
}

/// The relays of outboxes that others write. That none run is no failure.
pub(crate) async fn sources(console: &Console) -> Result<Vec<Value>, Failure> {
    let Some(service) = sources_of(console) else { return Ok(Vec::new()) };
    match console.get(service, SOURCES).await {
        Ok(Value::Array(sources)) => Ok(sources),
        Ok(_) | Err(Failure::Refused { status: 404 | 503, .. }) => Ok(Vec::new()),
        Err(why) => Err(why),
    }
}

fn linked(name: &str) -> Markup {
    html! { a href=(link("/relay", &[("of", name)])) { (name) } }
}

pub(crate) async fn one(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let relay = Relay::named(&console, &asked.of)?;
    let status = relay.get(&console, "").await?;
    let (parked, deeds) = (relay.get(&console, "/parked").await?, relay.get(&console, "/deeds").await?);
    let told: Vec<(&str, Markup)> = status
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "notes")
        .map(|(name, value)| (name.as_str(), member(value)))
        .collect();
    let body = html! {
        (orders::told(asked.done))
        (facts(&told))
        div.row { @for (verb, name) in verbs() { (asking(&asked.of, verb, "", name)) } }
        h2 { (t!("Parked events", "Eventos apartados")) }
        (of_parked(&asked.of, &parked))
        h2 { (t!("What was done, by whom, and why", "Qué se hizo, quién y por qué")) }
        (done(&deeds))
    };
    Ok(framed(&caller, &format!("Relay: {}", asked.of), None, &body))
}

fn verbs() -> [(&'static str, &'static str); 5] {
    [
        ("pause", t!("Pause", "Pausar")),
        ("resume", t!("Resume", "Reanudar")),
        ("restart", t!("Restart", "Reiniciar")),
        ("resnapshot", t!("Begin anew after a lost log", "Empezar de nuevo tras perder el log")),
        ("skip", t!("Go on at the end of the log", "Seguir al final del log")),
    ]
}

fn asking(of: &str, what: &str, event: &str, button: &str) -> Markup {
    html! {
        form action="/relay/confirm" {
            input type="hidden" name="of" value=(of);
            input type="hidden" name="what" value=(what);
            @if !event.is_empty() { input type="hidden" name="event" value=(event); }
            button type="submit" { (button) }
        }
    }
}

fn of_parked(of: &str, parked: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(parked)
        .map(|row| {
            let event = row["id"].as_str().unwrap_or_default();
            vec![
                text(event),
                html! { (member(&row["aggregatetype"])) " " (member(&row["aggregateid"])) },
                member(&row["reason"]),
                member(&row["parked_at"]),
                html! {
                    div.row {
                        (asking(of, "retry", event, t!("Retry", "Reintentar")))
                        (asking(of, "skip", event, t!("Give up", "Abandonar")))
                    }
                },
            ]
        })
        .collect();
    let heads =
        [t!("Event", "Evento"), t!("Aggregate", "Agregado"), t!("Reason", "Razón"), t!("Since", "Desde"), ""];
    table(&heads, &rows)
}

fn done(deeds: &Value) -> Markup {
    let rows: Vec<Vec<Markup>> = items(deeds)
        .map(|deed| ["at", "who", "what", "why"].map(|name| member(&deed[name])).to_vec())
        .collect();
    table(&[t!("When", "Cuándo"), t!("Who", "Quién"), t!("What", "Qué"), t!("Why", "Por qué")], &rows)
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().or(answer.as_array()).into_iter().flatten()
}

/// Says what it will do, and asks why.
pub(crate) async fn confirm(
    State(console): State<Console>,
    caller: Caller,
    Query(order): Query<Order>,
) -> Result<Markup, Failure> {
    Relay::named(&console, &order.of)?;
    let what = format!("{:?}", order.what).to_lowercase();
    let body = html! {
        p { strong { (order.of) } @if !order.event.is_empty() { " · " code { (order.event) } } }
        p { (order.told()) }
        form method="post" action="/relay" {
            input type="hidden" name="of" value=(order.of);
            input type="hidden" name="what" value=(what);
            input type="hidden" name="event" value=(order.event);
            label { (t!("Why; it is written down", "Por qué; queda anotado")) input name="reason" size="50" maxlength="500" required autofocus; }
            (who(&caller))
            button.strong type="submit" { (t!("Do it", "Hacerlo")) }
            a href=(link("/relay", &[("of", &order.of)])) { (t!("Leave it", "Dejarlo")) }
        }
    };
    Ok(framed(&caller, t!("Is this what you want?", "¿Es esto lo que quiere?"), None, &body))
}

pub(crate) async fn give(
    State(console): State<Console>,
    Administrator(caller): Administrator,
    Form(order): Form<Order>,
) -> Result<Redirect, Failure> {
    let relay = Relay::named(&console, &order.of)?;
    if order.reason.trim().is_empty() {
        return Err(Failure::Meant(t!("Say why.", "Diga por qué.").to_owned()));
    }
    let mut body = json!({ "reason": order.reason.trim() });
    if !order.event.is_empty() {
        body["event_id"] = order.event.as_str().into();
    }
    let path = format!("{}/relay/{}", relay.base, order.path()?);
    console.post(relay.service, &path, &caller.name(Some(&order.who)), &body).await?;
    Ok(Redirect::to(&link("/relay", &[("of", &order.of), ("done", "yes")])))
}

impl Order {
    fn path(&self) -> Result<&'static str, Failure> {
        Ok(match (self.what, self.event.is_empty()) {
            (Verb::Pause, true) => "pause",
            (Verb::Resume, true) => "resume",
            (Verb::Restart, true) => "restart",
            (Verb::Resnapshot, true) => "resnapshot",
            (Verb::Skip, true) => "skip",
            (Verb::Skip, false) => "parked/skip",
            (Verb::Retry, false) => "parked/retry",
            (Verb::Retry, true) => {
                return Err(Failure::Meant(t!("Name the event.", "Nombre el evento.").to_owned()));
            }
            (Verb::Pause | Verb::Resume | Verb::Restart | Verb::Resnapshot, false) => {
                return Err(Failure::Meant(
                    t!("This is of the relay, not of an event.", "Esto es del relay, no de un evento.")
                        .to_owned(),
                ));
            }
        })
    }

    fn told(&self) -> &'static str {
        match (self.what, self.event.is_empty()) {
            (Verb::Pause, _) => t!(
                "Nothing is published until it is resumed. Events stay in the outbox, and nothing is lost.",
                "No se publica nada hasta reanudar. Los eventos se quedan en el outbox y no se pierde nada."
            ),
            (Verb::Resume, _) => t!("It goes on with what was paused.", "Sigue con lo que estaba en pausa."),
            (Verb::Restart, _) => t!(
                "It stops and starts again, also after an alarm at which it ended.",
                "Para y empieza otra vez, también tras una alarma en la que terminó."
            ),
            (Verb::Resnapshot, _) => t!(
                "It begins anew after a log was lost: of a service, with what is not marked as published; of a source, with \
                 all rows of its table, so that those on the topics come there twice.",
                "Empieza de nuevo tras perder un log: de un servicio, con lo que no está marcado como publicado; de una fuente, \
                 con todas las filas de su tabla, así que las que están en los temas llegan dos veces."
            ),
            (Verb::Skip, true) => t!(
                "It goes on at the end of the log: what lies between is never published.",
                "Sigue al final del log: lo que hay en medio no se publica nunca."
            ),
            (Verb::Skip, false) => t!(
                "The event is given up: it is never published. Those of its aggregate behind it go on.",
                "El evento se abandona: no se publica nunca. Los de su agregado que van detrás siguen."
            ),
            (Verb::Retry, _) => t!(
                "The event is tried again, and those of its aggregate behind it.",
                "Se reintenta el evento, y los de su agregado que van detrás."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(what: Verb, event: &str) -> Order {
        Order { of: "sales".into(), what, event: event.into(), reason: "r".into(), who: String::new() }
    }

    #[test]
    fn an_event_is_tried_or_given_up_and_a_relay_is_everything_else() {
        assert_eq!(order(Verb::Skip, "e-1").path().unwrap(), "parked/skip");
        assert_eq!(order(Verb::Retry, "e-1").path().unwrap(), "parked/retry");
        assert_eq!(order(Verb::Skip, "").path().unwrap(), "skip");
        assert_eq!(order(Verb::Pause, "").path().unwrap(), "pause");
        assert!(order(Verb::Retry, "").path().is_err());
        assert!(order(Verb::Pause, "e-1").path().is_err());
    }
}
