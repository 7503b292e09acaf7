//! Text whose UTF-8 was read as Mac Roman, and the way back.
//!
//! Each byte above 127 had become one of 128 characters: `é`, two bytes, shows as `√©`. A line is taken
//! back if all of its characters stand for bytes and the bytes are UTF-8; a line that was never damaged
//! fails one of both, since a lone `é` or `ñ` of Mac Roman is no UTF-8. Lines are judged one by one, for text
//! is pasted together.

/// What the bytes from 128 on mean in Mac Roman, in their order (Apple's table as of 1998, with the euro).
const HIGH: &str = "\
    ÄÅÇÉÑÖÜáàâäãåçéè\
    êëíìîïñóòôöõúùûü\
    †°¢£§•¶ß®©™´¨≠ÆØ\
    ∞±≤≥¥µ∂∑∏π∫ªºΩæø\
    ¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ\
    –—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ\
    ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\
    \u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ\
";

/// The text with every damaged line repaired, and how many these were.
pub(super) fn repair(text: &str) -> (String, usize) {
    let mut repaired = 0;
    let mut whole = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match repair_line(line) {
            Some(line) => {
                repaired += 1;
                whole.push_str(&line);
            }
            None => whole.push_str(line),
        }
    }
    (whole, repaired)
}

/// `None` if the line is as it should be.
fn repair_line(line: &str) -> Option<String> {
    if line.is_ascii() {
        return None;
    }
    let bytes: Vec<u8> = line.chars().map(byte_of).collect::<Option<_>>()?;
    String::from_utf8(bytes).ok()
}

fn byte_of(character: char) -> Option<u8> {
    if character.is_ascii() {
        return u8::try_from(character).ok();
    }
    let place = HIGH.chars().position(|high| high == character)?;
    u8::try_from(place + 128).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED_1: &str = include_str!("../../../tests/data/seed-1.md");

    /// What the damage does: UTF-8, read as Mac Roman.
    fn damage(text: &str) -> String {
        let high: Vec<char> = HIGH.chars().collect();
        let read = |byte: u8| match byte {
            0..128 => char::from(byte),
            128.. => high[usize::from(byte) - 128],
        };
        text.bytes().map(read).collect()
    }

    #[test]
    fn each_high_byte_has_its_character() {
        assert_eq!(HIGH.chars().count(), 128);
        assert_eq!(HIGH.chars().map(byte_of).collect::<Option<Vec<u8>>>(), Some((128..=255).collect()));
    }

    /// Accepts S1-ENC-2.
    #[test]
    fn seed_1_comes_back_from_mac_roman_as_it_was() {
        let damaged = damage(SEED_1);
        assert!(damaged.contains("Configuraci√≥n"));
        assert_eq!(repair(&damaged).0, SEED_1);
    }

    /// Accepts S1-ENC-2.
    #[test]
    fn clean_text_stays_as_it_is() {
        assert_eq!(repair(SEED_1), (SEED_1.to_owned(), 0));
        let names = "Juan Pérez\nÑandú & Cía\r\n📡 x ≤ y — «así»";
        assert_eq!(repair(names), (names.to_owned(), 0));
    }

    #[test]
    fn text_that_is_damaged_in_part_is_repaired_line_by_line() {
        let text = format!("Juan Pérez\n{}\nplain\n", damage("Ñandú & Cía 📡"));
        assert_eq!(repair(&text), ("Juan Pérez\nÑandú & Cía 📡\nplain\n".to_owned(), 1));
    }
}
