//! The command line: what it can say, and one file for each noun.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use protocol::time::Timestamp;
use store::{Conn, Store, StoreError};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::copies::announce_changes;
use crate::declarative::{ApplyError, FileError};
use crate::keys;
use crate::passwords::{Params, Passwords, QUEUE};
use crate::random;
use crate::seal::{self, MasterKeyError, Sealer};
use crate::shared::Shared;

mod account;
mod act;
mod api_key;
mod assignments;
mod audit;
mod client;
mod declare;
mod deferred;
pub mod demo;
mod doctor;
mod factors;
mod import;
mod input;
mod key;
mod links;
mod operate;
mod output;
mod password;
mod privacy;
mod role;
mod scope;
mod session;
mod token;
mod upstream;

use deferred::Deferred;

/// An OAuth 2.0 and OpenID Connect authorization server in one binary
#[derive(Debug, Parser)]
#[command(name = "chancery", version, max_term_width = 100)]
struct Cli {
    /// The configuration file [default: chancery.toml where it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve,
    /// Show a provider, a client and a resource server at work on this machine
    Demo(Deferred<demo::DemoArgs>),
    /// Bring the database up to date
    Migrate,
    /// Check the configuration and say what is not fit for production
    CheckConfig,
    /// Examine the installation and say what to mend
    Doctor(output::Format),
    /// Print a one-time link to make the first administrator
    SetupLink,
    /// Say what `apply` would change
    Plan(Deferred<declare::PlanArgs>),
    /// Make clients, accounts, roles, scopes and resources as a file says
    Apply(Deferred<declare::ApplyArgs>),
    /// Print what is stored as a declarative file, without secrets
    Export,
    /// Make accounts from a file of another system
    Import(Deferred<import::ImportArgs>),
    /// Registered clients
    #[command(subcommand)]
    Client(Deferred<client::Verb>),
    /// Accounts
    #[command(subcommand)]
    Account(Deferred<account::Verb>),
    /// Roles and their permissions
    #[command(subcommand)]
    Role(Deferred<role::Verb>),
    /// Scopes that clients may ask for
    #[command(subcommand)]
    Scope(Deferred<scope::Verb>),
    /// Signing keys
    #[command(subcommand)]
    Key(Deferred<key::Verb>),
    /// Keys with which programs act for accounts
    #[command(subcommand)]
    ApiKey(Deferred<api_key::Verb>),
    /// Signed-in browsers
    #[command(subcommand)]
    Session(Deferred<session::Verb>),
    /// Security events
    #[command(subcommand)]
    Audit(Deferred<audit::Verb>),
    /// Tokens
    #[command(subcommand)]
    Token(Deferred<token::Verb>),
    /// Other providers that people may sign in at
    #[command(subcommand)]
    Upstream(Deferred<upstream::Verb>),
}

impl Command {
    /// Whether it only looks at what is there, and so makes neither a database nor a key.
    fn only_looks(&self) -> bool {
        match self {
            Command::Plan(_) | Command::Export | Command::Audit(_) | Command::Token(_) => true,
            Command::Client(Deferred(verb)) => {
                matches!(verb, client::Verb::List(_) | client::Verb::Show { .. })
            }
            Command::Account(Deferred(verb)) => matches!(
                verb,
                account::Verb::List(_)
                    | account::Verb::Show { .. }
                    | account::Verb::Export { .. }
                    | account::Verb::Diagnose { .. }
                    | account::Verb::SecurityReport { .. }
            ),
            Command::Role(Deferred(verb)) => matches!(verb, role::Verb::List(_) | role::Verb::Show { .. }),
            Command::Scope(Deferred(verb)) => matches!(verb, scope::Verb::List(_) | scope::Verb::Show { .. }),
            Command::Key(Deferred(verb)) => matches!(verb, key::Verb::List(_)),
            Command::ApiKey(Deferred(verb)) => {
                matches!(verb, api_key::Verb::List { .. } | api_key::Verb::Show { .. })
            }
            Command::Session(Deferred(verb)) => {
                matches!(verb, session::Verb::List { .. } | session::Verb::Show { .. })
            }
            Command::Upstream(Deferred(verb)) => {
                matches!(verb, upstream::Verb::List(_) | upstream::Verb::Show { .. })
            }
            _ => false,
        }
    }
}

/// Why a command was refused or failed, in one line that names the cause and the fix.
#[derive(Debug)]
struct Failure(String);

