//! A statement in the log: where transactions begin and end, and what should have been rows.

use std::borrow::Cow;

use crate::cursor::{Cursor, Malformed};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement<'a> {
    Begin,
    Commit,
    Rollback,
    Savepoint(&'a str),
    RollbackTo(&'a str),
    /// It changes rows, which the log does not have then.
    Changes,
    /// It drops tables, also to make another one in the place of one; their names follow.
    Drops(&'a str),
    /// It drops a database, whose name follows.
    DropsAll(&'a str),
    /// It makes or alters what tables are; a transaction of rows follows if it says so.
    Other {
        rows_follow: bool,
    },
}

/// A statement, and the database that it was run in.
pub(crate) fn read(bytes: &[u8]) -> Result<(&str, &str), Malformed> {
    let mut rest = Cursor(bytes);
    rest.take(8)?;
    let schema = usize::from(rest.byte()?);
    rest.take(2)?;
    let status = rest.size(2)?;
    rest.take(status)?;
    let schema = std::str::from_utf8(rest.take(schema)?).map_err(|_| Malformed("a name is no UTF-8"))?;
    rest.take(1)?;
    Ok((schema, text(rest.0)))
}

/// Without comments, and with what stands in such as a server executes (`/*!40000 … */`): dumps have both.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains("/*") {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest, mut quote) = (String::with_capacity(text.len()), text, None);
    while let Some(next) = rest.chars().next() {
        if quote.is_none() && rest.starts_with("/*") {
            let inside = &rest[2..];
            rest = match inside.strip_prefix('!').or_else(|| inside.strip_prefix("M!")) {
                Some(executed) => executed.trim_start_matches(|digit: char| digit.is_ascii_digit()),
                None => inside.split_once("*/").map_or("", |(_, behind)| behind),
            };
            plain.push(' ');
        } else if quote.is_none() && rest.starts_with("*/") {
            rest = &rest[2..];
            plain.push(' ');
        } else {
            match quote {
                // A quote that stands twice ends here and begins again.
                Some(open) if open == next => quote = None,
                None if matches!(next, '`' | '"' | '\'') => quote = Some(next),
                _ => {}
            }
            plain.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    Cow::Owned(plain)
}

/// What is no UTF-8 is cut off: what a statement is, its beginning says.
fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}

impl<'a> Statement<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let text = without_comments(text).trim_end_matches([' ', ';', '\n', '\r', '\t']);
        let rest = |words: &[&str]| after(text, words);
        if rest(&["BEGIN"]) == Some("")
            || rest(&["XA", "START"]).is_some()
            || rest(&["XA", "BEGIN"]).is_some()
        {
            Self::Begin
        } else if rest(&["COMMIT"]) == Some("") {
            Self::Commit
        } else if rest(&["ROLLBACK"]) == Some("") {
            Self::Rollback
        } else if let Some(name) =
            rest(&["ROLLBACK", "TO", "SAVEPOINT"]).or_else(|| rest(&["ROLLBACK", "TO"]))
        {
            Self::RollbackTo(name)
        } else if let Some(name) = rest(&["SAVEPOINT"]) {
            Self::Savepoint(name)
        } else if ["INSERT", "REPLACE", "LOAD", "UPDATE", "DELETE", "CALL", "WITH", "DO"]
            .iter()
            .any(|word| rest(&[word]).is_some())
        {
            Self::Changes
        } else if let Some(names) = [&["DROP", "TABLE"][..], &["CREATE", "OR", "REPLACE", "TABLE"]]
            .iter()
            .find_map(|words| rest(words))
        {
            Self::Drops(after(names, &["IF", "EXISTS"]).unwrap_or(names))
        } else if let Some(name) = rest(&["DROP", "DATABASE"]).or_else(|| rest(&["DROP", "SCHEMA"])) {
            Self::DropsAll(after(name, &["IF", "EXISTS"]).unwrap_or(name))
        } else {
            let tail = text.len().checked_sub("START TRANSACTION".len()).and_then(|at| text.get(at..));
            Self::Other {
                rows_follow: tail.is_some_and(|tail| tail.eq_ignore_ascii_case("START TRANSACTION")),
            }
        }
    }
}

impl Statement<'_> {
    /// Whether tables may be others behind it.
    pub(crate) fn may_alter(&self) -> bool {
        matches!(self, Self::Drops(_) | Self::DropsAll(_) | Self::Other { .. })
    }
}

/// The names that a statement begins with, in a list with commas: of tables, each with its database if it has one.
pub(crate) fn names(mut text: &str) -> Vec<(Option<String>, String)> {
    let mut names = Vec::new();
    while let Some((mut name, mut rest)) = identifier(text) {
        let mut schema = None;
        if let Some((within, behind)) = rest.trim_start().strip_prefix('.').and_then(identifier) {
            (schema, name, rest) = (Some(name), within, behind);
        }
        names.push((schema, name));
        match rest.trim_start().strip_prefix(',') {
            Some(more) => text = more,
            None => break,
        }
    }
    names
}

