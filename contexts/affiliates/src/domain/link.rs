//! A link that leads customers to a place and remembers whose it is.

use hexalpes_kernel::{Timestamp, Uuid};
use url::Url;

use super::{AffiliateId, CampaignId, LinkId, ProgramId, ids};

/// Characters that a destination may have; browsers and proxies take no more everywhere.
const CHARS_MAX: usize = 2_000;

/// Where a link leads: an absolute URL with `http` or `https`, without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an address such as https://example.com/page, with http or https, of at most {CHARS_MAX} characters"
)]
pub struct DestinationError;

impl Destination {
    pub fn parse(raw: &str) -> Result<Self, DestinationError> {
        let url = Url::parse(raw).map_err(|_| DestinationError)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
        if !is_web || url.password().is_some() || !url.username().is_empty() || url.as_str().len() > CHARS_MAX
        {
            return Err(DestinationError);
        }
        Ok(Self(url.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub id: LinkId,
    pub affiliate: AffiliateId,
    pub program: ProgramId,
    pub campaign: Option<CampaignId>,
    /// The last part of the link's address.
    pub slug: String,
    pub destination: Destination,
    pub created_at: Timestamp,
}

impl Link {
    pub fn slug_of(uuid: Uuid) -> String {
        ids::made(uuid).to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_page_of_the_web() {
        for right in ["https://example.com/", "http://localhost:3000/a?b=c#d", "https://ñandú.example/camión"]
        {
            assert!(Destination::parse(right).is_ok(), "{right}");
        }
        for wrong in
            ["", "/page", "javascript:alert(1)", "ftp://a.b/", "https://", "https://u:p@a.b/", "data:,x"]
        {
            assert_eq!(Destination::parse(wrong), Err(DestinationError), "{wrong}");
        }
    }
}
