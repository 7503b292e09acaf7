//! Dead letters: how many wait where, what one says and why it died, and what becomes of it.

use axum::{
    Form,
    extract::{Query, State},
};
use futures::FutureExt as _;
use hexalpes_desk::letters::{Decided, Held, Letter, Which};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    Console,
    ask::{Failure, topic as parsed},
    caller::Caller,
    overview,
    page::{facts, link, page as framed, t, table, text, topic_link, who},
    topic::{pre, properties},
};

/// Letters of one topic that are shown.
const SHOWN_MAX: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Asked {
    topic: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct One {
    topic: String,
    event: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Replay,
    Drop,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Order {
    topic: String,
    what: Verb,
    /// The key of this one as a whole; none: all that are there.
    #[serde(default)]
    event: String,
    /// What it is to say instead.
    #[serde(default)]
    data: String,
    #[serde(default)]
    who: String,
}

pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Markup, Failure> {
    let Some(topic) = asked.topic else {
        let topics = overview::dead_letters(&caller).await?;
        let body = html! {
            p.note { (t!("What a handler could not do waits here until somebody decides.",
                "Lo que un manejador no pudo hacer espera aquí hasta que alguien decida.")) }
            (overview::letters(&topics))
        };
        return Ok(framed(&caller, t!("Dead letters", "Mensajes muertos"), None, &body));
    };
    let _alone = console.letters.lock().await;
    let held = Held::open(caller.client()?, parsed(&topic)?, Some(SHOWN_MAX)).await?;
    let rows: Vec<Vec<Markup>> = held.letters().iter().map(|letter| row(&topic, letter)).collect();
    held.close().await;
    let heads = [
        t!("Event", "Evento"),
        t!("Type", "Tipo"),
        t!("Key", "Clave"),
        t!("Code", "Código"),
        t!("Reason", "Razón"),
        t!("Runs", "Intentos"),
        t!("At", "Cuándo"),
    ];
    let body = html! {
        p { a href=(topic_link(&topic)) { (t!("The topic", "El tema")) } }
        @if rows.len() == SHOWN_MAX {
            p.note { (t!(format!("The first {SHOWN_MAX}."), format!("Los primeros {SHOWN_MAX}."))) }
        }
        (table(&heads, &rows))
        @if !rows.is_empty() {
            div.row {
                (asking(&topic, "replay", t!("Handle all after all", "Atender todos después de todo")))
                (asking(&topic, "drop", t!("Drop all", "Descartar todos")))
            }
        }
    };
    Ok(framed(&caller, &topic, None, &body))
}

fn row(topic: &str, letter: &Letter) -> Vec<Markup> {
    let property = |name: &str| text(letter.message.property(name).unwrap_or_default());
    let to = link("/letter", &[("topic", topic), ("event", letter.event_id())]);
    vec![
        html! { a href=(to) { (letter.event_id()) } },
        text(letter.kind().unwrap_or_default()),
        text(letter.key().unwrap_or_default()),
        property("dlq_code"),
        property("dlq_reason"),
        property("dlq_runs"),
        property("dlq_at"),
    ]
}

fn asking(topic: &str, what: &str, button: &str) -> Markup {
    html! {
        form action="/letters/confirm" {
            input type="hidden" name="topic" value=(topic);
            input type="hidden" name="what" value=(what);
            button type="submit" { (button) }
        }
    }
}

pub(crate) async fn one(
    State(console): State<Console>,
    caller: Caller,
    Query(One { topic, event }): Query<One>,
) -> Result<Markup, Failure> {
    let _alone = console.letters.lock().await;
    let held = Held::open(caller.client()?, parsed(&topic)?, None).await?;
    let found = held.letter(&event).map(|letter| {
        let lane = letter.lane();
        (letter.clone(), held.letters().iter().filter(|other| other.lane() == lane).count())
    });
    held.close().await;
    let (letter, in_order) = found?;
    let property = |name: &str| text(letter.message.property(name).unwrap_or_default());
    let data = letter.read.data.clone().unwrap_or_else(|| data_of(&letter.read.text));
    let decide = |fields: Markup| {
        html! {
            form method="post" action="/letters" {
                input type="hidden" name="topic" value=(topic);
                input type="hidden" name="event" value=(event);
                (who(&caller))
                (fields)
            }
        }
    };
    let in_order = overview::so_many(in_order as u64);
    let body = html! {
        p { a href=(link("/letters", &[("topic", &topic)])) { (topic) } }
        (facts(&[
            (t!("Reason", "Razón"), property("dlq_reason")),
            (t!("Code", "Código"), property("dlq_code")),
            (t!("Handler", "Manejador"), property("dlq_subscription")),
            (t!("Runs", "Intentos"), property("dlq_runs")),
            (t!("At", "Cuándo"), property("dlq_at")),
            (t!("Stands in the order of", "Está en el orden de"), text(letter.lane())),
        ]))
        (pre(&letter.read.text))
        details { summary { (t!("Properties", "Propiedades")) } (properties(&letter.message.properties)) }
        h2 { (t!("Decide", "Decidir")) }
        p { (t!(
            format!("The order is decided as a whole: {in_order}, from the first on. What is refused again stays, with those behind it."),
            format!("El orden se decide entero: {in_order}, desde el primero. Lo que se rechaza otra vez se queda, con los de detrás.")
        )) }
        (decide(html! {
            button type="submit" name="what" value="replay" { (t!("Handle after all", "Atender después de todo")) }
            button.strong type="submit" name="what" value="drop" { (t!("Drop: nobody will handle them", "Descartar: nadie los atenderá")) }
        }))
        details {
            summary { (t!("Handle with other data", "Atender con otros datos")) }
            (decide(html! {
                label { (t!("Data", "Datos")) textarea name="data" required { (data) } }
                button type="submit" name="what" value="replay" { (t!("Handle with this data", "Atender con estos datos")) }
            }))
        }
    };
    Ok(framed(&caller, &event, None, &body))
}

/// What a structured event says; what is none, is all of it.
fn data_of(text: &str) -> String {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "specversion")]
        _specversion: String,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    serde_json::from_str::<Event<'_>>(text)
        .map_or_else(|_| text.to_owned(), |event| event.data.get().to_owned())
}

