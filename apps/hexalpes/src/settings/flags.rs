//! The settings' flags, made from their table, and `--config`.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};

use super::{KEYS, Key};

const CONFIG: &str = "config";
/// Settings stand under it in the help.
pub(crate) const HEADING: &str = "Settings (a flag wins over the environment, that over the file)";

/// What the command line sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(super) given: Vec<(Key, String)>,
    pub(super) config: Option<PathBuf>,
}

impl Flags {
    pub(super) fn is_insecure(&self) -> bool {
        self.given.iter().any(|(key, value)| *key == Key::Insecure && value == "true")
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("The settings file [env: HEXALPES_CONFIG] [default: hexalpes.toml, if it is there]");
        let keys = KEYS.iter().map(|key| {
            let default = key.built_in().map(|value| format!(" [default: {value}]")).unwrap_or_default();
            let help = format!("{} [env: {}]{default}", key.about(), key.variable());
            let arg = Arg::new(key.flag()).long(key.flag()).value_name(key.value_name()).help(help);
            match key {
                // It is a flag alone, too.
                Key::Insecure => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
                _ => arg,
            }
        });
        std::iter::once(config)
            .chain(keys)
            // They are the same for every command, and longer than what most have to say.
            .map(|arg| arg.global(true).help_heading(HEADING).hide_short_help(true))
            .fold(command, Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let value = |key: &Key| Some((*key, matches.get_one::<String>(key.flag())?.clone()));
        Ok(Self { given: KEYS.iter().filter_map(value).collect(), config: matches.get_one(CONFIG).cloned() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
