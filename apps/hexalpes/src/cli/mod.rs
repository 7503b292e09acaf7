//! The command line: what can be said, and how it ends.
//!
//! Commands that ask speak to the running product over its ports. Those that change what lies on the disk
//! claim it first, so that nobody runs on it meanwhile.

mod aliases;
mod apis;
mod ask;
mod config;
mod consume;
mod consumers;
mod demo;
mod dlq;
mod migrate;
mod monitor;
mod outbox;
mod output;
mod produce;
mod reconcile;
mod relay;
mod repair_text;
mod schemas;
mod signals;
mod sources;
mod token;
mod topics;
mod topology;
mod trace;

use std::{env, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{
    backbone, console, serve,
    services::Service,
    settings::{Flags, Settings, Usage, strange_variables},
    up,
};

/// It was wrong to ask: the command line, or a setting.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(
    name = "hexalpes",
    version,
    about = "A partner-program platform on an event backbone",
    after_help = "Begin with `hexalpes`: everything on this machine, data in ./data. In another terminal, `hexalpes consume \
                  outbox-events -s me -n 0 -p earliest` shows events as they come, and \
                  `hexalpes demo e2e` tries all of it. `--help` lists the settings, of \
                  any command; `hexalpes config show` says what they are.\n\n\
                  Exit codes: 0 done; 1 it could not be done, one line on standard error says why and what \
                  to do; 2 the command line or a setting is wrong; 130 a second Ctrl-C cut it off."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Backbone, relay and every service in one process (the default)
    ///
    /// With `PULSAR_BROKER_URL` and `PULSAR_ADMIN_URL` it starts no backbone and uses that cluster. With `SERVICE_NAME` it
    /// is `serve` with that service alone, or `console`.
    Up {
        #[command(flatten)]
        relay: RelayChoice,
    },
    /// Services alone, against a backbone or a cluster that runs elsewhere
    ///
    /// They start without it too: commands are answered, and published once it is there. `/health` says what
    /// is waited for.
    Serve {
        /// One or more of them
        #[arg(required = true, value_name = "SERVICE")]
        services: Vec<Service>,
        #[command(flatten)]
        relay: RelayChoice,
    },
    /// The backbone alone, a Pulsar-compatible broker
    Backbone {
        /// A configuration of Pulsar's, such as its standalone.conf; what of it has no effect is told
        ///
        /// The environment wins over it as in Pulsar's image: by `PULSAR_PREFIX_name`, or `name` alone. Settings of ours
        /// win over both.
        #[arg(long, value_name = "FILE")]
        conf: Option<PathBuf>,
    },
    /// The admin UI alone, for a browser: topics, subscriptions, dead letters, relays and traces
    ///
    /// Of the broker at `PULSAR_ADMIN_URL` and `PULSAR_BROKER_URL`, or the backbone of this machine; and of the services of this
    /// machine, or those that `HEXALPES_CONSOLE_SERVICES` names. `up` serves it too.
    Console,
    /// Bring the databases up to date, without starting anything
    Migrate,
    /// Publish messages to a topic: those of --message, or each line of standard input
    Produce(produce::Produce),
    /// Read messages of a topic, and acknowledge them
    Consume(consume::Consume),
    /// Ask the broker about its topics
    #[command(subcommand)]
    Topics(topics::Topics),
    /// Compare the broker with a file of topics, or make it so
    #[command(subcommand)]
    Topology(topology::Topology),
    /// Look at the schemas of topics, and refuse changes that would break a reader
    #[command(subcommand)]
    Schemas(schemas::Schemas),
    /// Show what followed from one request: the tree of its commands and events, with times and services
    ///
    /// It reads `outbox-events` once, from its beginning unless --since says less: every event of every service is there,
    /// with what caused it.
    Trace(trace::Trace),
    /// Look at the outboxes of all services: events, published and still to be published
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Ask the relays, which publish the outboxes, how they do; or publish what is pending
    #[command(subcommand)]
    Relay(relay::Relay),
    /// Look after the handlers of events, and the keys that they hold back
    #[command(subcommand)]
    Consumers(consumers::Consumers),
    /// Watch the running product: topics, relays, handlers and dead letters on one screen, or its events as they come
    #[command(subcommand)]
    Monitor(monitor::Monitor),
    /// Look at dead letters, and decide what becomes of them: handled after all, edited before, or dropped
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Prove that nothing is missing between conversions, commissions, books, payouts and topics
    ///
    /// Each conversion that was accepted has its commission, or a dead letter that says why not; each commission is in the
    /// journal with its amount; each that was paid is in one payout, and each payout line is the sum of its commissions; the
    /// trial balance is zero in each currency; the outbox of each context is published; and each of its topics has each event
    /// once. Topics that keep seven days are looked at for almost as long.
    ///
    /// It may run while the product does, and changes nothing: it reads the databases themselves, by the same settings as
    /// the services, and asks the broker, which must run. What began after it is left out, and what others publish on these
    /// topics; what is still on its way is waited for. All agree: 0; any difference: 1, and it is told of.
    Reconcile(reconcile::Reconcile),
    /// Try the running product: test data, test cases, measurements; and bring the data folder back to its beginning
    #[command(subcommand)]
    Demo(demo::Demo),
    /// Make the tokens by which clients prove to the backbone who they are, and read them
    #[command(subcommand)]
    Token(token::Token),
    /// Show the settings that are in force
    #[command(subcommand)]
    Config(config::Config),
    /// Repair text whose UTF-8 was once read as Mac Roman, such as `P√©rez`
    RepairText(repair_text::RepairText),
}

