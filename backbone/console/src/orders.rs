//! Orders as forms, the page that says what they will do, and what it says when they are done.

use axum::{
    Form,
    extract::{Query, State},
    response::Redirect,
};
use hexalpes_client::TopicName;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{
    Console,
    ask::{Failure, stats_of},
    caller::Caller,
    order::{Asked, Order},
    page::{link, page as framed, t, topic_link},
};

/// That something was done: a word, so that no address can have a page say what it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Done {
    Yes,
}

pub(crate) fn told(done: Option<Done>) -> Markup {
    html! { @if done.is_some() { p.good { (t!("It is done.", "Está hecho.")) } } }
}

/// Says what it will do, and asks once more.
pub(crate) async fn confirm(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let order = Order::parse(&asked, now_ms(&console))?;
    let topic = order.topic();
    let stats = stats_of(&caller, topic).await?;
    let body = html! {
        p { code { (topic) } }
        p { (order.told(&stats.unwrap_or_default())) }
        form method="post" action="/order" {
            @for (name, value) in order.fields() { input type="hidden" name=(name) value=(value); }
            button.strong type="submit" { (t!("Do it", "Hacerlo")) }
            a href=(back(&order)) { (t!("Leave it", "Dejarlo")) }
        }
    };
    Ok(framed(&caller, t!("Is this what you want?", "¿Es esto lo que quiere?"), None, &body))
}

pub(crate) async fn give(
    State(console): State<Console>,
    caller: Caller,
    Form(asked): Form<Asked>,
) -> Result<Redirect, Failure> {
    let order = Order::parse(&asked, now_ms(&console))?;
    order.give(&caller).await?;
    let (who, topic) = (caller.name(None), order.topic());
    warn!(who, %topic, subscription = asked.subscription, "done by the console: {:?}", asked.what);
    let to = match order {
        Order::Delete { .. } => link("/topics", &[("namespace", &topic.full_namespace()), ("done", "yes")]),
        _ => link("/topic", &[("name", &topic.to_string()), ("done", "yes")]),
    };
    Ok(Redirect::to(&to))
}

fn now_ms(console: &Console) -> u64 {
    u64::try_from(console.edge.now().as_millis()).unwrap_or_default()
}

fn back(order: &Order) -> String {
    match order {
        Order::Create { topic, .. } => link("/topics", &[("namespace", &topic.full_namespace())]),
        order => topic_link(&order.topic().to_string()),
    }
}

/// A form that asks for confirmation.
fn form(what: &str, topic: &TopicName, fields: &Markup, button: &str) -> Markup {
    html! {
        form action="/order" {
            input type="hidden" name="what" value=(what);
            input type="hidden" name="topic" value=(topic);
            (fields)
            button type="submit" { (button) }
        }
    }
}

/// Of a topic with partitions entries are skipped in one of them.
pub(crate) fn of_subscription(topic: &TopicName, subscription: &str, partitions: u32) -> Markup {
    let named = html! { input type="hidden" name="subscription" value=(subscription); };
    html! {
        details {
            summary { (t!("Actions", "Acciones")) }
            @if partitions == 0 {
                (form("skip", topic, &html! {
                    (named)
                    label { (t!("Entries", "Entradas")) input type="number" name="entries" min="1" value="1"; }
                }, t!("Skip", "Saltar")))
            }
            (form("clear", topic, &named, t!("Clear the backlog", "Vaciar lo pendiente")))
            (form("reset", topic, &html! {
                (named)
                label { (t!("Minutes back; empty: the beginning", "Minutos atrás; vacío: el principio")) input type="number" name="minutes" min="0"; }
            }, t!("Reset", "Reponer")))
            (form("unsubscribe", topic, &named, t!("Delete", "Borrar")))
        }
    }
}

pub(crate) fn subscribing(topic: &TopicName) -> Markup {
    form(
        "subscribe",
        topic,
        &html! {
            label { (t!("New subscription", "Suscripción nueva")) input name="subscription" required; }
            label { (t!("Begins with", "Empieza con"))
                select name="from" {
                    option value="latest" { (t!("what comes", "lo que llegue")) }
                    option value="earliest" { (t!("all that is there", "todo lo que hay")) }
                }
            }
        },
        t!("Make", "Crear"),
    )
}

pub(crate) fn of_topic(topic: &TopicName) -> Markup {
    html! {
        div.row {
            (form("unload", topic, &html! {}, t!("Unload", "Descargar")))
            @if topic.partition().is_none() { (form("delete", topic, &html! {}, t!("Delete", "Borrar"))) }
        }
    }
}

/// Of a namespace.
pub(crate) fn making(namespace: &str) -> Markup {
    let value = format!("persistent://{namespace}/");
    html! {
        h2 { (t!("New topic", "Tema nuevo")) }
        form action="/order" {
            input type="hidden" name="what" value="create";
            label { (t!("Topic", "Tema")) input name="topic" value=(value) size="60" required; }
            label { (t!("Partitions; 0: none", "Particiones; 0: ninguna")) input type="number" name="partitions" min="0" value="0"; }
            button type="submit" { (t!("Make", "Crear")) }
        }
    }
}
