//! The handlers of events, and the keys that they hold back: of each an event became a dead letter, so that later ones follow
//! it until somebody lets the key go on.

use axum::{
    Form,
    extract::{Query, State},
    response::Redirect,
};
use futures::future::join_all;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::warn;

use crate::{
    Console,
    ask::Failure,
    caller::{Administrator, Caller},
    orders::{self, Done},
    page::{link, member, page as framed, t, table, text, topic_link},
};

#[derive(Deserialize)]
pub(crate) struct Asked {
    done: Option<Done>,
}

/// A key that a handler holds back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Held {
    service: String,
    subscription: String,
    key: String,
}

pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Markup {
    let with_outbox = console.services.iter().filter(|service| service.has_outbox);
    let asked_of = with_outbox.map(async |service| {
        let all = console.desk(service, "/debug/consumers").await;
        (service, all, console.desk(service, "/debug/consumers/blocked").await)
    });
    let (mut handlers, mut keys, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for (service, all, blocked) in join_all(asked_of).await {
        match (all, blocked) {
            (Ok(all), Ok(blocked)) => {
                handlers.extend(all.as_array().into_iter().flatten().cloned());
                keys.extend(
                    blocked["items"].as_array().into_iter().flatten().map(|key| row(&service.name, key)),
                );
            }
            (Err(why), _) | (_, Err(why)) => absent.push(why.to_string()),
        }
    }
    let heads =
        [t!("Handler", "Manejador"), t!("Key", "Clave"), t!("Event", "Evento"), t!("Since", "Desde"), ""];
    let body = html! {
        (orders::told(asked.done))
        @for why in &absent { p.bad { (why) } }
        (shown(&handlers))
        h2 { (t!("Keys that are held back", "Claves retenidas")) }
        p.note { (t!("An event of each became a dead letter; later ones follow it.",
            "Un evento de cada una quedó como mensaje muerto; los siguientes van tras él.")) }
        (table(&heads, &keys))
    };
    framed(&caller, t!("Handlers", "Manejadores"), None, &body)
}

/// A row for each.
pub(crate) fn shown<'a>(handlers: impl IntoIterator<Item = &'a Value>) -> Markup {
    let rows: Vec<Vec<Markup>> = handlers
        .into_iter()
        .map(|one| {
            let topic = one["topic"].as_str().unwrap_or_default();
            vec![
                member(&one["subscription"]),
                html! { a href=(topic_link(topic)) { (topic) } },
                member(&one["handled"]),
                member(&one["duplicates"]),
                member(&one["held"]),
                member(&one["waitingKeys"]),
                member(&one["deadLetters"]),
                html! { @if let Some(alarm) = one["alarm"].as_str() { span.bad { (alarm) } } },
            ]
        })
        .collect();
    let heads = [
        t!("Handler", "Manejador"),
        t!("Topic", "Tema"),
        t!("Handled", "Atendidos"),
        t!("Duplicates", "Repetidos"),
        t!("Held", "En curso"),
        t!("Waiting keys", "Claves en espera"),
        t!("Dead letters", "Muertos"),
        t!("Alarm", "Alarma"),
    ];
    table(&heads, &rows)
}

fn row(service: &str, held: &Value) -> Vec<Markup> {
    let said = |name: &str| held[name].as_str().unwrap_or_default();
    vec![
        text(said("subscription")),
        text(said("key")),
        text(said("eventId")),
        text(said("blockedAt")),
        html! {
            form action="/handlers/confirm" {
                (fields(&Held { service: service.to_owned(), subscription: said("subscription").to_owned(), key: said("key").to_owned() }))
                button type="submit" { (t!("Let it go on", "Dejarla seguir")) }
            }
        },
    ]
}

fn fields(held: &Held) -> Markup {
    html! {
        input type="hidden" name="service" value=(held.service);
        input type="hidden" name="subscription" value=(held.subscription);
        input type="hidden" name="key" value=(held.key);
    }
}

/// Says what it will do, and asks once more.
pub(crate) async fn confirm(caller: Caller, Query(held): Query<Held>) -> Markup {
    let Held { subscription, key, .. } = &held;
    let told = t!(
        format!(
            "{subscription} handles later events of {key} again. The dead letters of the key stay where they are, to be decided."
        ),
        format!(
            "{subscription} vuelve a atender los eventos siguientes de {key}. Los mensajes muertos de la clave se quedan donde están, por decidir."
        )
    );
    let body = html! {
        p { (told) }
        form method="post" action="/handlers" {
            (fields(&held))
            button.strong type="submit" { (t!("Do it", "Hacerlo")) }
            a href="/handlers" { (t!("Leave it", "Dejarlo")) }
        }
    };
    framed(&caller, t!("Is this what you want?", "¿Es esto lo que quiere?"), None, &body)
}

pub(crate) async fn release(
    State(console): State<Console>,
    Administrator(caller): Administrator,
    Form(held): Form<Held>,
) -> Result<Redirect, Failure> {
    let Held { service, subscription, key } = held;
    let (service, who) = (console.service(&service)?, caller.name(None));
    let body = json!({ "subscription": subscription, "key": key });
    console.post(service, &format!("{}/debug/consumers/release", service.desk), &who, &body).await?;
    warn!(who, subscription, key, "done by the console: release");
    Ok(Redirect::to(&link("/handlers", &[("done", "yes")])))
}
