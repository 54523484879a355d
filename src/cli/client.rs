//! `chancery client …`

use std::path::PathBuf;

use protocol::client::{ApplicationType, Client};
use protocol::id::ClientId;
use protocol::scope::Scope;
use protocol::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::clients::StoredClient;
use store::{Conn, audit, clients, grants, roles};

use super::input::{SecretFrom, text};
use super::output::{self, Format};
use super::{Context, Failure, Outcome};
use crate::declarative::{check_client_secret, event};
use crate::random;

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
    /// Give a client a new secret, printed once; the old one ends
    RotateSecret {
        /// The client_id
        client_id: String,
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
        client.check().map_err(|e| Failure(e.to_string()))
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
            output::many(format, &columns, all.iter().map(document).collect())
        }
        Verb::Show { client_id, format } => output::one(format, &document(&find(context, &client_id).await?)),
        Verb::Create {
            client_id,
            metadata,
            secret,
            format,
        } => {
            let mut client = Client::new(ClientId(client_id));
            metadata.write_to(&mut client)?;
            let (stored, made) = with_secret(context, client, secret.read()?)?;
            let mut shown = document(&stored);
            references(context, &stored.client).await?;
            let now = context.now;
            context
                .store
                .write(async move |db: &mut Conn| {
                    clients::insert(db, &stored, now).await?;
                    audit::record(db, &about("client.created", &stored, now)).await
                })
                .await
                .map_err(taken)?;
            if let (Some(secret), Value::Object(fields)) = (made, &mut shown) {
                fields.insert("client_secret".to_owned(), json!(secret.expose()));
            }
            output::one(format, &shown)
        }
        Verb::Update { client_id, metadata } => {
            let mut stored = find(context, &client_id).await?;
            metadata.write_to(&mut stored.client)?;
            let method = stored.client.token_endpoint_auth_method;
            if method.has_secret() && stored.secret_hash.is_none()
                || (method == protocol::client::ClientAuthMethod::ClientSecretJwt
                    && stored.secret_sealed.is_none())
            {
                let method = method.as_str();
                return Err(Failure(format!(
                    "{method} needs another secret than the stored one; delete the client and create it again"
                )));
            }
            if !method.has_secret() {
                (stored.secret_hash, stored.secret_sealed) = (None, None);
            }
            references(context, &stored.client).await?;
            change(context, stored, "client.updated", false).await
        }
        Verb::Disable { client_id } => {
            let mut stored = find(context, &client_id).await?;
            stored.disabled = true;
            change(context, stored, "client.disabled", true).await
        }
        Verb::Enable { client_id } => {
            let mut stored = find(context, &client_id).await?;
            stored.disabled = false;
            change(context, stored, "client.enabled", false).await
        }
        Verb::Delete { client_id } => {
            let stored = find(context, &client_id).await?;
            let now = context.now;
            context
                .store
                .write(async move |db: &mut Conn| {
                    let id = &stored.client.client_id;
                    grants::revoke_for_client(db, id, now).await?;
                    clients::delete(db, id).await?;
                    audit::record(db, &about("client.deleted", &stored, now)).await
                })
                .await?;
            output::line(format_args!("deleted client {client_id}"));
            Ok(())
        }
        Verb::RotateSecret { client_id, secret } => {
            let old = find(context, &client_id).await?;
            if !old.client.token_endpoint_auth_method.has_secret() {
                let method = old.client.token_endpoint_auth_method.as_str();
                return Err(Failure(format!(
                    "client {client_id} authenticates by {method} and has no secret"
                )));
            }
            let (new, made) = with_secret(context, old.client, secret.read()?)?;
            let stored = StoredClient {
                disabled: old.disabled,
                managed_by: old.managed_by,
                ..new
            };
            change(context, stored, "client.secret_rotated", false).await?;
            if let Some(secret) = made {
                output::line(format_args!(
                    "client_secret, shown this once: {}",
                    secret.expose()
                ));
            }
            Ok(())
        }
    }
}

