//! WebAuthn ceremonies (WebAuthn Level 3 §7): registering a passkey and signing in with one. What must be remembered
//! between the two halves travels sealed with the browser and is good once, for five minutes, in that browser only.

use axum::http::HeaderMap;
use protocol::id::{AccountId, SessionId};
use protocol::secret::TokenHash;
use protocol::session::Factor;
use protocol::time::{Lifetime, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Account, Conn, StoreError, StoredPasskey};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PublicKeyCredential,
    RegisterPublicKeyCredential, SecurityKey, SecurityKeyAuthentication, SecurityKeyRegistration, Webauthn,
    WebauthnBuilder,
};

use super::change::{New, Once};
use crate::app::App;
use crate::audit::Event;
use crate::browser::{self, Current};
use crate::random;

const CEREMONY: &str = "passkey-ceremony";

/// How long a person may take to touch the authenticator.
const LIFETIME: Lifetime = Lifetime::minutes(5);

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Purpose {
    SignIn,
    SecondFactor,
    Register,
}

/// The first half of a ceremony.
#[derive(Serialize, Deserialize)]
struct Ceremony {
    id: Uuid,
    purpose: Purpose,
    browser: String,
    session: Option<SessionId>,
    expires_at: Timestamp,
    state: Value,
}

/// What the script of a page gets: options for the browser, and the sealed first half to bring back.
#[derive(Debug, Serialize)]
pub struct Challenge {
    #[serde(rename = "publicKey")]
    options: Value,
    state: String,
}

/// Whether passkeys can be used here; not where the issuer is an IP address (WebAuthn §5.1.2).
pub fn available(app: &App) -> bool {
    relying_party(app).is_some()
}

/// The relying party: the issuer's host, and its origin alone.
fn relying_party(app: &App) -> Option<Webauthn> {
    let origin = Url::parse(&app.origin).ok()?;
    let id = origin.domain()?.to_owned();
    let builder = WebauthnBuilder::new(&id, &origin).ok()?;
    builder.rp_name(&app.config.branding.name).build().ok()
}

fn begin(
    app: &App,
    headers: &HeaderMap,
    purpose: Purpose,
    session: Option<SessionId>,
    options: &impl Serialize,
    state: &impl Serialize,
) -> Option<Challenge> {
    let ceremony = Ceremony {
        id: random::uuid(),
        purpose,
        browser: browser::csrf_binding(app, headers)?,
        session,
        expires_at: app.now() + LIFETIME,
        state: serde_json::to_value(state).ok()?,
    };
    let json = serde_json::to_vec(&ceremony).ok()?;
    let options = serde_json::to_value(options).ok()?;
    Some(Challenge {
        options: options.get("publicKey").cloned()?,
        state: app.sealer.seal_text(CEREMONY, &json),
    })
}

/// The first half that this browser brought back, if it is of this purpose and session and not too old.
fn resume<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    purpose: Purpose,
    session: Option<SessionId>,
    sealed: &str,
) -> Option<(T, Once)> {
    let json = app.sealer.open_text(CEREMONY, sealed)?;
    let ceremony: Ceremony = serde_json::from_slice(&json).ok()?;
    let ours = ceremony.purpose == purpose
        && ceremony.session == session
        && browser::csrf_binding(app, headers).as_ref() == Some(&ceremony.browser)
        && ceremony.expires_at > app.now();
    let once = Once {
        hash: TokenHash::of(&format!("{CEREMONY}/{}", ceremony.id)),
        expires_at: ceremony.expires_at,
    };
    let state = serde_json::from_value(ceremony.state).ok()?;
    ours.then_some((state, once))
}