/// Says how many it is about, and asks once more.
pub(crate) async fn confirm(
    State(console): State<Console>,
    caller: Caller,
    Query(order): Query<Order>,
) -> Result<Markup, Failure> {
    let _alone = console.letters.lock().await;
    let held = Held::open(caller.client()?, parsed(&order.topic)?, None).await?;
    let count = overview::so_many(held.letters().len() as u64);
    held.close().await;
    let (what, told) = match order.what {
        Verb::Replay => (
            "replay",
            t!(
                format!(
                    "{count} dead letters are handled after all, in their order; what is refused again stays."
                ),
                format!(
                    "{count}: se atienden después de todo, en su orden; lo que se rechaza otra vez se queda."
                )
            ),
        ),
        Verb::Drop => (
            "drop",
            t!(
                format!("{count}: dropped, nobody will handle them."),
                format!("{count}: se descartan, nadie los atenderá.")
            ),
        ),
    };
    let body = html! {
        p { code { (order.topic) } }
        p { (told) }
        form method="post" action="/letters" {
            input type="hidden" name="topic" value=(order.topic);
            input type="hidden" name="what" value=(what);
            (who(&caller))
            button.strong type="submit" { (t!("Do it", "Hacerlo")) }
            a href=(link("/letters", &[("topic", &order.topic)])) { (t!("Leave it", "Dejarlo")) }
        }
    };
    Ok(framed(&caller, t!("Is this what you want?", "¿Es esto lo que quiere?"), None, &body))
}

