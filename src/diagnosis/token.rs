//! What a token is, what it holds, and whether it is good: if not, why not.

use protocol::access_token::{self, TokenId};
use protocol::id_token;
use protocol::jose::{self, Algorithm, KeySet, Unverified};
use protocol::secret::Secret;
use protocol::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{Conn, Store, StoreError};
use utoipa::ToSchema;
use uuid::Uuid;

/// What kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An access token.
    AccessToken,
    /// An ID token.
    IdToken,
    /// A JWT of another kind.
    Jwt,
    /// A refresh token.
    RefreshToken,
    /// An API key.
    ApiKey,
    /// Nothing that is known here.
    Unknown,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TokenInspection)]
pub struct Inspection {
    /// Its kind.
    pub kind: Kind,
    /// Whether it is good now.
    pub active: bool,
    /// Why it is not.
    pub reason: Option<&'static str>,
    /// The header of a JWT, as far as it matters.
    #[schema(value_type = Option<Object>)]
    pub header: Option<Map<String, Value>>,
    /// The claims of a JWT, whether or not they are genuine.
    #[schema(value_type = Option<Object>)]
    pub claims: Option<Map<String, Value>>,
    /// What the signature of a JWT is worth.
    pub signature: Option<String>,
    /// To whom it was issued.
    pub client_id: Option<String>,
    /// The account it speaks for.
    pub account_id: Option<Uuid>,
    /// What allows it.
    pub grant_id: Option<Uuid>,
    /// Its scope.
    pub scope: Option<String>,
    /// When it was issued.
    #[schema(value_type = Option<i64>)]
    pub issued_at: Option<Timestamp>,
    /// When it ends.
    #[schema(value_type = Option<i64>)]
    pub expires_at: Option<Timestamp>,
    /// Whether it has ended by itself.
    pub expired: Option<bool>,
    /// Whether it was ended by somebody, or its grant.
    pub revoked: Option<bool>,
    /// Whether a refresh token was used.
    pub used: Option<bool>,
}

impl Inspection {
    fn of(kind: Kind) -> Inspection {
        Inspection {
            kind,
            active: false,
            reason: None,
            header: None,
            claims: None,
            signature: None,
            client_id: None,
            account_id: None,
            grant_id: None,
            scope: None,
            issued_at: None,
            expires_at: None,
            expired: None,
            revoked: None,
            used: None,
        }
    }

