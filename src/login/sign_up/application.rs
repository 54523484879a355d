//! What somebody asks for who wants an account, and the account it becomes.

use std::collections::BTreeSet;

use protocol::id::AccountId;
use protocol::secret::TokenHash;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::consent_records::ConsentKind;
use store::{Account, Conn, StoreError, accounts, action_tokens, credentials, roles};

use crate::app::App;
use crate::audit::Event;
use crate::privacy;
use crate::random;
use crate::web::client_ip::ClientAddress;

/// An account to be; sealed into the link that makes it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Application {
    pub(super) username: String,
    pub(super) email: String,
    /// Whether who makes the account has shown to have the mailbox.
    pub(super) email_verified: bool,
    pub(super) name: Option<String>,
    pub(super) password_hash: String,
    /// The fingerprint of the browser that asked.
    pub(super) browser: String,
    /// The request of an app that the person was on the way with.
    pub(super) interaction: Option<String>,
}

impl Application {
    /// The account it becomes.
    pub(super) fn account(&self, app: &App) -> Account {
        let now = app.now();
        let mut claims = Map::new();
        if let Some(name) = &self.name {
            claims.insert("name".to_owned(), Value::from(name.as_str()));
        }
        Account {
            id: AccountId(random::uuid()),
            username: self.username.clone(),
            email: Some(self.email.clone()),
            email_verified: self.email_verified,
            claims,
            disabled: false,
            mfa: None,
            must_change_password: false,
            last_login_at: None,
            created_at: now,
            updated_at: now,
            managed_by: None,
        }
    }
}

/// What came of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// There is an account now.
    Account,
    /// The link was used, replaced or too old.
    LinkUsed,
    /// Somebody took the user name meanwhile.
    UsernameTaken,
    /// The address has an account by now.
    EmailTaken,
}

/// Makes the account and uses the link up, both or neither.
pub(super) async fn make(
    app: &App,
    application: Application,
    link: TokenHash,
    address: ClientAddress,
) -> Result<Made, StoreError> {
    let now = app.now();
    let account = application.account(app);
    let default_roles = app.config.accounts.default_roles.clone();
    let event = Event::now(app, "account.registered")
        .account(account.id)
        .from(address);
    // The form says that whoever sends it agrees to the terms, where there are some.
    let (privacy, branding) = (&app.config.privacy, &app.config.branding);
    let terms = privacy.terms_version.is_some() && branding.terms_url.is_some();
    let terms = terms.then(|| privacy::consent_record(app, account.id, ConsentKind::Terms, None));
    let made = app
        .store
        .write(async move |db: &mut Conn| {
            if accounts::find_by_login(db, &application.email).await?.is_some() {
                return Ok(Made::EmailTaken);
            }
            if accounts::find_by_login(db, &application.username)
                .await?
                .is_some()
            {
                return Ok(Made::UsernameTaken);
            }
            if !action_tokens::consume(db, &link, now).await? {
                return Ok(Made::LinkUsed);
            }
            insert(db, &account, &application.password_hash, &default_roles, now).await?;
            if let Some(terms) = &terms {
                store::consent_records::insert(db, terms).await?;
            }
            event.record(db).await?;
            Ok(Made::Account)
        })
        .await;
    match made {
        // Somebody was faster, and this write is gone as if it had never been.
        Err(StoreError::Conflict { .. }) => Ok(Made::UsernameTaken),
        made => made,
    }
}

async fn insert(
    db: &mut Conn,
    account: &Account,
    password_hash: &str,
    default_roles: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    accounts::insert(db, account, now).await?;
    credentials::set_password(db, account.id, password_hash, now).await?;
    let known = roles::list_roles(db).await?;
    let held: BTreeSet<String> = known
        .into_iter()
        .map(|role| role.name)
        .filter(|name| default_roles.contains(name))
        .collect();
    roles::set_account_roles(db, account.id, &held, now).await
}