/// Has the services decide; each letter with what became of it.
pub(crate) async fn decide(
    State(console): State<Console>,
    caller: Caller,
    Form(order): Form<Order>,
) -> Result<Markup, Failure> {
    let data = edited(&order)?;
    let (which, path) = order.meant();
    let who = caller.name(Some(&order.who));
    let _alone = console.letters.lock().await;
    let held = Held::open(caller.client()?, parsed(&order.topic)?, None).await?;
    let mut rows: Vec<Vec<Markup>> = Vec::new();
    let ask = |service: &str, decision: Value| {
        let (console, service, who) = (console.clone(), service.to_owned(), who.clone());
        async move {
            let service = console.service(&service)?;
            console.post(service, &format!("{}{path}", service.desk), &who, &decision).await
        }
        .boxed()
    };
    let told = |letter: &Letter, outcome: Result<&str, &Failure>| {
        rows.push(vec![
            text(letter.event_id()),
            match outcome {
                Ok(outcome) => html! { span.good { (outcome) } },
                Err(why) => html! { span.bad { (why.to_string()) } },
            },
        ]);
    };
    let decided = held.decide(&which, data.as_deref(), ask, told).await;
    held.close().await;
    let Decided { done, stay } = decided?;
    let body = html! {
        p { (t!(format!("{done} decided."), format!("{done} decididos.")))
            @if !stay.is_empty() { " " span.bad { (t!("These stay as they were: ", "Estos quedan como estaban: ")) (stay.join(", ")) } }
        }
        (table(&[t!("Event", "Evento"), t!("Outcome", "Resultado")], &rows))
        p { a href=(link("/letters", &[("topic", &order.topic)])) { (order.topic) } }
    };
    Ok(framed(&caller, t!("Decided", "Decidido"), None, &body))
}

impl Order {
    fn meant(&self) -> (Which, &'static str) {
        let which = match self.event.as_str() {
            "" => Which { all: true, ..Which::default() },
            event => Which { events: vec![event.to_owned()], ..Which::default() },
        };
        let path = match self.what {
            Verb::Replay => "/debug/dead-letters/replay",
            Verb::Drop => "/debug/dead-letters/drop",
        };
        (which, path)
    }
}

/// Other data for the one event that is named: a JSON object.
fn edited(order: &Order) -> Result<Option<Box<RawValue>>, Failure> {
    if order.data.trim().is_empty() {
        return Ok(None);
    }
    let wrong =
        || Failure::Meant(t!("The data is no JSON object.", "Los datos no son un objeto JSON.").to_owned());
    let data: Box<RawValue> = serde_json::from_str(order.data.trim()).map_err(|_| wrong())?;
    if !data.get().starts_with('{') || order.event.is_empty() || order.what != Verb::Replay {
        return Err(wrong());
    }
    Ok(Some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(what: Verb, event: &str, data: &str) -> Order {
        Order {
            topic: "x-sales-dlq".into(),
            what,
            event: event.into(),
            data: data.into(),
            who: String::new(),
        }
    }

    #[test]
    fn other_data_is_an_object_for_one_that_is_replayed() {
        let data = edited(&order(Verb::Replay, "e-1", " {\"monto\":1000.00} ")).unwrap().unwrap();
        assert_eq!(data.get(), "{\"monto\":1000.00}");
        assert!(edited(&order(Verb::Replay, "e-1", "")).unwrap().is_none());
        for wrong in [
            order(Verb::Replay, "e-1", "[1]"),
            order(Verb::Replay, "e-1", "{"),
            order(Verb::Replay, "", "{}"),
            order(Verb::Drop, "e-1", "{}"),
        ] {
            assert!(edited(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_data_of_an_event_is_what_can_be_changed() {
        assert_eq!(data_of(r#"{"specversion":"1.0","type":"x","data":{"n":1.50}}"#), r#"{"n":1.50}"#);
        assert_eq!(data_of(r#"{"data":{"n":1}}"#), r#"{"data":{"n":1}}"#);
        assert_eq!(data_of("no JSON"), "no JSON");
    }
}
