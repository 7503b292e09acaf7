//! How a context lists its events: the name, what it carries, whose it is and where it goes.

/// An enum of all events of a context.
macro_rules! events {
    ($namespace:literal: $(
        $(#[$about:meta])* $name:ident($carried:ident) by $key:ident $(to $topic:expr)?;
    )+) => {
        /// What the types of this context begin with.
        pub const NAMESPACE: &str = $namespace;

        /// Each type that has a topic of its own, and that topic, besides those of all events and of this context.
        pub const TOPICS: &[(&str, &str)] = &[$($((concat!($namespace, stringify!($name)), $topic),)?)+];

        /// Any event of this context.
        #[derive(Clone, Debug)]
        pub enum Event {
            $($(#[$about])* $name($carried)),+
        }

        impl Event {
            /// The CloudEvents `type`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => concat!($namespace, stringify!($name))),+
                }
            }

            /// Whose event it is: the CloudEvents `subject`, and the key of the message.
            pub fn aggregate_id(&self) -> &str {
                match self {
                    $(Self::$name(event) => &event.$key),+
                }
            }

            /// The CloudEvents `data`.
            pub fn data(&self) -> Box<serde_json::value::RawValue> {
                match self {
                    $(Self::$name(event) => serde_json::value::to_raw_value(event)),+
                }
                .expect("what events hold is always JSON")
            }

            /// Reads the data of an event by its type; `None` for a type that this version does not know.
            pub fn read(kind: &str, data: &[u8]) -> Option<Result<Self, serde_json::Error>> {
                match kind {
                    $(concat!($namespace, stringify!($name)) => {
                        Some(serde_json::from_slice(data).map(Self::$name))
                    })+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use events;
