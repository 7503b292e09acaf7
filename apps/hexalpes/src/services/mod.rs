//! The services: what each needs to run, alone or beside the others.

mod context;
mod database;
mod faces;
mod housekeeping;
mod notifications;
mod relay;
mod sources;

use anyhow::{Result, bail};
use clap::ValueEnum;
use hexalpes_db::DatabaseUrl;

pub(crate) use context::{Context, LoneRelay, Running, relay_alone, topic_of};
pub(crate) use database::{existing, is_there, migrate};
pub(crate) use faces::{Ground, SECRET_KEY};
pub(crate) use notifications::{AuditTrail, EVENTS_FILE, Running as RunningTrail};
pub(crate) use sources::{FOLDER as SOURCES, sources, sources_place};

use crate::settings::{Key, Settings, Usage};

/// A service by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    /// Partners, what was checked of them, whom they look for
    PartnerManagement,
    /// Programs, affiliates, their codes and links
    Affiliates,
    /// What customers did, who brought them, and what was given back
    Conversions,
    /// What is owed, the books, and payouts
    Commissions,
    /// Contracts with partners, and with those whom they hire
    Onboarding,
    /// Campaigns, what they may spend, and how they do
    CampaignManagement,
    /// Jobs, candidates, who fits whom, and who was hired
    Recruitment,
    /// How campaigns and partners did, as reports tell it
    Analytics,
    /// The audit trail of events, `events.jsonl`, and who is told of them
    Notifications,
}

impl Service {
    pub(crate) const ALL: [Self; 9] = [
        Self::PartnerManagement,
        Self::Affiliates,
        Self::Conversions,
        Self::Commissions,
        Self::Onboarding,
        Self::CampaignManagement,
        Self::Recruitment,
        Self::Analytics,
        Self::Notifications,
    ];
    /// Those that are bounded contexts: with consumers or commands, an outbox and a relay.
    pub(crate) const CONTEXTS: [Self; 8] = [
        Self::PartnerManagement,
        Self::Affiliates,
        Self::Conversions,
        Self::Commissions,
        Self::Onboarding,
        Self::CampaignManagement,
        Self::Recruitment,
        Self::Analytics,
    ];
    /// Those of the partner program, between which money is reconciled: without these there is nothing to compare.
    pub(crate) const PROGRAM: [Self; 3] = [Self::Affiliates, Self::Conversions, Self::Commissions];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PartnerManagement => "partner-management",
            Self::Affiliates => "affiliates",
            Self::Conversions => "conversions",
            Self::Commissions => "commissions",
            Self::Onboarding => "onboarding",
            Self::CampaignManagement => "campaign-management",
            Self::Recruitment => "recruitment",
            Self::Analytics => "analytics",
            Self::Notifications => "notifications",
        }
    }

    /// Where its API is served, or the first of them.
    pub(crate) const fn port_key(self) -> Key {
        match self {
            Self::PartnerManagement => Key::PartnersPort,
            Self::Affiliates => Key::AffiliatesPort,
            Self::Conversions => Key::ConversionsPort,
            Self::Commissions => Key::CommissionsPort,
            Self::Onboarding => Key::OnboardingPort,
            Self::CampaignManagement => Key::CampaignsPort,
            Self::Recruitment => Key::RecruitmentPort,
            Self::Analytics => Key::AnalyticsPort,
            Self::Notifications => Key::NotificationsPort,
        }
    }

    /// The ports that it listens on, and what is there.
    pub(crate) const fn ports(self) -> &'static [(Key, &'static str)] {
        match self {
            Self::PartnerManagement => &[(Key::PartnersPort, "the partners' API")],
            Self::Affiliates => &[(Key::AffiliatesPort, "the affiliates' API")],
            Self::Conversions => &[(Key::ConversionsPort, "the conversions' API")],
            Self::Commissions => {
                &[(Key::CommissionsPort, "the commission API"), (Key::MarketingPort, "the commissions' API")]
            }
            Self::Onboarding => &[(Key::OnboardingPort, "the contracts' API")],
            Self::CampaignManagement => &[(Key::CampaignsPort, "the campaigns' API")],
            Self::Recruitment => &[(Key::RecruitmentPort, "the recruitment's API")],
            Self::Analytics => &[(Key::AnalyticsPort, "the analytics' API")],
            Self::Notifications => &[(Key::NotificationsPort, "the notifications' API")],
        }
    }

    pub(crate) const fn database_key(self) -> Key {
        match self {
            Self::PartnerManagement => Key::PartnersDatabaseUrl,
            Self::Affiliates => Key::AffiliatesDatabaseUrl,
            Self::Conversions => Key::ConversionsDatabaseUrl,
            Self::Commissions => Key::CommissionsDatabaseUrl,
            Self::Onboarding => Key::OnboardingDatabaseUrl,
            Self::CampaignManagement => Key::CampaignsDatabaseUrl,
            Self::Recruitment => Key::RecruitmentDatabaseUrl,
            Self::Analytics => Key::AnalyticsDatabaseUrl,
            Self::Notifications => Key::NotificationsDatabaseUrl,
        }
    }

    /// What the paths of its desk begin with: where two share a port, each has its own.
    pub(crate) const fn desk(self) -> &'static str {
        match self {
            Self::Onboarding => "/onboarding",
            Self::PartnerManagement
            | Self::Affiliates
            | Self::Conversions
            | Self::Commissions
            | Self::Recruitment
            | Self::Analytics
            | Self::Notifications
            | Self::CampaignManagement => "",
        }
    }
}

/// The databases of services that run together, or why they cannot: each has its own.
pub(crate) fn databases(settings: &Settings, services: &[Service]) -> Result<()> {
    let mut seen: Vec<(Service, DatabaseUrl)> = Vec::new();
    for &service in services {
        let url = settings.database(service)?;
        if let Some((other, _)) = seen.iter().find(|(_, other)| *other == url) {
            let (one, two) = (other.name(), service.name());
            bail!(Usage(format!(
                "{url} would be the database of {one} and of {two}: give each its own with {} and {}",
                other.database_key().variable(),
                service.database_key().variable()
            )));
        }
        seen.push((service, url));
    }
    Ok(())
}
