//! Texts as people write them, made equal where they mean the same: skills, places, names.

use std::collections::BTreeSet;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Without accents, case and surplus blanks: `Bogotá  D.C.` is `bogota d.c.`. What else a word is made of stays, for
/// `C`, `C++` and `C#` are three.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|char| !is_combining_mark(*char)).collect();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that a skill or a place may have.
pub const WORD_CHARS_MAX: usize = 64;
/// Bytes that its key may have: what a column of keys holds on MySQL and MariaDB.
const KEY_BYTES_MAX: usize = 255;

/// Why a text is no skill or place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {WORD_CHARS_MAX} characters, letters among them")]
pub struct WordError;

/// A skill. Two that differ in case, accents or blanks alone are the same.
#[derive(Clone, Debug)]
pub struct Skill {
    name: String,
    key: String,
}

impl Skill {
    pub fn parse(raw: &str) -> Result<Self, WordError> {
        Ok(Self { key: key(raw)?, name: raw.trim().to_owned() })
    }

    /// As it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What makes two the same.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl PartialEq for Skill {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Skill {}

/// A place of work: a city, perhaps with its country behind a comma, or a region or country.
#[derive(Clone, Debug)]
pub struct Place {
    name: String,
    key: String,
}

impl Place {
    pub fn parse(raw: &str) -> Result<Self, WordError> {
        let parts: Vec<String> = raw.split(',').map(fold).filter(|part| !part.is_empty()).collect();
        Ok(Self { key: key(&parts.join(","))?, name: raw.trim().to_owned() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// What stands before the first comma.
    pub fn city(&self) -> &str {
        self.key.split(',').next().unwrap_or(&self.key)
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Place {}

fn key(raw: &str) -> Result<String, WordError> {
    let folded = fold(raw);
    let is_word = folded.chars().any(char::is_alphanumeric) && !folded.chars().any(char::is_control);
    let is_short = |text: &str| text.chars().nth(WORD_CHARS_MAX).is_none();
    if is_word && is_short(raw) && is_short(&folded) && folded.len() <= KEY_BYTES_MAX {
        return Ok(folded);
    }
    Err(WordError)
}

/// Names are alike from this similarity on, in basis points.
pub const ALIKE_BP: u32 = 8_000;
/// Words of a name that are looked at, and characters of each: two fit into a column of keys.
const NAME_WORDS_MAX: usize = 6;
const NAME_WORD_CHARS_MAX: usize = 24;

/// A name as it sounds: its words in no order, without accents and case, and without what Spanish spells in two ways
/// (`b` and `v`; `s`, `z` and soft `c`; `ll` and `y`; a silent `h`; doubled letters).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSound(BTreeSet<String>);

impl NameSound {
    pub fn of(name: &str) -> Self {
        let folded = fold(name);
        let words = folded.split(|char: char| !char.is_alphanumeric());
        let words = words.map(|word| sound(word).chars().take(NAME_WORD_CHARS_MAX).collect::<String>());
        Self(words.filter(|word| word.len() > 1).take(NAME_WORDS_MAX).collect())
    }

    /// Two of its words each: two names that are alike have at least one pair in common.
    pub fn pairs(&self) -> Vec<String> {
        let words: Vec<&String> = self.0.iter().collect();
        let pairs = words.iter().enumerate();
        pairs
            .flat_map(|(index, one)| words[index + 1..].iter().map(move |other| format!("{one} {other}")))
            .collect()
    }

    /// Sørensen and Dice's coefficient over the words: twice those in common by the sum of both, in basis points.
    pub fn similarity_bp(&self, other: &Self) -> u32 {
        let all = self.0.len() + other.0.len();
        let common = self.0.intersection(&other.0).count();
        if all == 0 {
            return 0;
        }
        u32::try_from(common * 20_000 / all).unwrap_or(0)
    }
}

fn sound(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let mut heard = String::with_capacity(word.len());
    let mut index = 0;
    while index < chars.len() {
        let next = chars.get(index + 1).copied();
        let is_soft = matches!(next, Some('e' | 'i'));
        let (sounds, length) = match (chars[index], next) {
            ('c', Some('h')) => (Some('x'), 2),
            ('p', Some('h')) => (Some('f'), 2),
            ('l', Some('l')) => (Some('i'), 2),
            ('q', Some('u')) => (Some('k'), 2),
            ('v', _) => (Some('b'), 1),
            ('z', _) => (Some('s'), 1),
            ('c', _) if is_soft => (Some('s'), 1),
            ('c' | 'q', _) => (Some('k'), 1),
            ('g', _) if is_soft => (Some('j'), 1),
            ('y', _) => (Some('i'), 1),
            ('h', _) => (None, 1),
            (char, _) => (Some(char), 1),
        };
        if let Some(sounds) = sounds
            && !heard.ends_with(sounds)
        {
            heard.push(sounds);
        }
        index += length;
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_blanks_make_no_other_skill_and_signs_do() {
        let skill = |raw| Skill::parse(raw).unwrap();
        assert_eq!(skill("Gestión  de Proyectos"), skill("gestion de proyectos"));
        assert_ne!(skill("C"), skill("C++"));
        assert_ne!(skill("C++"), skill("C#"));
        for wrong in ["", "  ", "+++", "a\u{7}", &"a".repeat(65)] {
            assert_eq!(Skill::parse(wrong), Err(WordError), "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_of_any_word_or_name_fits_into_a_column_of_keys() {
        assert_eq!(Skill::parse(&"𝒻".repeat(64)).map(|skill| skill.key().len()), Ok(64));
        assert_eq!(Skill::parse(&"𐎀".repeat(64)), Err(WordError));
        let long = NameSound::of(&format!("{} {}", "𐎀𐎁".repeat(49), "𐎂𐎃".repeat(49)));
        assert!(long.pairs().iter().all(|pair| pair.len() <= KEY_BYTES_MAX) && long.pairs().len() == 1);
    }

    #[test]
    fn a_place_is_its_city_and_what_is_behind() {
        let place = Place::parse("Bogotá ,  Colombia").unwrap();
        assert_eq!((place.key(), place.city()), ("bogota,colombia", "bogota"));
        assert_eq!(Place::parse("BOGOTA,colombia").unwrap(), place);
        assert_eq!(Place::parse(" , "), Err(WordError));
    }

    #[test]
    fn names_that_sound_alike_are_alike_in_any_order() {
        let alike = |one, other| NameSound::of(one).similarity_bp(&NameSound::of(other)) >= ALIKE_BP;
        assert!(alike("José Pérez García", "perez garcia, jose"));
        assert!(alike("Jhon Vásquez", "Jon Bazquez"));
        assert!(alike("Juan Pérez", "Juan Pérez García"));
        assert!(!alike("Juan Pérez", "Juana Peralta"));
        assert!(!alike("Juan", "Juana"));
        let (one, other) = (NameSound::of("Ana Gil Paz"), NameSound::of("Gil Ana"));
        assert!(one.pairs().iter().any(|pair| other.pairs().contains(pair)));
    }
}
