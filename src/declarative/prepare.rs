//! What is slow or secret, done before the transaction: passwords hashed, secrets sealed.

use std::collections::BTreeMap;

use protocol::client::ClientAuthMethod;
use protocol::id::{AccountId, ClientId};
use protocol::secret::{Secret, TokenHash};
use protocol::time::Timestamp;
use store::credentials::TotpFactor;
use store::{Store, accounts, credentials, passwords};
use uuid::Uuid;

use super::apply::{ApplyError, Tools};
use super::diff::Stored;
use super::lay;
use super::parse::{check_client_secret, check_password, totp_bytes};
use super::upstream;
use super::{AccountEntry, At, ClientEntry, File, FileError, PasswordSource};
use crate::passwords::policy::{self, Rules};
use crate::random;

/// The name of the TOTP factor that a file enrols; factors with other names are the holder's own.
pub(super) const FACTOR_NAME: &str = "Configured";

/// The TOTP factor of an account as a file or an import enrols it, with its sealed secret.
pub(crate) fn configured_factor(id: Uuid, account: AccountId, sealed: Vec<u8>, now: Timestamp) -> TotpFactor {
    TotpFactor {
        id,
        account_id: account,
        name: FACTOR_NAME.to_owned(),
        secret_sealed: sealed,
        last_step: None,
        created_at: now,
        last_used_at: None,
    }
}

/// So many former passwords may be remembered at most.
const MOST_FORMER: i64 = 25;

/// What must be written for secrets, if it is found to differ.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) clients: BTreeMap<ClientId, ClientSecret>,
    pub(super) passwords: BTreeMap<String, String>,
    pub(super) factors: BTreeMap<String, (Uuid, Vec<u8>)>,
    /// Sealed secrets, by the name of the upstream, where they differ from what is stored.
    pub(super) upstreams: BTreeMap<String, Vec<u8>>,
    pub(super) warnings: Vec<String>,
}

/// A client secret, given or made in case there is none yet.
pub(super) struct ClientSecret {
    pub(super) hash: TokenHash,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) generated: Option<Secret>,
}

impl ClientSecret {
    pub(super) fn new(
        secret: &Secret,
        generated: bool,
        client: &protocol::client::Client,
        tools: &Tools<'_>,
    ) -> ClientSecret {
        let id = &client.client_id;
        // An HMAC can only be checked with the secret itself.
        let needs_text = client.token_endpoint_auth_method == ClientAuthMethod::ClientSecretJwt;
        ClientSecret {
            hash: secret.hash(),
            sealed: needs_text.then(|| {
                tools
                    .sealer
                    .seal(&format!("client/{id}"), secret.expose().as_bytes())
            }),
            generated: generated.then(|| secret.clone()),
        }
    }
}

pub(super) async fn prepare(store: &Store, file: &File, tools: &Tools<'_>) -> Result<Prepared, ApplyError> {
    let mut prepared = Prepared::default();
    let stored = store.read(Stored::read).await?;
    // How a client authenticates may be stored and not named.
    let file = &lay::over(file, &stored)?;
    for at in &file.clients {
        prepared.client(file, at, tools)?;
    }
    for at in &file.accounts {
        prepared.account(store, file, at, tools).await?;
    }
    for at in &file.upstreams {
        if let Some(sealed) = upstream::prepare(store, file, at, tools).await? {
            prepared.upstreams.insert(at.entry.upstream.name.clone(), sealed);
        }
    }
    Ok(prepared)
}

impl Prepared {
    fn client(&mut self, file: &File, at: &At<ClientEntry>, tools: &Tools<'_>) -> Result<(), ApplyError> {
        let client = &at.entry.client;
        let (id, method) = (&client.client_id, client.token_endpoint_auth_method);
        if !method.has_secret() {
            return Ok(());
        }
        let secret = match &at.entry.secret {
            None => ClientSecret::new(&random::secret("cs_"), true, client, tools),
            Some(source) => {
                let secret = source.load(&file.folder, at.line)?;
                check_client_secret(&secret, method).map_err(|problem| {
                    FileError::at(at.line, format!("client {id}: the secret {problem}"))
                })?;
                if secret.expose().len() < 32 {
                    self.warnings.push(format!("client {id}: a secret under 32 characters can be guessed; leave it out to have one made"));
                }
                ClientSecret::new(&secret, false, client, tools)
            }
        };
        self.clients.insert(id.clone(), secret);
        Ok(())
    }