#[derive(clap::Args)]
struct RelayChoice {
    /// Publish nothing: events stay in the outbox
    #[arg(long)]
    no_relay: bool,
}

/// Parses, runs, and says how it ended.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let environment: Vec<_> = env::vars_os().collect();
    let conf = match &cli.command {
        Some(Command::Backbone { conf }) => conf.as_deref(),
        _ => None,
    };
    let settings = match Settings::read_with(&cli.settings, &environment, conf) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, USAGE),
    };
    for strange in strange_variables(&environment) {
        eprintln!("hexalpes: {strange}");
    }
    let logs = settings.log().and_then(|filter| Ok(hexalpes_telemetry::init(filter, false)?));
    if let Err(error) = logs {
        return fail(&error, USAGE);
    }
    match start(cli.command.unwrap_or(Command::Up { relay: RelayChoice { no_relay: false } }), &settings) {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads has had enough (`hexalpes consume … | head -1`).
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error, if error.is::<Usage>() { USAGE } else { 1 }),
    }
}

/// One line, whatever the parts of the error say.
fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("hexalpes: {line}");
    ExitCode::from(code)
}

fn start(command: Command, settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = signals::stop_on_signal()?;
        match command {
            Command::Up { .. } if settings.names_console() => console::alone(settings, stop).await,
            Command::Up { relay } => match settings.service_name()? {
                Some(alone) => serve::serve(settings, &[alone], !relay.no_relay, stop).await,
                None => up::up(settings, !relay.no_relay, stop).await,
            },
            Command::Serve { services, relay } => {
                serve::serve(settings, &services, !relay.no_relay, stop).await
            }
            Command::Backbone { .. } => backbone::alone(settings, stop).await,
            Command::Console => console::alone(settings, stop).await,
            Command::Migrate => migrate::run(settings).await,
            Command::Produce(produce) => produce.run(settings).await,
            Command::Consume(consume) => consume.run(settings, stop).await,
            Command::Topics(topics) => topics.run(settings).await,
            Command::Topology(topology) => topology.run(settings).await,
            Command::Schemas(schemas) => schemas.run(settings).await,
            Command::Trace(trace) => trace.run(settings).await,
            Command::Outbox(outbox) => outbox.run(settings).await,
            Command::Relay(relay) => relay.run(settings).await,
            Command::Reconcile(reconcile) => reconcile.run(settings).await,
            Command::Consumers(consumers) => consumers.run(settings).await,
            Command::Dlq(dlq) => dlq.run(settings).await,
            Command::Monitor(monitor) => monitor.run(settings, stop).await,
            Command::Demo(demo) => demo.run(settings).await,
            Command::Token(token) => token.run(settings),
            Command::Config(config) => config.run(settings),
            Command::RepairText(repair) => repair.run(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::CommandFactory as _;

    use super::*;
    use crate::settings::HEADING;

    /// The help of a command and of those below it, without the settings, which all have in common.
    fn helps(command: &mut clap::Command, path: &str, text: &mut String) {
        let help = command.render_long_help().to_string();
        let own = help.split(HEADING).next().unwrap_or_default();
        // What is cut off left blanks behind; so does clap in empty lines.
        let lines: Vec<&str> = own.lines().map(str::trim_end).collect();
        let _ = writeln!(text, "==== {path} --help\n{}\n", lines.join("\n").trim_end());
        for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name());
            helps(inner, &path, text);
        }
    }

    fn built() -> clap::Command {
        let mut command = Cli::command().term_width(100);
        command.build();
        command
    }

    #[test]
    fn every_command_explains_itself() {
        let mut text = String::new();
        helps(&mut built(), "hexalpes", &mut text);
        insta::assert_snapshot!("commands", text);
    }

    #[test]
    fn the_long_help_has_all_settings_and_the_short_one_none() {
        insta::assert_snapshot!("long", built().render_long_help().to_string());
        insta::assert_snapshot!("short", built().render_help().to_string());
    }
}