    /// With the first reason that holds; good when none does.
    fn judged(mut self, reasons: &[(bool, &'static str)]) -> Inspection {
        self.reason = reasons
            .iter()
            .find(|(holds, _)| *holds)
            .map(|(_, reason)| *reason);
        self.active = self.reason.is_none();
        self
    }
}

/// Looks at a token. It is kept nowhere.
pub async fn inspect(
    store: &Store,
    issuer: &str,
    token: &Secret,
    now: Timestamp,
) -> Result<Inspection, StoreError> {
    let text = token.expose().trim();
    if let Ok(parsed) = jose::parse_unverified(text) {
        return of_jwt(store, issuer, text, parsed, now).await;
    }
    // A token whose signature cannot even be read still shows what it says.
    if let Some(parsed) = text
        .rsplit_once('.')
        .and_then(|(signed, _)| jose::parse_unverified(&format!("{signed}.AA")).ok())
    {
        return of_jwt(store, issuer, text, parsed, now).await;
    }
    let hash = Secret::new(text).hash();
    let found = store
        .read(async move |db: &mut Conn| {
            let Some(token) = store::refresh_tokens::find(db, &hash).await? else {
                return Ok((None, store::api_keys::find_by_secret(db, &hash).await?));
            };
            let live = store::grants::find_live(db, token.grant_id).await?;
            let grant = store::grants::find(db, token.grant_id).await?;
            Ok((Some((token, grant, live.is_some())), None))
        })
        .await?;
    match found {
        (Some((token, grant, live)), _) => {
            let (used, expired) = (token.consumed_at.is_some(), token.expires_at <= now);
            let refresh = Inspection {
                client_id: Some(token.client_id.0),
                account_id: grant.as_ref().map(|grant| grant.account_id.0),
                grant_id: Some(token.grant_id.0),
                scope: grant.as_ref().map(|grant| grant.scope.to_string()),
                issued_at: Some(token.issued_at),
                expires_at: Some(token.expires_at),
                expired: Some(expired),
                revoked: Some(!live),
                used: Some(used),
                ..Inspection::of(Kind::RefreshToken)
            };
            Ok(refresh.judged(&[
                (used, "it was used, and has a successor"),
                (expired, "it has expired"),
                (!live, "the authorization was ended, or the account is disabled"),
            ]))
        }
        (None, Some(key)) => Ok(of_api_key(&key.0, now)),
        (None, None) => {
            let unknown = Inspection::of(Kind::Unknown);
            Ok(unknown.judged(&[(true, "nothing like it is known here; check that it is whole")]))
        }
    }
}

fn of_api_key(key: &protocol::api_key::ApiKey, now: Timestamp) -> Inspection {
    let expired = key.expires_at.is_some_and(|at| at <= now);
    let revoked = key.revoked_at.is_some();
    let inspection = Inspection {
        account_id: Some(key.account_id.0),
        scope: Some(key.permissions.iter().cloned().collect::<Vec<_>>().join(" ")),
        issued_at: Some(key.created_at),
        expires_at: key.expires_at,
        expired: Some(expired),
        revoked: Some(revoked),
        ..Inspection::of(Kind::ApiKey)
    };
    inspection.judged(&[(revoked, "it was revoked"), (expired, "it has expired")])
}

async fn of_jwt(
    store: &Store,
    issuer: &str,
    text: &str,
    parsed: Unverified,
    now: Timestamp,
) -> Result<Inspection, StoreError> {
    let stored = store
        .read(async |db: &mut Conn| store::keys::list(db).await)
        .await?;
    let jwks = json!({ "keys": stored.iter().map(|key| &key.public_jwk).collect::<Vec<_>>() });
    let verdict = KeySet::from_jwks(&jwks).and_then(|keys| jose::verify(text, &keys, &Algorithm::SIGNING));
    let is = |kind: &str| {
        parsed
            .typ
            .as_deref()
            .is_some_and(|typ| typ.eq_ignore_ascii_case(kind))
    };
    let kind = match () {
        () if is(access_token::TYP) => Kind::AccessToken,
        () if is(id_token::TYP) && parsed.claims.get("aud").is_some() => Kind::IdToken,
        () => Kind::Jwt,
    };
    let claim = |name: &str| parsed.claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| parsed.claims.get(name).and_then(Value::as_i64).map(Timestamp);
    // What revocation says of a forged token means nothing.
    let jti = claim("jti").filter(|_| verdict.is_ok() && kind == Kind::AccessToken);
    let grant = jti
        .as_deref()
        .and_then(TokenId::parse)
        .and_then(|id| id.grant_id());
    let revoked = match jti {
        Some(jti) => {
            let (client, issued) = (claim("client_id").unwrap_or_default(), time("iat"));
            let is_live = async move |db: &mut Conn| {
                let client = store::clients::find(db, &client.as_str().into()).await?;
                let known = client.is_some_and(|client| issued >= Some(client.tokens_not_before));
                Ok(known && store::access_tokens::status(db, &jti, grant).await?)
            };
            Some(!store.read(is_live).await?)
        }
        None => None,
    };
    let expired = time("exp").map(|at| at <= now);
    let inspection = Inspection {
        header: Some(header(&parsed)),
        signature: Some(match &verdict {
            Ok(_) => "valid".to_owned(),
            Err(error) => format!("not one of ours ({error})"),
        }),
        client_id: claim("client_id"),
        account_id: claim("sub").and_then(|sub| sub.parse().ok()),
        grant_id: grant.map(|grant| grant.0),
        scope: claim("scope"),
        issued_at: time("iat"),
        expires_at: time("exp"),
        expired,
        revoked,
        ..Inspection::of(kind)
    };
    let foreign = claim("iss").as_deref() != Some(issuer);
    let judged = inspection.judged(&[
        (verdict.is_err(), "the signature is not one of ours"),
        (foreign, "it names another issuer"),
        (expired == Some(true), "it has expired"),
        (
            revoked == Some(true),
            "it was revoked, its authorization was ended, the account is disabled, or the client was shut out",
        ),
    ]);
    Ok(Inspection {
        claims: Some(parsed.claims),
        ..judged
    })
}

fn header(parsed: &Unverified) -> Map<String, Value> {
    Map::from_iter([
        ("alg".to_owned(), json!(parsed.alg)),
        ("kid".to_owned(), json!(parsed.kid)),
        ("typ".to_owned(), json!(parsed.typ)),
    ])
}
