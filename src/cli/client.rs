//! `chancery client …`

use std::path::PathBuf;

use protocol::client::{ApplicationType, Client};
use protocol::id::ClientId;
use protocol::scope::Scope;
use protocol::secret::Secret;
use protocol::time::{Lifetime, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::clients::StoredClient;
use store::{Conn, clients};

use super::act::actor;
use super::input::{SecretFrom, text};
use super::output::{self, Format};
use super::{Context, Failure, Outcome, factors};
use crate::administration::Expected;
use crate::administration::clients::{self as operations, ClientView, State};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all clients
    List(Format),
    /// Show a client's metadata
    Show {
        /// The client_id
        client_id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Register a client; its secret is printed once
    Create {
        /// The client_id
        client_id: String,
        #[command(flatten)]
        metadata: Box<Metadata>,
        #[command(flatten)]
        secret: SecretFrom,
        #[command(flatten)]
        format: Format,
    },
    /// Change what is named, and leave the rest
    Update {
        /// The client_id
        client_id: String,
        #[command(flatten)]
        metadata: Box<Metadata>,
    },
    /// Shut a client out and end what it was given
    Disable {
        /// The client_id
        client_id: String,
    },
    /// Let a client in again
    Enable {
        /// The client_id
        client_id: String,
    },
    /// Remove a client and end what it was given
    Delete {
        /// The client_id
        client_id: String,
    },
    /// Give a client a new secret, printed once
    RotateSecret {
        /// The client_id
        client_id: String,
        /// How long the old secret is still good [default: it ends at once]
        #[arg(long, value_name = "TIME")]
        overlap: Option<Lifetime>,
        #[command(flatten)]
        secret: SecretFrom,
    },
}

/// Metadata as registered (RFC 7591 §2); lists are given by repeating the option.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Metadata {
    /// The name people see
    #[arg(long)]
    name: Option<String>,
    /// Where responses may go
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Where a browser may go after sign-out
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// An origin whose pages may call the endpoints
    #[arg(long, value_name = "ORIGIN")]
    allowed_origin: Vec<String>,
    /// authorization_code, refresh_token or client_credentials
    #[arg(long, value_name = "GRANT")]
    grant_type: Vec<String>,
    /// client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
    /// Scopes it may ask for, separated by spaces
    #[arg(long)]
    scope: Option<Scope>,
    /// A resource server it may ask tokens for
    #[arg(long, value_name = "URI")]
    resource: Vec<String>,
    /// Its public keys (a JWK set)
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    /// Where its public keys are published
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// web or native
    #[arg(long, value_name = "TYPE")]
    application_type: Option<String>,
    /// Whether the account holder is asked first
    #[arg(long, value_name = "BOOL")]
    require_consent: Option<bool>,
    /// Whether a code needs a challenge
    #[arg(long, value_name = "BOOL")]
    require_pkce: Option<bool>,
    /// Whether it may introspect tokens meant for it
    #[arg(long, value_name = "BOOL")]
    may_introspect: Option<bool>,
    /// Whether its users must prove a second factor: off, if-enrolled, required, or default
    #[arg(long, value_parser = factors::policy)]
    mfa: Option<factors::Policy>,
}

/// Reads a registered name as its type does.
fn named<T: DeserializeOwned>(option: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_value(json!(text)).map_err(|e| Failure(format!("--{option} {text:?}: {e}")))
}