type Outcome = Result<(), Failure>;

impl Failure {
    fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    fn missing(noun: &str, name: &str) -> Failure {
        Failure(format!(
            "there is no {noun} {name:?}; `chancery {noun} list` shows those that are"
        ))
    }
}

macro_rules! failure_from {
    ($($error:ty),*) => { $(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure(error.to_string())
            }
        }
    )* };
}
failure_from!(
    ApplyError,
    ConfigError,
    FileError,
    crate::passwords::Busy,
    keys::KeyError
);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { what } => Failure(format!(
                "{what} is already taken; choose another or change the one that has it"
            )),
            error => Failure(format!(
                "the database refused: {error}; see [database] in the configuration"
            )),
        }
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Failure(format!("no threads to run on: {error}"))),
    };
    let code = runtime.block_on(async {
        match cli.command {
            Command::Demo(Deferred(args)) => demo::run(args).await,
            command => match run(cli.config, command).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => failed(&failure),
            },
        }
    });
    // What still runs on other threads has been waited for long enough: a long search, say, whose caller has gone.
    runtime.shutdown_background();
    code
}

fn failed(failure: &Failure) -> ExitCode {
    let line = failure
        .0
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    eprintln!("chancery: {line}");
    ExitCode::FAILURE
}

async fn run(file: Option<PathBuf>, command: Command) -> Outcome {
    let config = Config::load(file.as_deref())?;
    let makes = !command.only_looks();
    match command {
        Command::Demo(_) => Ok(()),
        Command::Serve => operate::serve(config).await,
        Command::CheckConfig => operate::check_config(&config),
        Command::Migrate => operate::migrate(&config).await,
        Command::Doctor(format) => doctor::run(config, format).await,
        command => {
            let context = Context::open(config, makes).await?;
            let outcome = run_in(&context, command).await;
            // What was done holds for a server on the same file once the command has ended.
            context.store.noticed().await;
            outcome
        }
    }
}

/// The commands that work on the database.
async fn run_in(context: &Context, command: Command) -> Outcome {
    match command {
        Command::SetupLink => operate::setup_link(context).await,
        Command::Plan(Deferred(args)) => declare::plan(context, args).await,
        Command::Apply(Deferred(args)) => declare::apply(context, args).await,
        Command::Export => declare::export(context).await,
        Command::Import(Deferred(args)) => import::run(context, args).await,
        Command::Client(Deferred(verb)) => client::run(context, verb).await,
        Command::Account(Deferred(verb)) => account::run(context, verb).await,
        Command::Role(Deferred(verb)) => role::run(context, verb).await,
        Command::Scope(Deferred(verb)) => scope::run(context, verb).await,
        Command::Key(Deferred(verb)) => key::run(context, verb).await,
        Command::ApiKey(Deferred(verb)) => api_key::run(context, verb).await,
        Command::Session(Deferred(verb)) => session::run(context, verb).await,
        Command::Audit(Deferred(verb)) => audit::run(context, verb).await,
        Command::Token(Deferred(verb)) => token::run(context, verb).await,
        Command::Upstream(Deferred(verb)) => upstream::run(context, verb).await,
        Command::Demo(_) | Command::Serve | Command::CheckConfig | Command::Migrate | Command::Doctor(_) => {
            Ok(())
        }
    }
}

/// What a command that touches data works with.
struct Context {
    config: Config,
    store: Store,
    now: Timestamp,
    /// Whether it may make a database and a master key where there are none.
    makes: bool,
}

impl Context {
    /// Opens the database and brings it up to date, as `serve` does.
    async fn open(config: Config, makes: bool) -> Result<Context, Failure> {
        if !makes && let Some(path) = missing_database(&config) {
            return Err(Failure(format!(
                "there is no database at {}; start the server or run `chancery migrate` first",
                path.display()
            )));
        }
        let store = Store::open(&config.database.url, config.database.max_connections).await?;
        store.migrate().await?;
        if let Some(url) = config.redis.url.as_deref().filter(|_| !store.is_sqlite()) {
            let shared = Shared::open(url)
                .await
                .map_err(|error| Failure(error.to_string()))?;
            announce_changes(&store, &shared);
        }
        Ok(Context {
            config,
            store,
            now: Clock::System.now(),
            makes,
        })
    }

