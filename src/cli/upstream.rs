//! `chancery upstream …`

use std::path::PathBuf;

use protocol::secret::Secret;
use protocol::upstream::Upstream;
use serde_json::{Value, json};
use store::{Conn, StoredUpstream, upstreams};

use super::act::actor;
use super::output::{self, Format};
use super::{Context, Failure, Outcome, input};
use crate::administration::Expected;
use crate::administration::upstreams::{self as operations, UpstreamView};
use crate::declarative::check_upstream_secret;

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
            output::many(format, &columns, all.into_iter().map(document).collect())
        }
        Verb::Show { name, format } => output::one(format, &document(find(context, &name).await?)),
        Verb::Create(fields) => create(context, &fields).await,
        Verb::Update(fields) => update(context, &fields).await,
        Verb::Delete { name } => delete(context, name).await,
    }
}

fn document(stored: StoredUpstream) -> Value {
    json!(UpstreamView::from(stored))
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

async fn create(context: &Context, fields: &Fields) -> Outcome {
    let (name, now) = (&fields.name, context.now);
    let mut upstream = Upstream::new(name.clone(), String::new(), String::new());
    fields.write_to(&mut upstream)?;
    if look_up(context, name).await?.is_some() {
        return Err(Failure(format!(
            "upstream {name:?} exists; use `chancery upstream update`"
        )));
    }
    let Some(secret) = fields.secret()? else {
        return Err(Failure::new(
            "the client secret that the provider gave is missing; use --secret-file or --secret-stdin",
        ));
    };
    let sealer = context.sealer()?;
    let make = async move |db: &mut Conn| {
        operations::insert(db, &actor(), upstream, Some(secret), &sealer, now).await
    };
    context.act("upstream", name, make).await?;
    let issuer = &context.config.server.issuer;
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    output::line(format_args!(
        "created upstream {name}; register there: {base}/login/upstream/{name}/callback"
    ));
    Ok(())
}

async fn update(context: &Context, fields: &Fields) -> Outcome {
    let (name, now) = (&fields.name, context.now);
    let mut upstream = find(context, name).await?.upstream;
    fields.write_to(&mut upstream)?;
    let (target, secret, sealer) = (name.clone(), fields.secret()?, context.sealer()?);
    let change = async move |db: &mut Conn| {
        let change = |_: &Upstream| Ok(upstream);
        operations::update(
            db,
            &actor(),
            &target,
            change,
            secret,
            &Expected::Any,
            &sealer,
            now,
        )
        .await
    };
    context.act("upstream", name, change).await?;
    output::line(format_args!("updated upstream {name}"));
    Ok(())
}

async fn delete(context: &Context, name: String) -> Outcome {
    let (target, now) = (name.clone(), context.now);
    let remove =
        async move |db: &mut Conn| operations::remove(db, &actor(), &target, &Expected::Any, now).await;
    context.delete("upstream", &name, remove).await
}
