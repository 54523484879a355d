//! `chancery token …`

use std::path::PathBuf;

use protocol::access_token::TokenId;
use protocol::jose::{self, Algorithm, KeySet};
use protocol::secret::Secret;
use serde_json::{Map, Value, json};
use store::{Conn, access_tokens, grants, keys, refresh_tokens};

use super::output::{self, Format};
use super::{Context, Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Say what a token holds and whether it is genuine and live; it is read from standard input
    Inspect {
        /// Read the token from a file
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        format: Format,
    },
}

pub(super) async fn run(context: &Context, verb: Verb) -> Outcome {
    let Verb::Inspect { file, format } = verb;
    let token = super::input::text(file.as_deref())?;
    let token = Secret::new(token.expose().trim());
    let shown = if token.expose().split('.').count() == 3 {
        inspect_jwt(context, &token).await?
    } else {
        inspect_refresh_token(context, &token).await?
    };
    output::one(format, &shown)
}

async fn inspect_jwt(context: &Context, token: &Secret) -> Result<Value, Failure> {
    let parsed = jose::parse_unverified(token.expose()).map_err(|e| {
        Failure(format!(
            "this is no token of ours: {e}; give a JWT or a refresh token"
        ))
    })?;
    let stored = context
        .store
        .read(async move |db: &mut Conn| keys::list(db).await)
        .await?;
    let jwks = json!({ "keys": stored.iter().map(|key| &key.public_jwk).collect::<Vec<_>>() });
    let verdict =
        KeySet::from_jwks(&jwks).and_then(|keys| jose::verify(token.expose(), &keys, &Algorithm::SIGNING));
    let signature = match &verdict {
        Ok(_) => "valid".to_owned(),
        Err(e) => format!("invalid ({e})"),
    };
    let exp = parsed.claims.get("exp").and_then(Value::as_i64);
    let jti = parsed
        .claims
        .get("jti")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let is_access_token = parsed
        .typ
        .as_deref()
        .is_some_and(|typ| typ.eq_ignore_ascii_case(protocol::access_token::TYP));
    // What revocation says of a forged token means nothing.
    let revoked = match (verdict.is_ok() && is_access_token, jti) {
        (true, Some(jti)) => {
            let grant = TokenId::parse(&jti).and_then(|id| id.grant_id());
            let live = context
                .store
                .read(async move |db: &mut Conn| access_tokens::status(db, &jti, grant).await)
                .await?;
            Some(!live)
        }
        _ => None,
    };
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!(parsed.alg));
    header.insert("kid".to_owned(), json!(parsed.kid));
    header.insert("typ".to_owned(), json!(parsed.typ));
    Ok(json!({
        "header": header,
        "claims": parsed.claims,
        "signature": signature,
        "expired": exp.map(|exp| exp <= context.now.0),
        "revoked": revoked,
    }))
}

async fn inspect_refresh_token(context: &Context, token: &Secret) -> Result<Value, Failure> {
    let hash = token.hash();
    let found = context
        .store
        .read(async move |db: &mut Conn| {
            let Some(token) = refresh_tokens::find(db, &hash).await? else {
                return Ok(None);
            };
            let grant = grants::find(db, token.grant_id).await?;
            Ok(Some((token, grant)))
        })
        .await?;
    let Some((token, grant)) = found else {
        return Err(Failure::new(
            "this is neither a JWT nor a refresh token that is stored; check that it is whole",
        ));
    };
    Ok(json!({
        "kind": "refresh_token",
        "client_id": token.client_id,
        "grant_id": token.grant_id,
        "account_id": grant.as_ref().map(|grant| grant.account_id),
        "scope": grant.as_ref().map(|grant| &grant.scope),
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "expired": token.expires_at <= context.now,
        "used": token.consumed_at.is_some(),
        "revoked": grant.as_ref().is_none_or(|grant| grant.revoked_at.is_some()),
    }))
}
