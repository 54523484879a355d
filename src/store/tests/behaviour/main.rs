//! What the store promises, on a SQLite file, or on PostgreSQL when `TEST_DATABASE_URL` names a server.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail")]

use std::collections::BTreeSet;

use protocol::client::Client;
use protocol::grant::{AuthorizationCode, Grant, RefreshToken};
use protocol::id::{AccountId, GrantId, SessionId};
use protocol::role::Role;
use protocol::secret::TokenHash;
use protocol::session::{Factor, Session};
use protocol::time::Timestamp;
use serde_json::{Map, json};
use store::*;
use uuid::Uuid;

mod absence;
mod authority;
mod database;
mod migrations;
mod once;
mod records;
mod removal;
mod transactions;

const NOW: Timestamp = Timestamp(1_800_000_000);
const LATER: Timestamp = Timestamp(1_800_000_600);

fn account(username: &str, email: Option<&str>) -> Account {
    Account {
        id: AccountId(Uuid::new_v4()),
        username: username.into(),
        email: email.map(Into::into),
        email_verified: true,
        claims: Map::from_iter([("name".to_owned(), json!("Ada \u{1F980} L"))]),
        disabled: false,
        mfa: None,
        must_change_password: false,
        last_login_at: None,
        created_at: NOW,
        updated_at: NOW,
        managed_by: None,
    }
}

fn client(id: &str) -> StoredClient {
    StoredClient {
        client: Client {
            client_name: Some("Shop".into()),
            ..Client::new(id.into())
        },
        secret_hash: Some(TokenHash::of("s")),
        secret_sealed: Some(vec![1, 2, 0]),
        disabled: false,
        managed_by: Some("file".into()),
        previous: None,
        tokens_not_before: Timestamp(NOW.0 - 10),
    }
}

fn grant(account: AccountId) -> Grant {
    Grant {
        id: GrantId(Uuid::new_v4()),
        account_id: account,
        client_id: "shop".into(),
        session_id: Some(SessionId(Uuid::new_v4())),
        scope: "openid email".parse().unwrap(),
        resources: vec!["https://api.example".into()],
        nonce: Some("n".into()),
        claims: Default::default(),
        auth_time: NOW,
        factors: vec![Factor::Password, Factor::Totp],
        created_at: NOW,
        revoked_at: None,
    }
}

fn code(grant: &Grant) -> AuthorizationCode {
    AuthorizationCode {
        grant_id: grant.id,
        client_id: grant.client_id.clone(),
        redirect_uri: "https://app.example/cb".into(),
        code_challenge: None,
        expires_at: LATER,
        consumed_at: None,
    }
}

fn refresh_token(grant: &Grant) -> RefreshToken {
    RefreshToken {
        grant_id: grant.id,
        client_id: grant.client_id.clone(),
        issued_at: NOW,
        expires_at: LATER,
        consumed_at: None,
    }
}

fn session(account: AccountId) -> Session {
    Session {
        id: SessionId(Uuid::new_v4()),
        account_id: account,
        auth_time: NOW,
        factors: vec![Factor::Password],
        created_at: NOW,
        last_seen_at: NOW,
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// One account, client and grant, with one of everything that hangs on them.
async fn furnished(store: &Store) -> (Account, Grant, TotpFactor) {
    let ada = account("Ada", Some("Ada@Example.test"));
    let grant = Grant { ..grant(ada.id) };
    let factor = TotpFactor {
        id: Uuid::new_v4(),
        account_id: ada.id,
        name: "phone".into(),
        secret_sealed: vec![7; 40],
        last_step: None,
        created_at: NOW,
        last_used_at: None,
    };
    let (a, g, f) = (ada.clone(), grant.clone(), factor.clone());
    store
        .write(async move |db: &mut Conn| {
            clients::insert(db, &client("shop"), NOW).await?;
            accounts::insert(db, &a, NOW).await?;
            grants::insert(db, &g).await?;
            codes::insert(db, &TokenHash::of("code"), &code(&g)).await?;
            refresh_tokens::insert(db, &TokenHash::of("refresh"), &refresh_token(&g)).await?;
            credentials::set_password(db, a.id, "$argon2id$1", NOW).await?;
            credentials::insert_totp(db, &f).await?;
            credentials::replace_recovery_codes(db, a.id, &[TokenHash::of("r1"), TokenHash::of("r2")], NOW)
                .await?;
            sessions::insert(
                db,
                &session(a.id),
                &TokenHash::of("cookie"),
                LATER,
                Some("ua"),
                None,
            )
            .await?;
            consents::record(db, a.id, &"shop".into(), &"openid".parse().unwrap(), NOW).await?;
            setup_links::insert(db, &TokenHash::of("setup"), LATER).await?;
            let role = Role {
                name: "editor".into(),
                permissions: names(&["write", "read"]),
                ..Default::default()
            };
            roles::upsert_role(db, &role, None).await?;
            roles::set_account_roles(db, a.id, &names(&["editor"]), NOW).await?;
            roles::set_account_permissions(db, a.id, &names(&["print"])).await
        })
        .await
        .unwrap();
    (ada, grant, factor)
}