/// An identifier, in quotes or not, and what follows it.
fn identifier(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '`' | '"')) else {
        let is_in_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
        let end = text.find(|letter| !is_in_name(letter)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut name, mut rest) = (String::new(), &text[1..]);
    loop {
        let (part, behind) = rest.split_once(quote)?;
        name.push_str(part);
        // Twice, it stands for itself.
        match behind.strip_prefix(quote) {
            Some(more) => {
                name.push(quote);
                rest = more;
            }
            None => return Some((name, behind)),
        }
    }
}

/// What follows these words, whatever their case.
fn after<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let mut rest = text;
    for word in words {
        let (begin, end) = rest.split_at_checked(word.len())?;
        let ends_there = end.chars().next().is_none_or(|next| !next.is_alphanumeric() && next != '_');
        if !begin.eq_ignore_ascii_case(word) || !ends_there {
            return None;
        }
        rest = end.trim_start();
    }
    Some(rest)
}

fn without_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let rest = match text.get(..2) {
            Some("/*") => text.split_once("*/").map(|(_, rest)| rest),
            Some("--") => text.split_once('\n').map(|(_, rest)| rest),
            _ if text.starts_with('#') => text.split_once('\n').map(|(_, rest)| rest),
            _ => None,
        };
        match rest {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_known_by_their_first_words() {
        assert_eq!(Statement::of("BEGIN"), Statement::Begin);
        assert_eq!(Statement::of("XA START X'31',X'',1"), Statement::Begin);
        assert_eq!(Statement::of("COMMIT"), Statement::Commit);
        assert_eq!(Statement::of("rollback"), Statement::Rollback);
        assert_eq!(Statement::of("ROLLBACK TO `a`"), Statement::RollbackTo("`a`"));
        assert_eq!(Statement::of("SAVEPOINT `a`"), Statement::Savepoint("`a`"));
        assert_eq!(Statement::of("/* x */ insert into t values (1)"), Statement::Changes);
        assert_eq!(Statement::of("CREATE TABLE t (a INT)"), Statement::Other { rows_follow: false });
        assert_eq!(Statement::of("drop table if exists `t` /* x */"), Statement::Drops("`t` /* x */"));
        assert_eq!(Statement::of("CREATE OR REPLACE TABLE t (a INT)"), Statement::Drops("t (a INT)"));
        assert_eq!(Statement::of("DROP DATABASE `d`;"), Statement::DropsAll("`d`"));
        assert_eq!(Statement::of("DROP TEMPORARY TABLE t"), Statement::Other { rows_follow: false });
        let with_rows = Statement::of("CREATE TABLE t (a INT) START TRANSACTION");
        assert_eq!(with_rows, Statement::Other { rows_follow: true });
        assert_eq!(Statement::of("BEGINNING"), Statement::Other { rows_follow: false });
    }

    #[test]
    fn comments_are_nothing_and_what_is_executed_in_them_is_read() {
        let dropped = |text: &str| match Statement::of(&plain(text)) {
            Statement::Drops(rest) | Statement::DropsAll(rest) => names(rest),
            other => panic!("{text}: {other:?}"),
        };
        let named = |name: &str| vec![(None, name.to_owned())];
        assert_eq!(dropped("/*!40000 DROP DATABASE IF EXISTS `d`*/"), named("d"));
        assert_eq!(dropped("DROP DATABASE /*!32312 IF EXISTS*/ d"), named("d"));
        assert_eq!(dropped("CREATE OR REPLACE /*x*/ TABLE t (a INT)"), named("t"));
        assert_eq!(dropped("DROP TABLE /* c */ `a/*b*/`"), named("a/*b*/"));
        assert_eq!(dropped("/*M!100100 DROP TABLE t */"), named("t"));
        assert_eq!(plain("SELECT '/*'"), "SELECT '/*'");
    }

    #[test]
    fn names_are_read_with_their_quotes_and_databases() {
        let owned = |schema: Option<&str>, name: &str| (schema.map(str::to_owned), name.to_owned());
        assert_eq!(
            names("`a``b`.`c` , d.`e f`,\"g\", ñ_1 /* generated by server */"),
            [owned(Some("a`b"), "c"), owned(Some("d"), "e f"), owned(None, "g"), owned(None, "ñ_1")]
        );
        assert_eq!(names("t (a INT, b INT)"), [owned(None, "t")]);
        assert_eq!(names("`cut"), []);
    }
}