impl Metadata {
    fn write_to(&self, client: &mut Client) -> Outcome {
        for (given, field) in [
            (&self.redirect_uri, &mut client.redirect_uris),
            (
                &self.post_logout_redirect_uri,
                &mut client.post_logout_redirect_uris,
            ),
            (&self.allowed_origin, &mut client.allowed_origins),
            (&self.resource, &mut client.resources),
        ] {
            if !given.is_empty() {
                field.clone_from(given);
            }
        }
        if let Some(name) = &self.name {
            client.client_name = Some(name.clone());
        }
        if !self.grant_type.is_empty() {
            client.grant_types = self
                .grant_type
                .iter()
                .map(|text| named("grant-type", text))
                .collect::<Result<_, _>>()?;
        }
        if let Some(text) = &self.auth_method {
            client.token_endpoint_auth_method = named("auth-method", text)?;
        }
        if let Some(text) = &self.application_type {
            client.application_type = named::<ApplicationType>("application-type", text)?;
        }
        if let Some(scope) = &self.scope {
            client.scope.clone_from(scope);
        }
        if let Some(path) = &self.jwks_file {
            let jwks = serde_json::from_str(text(Some(path))?.expose())
                .map_err(|e| Failure(format!("{} holds no JSON: {e}", path.display())))?;
            (client.jwks, client.jwks_uri) = (Some(jwks), None);
        }
        if let Some(uri) = &self.jwks_uri {
            (client.jwks, client.jwks_uri) = (None, Some(uri.clone()));
        }
        client.require_consent = self.require_consent.unwrap_or(client.require_consent);
        client.require_pkce = self.require_pkce.unwrap_or(client.require_pkce);
        client.may_introspect = self.may_introspect.unwrap_or(client.may_introspect);
        client.mfa = self.mfa.map_or(client.mfa, |policy| policy.0);
        Ok(())
    }
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| clients::list(db).await)
                .await?;
            let columns = [
                "client_id",
                "client_name",
                "token_endpoint_auth_method",
                "grant_types",
                "disabled",
                "managed_by",
            ];
            let rows = all.iter().map(|stored| document(stored, context.now));
            output::many(format, &columns, rows.collect())
        }
        Verb::Show { client_id, format } => {
            let found = find(context, &client_id).await?;
            output::one(format, &document(&found, context.now))
        }
        Verb::Create {
            client_id,
            metadata,
            secret,
            format,
        } => {
            let mut client = Client::new(ClientId(client_id.clone()));
            metadata.write_to(&mut client)?;
            let (given, sealer, now) = (chosen(&secret)?, context.sealer()?, context.now);
            let make = async move |db: &mut Conn| {
                operations::insert(db, &actor(), client, given, &sealer, now).await
            };
            let made = context.act("client", &client_id, make).await?;
            let mut shown = json!(made.client);
            if let (Some(secret), Value::Object(fields)) = (made.secret, &mut shown) {
                fields.insert("client_secret".to_owned(), json!(secret.expose()));
            }
            output::one(format, &shown)
        }
        Verb::Update { client_id, metadata } => {
            let mut client = find(context, &client_id).await?.client;
            metadata.write_to(&mut client)?;
            let (id, sealer, now) = (ClientId(client_id.clone()), context.sealer()?, context.now);
            let change = async move |db: &mut Conn| {
                let change = |_: &Client| Ok(client);
                operations::update(db, &actor(), &id, change, &Expected::Any, &sealer, now).await
            };
            let changed = context.act("client", &client_id, change).await?;
            output::line(format_args!("client updated {client_id}"));
            print_secret(changed.secret);
            Ok(())
        }
        Verb::Disable { client_id } => set_state(context, client_id, State::Disabled, "disabled").await,
        Verb::Enable { client_id } => set_state(context, client_id, State::Enabled, "enabled").await,
        Verb::Delete { client_id } => {
            let (id, now) = (ClientId(client_id.clone()), context.now);
            let remove =
                async move |db: &mut Conn| operations::remove(db, &actor(), &id, &Expected::Any, now).await;
            context.delete("client", &client_id, remove).await
        }
        Verb::RotateSecret {
            client_id,
            overlap,
            secret,
        } => {
            let (id, given, now) = (ClientId(client_id.clone()), chosen(&secret)?, context.now);
            let (sealer, overlap) = (context.sealer()?, overlap.map_or(0, Lifetime::as_secs));
            let rotate = async move |db: &mut Conn| {
                operations::rotate(db, &actor(), &id, given, overlap, &sealer, now).await
            };
            let rotated = context.act("client", &client_id, rotate).await?;
            output::line(format_args!("client secret rotated {client_id}"));
            print_secret(rotated.secret);
            Ok(())
        }
    }
}

fn print_secret(secret: Option<Secret>) {
    if let Some(secret) = secret {
        output::line(format_args!(
            "client_secret, shown this once: {}",
            secret.expose()
        ));
    }
}

/// The secret that was given, with a warning when it is short.
fn chosen(from: &SecretFrom) -> Result<Option<Secret>, Failure> {
    let given = from.read()?;
    if given.as_ref().is_some_and(|secret| secret.expose().len() < 32) {
        eprintln!("warning: a secret under 32 characters can be guessed; give none to have one made");
    }
    Ok(given)
}

async fn set_state(context: &Context, client_id: String, state: State, done: &str) -> Outcome {
    let (id, now) = (ClientId(client_id.clone()), context.now);
    let put = async move |db: &mut Conn| operations::put_state(db, &actor(), &id, state, now).await;
    context.act("client", &client_id, put).await?;
    output::line(format_args!("client {done} {client_id}"));
    Ok(())
}

fn document(stored: &StoredClient, now: Timestamp) -> Value {
    json!(ClientView::at(stored, now))
}

async fn find(context: &Context, client_id: &str) -> Result<StoredClient, Failure> {
    let id = ClientId::from(client_id);
    let found = context
        .store
        .read(async move |db: &mut Conn| clients::find(db, &id).await)
        .await?;
    found.ok_or_else(|| Failure::missing("client", client_id))
}