fn document(stored: &StoredClient) -> Value {
    let mut value = serde_json::to_value(&stored.client).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert("disabled".to_owned(), json!(stored.disabled));
        fields.insert("managed_by".to_owned(), json!(stored.managed_by));
    }
    value
}

fn about(kind: &str, stored: &StoredClient, now: protocol::time::Timestamp) -> audit::Event {
    audit::Event {
        client_id: Some(stored.client.client_id.clone()),
        ..event(kind, now, json!({}))
    }
}

fn taken(error: store::StoreError) -> Failure {
    match error {
        store::StoreError::Conflict { .. } => Failure::new(
            "a client with this client_id exists; choose another or use `chancery client update`",
        ),
        error => error.into(),
    }
}

async fn find(context: &Context, client_id: &str) -> Result<StoredClient, Failure> {
    let id = ClientId::from(client_id);
    let found = context
        .store
        .read(async move |db: &mut Conn| clients::find(db, &id).await)
        .await?;
    found.ok_or_else(|| Failure::missing("client", client_id))
}

/// Refuses scopes and resources that nobody defined: they could never be granted.
async fn references(context: &Context, client: &Client) -> Outcome {
    let (scopes, resources) = context
        .store
        .read(async move |db: &mut Conn| {
            Ok((roles::list_scopes(db).await?, roles::list_resources(db).await?))
        })
        .await?;
    let standard = protocol::role::STANDARD_SCOPES;
    if let Some(name) = client
        .scope
        .iter()
        .find(|name| !standard.contains(name) && !scopes.iter().any(|s| s.name == *name))
    {
        return Err(Failure(format!(
            "scope {name:?} is not defined; `chancery scope create {name}` defines it"
        )));
    }
    if let Some(name) = client
        .resources
        .iter()
        .find(|name| !resources.iter().any(|r| r.identifier == **name))
    {
        return Err(Failure(format!(
            "resource {name:?} is not defined; define it with [[resource]] and `chancery apply`"
        )));
    }
    Ok(())
}

/// A row with the given secret or one that is made, which is returned to be shown.
fn with_secret(
    context: &Context,
    client: Client,
    given: Option<Secret>,
) -> Result<(StoredClient, Option<Secret>), Failure> {
    let method = client.token_endpoint_auth_method;
    let mut stored = StoredClient {
        client,
        secret_hash: None,
        secret_sealed: None,
        disabled: false,
        managed_by: None,
    };
    if !method.has_secret() {
        return match given {
            None => Ok((stored, None)),
            Some(_) => Err(Failure(format!(
                "a client that authenticates by {} has no secret; give none",
                method.as_str()
            ))),
        };
    }
    let made = given.is_none().then(|| random::secret("cs_"));
    if let Some(secret) = given.as_ref().or(made.as_ref()) {
        check_client_secret(secret, method)
            .map_err(|problem| Failure(format!("the client secret {problem}")))?;
        if secret.expose().len() < 32 {
            eprintln!("warning: a secret under 32 characters can be guessed; give none to have one made");
        }
        stored.secret_hash = Some(secret.hash());
        if method == protocol::client::ClientAuthMethod::ClientSecretJwt {
            let label = format!("client/{}", stored.client.client_id);
            stored.secret_sealed = Some(context.sealer()?.seal(&label, secret.expose().as_bytes()));
        }
    }
    Ok((stored, made))
}

async fn change(context: &Context, stored: StoredClient, kind: &'static str, revoke: bool) -> Outcome {
    let (id, now) = (stored.client.client_id.clone(), context.now);
    let found = context
        .store
        .write(async move |db: &mut Conn| {
            let found = clients::update(db, &stored, now).await?;
            if revoke {
                grants::revoke_for_client(db, &stored.client.client_id, now).await?;
            }
            audit::record(db, &about(kind, &stored, now)).await?;
            Ok(found)
        })
        .await?;
    if !found {
        return Err(Failure::missing("client", id.as_str()));
    }
    output::line(format_args!("{} {id}", kind.replace(['.', '_'], " ")));
    Ok(())
}