    /// The master key of this database, which no other file passes for.
    fn sealer(&self) -> Result<Sealer, Failure> {
        let opened = async {
            let nothing_sealed = async |db: &mut Conn| Ok(store::keys::list(db).await?.is_empty());
            let path = &self.config.keys.master_key_file;
            if !self.makes && self.store.read(nothing_sealed).await? {
                return match seal::load(path) {
                    // Whatever is sealed for a look is thrown away.
                    Err(MasterKeyError::Missing(_)) => Ok(Sealer::new(random::bytes())),
                    loaded => Ok(loaded?),
                };
            }
            keys::master_key(&self.store, &self.config, self.now).await
        };
        // Commands ask for it in the middle of what they do; each has its threads to itself.
        Ok(block_in_place(|| Handle::current().block_on(opened))?)
    }

    fn passwords(&self) -> Result<Passwords, Failure> {
        let a = &self.config.accounts;
        let params = Params::new(
            a.argon2_memory_kib,
            a.argon2_iterations,
            a.argon2_parallelism,
            None,
        )
        .map_err(|e| Failure(format!("accounts.argon2_*: {e}")))?;
        Ok(Passwords::new(params, 1, QUEUE))
    }
}

/// Reads the identifier of a `noun` that has no name.
fn identifier(text: &str, noun: &str) -> Result<Uuid, String> {
    let problem = |_| format!("must be an identifier; see `chancery {noun} list`");
    text.parse().map_err(problem)
}

/// Where the file of the database should be and is not.
fn missing_database(config: &Config) -> Option<&Path> {
    let path = config.database.url.strip_prefix("sqlite:")?;
    let path = Path::new(path.strip_prefix("//").unwrap_or(path));
    (!path.exists()).then_some(path)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_secret_is_an_argument() {
        fn walk(command: &clap::Command, seen: &mut Vec<String>) {
            for arg in command.get_arguments() {
                let id = arg.get_id().as_str();
                let takes_value = arg.get_action().takes_values();
                let names_file = id.ends_with("_file");
                assert!(
                    !takes_value
                        || names_file
                        || !["password", "secret", "token"].iter().any(|s| id.contains(s)),
                    "{id}"
                );
                seen.push(id.to_owned());
            }
            command.get_subcommands().for_each(|verb| walk(verb, seen));
        }
        let (mut command, mut seen) = (Cli::command(), Vec::new());
        // What is deferred is described now.
        command.build();
        walk(&command, &mut seen);
        for deep in ["redirect_uri", "secret_file", "prune"] {
            assert!(seen.iter().any(|id| id == deep), "{deep} in {seen:?}");
        }
    }

    #[test]
    fn commands_of_the_contract_are_understood() {
        for line in [
            "serve",
            "migrate",
            "doctor --json",
            "account diagnose a --json",
            "account security-report a",
            "check-config",
            "setup-link",
            "plan f.toml",
            "apply f.toml --prune",
            "export --config c.toml",
            "import users.csv --dry-run --strict --format csv --json",
            "account export a",
            "client list --json",
            "client show web",
            "client create web --redirect-uri https://a.test/cb",
            "client delete web",
            "client rotate-secret web",
            "client update web --scope openid",
            "account list",
            "account create a --password-stdin",
            "account disable a",
            "account enable a",
            "account set-password a --password-file f",
            "account invite a@b.test --print --language de",
            "account reset-link a",
            "role create r --permission p",
            "role update r --mfa required",
            "scope update s --requires p",
            "client rotate-secret web --overlap 24h",
            "client update web --mfa default",
            "account grant-role a viewer --expires 30d",
            "account revoke-role a viewer",
            "scope create s --requires p",
            "key list",
            "key rotate",
            "api-key list --account a --json",
            "api-key show 00000000-0000-0000-0000-000000000000",
            "api-key create a --name n --permission p --network 10.0.0.0/8 --rate 5/1m --lifetime 90d",
            "api-key rotate 00000000-0000-0000-0000-000000000000 --overlap 1h",
            "api-key delete 00000000-0000-0000-0000-000000000000",
            "session list --account a --json",
            "session show 00000000-0000-0000-0000-000000000000",
            "session delete --account a",
            "audit list --limit 5",
            "token inspect",
            "upstream list --json",
            "upstream create corp --issuer https://corp.test --client-id c --secret-file f",
            "upstream update corp --enabled false",
        ] {
            let words = std::iter::once("chancery").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
        assert_eq!(
            Cli::try_parse_from(["chancery", "nonsense"])
                .unwrap_err()
                .exit_code(),
            2
        );
    }
}
