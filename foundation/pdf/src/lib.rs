//! Lines of text as a PDF: A4, one of the fonts that every reader has, as many pages as it takes.
//!
//! Letters are those of Western European languages; another becomes a question mark.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

const FONT: Name<'static> = Name(b"F1");
const LINES_OF_A_PAGE: usize = 68;
/// What is longer is cut: see [`wrapped`].
pub const CHARS_OF_A_LINE: usize = 110;

/// The lines, one below the other, in a language (BCP 47), which readers aloud go by.
pub fn of_lines(lines: &[String], language: &str) -> Vec<u8> {
    let (catalog, tree, font) = (Ref::new(1), Ref::new(2), Ref::new(3));
    let pages: Vec<&[String]> = lines.chunks(LINES_OF_A_PAGE).collect();
    // Each page has two objects after those that all share.
    let page_of = |index: i32| (Ref::new(4 + 2 * index), Ref::new(5 + 2 * index));
    let refs: Vec<(Ref, Ref)> = (0..).take(pages.len()).map(page_of).collect();
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree).lang(TextStr(language));
    let count = i32::try_from(refs.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(refs.iter().map(|(page, _)| *page)).count(count);
    pdf.type1_font(font).base_font(Name(b"Courier")).encoding_predefined(Name(b"WinAnsiEncoding"));
    for (lines, (page, content)) in pages.into_iter().zip(refs) {
        let mut written = pdf.page(page);
        written.media_box(Rect::new(0.0, 0.0, 595.0, 842.0)).parent(tree).contents(content);
        written.resources().fonts().pair(FONT, font);
        written.finish();
        pdf.stream(content, &text(lines));
    }
    pdf.finish()
}

/// A text in lines of at most so many characters, broken between words where that is possible.
pub fn wrapped(text: &str, chars: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let line = lines.last_mut().expect("there is always a line");
            let used = line.chars().count();
            let room = chars.saturating_sub(used + usize::from(used > 0));
            if word.len() <= room || used == 0 {
                if used > 0 {
                    line.push(' ');
                }
                line.extend(word.drain(..word.len().min(room.max(1))));
            } else {
                lines.push(String::new());
            }
        }
    }
    lines
}

/// The lines from the top of the page down.
fn text(lines: &[String]) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_text().set_font(FONT, 8.0).set_leading(11.0).next_line(32.0, 800.0);
    for line in lines {
        content.show(Str(&letters(line))).next_line_using_leading();
    }
    content.end_text();
    content.finish().to_vec()
}

/// `WinAnsi` has the letters of Latin-1 where Latin-1 has them.
fn letters(line: &str) -> Vec<u8> {
    let is_letter = |byte: &u8| matches!(byte, 0x20..=0x7e | 0xa0..=0xff);
    let letter = |one: char| u8::try_from(u32::from(one)).ok().filter(is_letter).unwrap_or(b'?');
    line.chars().take(CHARS_OF_A_LINE).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_on_as_many_pages_as_it_takes() {
        let lines: Vec<String> = (0..150).map(|number| format!("linea {number} ☃")).collect();
        let pdf = of_lines(&lines, "en");
        assert!(pdf.starts_with(b"%PDF-1."));
        let holds = |wanted: &[u8]| pdf.windows(wanted.len()).filter(|window| *window == wanted).count();
        assert_eq!(holds(b"/Lang (en)"), 1);
        assert_eq!((holds(b"/Count 3"), holds(b"/Type /Page\n")), (1, 3));
        assert_eq!(holds(b" 149 ?)"), 1);
    }

    #[test]
    fn a_text_is_broken_between_words_and_a_word_that_is_too_long_within() {
        assert_eq!(wrapped("uno dos tres", 7), ["uno dos", "tres"]);
        assert_eq!(wrapped("añadidura", 4), ["añad", "idur", "a"]);
        assert_eq!(wrapped("a bcdefg", 3), ["a", "bcd", "efg"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