/// What the browser says of the page that asked (WebAuthn §5.8.1), as far as it is checked here.
#[derive(Deserialize)]
struct ClientData {
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

/// Whether a page of ours asked, and not from within another's. The origin is compared as text: the library would
/// let a path pass, and does not look at frames when signing in.
fn is_from_our_page(app: &App, client_data: &[u8]) -> bool {
    serde_json::from_slice::<ClientData>(client_data)
        .is_ok_and(|data| data.origin == app.origin && !data.cross_origin && data.top_origin.is_none())
}

fn read<T: DeserializeOwned>(passkey: &StoredPasskey) -> Option<T> {
    serde_json::from_value(passkey.document.clone()).ok()
}

/// Begins the registration of a passkey for the account of this session.
pub async fn begin_registration(
    app: &App,
    headers: &HeaderMap,
    current: &Current,
    account: &Account,
) -> Result<Option<Challenge>, StoreError> {
    let id = account.id;
    let known = app
        .store
        .read(async move |db: &mut Conn| store::passkeys::list(db, id).await)
        .await?;
    let known = known.into_iter().map(|passkey| passkey.credential_id);
    let Some(webauthn) = relying_party(app) else {
        return Ok(None);
    };
    let shown = account.claims.get("name").and_then(Value::as_str);
    let shown = shown.filter(|name| !name.is_empty()).unwrap_or(&account.username);
    // Verification is asked for, not demanded: a simple security key is a good second factor. Signing in without a
    // password demands it.
    let begun = webauthn.start_securitykey_registration(
        id.0,
        &account.username,
        shown,
        Some(known.collect()),
        None,
        None,
    );
    let Ok((options, state)) = begun else {
        return Ok(None);
    };
    let mut options = json!(options);
    if let Some(options) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
        options.remove("hints");
        options.remove("extensions");
        options.insert(
            "authenticatorSelection".to_owned(),
            json!({ "residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred" }),
        );
    }
    let session = Some(current.session.id);
    Ok(begin(app, headers, Purpose::Register, session, &options, &state))
}

/// Checks a registration (§7.1). None when it is refused, for whatever reason.
pub(crate) fn finish_registration(
    app: &App,
    headers: &HeaderMap,
    current: &Current,
    answer: &Answer,
) -> Option<(New, Once)> {
    let credential: RegisterPublicKeyCredential = serde_json::from_value(answer.credential.clone()).ok()?;
    let session = Some(current.session.id);
    let (state, once) =
        resume::<SecurityKeyRegistration>(app, headers, Purpose::Register, session, &answer.state)?;
    if !is_from_our_page(app, &credential.response.client_data_json) {
        return None;
    }
    let key = relying_party(app)?
        .finish_securitykey_registration(&credential, &state)
        .inspect_err(|error| tracing::info!(%error, "a passkey was not registered"))
        .ok()?;
    let document = serde_json::to_value(&key).ok()?;
    let passkey = StoredPasskey {
        id: random::uuid(),
        account_id: current.session.account_id,
        credential_id: key.cred_id().to_vec(),
        name: super::label(&answer.name, "Passkey"),
        document,
        created_at: app.now(),
        last_used_at: Some(app.now()),
    };
    Some((New::Passkey(passkey), once))
}

const fn factor(verified: bool) -> Factor {
    if verified {
        Factor::Passkey
    } else {
        Factor::SecurityKey
    }
}

/// What a script sends back at the end of a ceremony.
#[derive(Deserialize)]
pub struct Answer {
    /// The first half, as it was given.
    state: String,
    /// What the browser's own function returned, as JSON (§5.1.9).
    credential: Value,
    /// What the holder calls a new passkey.
    #[serde(default)]
    name: String,
}

/// Begins a sign-in with a passkey that the browser finds by itself.
pub fn begin_sign_in(app: &App, headers: &HeaderMap) -> Option<Challenge> {
    let (options, state) = relying_party(app)?.start_discoverable_authentication().ok()?;
    let mut options = json!(options);
    if let Some(options) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
        options.remove("extensions");
    }
    begin(app, headers, Purpose::SignIn, None, &options, &state)
}

/// Checks a sign-in with a passkey alone (§7.2): its authenticator must have verified the holder. None when it is
/// refused; unknown, foreign, replayed and disabled look the same.
pub async fn finish_sign_in(
    app: &App,
    headers: &HeaderMap,
    answer: &Answer,
) -> Result<Option<AccountId>, StoreError> {
    let Ok(credential) = serde_json::from_value::<PublicKeyCredential>(answer.credential.clone()) else {
        return Ok(None);
    };
    let resumed = resume::<DiscoverableAuthentication>(app, headers, Purpose::SignIn, None, &answer.state);
    let (Some((state, once)), Some(webauthn)) = (resumed, relying_party(app)) else {
        return Ok(None);
    };
    let Ok((holder, credential_id)) = webauthn.identify_discoverable_authentication(&credential) else {
        return Ok(None);
    };
    let credential_id = credential_id.to_vec();
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some(passkey) = store::passkeys::find_by_credential(db, &credential_id).await? else {
                return Ok(None);
            };
            let account = store::accounts::find(db, passkey.account_id).await?;
            Ok(account
                .is_some_and(|account| !account.disabled && account.id.0 == holder)
                .then_some(passkey))
        })
        .await?;
    let Some((passkey, key)) = found.and_then(|passkey| read::<Passkey>(&passkey).map(|key| (passkey, key)))
    else {
        return Ok(None);
    };
    if !is_from_our_page(app, &credential.response.client_data_json) {
        return Ok(None);
    }
    let Ok(result) = webauthn
        .finish_discoverable_authentication_v2(&credential, state, &key)
        .inspect_err(|error| tracing::info!(%error, "a sign-in with a passkey was refused"))
    else {
        return Ok(None);
    };
    if !result.user_verified() {
        return Ok(None);
    }
    let account = passkey.account_id;
    Ok(use_up(app, passkey, &result, once).await?.then_some(account))
}

