//! `hexalpes token secret-key`, `create` and `show`.

use std::{
    fs,
    io::{Read as _, Write as _, stdin},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Subcommand;
use hexalpes_auth::{Claims, SecretKey, decode_unverified};
use hexalpes_kernel::{Clock as _, SystemEdge};

use super::output::{Output, line};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a secret key, for `token_secret_key`
    SecretKey {
        /// The file to write, which must not be there yet; without it the key is printed as `data:;base64,…`
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Sign a token with `token_secret_key`, and print it
    Create {
        /// Who the bearer is: the role
        #[arg(long, value_name = "ROLE")]
        subject: String,
        /// How long it counts, such as `90s`, `12h`, `30d` or `1y`; unset: for ever
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expiry_time: Option<Duration>,
    },
    /// Show what a token says, and whether it counts if there is a key to check it with
    Show {
        /// The token; without it, standard input
        token: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

impl Token {
    pub(super) fn run(self, settings: &Settings) -> Result<()> {
        match self {
            Self::SecretKey { output } => secret_key(output.as_deref()),
            Self::Create { subject, expiry_time } => {
                let Some(key) = settings.secret_key()? else {
                    bail!(
                        "there is no token_secret_key to sign with: `hexalpes token secret-key --output FILE` makes \
                         one, --token-secret-key file:///FILE names it"
                    )
                };
                if subject.is_empty() {
                    bail!("--subject is empty: name the role that the bearer has");
                }
                let ends = expiry_time.map(|time| (now() + time).as_secs_f64().floor());
                line(&Claims { sub: Some(subject), exp: ends, nbf: None }.sign(&key))
            }
            Self::Show { token, output } => show(settings, token, output),
        }
    }
}

fn secret_key(path: Option<&Path>) -> Result<()> {
    let bytes = SecretKey::random()?;
    let Some(path) = path else { return line(&format!("data:;base64,{}", STANDARD.encode(bytes))) };
    let shown = path.display();
    // Nobody else is to read it, and a key that is in use is not to be lost.
    let file = fs::File::options().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()
    });
    written.with_context(|| format!("{shown} cannot be written"))?;
    line(&format!("{shown}: a new key; name it with --token-secret-key file://{shown}"))
}

fn show(settings: &Settings, token: Option<String>, output: Output) -> Result<()> {
    let token = token.map_or_else(read_token, Ok)?;
    let mut shown = decode_unverified(&token)?;
    if let Some(authentication) = settings.authentication()? {
        let verdict = authentication.authenticate(Some("token"), token.as_bytes(), None, now());
        shown["counts"] = match verdict {
            Ok(_) => true.into(),
            Err(error) => format!("no: {error}").into(),
        };
    }
    output.object(&shown)
}

fn read_token() -> Result<String> {
    let mut text = String::new();
    stdin().lock().read_to_string(&mut text).context("standard input cannot be read")?;
    Ok(text)
}

/// Since 1970.
fn now() -> Duration {
    Duration::from_micros(u64::try_from(SystemEdge.now().as_micros()).unwrap_or_default())
}

/// As Pulsar's own tool takes them: a number and a unit.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and a unit: s, m, h, d, w or y".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'y' => 365 * 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if number == 0 {
        return Err("a token that counts for no time is none".to_owned());
    }
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1y"), Ok(Duration::from_hours(365 * 24)));
        for wrong in ["", "s", "1", "-1d", "1.5h", "1é", "0s", "99999999999y"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