    async fn account(
        &mut self,
        store: &Store,
        file: &File,
        at: &At<AccountEntry>,
        tools: &Tools<'_>,
    ) -> Result<(), ApplyError> {
        let entry = &at.entry;
        let key = entry.username.to_lowercase();
        let login = key.clone();
        let (hashes, factors) = store
            .read(async move |db: &mut store::Conn| {
                let Some(account) = accounts::find_by_login(db, &login).await? else {
                    return Ok((Vec::new(), Vec::new()));
                };
                let current = credentials::find_password(db, account.id).await?;
                let mut hashes = Vec::from_iter(current);
                if !hashes.is_empty() {
                    hashes.extend(passwords::list_former(db, account.id, MOST_FORMER).await?);
                }
                Ok((hashes, credentials::list_totp(db, account.id).await?))
            })
            .await?;
        if let Some(source) = &entry.password
            && let Some(new) = self.password(file, at, source, hashes, tools).await?
        {
            self.passwords.insert(key.clone(), new);
        }
        if let Some(source) = &entry.totp {
            let text = source.load(&file.folder, at.line)?;
            let bytes = totp_bytes(&text).map_err(|problem| {
                FileError::at(
                    at.line,
                    format!("account {}: totp_secret {problem}", entry.username),
                )
            })?;
            let held = factors.iter().any(|factor| {
                let plain = tools
                    .sealer
                    .open(&format!("totp/{}", factor.id), &factor.secret_sealed);
                plain.is_some_and(|plain| TokenHash(digest(&plain)) == TokenHash(digest(&bytes)))
            });
            if !held {
                let id = random::uuid();
                self.factors
                    .insert(key, (id, tools.sealer.seal(&format!("totp/{id}"), &bytes)));
            }
        }
        Ok(())
    }

    /// The hash to write, unless the one that is stored, which comes first of `hashes`, already answers to the
    /// password. A given hash that has been replaced since, as at a sign-in, is not brought back.
    async fn password(
        &mut self,
        file: &File,
        at: &At<AccountEntry>,
        source: &PasswordSource,
        hashes: Vec<String>,
        tools: &Tools<'_>,
    ) -> Result<Option<String>, ApplyError> {
        let name = &at.entry.username;
        let clear = match source {
            PasswordSource::Hash(given) => return Ok((!hashes.contains(given)).then(|| given.clone())),
            PasswordSource::Clear(source) => source.load(&file.folder, at.line)?,
        };
        check_password(&clear, 8)
            .map_err(|problem| FileError::at(at.line, format!("account {name}: the password {problem}")))?;
        if let Err(weakness) = policy::judge(&clear, &rules(&at.entry, tools)) {
            let says = weakness.says();
            self.warnings.push(format!("account {name}: the password {says}"));
        }
        if let Some(current) = hashes.into_iter().next()
            && tools
                .passwords
                .verify(Some(current), clear.expose())
                .await?
                .matches
        {
            return Ok(None);
        }
        Ok(Some(tools.passwords.hash(clear.expose()).await?))
    }
}

/// Refuses a password in clear that nobody could have.
pub(crate) fn check_clear_password(password: &Secret) -> Result<(), String> {
    check_password(password, 8)
}

/// What a password in clear ought to be like. Who writes the file may know better, so it is a warning that comes of it.
fn rules(entry: &AccountEntry, tools: &Tools<'_>) -> Rules {
    let names = [Some(entry.username.as_str()), entry.email.as_deref()];
    Rules {
        min_length: tools.accounts.password_min_length,
        min_strength: tools.accounts.password_min_strength,
        must_contain: tools.accounts.password_must_contain.clone(),
        words: policy::words(names.into_iter().flatten()),
    }
}

/// Two secrets are compared by their digests, in constant time.
fn digest(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
