//! `[[upstream]]`: providers that people may sign in at. The secret is given, never made: the provider made it.

use std::collections::BTreeMap;

use protocol::secret::{Secret, TokenHash};
use protocol::upstream::Upstream;
use store::{Conn, Store, StoreError, StoredUpstream, upstreams};

use super::apply::{ApplyError, Tools};
use super::diff::{Action, Diff, Step, changed_fields};
use super::entry::Entry;
use super::parse::secret;
use super::prepare::Prepared;
use super::{At, File, FileError, MANAGED_BY, SecretSource};
use crate::upstream::secret_context;

pub(super) const KEYS: [&str; 11] = [
    "name",
    "title",
    "issuer",
    "client_id",
    "client_secret",
    "client_secret_file",
    "token_endpoint_auth_method",
    "scope",
    "trusted_email_domains",
    "create_accounts",
    "enabled",
];

/// One `[[upstream]]`.
#[derive(Clone, Debug)]
pub struct UpstreamEntry {
    /// How it is registered.
    pub upstream: Upstream,
    /// Our secret at it; kept when absent.
    pub secret: Option<SecretSource>,
}

pub(super) fn parse(mut entry: Entry) -> Result<UpstreamEntry, FileError> {
    let secret = secret(&mut entry, "client_secret", "client_secret_file")?;
    let upstream: Upstream = entry.rest()?;
    upstream.check().map_err(|error| entry.wrong(error.0, error.1))?;
    Ok(UpstreamEntry { upstream, secret })
}

/// Whether a secret can be one that a provider gave us.
pub(crate) fn check_secret(secret: &Secret) -> Result<(), &'static str> {
    let text = secret.expose();
    if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
        return Err("must be 1 to 4096 characters without line breaks");
    }
    Ok(())
}

/// Seals the secret, unless the one that is stored is the same.
pub(super) async fn prepare(
    store: &Store,
    file: &File,
    at: &At<UpstreamEntry>,
    tools: &Tools<'_>,
) -> Result<Option<Vec<u8>>, ApplyError> {
    let Some(source) = &at.entry.secret else {
        return Ok(None);
    };
    let name = at.entry.upstream.name.clone();
    let secret = source.load(&file.folder, at.line)?;
    check_secret(&secret)
        .map_err(|problem| FileError::at(at.line, format!("upstream {name}: the client secret {problem}")))?;
    let context = secret_context(&name);
    let stored = store
        .read(async move |db: &mut Conn| upstreams::find(db, &name).await)
        .await?;
    let held = stored
        .and_then(|stored| stored.secret_sealed)
        .and_then(|sealed| tools.sealer.open(&context, &sealed))
        .and_then(|plain| String::from_utf8(plain).ok());
    let same = held.is_some_and(|held| TokenHash::of(&held) == secret.hash());
    Ok((!same).then(|| tools.sealer.seal(&context, secret.expose().as_bytes())))
}

/// The upstreams that are stored, by name.
pub(super) async fn stored(db: &mut Conn) -> Result<BTreeMap<String, StoredUpstream>, StoreError> {
    let all = upstreams::list(db).await?;
    Ok(all
        .into_iter()
        .map(|stored| (stored.upstream.name.clone(), stored))
        .collect())
}

impl Diff {
    pub(super) fn upstream(
        &mut self,
        at: &At<UpstreamEntry>,
        old: Option<&StoredUpstream>,
        prepared: &Prepared,
    ) -> Result<(), FileError> {
        let upstream = &at.entry.upstream;
        let given = prepared.upstreams.get(&upstream.name).cloned();
        let Some(old) = old else {
            if given.is_none() {
                let problem = format!("upstream {}: client_secret is missing", upstream.name);
                return Err(FileError::at(at.line, problem));
            }
            self.note(Action::Create, "upstream", &upstream.name, Vec::new());
            let new = StoredUpstream {
                upstream: upstream.clone(),
                secret_sealed: given,
                managed_by: Some(MANAGED_BY.to_owned()),
            };
            self.steps.push(Step::InsertUpstream(Box::new(new)));
            return Ok(());
        };
        let mut fields = changed_fields(&old.upstream, upstream);
        if given.is_some() {
            fields.push("client_secret".to_owned());
        }
        if fields.is_empty() {
            self.plan.unchanged += 1;
            return Ok(());
        }
        self.note(Action::Update, "upstream", &upstream.name, fields);
        let new = StoredUpstream {
            upstream: upstream.clone(),
            secret_sealed: given.or_else(|| old.secret_sealed.clone()),
            managed_by: old.managed_by.clone(),
        };
        self.steps.push(Step::UpdateUpstream(Box::new(new)));
        Ok(())
    }

    /// Deletes what an earlier file made and this one does not name.
    pub(super) fn prune_upstreams(&mut self, file: &File, stored: &BTreeMap<String, StoredUpstream>) {
        for (name, old) in stored {
            let named = file.upstreams.iter().any(|at| at.entry.upstream.name == *name);
            if old.managed_by.as_deref() == Some(MANAGED_BY) && !named {
                self.note(Action::Delete, "upstream", name, Vec::new());
                self.steps.push(Step::DeleteUpstream(name.clone()));
            }
        }
    }
}