/// Begins the proof of a passkey of this account; none when it has none.
pub async fn begin_second_factor(
    app: &App,
    headers: &HeaderMap,
    current: &Current,
) -> Result<Option<Challenge>, StoreError> {
    let id = current.session.account_id;
    let passkeys = app
        .store
        .read(async move |db: &mut Conn| store::passkeys::list(db, id).await)
        .await?;
    let keys: Vec<SecurityKey> = passkeys.iter().filter_map(read).collect();
    let Some(webauthn) = relying_party(app).filter(|_| !keys.is_empty()) else {
        return Ok(None);
    };
    let Ok((options, state)) = webauthn.start_securitykey_authentication(&keys) else {
        return Ok(None);
    };
    let mut options = json!(options);
    if let Some(options) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
        options.remove("hints");
    }
    let session = Some(current.session.id);
    Ok(begin(
        app,
        headers,
        Purpose::SecondFactor,
        session,
        &options,
        &state,
    ))
}

/// Checks the proof of a passkey after the first factor. None when it is refused.
pub async fn finish_second_factor(
    app: &App,
    headers: &HeaderMap,
    current: &Current,
    answer: &Answer,
) -> Result<Option<Factor>, StoreError> {
    let Ok(credential) = serde_json::from_value::<PublicKeyCredential>(answer.credential.clone()) else {
        return Ok(None);
    };
    let session = Some(current.session.id);
    let resumed =
        resume::<SecurityKeyAuthentication>(app, headers, Purpose::SecondFactor, session, &answer.state);
    let (Some((state, once)), Some(webauthn)) = (resumed, relying_party(app)) else {
        return Ok(None);
    };
    let (id, credential_id) = (current.session.account_id, credential.raw_id.clone());
    let found = app
        .store
        .read(async move |db: &mut Conn| store::passkeys::find_by_credential(db, &credential_id).await)
        .await?;
    let Some(passkey) = found.filter(|passkey| passkey.account_id == id) else {
        return Ok(None);
    };
    let holder = credential.get_user_unique_id();
    if holder.is_some_and(|holder| holder != id.0.as_bytes())
        || !is_from_our_page(app, &credential.response.client_data_json)
    {
        return Ok(None);
    }
    let Ok(result) = webauthn
        .finish_securitykey_authentication(&credential, &state)
        .inspect_err(|error| tracing::info!(%error, "a passkey was refused as second factor"))
    else {
        return Ok(None);
    };
    let proved = factor(result.user_verified());
    Ok(use_up(app, passkey, &result, once).await?.then_some(proved))
}

/// Uses a ceremony up and notes what the signature tells of the passkey. Of many callers one is told true.
async fn use_up(
    app: &App,
    passkey: StoredPasskey,
    result: &AuthenticationResult,
    once: Once,
) -> Result<bool, StoreError> {
    let Some(mut key) = read::<SecurityKey>(&passkey) else {
        return Ok(false);
    };
    key.update_credential(result);
    let Ok(document) = serde_json::to_value(&key) else {
        return Ok(false);
    };
    let (now, event) = (
        app.now(),
        Event::now(app, "passkey.used").account(passkey.account_id),
    );
    app.store
        .write(async move |db: &mut Conn| {
            if !store::replay::record(db, &once.hash, once.expires_at).await?
                || !store::passkeys::update_used(db, passkey.id, &document, now).await?
            {
                return Ok(false);
            }
            store::factors::forgive(db, passkey.account_id).await?;
            event.record(db).await?;
            Ok(true)
        })
        .await
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_browser_says_of_the_page_is_read() {
        let data: super::ClientData =
            serde_json::from_str(r#"{"type":"webauthn.get","origin":"https://a","crossOrigin":true}"#)
                .unwrap();
        assert!(data.cross_origin && data.top_origin.is_none() && data.origin == "https://a");
    }
}
