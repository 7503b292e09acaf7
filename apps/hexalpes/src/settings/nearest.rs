//! What somebody may have meant.

/// So many slips make another word.
const SLIPS_MAX: usize = 4;

/// The known name that is fewest slips away, if it is near at all.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (slips(name, known), known)).min()?;
    (near.0 <= SLIPS_MAX.min(name.chars().count() / 2)).then_some(near.1)
}

/// Levenshtein's distance: letters that were added, left out or exchanged.
fn slips(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant() {
        let known = ["backbone_port", "admin_port", "data"];
        assert_eq!(nearest("backbon_port", known.into_iter()), Some("backbone_port"));
        assert_eq!(nearest("dta", known.into_iter()), Some("data"));
    }

    #[test]
    fn another_word_is_nobodys_slip() {
        assert_eq!(nearest("x", ["data"].into_iter()), None);
        assert_eq!(nearest("elephants", ["data", "log"].into_iter()), None);
    }
}
