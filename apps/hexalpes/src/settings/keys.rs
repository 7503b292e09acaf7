//! The table of settings: one name in the file, one variable, one flag.

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Data,
    Log,
    Host,
    BackbonePort,
    AdminPort,
    CommissionsPort,
    NotificationsPort,
    ServicePort,
    PulsarBrokerUrl,
    PulsarAdminUrl,
    DatabaseUrl,
    CommissionsDatabaseUrl,
    NotificationsDatabaseUrl,
    EventsFileBytesMax,
    EventsFilesAsideMax,
    EventIdsKeptHours,
}

/// All of them, in the order in which they are shown.
pub(crate) const KEYS: &[Key] = &[
    Key::Data,
    Key::Log,
    Key::Host,
    Key::BackbonePort,
    Key::AdminPort,
    Key::CommissionsPort,
    Key::NotificationsPort,
    Key::ServicePort,
    Key::PulsarBrokerUrl,
    Key::PulsarAdminUrl,
    Key::DatabaseUrl,
    Key::CommissionsDatabaseUrl,
    Key::NotificationsDatabaseUrl,
    Key::EventsFileBytesMax,
    Key::EventsFilesAsideMax,
    Key::EventIdsKeptHours,
];

impl Key {
    /// As in the file.
    pub(crate) fn name(self) -> String {
        self.flag().replace('-', "_")
    }

    /// Flag, variable, what is built in, and what it is.
    const fn row(self) -> (&'static str, &'static str, Option<&'static str>, &'static str) {
        match self {
            Self::Data => ("data", "HEXALPES_DATA", Some("data"), "Folder of everything that must survive"),
            Self::Log => (
                "log",
                "HEXALPES_LOG",
                Some("warn"),
                "What is logged: a level, or directives such as `warn,hexalpes_broker=debug`",
            ),
            Self::Host => (
                "host",
                "HEXALPES_HOST",
                Some("127.0.0.1"),
                "Where it listens: loopback alone, until there is authentication",
            ),
            Self::BackbonePort => {
                ("backbone-port", "HEXALPES_BACKBONE_PORT", Some("6650"), "Pulsar's binary protocol")
            }
            Self::AdminPort => ("admin-port", "HEXALPES_ADMIN_PORT", Some("8080"), "Pulsar's Admin REST"),
            Self::CommissionsPort => {
                ("commissions-port", "COMMISSIONS_PORT", Some("5001"), "The commission API")
            }
            Self::NotificationsPort => (
                "notifications-port",
                "NOTIFICATIONS_PORT",
                Some("5005"),
                "Health of the notifications, where they run alone",
            ),
            Self::ServicePort => {
                ("service-port", "SERVICE_PORT", None, "The port of a service that runs alone")
            }
            Self::PulsarBrokerUrl => (
                "pulsar-broker-url",
                "PULSAR_BROKER_URL",
                None,
                "A Pulsar cluster to use instead of the backbone, such as pulsar://HOST:6650",
            ),
            Self::PulsarAdminUrl => {
                ("pulsar-admin-url", "PULSAR_ADMIN_URL", None, "Its Admin REST, such as http://HOST:8080")
            }
            Self::DatabaseUrl => (
                "database-url",
                "DATABASE_URL",
                None,
                "The database of a service that runs alone; without it, a SQLite file in the data folder",
            ),
            Self::CommissionsDatabaseUrl => (
                "commissions-database-url",
                "COMMISSIONS_DATABASE_URL",
                None,
                "The database of the commissions; wins over DATABASE_URL",
            ),
            Self::NotificationsDatabaseUrl => (
                "notifications-database-url",
                "NOTIFICATIONS_DATABASE_URL",
                None,
                "The database of the notifications; wins over DATABASE_URL",
            ),
            Self::EventsFileBytesMax => (
                "events-file-bytes-max",
                "HEXALPES_EVENTS_FILE_BYTES_MAX",
                None,
                "An events.jsonl of this size is put aside as events-000001.jsonl and so on; unset: never",
            ),
            Self::EventsFilesAsideMax => (
                "events-files-aside-max",
                "HEXALPES_EVENTS_FILES_ASIDE_MAX",
                None,
                "How many of the files put aside stay, the newest; unset: all",
            ),
            Self::EventIdsKeptHours => (
                "event-ids-kept-hours",
                "HEXALPES_EVENT_IDS_KEPT_HOURS",
                None,
                "How long an event that comes again is known, and gets no second line; unset: for ever",
            ),
        }
    }

    pub(crate) const fn flag(self) -> &'static str {
        self.row().0
    }

    pub(crate) const fn variable(self) -> &'static str {
        self.row().1
    }

    pub(crate) const fn built_in(self) -> Option<&'static str> {
        self.row().2
    }

    pub(crate) const fn about(self) -> &'static str {
        self.row().3
    }
}
