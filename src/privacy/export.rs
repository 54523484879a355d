//! All data of an account as one JSON document. It holds nothing with which anybody could act for the account: no
//! hashes, no secrets, no keys; and nobody else's data: who acted on the account is told by kind alone.

use protocol::id::AccountId;
use protocol::profile::PROFILE_CLAIMS;
use serde_json::{Map, Value, json};
use store::consent_records::{self, ConsentRecord};
use store::credentials::TotpFactor;
use store::personal_data::{self, PersonalData};
use store::roles::Assignment;
use store::{
    Account, Conn, StoreError, StoredPasskey, UpstreamIdentity, consents, credentials, passkeys, roles, scim,
    upstream_identities,
};

use crate::app::App;
use crate::audit::Event;

/// The most entries of one kind; of more the newest are given, and the document says so.
const MOST: i64 = 20_000;

/// What is read of one account.
struct Parts {
    account: Account,
    external_id: Option<String>,
    provisioned: Map<String, Value>,
    roles: Vec<Assignment>,
    custom_permissions: Vec<String>,
    permissions: Vec<String>,
    generators: Vec<TotpFactor>,
    passkeys: Vec<StoredPasskey>,
    recovery_codes: i64,
    consents: Vec<Value>,
    records: Vec<ConsentRecord>,
    identities: Vec<UpstreamIdentity>,
    data: PersonalData,
}

/// The document about an account, and the event that it was given out; none when there is no such account.
pub(crate) async fn export(app: &App, id: AccountId, event: Event) -> Result<Option<Value>, StoreError> {
    let now = app.now();
    let parts = app
        .store
        .scan(async move |db: &mut Conn| {
            let Some(found) = scim::find(db, id).await? else {
                return Ok(None);
            };
            let authority = roles::authority(db, id, now).await?;
            let consents = consents::list(db, id).await?;
            Ok(Some(Parts {
                account: found.account,
                external_id: found.external_id,
                provisioned: found.attributes,
                roles: roles::list_assignments(db, id).await?,
                custom_permissions: Vec::from_iter(roles::account_permissions(db, id).await?),
                permissions: Vec::from_iter(authority.permissions),
                generators: credentials::list_totp(db, id).await?,
                passkeys: passkeys::list(db, id).await?,
                recovery_codes: credentials::count_recovery_codes(db, id).await?,
                consents: consents
                    .into_iter()
                    .map(|(client, scope, at)| json!({ "client_id": client, "scope": scope, "granted_at": at }))
                    .collect(),
                records: consent_records::list(db, id, MOST).await?,
                identities: upstream_identities::list(db, id).await?,
                data: personal_data::collect(db, id, now, MOST).await?,
            }))
        })
        .await?;
    let Some(parts) = parts else { return Ok(None) };
    app.store
        .write(async move |db: &mut Conn| event.record(db).await)
        .await?;
    Ok(Some(document(app, parts)))
}

fn document(app: &App, parts: Parts) -> Value {
    let data = parts.data;
    let full = |count: usize| i64::try_from(count).is_ok_and(|count| count >= MOST);
    let counts = [
        data.sessions.len(),
        data.grants.len(),
        data.owned_resources.len(),
        data.resource_permissions.len(),
        data.events.len(),
        parts.records.len(),
    ];
    json!({
        "format": "chancery-account",
        "version": 1,
        "issuer": app.issuer(),
        "exported_at": app.now(),
        // Of each kind at most so many, the newest; whether that was too few for one of them.
        "limit": MOST,
        "truncated": counts.into_iter().any(full),
        "account": profile(&parts.account),
        "external_id": parts.external_id,
        "provisioned": parts.provisioned,
        "roles": parts.roles.iter().map(|held| json!({
            "role": held.role, "expires_at": held.expires_at, "granted_at": held.granted_at,
        })).collect::<Vec<_>>(),
        "custom_permissions": parts.custom_permissions,
        "permissions": parts.permissions,
        "groups": data.groups,
        "password": { "set": data.password_changed_at.is_some(), "changed_at": data.password_changed_at },
        "second_factors": second_factors(&parts.generators, &parts.passkeys, parts.recovery_codes),
        "sessions": data.sessions,
        "grants": data.grants,
        "consents": parts.consents,
        "consent_records": parts.records.iter().map(consent).collect::<Vec<_>>(),
        "identities": parts.identities.iter().map(|identity| json!({
            "issuer": identity.issuer, "subject": identity.subject,
            "created_at": identity.created_at, "last_used_at": identity.last_used_at,
        })).collect::<Vec<_>>(),
        "api_keys": data.api_keys,
        "owned_resources": data.owned_resources,
        "resource_permissions": data.resource_permissions,
        "links": data.links,
        "events": data.events,
    })
}

fn profile(account: &Account) -> Value {
    let mut members = Map::new();
    for (name, value) in [
        ("sub", json!(account.id)),
        ("username", json!(account.username)),
        ("email", json!(account.email)),
        ("email_verified", json!(account.email_verified)),
        ("disabled", json!(account.disabled)),
        ("mfa", json!(account.mfa)),
        ("must_change_password", json!(account.must_change_password)),
        ("last_login_at", json!(account.last_login_at)),
        ("created_at", json!(account.created_at)),
        ("updated_at", json!(account.updated_at)),
    ] {
        members.insert(name.to_owned(), value);
    }
    let mut claims: Map<String, Value> = PROFILE_CLAIMS
        .iter()
        .map(|claim| (claim.name.to_owned(), Value::Null))
        .collect();
    claims.extend(account.claims.clone());
    members.insert("claims".to_owned(), Value::Object(claims));
    Value::Object(members)
}

fn second_factors(generators: &[TotpFactor], passkeys: &[StoredPasskey], recovery_codes: i64) -> Value {
    let generator = |factor: &TotpFactor| json!({ "name": factor.name, "created_at": factor.created_at, "last_used_at": factor.last_used_at });
    let passkey = |key: &StoredPasskey| json!({ "name": key.name, "created_at": key.created_at, "last_used_at": key.last_used_at });
    json!({
        "totp": generators.iter().map(generator).collect::<Vec<_>>(),
        "passkeys": passkeys.iter().map(passkey).collect::<Vec<_>>(),
        "recovery_codes_left": recovery_codes,
    })
}

fn consent(record: &ConsentRecord) -> Value {
    json!({
        "kind": record.kind, "client_id": record.client_id, "scope": record.scope,
        "terms_version": record.version, "at": record.at,
    })
}
