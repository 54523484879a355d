//! `chancery upstream …`

use std::path::PathBuf;

use protocol::secret::Secret;
use protocol::upstream::Upstream;
use serde_json::{Value, json};
use store::{Conn, StoredUpstream, audit, upstreams};

use super::output::{self, Format};
use super::{Context, Failure, Outcome, input};
use crate::declarative::{check_upstream_secret, event, upstream_document};
use crate::upstream::secret_context;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List all upstream providers
    List(Format),
    /// Show how an upstream is registered, without its secret
    Show {
        /// The upstream's name
        name: String,
        #[command(flatten)]
        format: Format,
    },
    /// Let people sign in at another OpenID provider
    Create(Box<Fields>),
    /// Change what is named, and leave the rest
    Update(Box<Fields>),
    /// Remove an upstream; whom it was connected to is kept
    Delete {
        /// The upstream's name
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Fields {
    /// The upstream's name, part of the redirect URI: ISSUER/login/upstream/NAME/callback
    name: String,
    /// The name people see
    #[arg(long)]
    title: Option<String>,
    /// The provider's issuer identifier
    #[arg(long)]
    issuer: Option<String>,
    /// Who we are to it
    #[arg(long)]
    client_id: Option<String>,
    /// client_secret_basic or client_secret_post
    #[arg(long)]
    auth_method: Option<String>,
    /// What to ask for
    #[arg(long)]
    scope: Option<String>,
    /// A domain whose mail addresses the provider may vouch for; may be repeated
    #[arg(long)]
    trusted_email_domain: Vec<String>,
    /// Whether people without an account get one
    #[arg(long)]
    create_accounts: Option<bool>,
    /// Whether it may be used
    #[arg(long)]
    enabled: Option<bool>,
    /// Read our client secret at it from a file; CHANCERY_CLIENT_SECRET may hold it too
    #[arg(long, value_name = "FILE", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// Read our client secret at it from standard input
    #[arg(long)]
    secret_stdin: bool,
}

impl Fields {
    fn secret(&self) -> Result<Option<Secret>, Failure> {
        let found = input::secret(
            self.secret_file.as_deref(),
            self.secret_stdin,
            "CHANCERY_CLIENT_SECRET",
        )?;
        if let Some(secret) = &found {
            check_upstream_secret(secret)
                .map_err(|problem| Failure(format!("the client secret {problem}")))?;
        }
        Ok(found)
    }

    fn write_to(&self, upstream: &mut Upstream) -> Outcome {
        if let Some(issuer) = &self.issuer {
            upstream.issuer.clone_from(issuer);
        }
        if let Some(client_id) = &self.client_id {
            upstream.client_id.clone_from(client_id);
        }
        upstream.title = self.title.clone().or(upstream.title.take());
        if let Some(method) = &self.auth_method {
            upstream.token_endpoint_auth_method = serde_json::from_value(json!(method))
                .map_err(|_| Failure(format!("--auth-method {method:?} is not known")))?;
        }
        if let Some(scope) = &self.scope {
            upstream.scope = scope
                .parse()
                .map_err(|_| Failure(format!("--scope {scope:?} is not a list of scope tokens")))?;
        }
        if !self.trusted_email_domain.is_empty() {
            upstream.trusted_email_domains = self.trusted_email_domain.iter().cloned().collect();
        }
        upstream.create_accounts = self.create_accounts.unwrap_or(upstream.create_accounts);
        upstream.enabled = self.enabled.unwrap_or(upstream.enabled);
        upstream.check().map_err(|error| Failure(error.to_string()))
    }
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::List(format) => {
            let all = context
                .store
                .read(async move |db: &mut Conn| upstreams::list(db).await)
                .await?;
            let columns = ["name", "title", "issuer", "client_id", "enabled", "managed_by"];
            output::many(format, &columns, all.iter().map(document).collect())
        }
        Verb::Show { name, format } => output::one(format, &document(&find(context, &name).await?)),
        Verb::Create(fields) => create(context, &fields).await,
        Verb::Update(fields) => update(context, &fields).await,
        Verb::Delete { name } => delete(context, name).await,
    }
}

fn document(stored: &StoredUpstream) -> Value {
    let mut value = upstream_document(stored);
    if let Value::Object(fields) = &mut value {
        fields.insert("managed_by".to_owned(), json!(stored.managed_by));
    }
    value
}

async fn look_up(context: &Context, name: &str) -> Result<Option<StoredUpstream>, Failure> {
    let wanted = name.to_owned();
    Ok(context
        .store
        .read(async move |db: &mut Conn| upstreams::find(db, &wanted).await)
        .await?)
}

async fn find(context: &Context, name: &str) -> Result<StoredUpstream, Failure> {
    let found = look_up(context, name).await?;
    found.ok_or_else(|| Failure::missing("upstream", name))
}

fn seal(context: &Context, name: &str, secret: &Secret) -> Result<Vec<u8>, Failure> {
    Ok(context
        .sealer()?
        .seal(&secret_context(name), secret.expose().as_bytes()))
}

async fn create(context: &Context, fields: &Fields) -> Outcome {
    let name = &fields.name;
    if look_up(context, name).await?.is_some() {
        return Err(Failure(format!(
            "upstream {name:?} exists; use `chancery upstream update`"
        )));
    }
    let mut upstream = Upstream::new(name.clone(), String::new(), String::new());
    fields.write_to(&mut upstream)?;
    let Some(secret) = fields.secret()? else {
        return Err(Failure::new(
            "the client secret that the provider gave is missing; use --secret-file or --secret-stdin",
        ));
    };
    let stored = StoredUpstream {
        secret_sealed: Some(seal(context, name, &secret)?),
        upstream,
        managed_by: None,
    };
    let (detail, now) = (json!({ "name": name }), context.now);
    context
        .store
        .write(async move |db: &mut Conn| {
            upstreams::insert(db, &stored, now).await?;
            audit::record(db, &event("upstream.created", now, detail)).await
        })
        .await?;
    let issuer = &context.config.server.issuer;
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    output::line(format_args!(
        "created upstream {name}; register there: {base}/login/upstream/{name}/callback"
    ));
    Ok(())
}

async fn update(context: &Context, fields: &Fields) -> Outcome {
    let name = &fields.name;
    let mut stored = find(context, name).await?;
    fields.write_to(&mut stored.upstream)?;
    if let Some(secret) = fields.secret()? {
        stored.secret_sealed = Some(seal(context, name, &secret)?);
    }
    let (detail, now) = (json!({ "name": name }), context.now);
    context
        .store
        .write(async move |db: &mut Conn| {
            upstreams::update(db, &stored, now).await?;
            audit::record(db, &event("upstream.updated", now, detail)).await
        })
        .await?;
    output::line(format_args!("updated upstream {name}"));
    Ok(())
}

async fn delete(context: &Context, name: String) -> Outcome {
    let (target, now) = (name.clone(), context.now);
    let found = context
        .store
        .write(async move |db: &mut Conn| {
            let found = upstreams::delete(db, &target).await?;
            if found {
                audit::record(db, &event("upstream.deleted", now, json!({ "name": target }))).await?;
            }
            Ok(found)
        })
        .await?;
    if !found {
        return Err(Failure::missing("upstream", &name));
    }
    output::line(format_args!("deleted upstream {name}"));
    Ok(())
}
