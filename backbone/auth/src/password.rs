//! Passwords, as the file of Apache's `htpasswd -m` keeps them: a line `user:$apr1$salt$hash` each.
//!
//! Of what Pulsar takes, the traditional `crypt` is not here: it looks at eight letters of a password, and falls in
//! minutes.

use std::collections::HashMap;

use md5::{Digest as _, Md5};

const APR1: &str = "$apr1$";
const ROUNDS: u32 = 1000;
const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why lines are no passwords. Nothing of a hash is told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordsError {
    #[error("the file of passwords is not UTF-8")]
    NotText,
    #[error("line {line} of the passwords is not of the form user:hash")]
    Shape { line: usize },
    #[error("line {line} has {user:?} a second time")]
    Twice { line: usize, user: String },
    #[error(
        "line {line}: the hash of {user:?} is not one that begins with $apr1$: make it with `htpasswd -m`"
    )]
    Kind { line: usize, user: String },
}

/// Users, each with the hash of a password.
#[derive(Clone, Default)]
pub struct Passwords(HashMap<String, Hash>);

#[derive(Clone)]
struct Hash {
    salt: String,
    spelled: String,
}

/// It holds secrets.
impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passwords({})", self.0.len())
    }
}

impl Passwords {
    pub fn parse(file: &[u8]) -> Result<Self, PasswordsError> {
        let text = str::from_utf8(file).map_err(|_| PasswordsError::NotText)?;
        let mut all = HashMap::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line_number = number + 1;
            let (user, spelled) = line
                .trim()
                .split_once(':')
                .filter(|(user, hash)| !user.is_empty() && !hash.contains(':'))
                .ok_or(PasswordsError::Shape { line: line_number })?;
            let kind = || PasswordsError::Kind { line: line_number, user: user.to_owned() };
            let (salt, _) =
                spelled.strip_prefix(APR1).and_then(|rest| rest.split_once('$')).ok_or_else(kind)?;
            let hash = Hash { salt: salt.to_owned(), spelled: spelled.to_owned() };
            if all.insert(user.to_owned(), hash).is_some() {
                return Err(PasswordsError::Twice { line: line_number, user: user.to_owned() });
            }
        }
        Ok(Self(all))
    }

    /// Whether it is this user's. It takes as long for one that is not there.
    pub(crate) fn verifies(&self, user: &str, password: &str) -> bool {
        let found = self.0.get(user);
        let computed = apr1(password.as_bytes(), found.map_or("none", |hash| &hash.salt));
        found.is_some_and(|hash| is_same(hash.spelled.as_bytes(), computed.as_bytes()))
    }
}

/// In a time that does not tell where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// The hash of Apache's variant of Poul-Henning Kamp's MD5 crypt, spelled with its salt:
/// <https://httpd.apache.org/docs/2.4/misc/password_encryptions.html>.
fn apr1(password: &[u8], salt: &str) -> String {
    let digest = |parts: &[&[u8]]| -> [u8; 16] {
        let mut md5 = Md5::new();
        for part in parts {
            md5.update(part);
        }
        md5.finalize().into()
    };
    let salt_bytes = salt.as_bytes();
    let between = digest(&[password, salt_bytes, password]);
    let mut first = Md5::new();
    first.update(password);
    first.update(APR1);
    first.update(salt_bytes);
    for part in password.chunks(16) {
        first.update(&between[..part.len()]);
    }
    let mut bits = password.len();
    while bits > 0 {
        if bits & 1 == 1 {
            first.update([0]);
        } else {
            first.update(&password[..1]);
        }
        bits >>= 1;
    }
    let mut hash: [u8; 16] = first.finalize().into();
    for round in 0..ROUNDS {
        let (begins, ends): (&[u8], &[u8]) =
            if round & 1 == 1 { (password, &hash) } else { (&hash, password) };
        let salted: &[u8] = if round % 3 == 0 { b"" } else { salt_bytes };
        let seasoned: &[u8] = if round % 7 == 0 { b"" } else { password };
        hash = digest(&[begins, salted, seasoned, ends]);
    }
    let mut spelled = format!("{APR1}{salt}$");
    let mut spell = |mut bits: u32, letters: usize| {
        for _ in 0..letters {
            spelled.push(char::from(LETTERS[(bits & 63) as usize]));
            bits >>= 6;
        }
    };
    for [high, middle, low] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        let byte = |at: usize| u32::from(hash[at]);
        spell(byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
    }
    spell(u32::from(hash[11]), 2);
    spelled
}
