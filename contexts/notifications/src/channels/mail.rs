//! Sends mails over SMTP.

use std::fmt;
use std::time::{Duration, SystemTime};

use hexalpes_kernel::Timestamp;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

/// How long the server may take over each step.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Where mails go out, and from whom. Clones share connections.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why there can be no mails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailerError {
    #[error("{0}: it must be like smtp://user:password@host:587?tls=required, or smtps://host")]
    Url(String),
    #[error("the sender must be an address, such as \"Hexalpes <noreply@example.com>\"")]
    From,
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailTrouble {
    pub(crate) why: String,
    /// It never will.
    pub(crate) is_final: bool,
}

impl Mailer {
    /// `url` says the server, and how it is spoken to; `from` who writes.
    pub fn new(url: &str, from: &str) -> Result<Self, MailerError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.trim())
            .map_err(|error| MailerError::Url(error.to_string()))?
            .timeout(Some(ANSWER_TIME_MAX))
            .build();
        let from = from.trim().parse().map_err(|_| MailerError::From)?;
        Ok(Self { transport, from })
    }

    /// Sends a mail, once. `id` stands in `Message-ID`: who gets it twice can know that.
    pub(crate) async fn send(
        &self,
        to: &str,
        id: &str,
        subject: &str,
        body: String,
        at: Timestamp,
    ) -> Result<(), MailTrouble> {
        let lasting = |why: String| MailTrouble { why, is_final: true };
        let to: Address = to.parse().map_err(|_| lasting("the address is none".to_owned()))?;
        let seconds = u64::try_from(at.as_millis().div_euclid(1_000)).unwrap_or(0);
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|error| lasting(format!("the mail cannot be written: {error}")))?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| MailTrouble { is_final: error.is_permanent(), why: told(&error) })
    }
}

fn told(error: &SmtpError) -> String {
    if error.is_timeout() {
        return "the mail server did not answer in time".to_owned();
    }
    let why: String = error.to_string().chars().filter(|one| !one.is_control()).take(300).collect();
    format!("the mail server: {why}")
}

/// Whether something looks like an address.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() <= 254 && text.parse::<Address>().is_ok()
}

/// Tells nothing of passwords.
impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from.email).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_server_and_who_is_no_sender_is_refused() {
        assert!(Mailer::new("smtp://127.0.0.1:2525", "Hexalpes <noreply@example.com>").is_ok());
        assert!(matches!(Mailer::new("http://x", "a@example.com"), Err(MailerError::Url(_))));
        assert_eq!(Mailer::new("smtp://127.0.0.1", "nobody").unwrap_err(), MailerError::From);
    }
}
