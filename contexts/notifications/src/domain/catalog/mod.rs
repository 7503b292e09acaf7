//! Which events are told to whom, by default by which way, and in which words.

mod partners;
mod program;

/// Whom an event is told to, besides operators who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The partner or affiliate that this field names.
    Of(&'static str),
    /// Nobody besides.
    Operators,
}

/// A title and a text with places for the event's fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) body: &'static str,
}

/// An event that is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// The `CloudEvents` `type`.
    pub(crate) kind: &'static str,
    pub(crate) audience: Audience,
    /// Whether it is mailed to those who said nothing. All are told in the app, and webhooks everything that they want.
    pub(crate) is_mailed: bool,
    /// It waits for no quiet hours and no digest if this field holds this.
    urgent: Option<(&'static str, &'static str)>,
    /// What can be shown of it: the fields that hold a text, a number or a truth value.
    pub(crate) fields: &'static [&'static str],
    pub(crate) spanish: Words,
    pub(crate) english: Words,
}

/// What can be shown of any event.
pub(crate) const ALWAYS: [&str; 3] = ["recipient_name", "occurred_at", "correlation_id"];

impl Known {
    /// The name without its namespace, as preferences and templates use it.
    pub(crate) fn bare(&self) -> &'static str {
        self.kind.rsplit('.').next().unwrap_or(self.kind)
    }

    /// What a template may name.
    pub(crate) fn places(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.fields.iter().copied().chain(ALWAYS)
    }

    pub(crate) fn is_urgent(&self, value: impl Fn(&str) -> Option<String>) -> bool {
        self.urgent.is_some_and(|(field, urgent)| value(field).as_deref() == Some(urgent))
    }
}

/// All of them.
pub(crate) fn catalog() -> impl Iterator<Item = &'static Known> + Clone {
    program::PROGRAM.iter().chain(partners::PARTNERS)
}

/// By the type, in full or bare.
pub(crate) fn known(kind: &str) -> Option<&'static Known> {
    catalog().find(|known| known.kind == kind || known.bare() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Template;

    #[test]
    fn every_built_in_text_renders_with_every_place_filled_in_both_languages() {
        for known in catalog() {
            for text in [known.spanish.title, known.spanish.body, known.english.title, known.english.body] {
                let template = Template::parse(text, known.places());
                let template = template.unwrap_or_else(|error| panic!("{}: {error}", known.kind));
                let shown = template.render(|field| Some(format!("<{field}>")));
                assert!(shown.contains('<') && !shown.contains("{{") && !shown.contains('—'), "{shown}");
            }
        }
    }

    #[test]
    fn an_exhausted_budget_is_urgent() {
        let alert = known("BudgetAlert").unwrap();
        assert!(alert.is_urgent(|_| Some("EXHAUSTED".to_owned())));
        assert!(!alert.is_urgent(|_| Some("WARNING".to_owned())));
    }
}
