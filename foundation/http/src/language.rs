//! What we say, in English and in Spanish, and which of the two a client asked for (`Accept-Language`).
//!
//! Whoever refuses something says it in both; the answer takes the one that was asked for. Not here: codes,
//! which are for programs and the same in every language.

use std::fmt;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

tokio::task_local! {
    static SPOKEN: Language;
}

/// A language that we speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Spanish,
}

impl Language {
    /// The language that the request which is being answered asked for; English elsewhere.
    pub fn spoken() -> Self {
        SPOKEN.try_with(|language| *language).unwrap_or_default()
    }

    /// As in `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// The one of ours that ranks highest in `Accept-Language` (RFC 9110, section 12.5.4); English if none does.
    fn asked(headers: &HeaderMap) -> Self {
        let ranges = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let mut best = (Self::default(), 0.0);
        for range in ranges.flat_map(|value| value.split(',')) {
            let (tag, quality) = range.split_once(';').unwrap_or((range, ""));
            let quality = match quality.trim().strip_prefix("q=") {
                Some(number) => number.parse::<f32>().unwrap_or(0.0),
                None => 1.0,
            };
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let language = match primary.as_str() {
                "es" => Self::Spanish,
                "en" => Self::English,
                _ => continue,
            };
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }
}

/// A text in both languages. `From` a single text is for what has no translation: names, other programs' words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(Box<Texts>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Texts {
    english: String,
    spanish: Option<String>,
}

impl Said {
    pub fn both(english: impl Into<String>, spanish: impl Into<String>) -> Self {
        Self(Box::new(Texts { english: english.into(), spanish: Some(spanish.into()) }))
    }

    pub fn in_language(&self, language: Language) -> &str {
        match (language, &self.0.spanish) {
            (Language::Spanish, Some(spanish)) => spanish,
            _ => &self.0.english,
        }
    }

    /// What logs, dead letters and the command line show.
    pub fn english(&self) -> &str {
        &self.0.english
    }

    pub fn is_empty(&self) -> bool {
        self.0.english.is_empty()
    }

    /// Whether it is said in Spanish too.
    pub fn is_translated(&self) -> bool {
        self.0.spanish.is_some()
    }

    /// The same with something before it in both languages, such as the name of what it is about.
    pub fn after(self, prefix: impl fmt::Display) -> Self {
        let Texts { english, spanish } = *self.0;
        let spanish = spanish.map(|spanish| format!("{prefix}{spanish}"));
        Self(Box::new(Texts { english: format!("{prefix}{english}"), spanish }))
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self(Box::new(Texts { english: text, spanish: None }))
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// In the language of the request that is being answered.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_language(Language::spoken()))
    }
}

impl serde::Serialize for Said {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Says something in English and in Spanish; both are format strings over the same arguments.
///
/// ```
/// use hexalpes_http::said;
///
/// let known = "USD";
/// let said = said!("must be {known}", "debe ser {known}");
/// assert_eq!(said.english(), "must be USD");
/// ```
#[macro_export]
macro_rules! said {
    ($english:literal, $spanish:literal $(, $argument:expr)* $(,)?) => {
        $crate::Said::both(format!($english $(, $argument)*), format!($spanish $(, $argument)*))
    };
}

/// Answers in the language that was asked for, and says which it was.
pub(crate) async fn speak(request: Request, next: Next) -> Response {
    let language = Language::asked(request.headers());
    let mut response = SPOKEN.scope(language, next.run(request)).await;
    let tag = HeaderValue::from_static(language.tag());
    if response.status().is_client_error() || response.status().is_server_error() {
        response.headers_mut().insert(header::CONTENT_LANGUAGE, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accepted: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(accepted).unwrap());
        Language::asked(&headers)
    }

    #[test]
    fn the_language_that_ranks_highest_is_spoken() {
        for (accepted, language) in [
            ("es", Language::Spanish),
            ("es-CO,es;q=0.9,en;q=0.8", Language::Spanish),
            ("en-GB, es;q=0.5", Language::English),
            ("en;q=0.3, ES-mx;q=0.7", Language::Spanish),
            ("fr, de;q=0.9", Language::English),
            ("fr, es;q=0.1", Language::Spanish),
            ("es;q=0", Language::English),
            ("*", Language::English),
            (";;,q=", Language::English),
        ] {
            assert_eq!(asked(accepted), language, "{accepted}");
        }
    }

    #[tokio::test]
    async fn what_has_no_translation_stays_english() {
        let spoken = SPOKEN.scope(Language::Spanish, async {
            (Said::both("yes", "sí").to_string(), Said::from("yes").to_string())
        });
        assert_eq!(spoken.await, ("sí".to_owned(), "yes".to_owned()));
        assert_eq!(Said::both("yes", "sí").after("/name: ").to_string(), "/name: yes");
    }
}
