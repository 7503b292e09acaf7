//! Documents as HTML, as PDF and as text.

use hexalpes_pdf::{CHARS_OF_A_LINE, of_lines, wrapped};

use crate::domain::{Block, Document, Language, blocks, sha256};

/// Freezes a text as a document: what is signed is the HTML.
pub(crate) fn document(
    title: &str,
    text: String,
    language: Language,
    sent_at: hexalpes_kernel::Timestamp,
) -> Document {
    let html = html(title, &text, language);
    Document { title: title.to_owned(), hash: sha256(html.as_bytes()), text, html, sent_at }
}

/// A page without anything from elsewhere.
pub(crate) fn html(title: &str, text: &str, language: Language) -> String {
    let (title, language) = (escaped(title), language.name());
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>body {{ \
         font-family: serif; max-width: 42em; margin: 3em auto; line-height: 1.5 }}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for block in blocks(text) {
        match block {
            Block::Heading(heading) => html.extend(["<h2>", &escaped(&heading), "</h2>\n"]),
            Block::Paragraph(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
                html.extend(["<p>", &lines.join("<br>\n"), "</p>\n"]);
            }
        }
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The same on A4; `footer` stands at the end, such as the digest of what was signed.
pub(crate) fn pdf(title: &str, text: &str, footer: &[String], language: Language) -> Vec<u8> {
    let mut lines = wrapped(title, CHARS_OF_A_LINE);
    for block in blocks(text) {
        lines.push(String::new());
        match block {
            Block::Heading(heading) => lines.extend(wrapped(&heading.to_uppercase(), CHARS_OF_A_LINE)),
            Block::Paragraph(parts) => {
                lines.extend(parts.iter().flat_map(|part| wrapped(part, CHARS_OF_A_LINE)));
            }
        }
    }
    lines.push(String::new());
    lines.extend(footer.iter().flat_map(|line| wrapped(line, CHARS_OF_A_LINE)));
    of_lines(&lines, language.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_never_markup() {
        let page = html("<b>", "# A & B\n\n<script>alert(\"x\")</script>\nfin", Language::English);
        assert!(page.contains("<html lang=\"en\">"), "{page}");
        assert!(page.contains("<h1>&lt;b&gt;</h1>") && page.contains("<h2>A &amp; B</h2>"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;<br>\nfin"), "{page}");
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn a_pdf_ends_with_its_footer() {
        let pdf = pdf("Contrato", &"palabra ".repeat(100), &["SHA-256 abc".to_owned()], Language::Spanish);
        assert!(pdf.starts_with(b"%PDF-1."));
        assert!(pdf.windows(11).any(|window| window == b"SHA-256 abc"));
    }
}
