//! Codes and tokens.

use hyper::StatusCode;
use openidconnect::PkceCodeChallenge;
use serde_json::Value;

use super::{Outcome, Verdict};
use crate::encode;
use crate::provider::{Provider, StaticClient, ensure, jwt_part, random};
use crate::web::{Agent, Answer};

pub(super) async fn server(p: &Provider) -> Verdict {
    let nonce = random(32);
    let (visit, tokens) = p
        .tokens(&mut Agent::new(), &p.config.basic, &[("nonce", &nonce)])
        .await?;
    ensure(visit.logins == 1, || {
        format!("a new browser saw {} sign-in pages", visit.logins)
    })?;
    hard_to_guess("code", &tokens.code)?;
    let userinfo = p.userinfo(&tokens.access_token).await?;
    ensure(userinfo.get("sub") == tokens.claims.get("sub"), || {
        "userinfo is about another sub".to_owned()
    })?;
    Ok(Outcome::Passed)
}

pub(super) async fn signature(p: &Provider) -> Verdict {
    let (_, tokens) = p.tokens(&mut Agent::new(), &p.config.basic, &[]).await?;
    let header = jwt_part(&tokens.id_token, 0)?;
    ensure(header.get("alg").is_some_and(|alg| alg == "RS256"), || {
        "the algorithm is not RS256".to_owned()
    })?;
    ensure(header.get("kid").is_some_and(Value::is_string), || {
        "no kid".to_owned()
    })?;
    Ok(Outcome::Passed)
}

/// A code works once. Its second use also ends what the first gave; the suite waits half a minute before that,
/// which changes nothing here, since nothing expires meanwhile.
pub(super) async fn code_reuse(p: &Provider, and_tokens_end: bool) -> Verdict {
    let client = &p.config.basic;
    let (_, tokens) = p.tokens(&mut Agent::new(), client, &[]).await?;
    refused(&p.redeem(client, &tokens.code).await?, "invalid_grant")?;
    if and_tokens_end {
        let still = p.userinfo(&tokens.access_token).await;
        ensure(still.is_err(), || {
            "the first access token outlives the reuse of its code".to_owned()
        })?;
    }
    Ok(Outcome::Passed)
}

pub(super) async fn client_secret_post(p: &Provider) -> Verdict {
    let client = &p.config.post;
    let (_, code) = p.code(&mut Agent::new(), client, &[]).await?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &client.redirect_uri),
        ("client_id", &client.client_id),
        ("client_secret", &client.client_secret),
    ];
    let answer = Agent::new()
        .post_form(p.endpoint("token_endpoint")?, &fields, &[])
        .await?;
    p.read_tokens(client, &answer, code)?;
    Ok(Outcome::Passed)
}

pub(super) async fn refresh_token(p: &Provider) -> Verdict {
    let mut refresh_tokens = Vec::new();
    for client in [&p.config.basic, &p.config.basic2] {
        let mut extra = vec![("scope", "openid")];
        if p.lists("scopes_supported", "offline_access") {
            extra = vec![("scope", "openid offline_access"), ("prompt", "consent")];
        }
        let (_, first) = p.tokens(&mut Agent::new(), client, &extra).await?;
        let token = refresh_token_of(&first.response)?;
        hard_to_guess("refresh token", &token)?;
        let answer = refresh(p, client, &token).await?;
        // A refresh need not give an ID token; ours does, and it must continue the first.
        let second = p.read_tokens(client, &answer, String::new())?;
        for name in ["iss", "sub", "aud", "auth_time", "azp"] {
            let (old, new) = (first.claims.get(name), second.claims.get(name));
            ensure(old == new, || format!("`{name}` was {old:?} and became {new:?}"))?;
        }
        ensure(first.access_token != second.access_token, || {
            "the same access token again".to_owned()
        })?;
        refresh_tokens.push(refresh_token_of(&second.response).unwrap_or(token));
    }
    let of_the_other = refresh_tokens.last().ok_or("no refresh token")?;
    refused(&refresh(p, &p.config.basic, of_the_other).await?, "invalid_grant")?;
    Ok(Outcome::Passed)
}

pub(super) async fn pkce(p: &Provider) -> Verdict {
    let client = &p.config.basic;
    for right in [true, false] {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let extra = [
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let (_, code) = p.code(&mut Agent::new(), client, &extra).await?;
        let wrong = random(64);
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &client.redirect_uri),
            ("code_verifier", if right { verifier.secret() } else { &wrong }),
        ];
        let answer = p.token(client, &fields).await?;
        if right {
            p.read_tokens(client, &answer, code)?;
        } else {
            refused(&answer, "invalid_grant")?;
        }
    }
    Ok(Outcome::Passed)
}

async fn refresh(p: &Provider, client: &StaticClient, token: &str) -> Result<Answer, String> {
    p.token(
        client,
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await
}

fn refresh_token_of(response: &Value) -> Result<String, String> {
    response
        .get("refresh_token")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| "no refresh token".to_owned())
}

/// A 400 with this error (RFC 6749 §5.2).
fn refused(answer: &Answer, error: &str) -> Result<(), String> {
    ensure(answer.status == StatusCode::BAD_REQUEST, || {
        format!("answered {}, not 400", answer.status)
    })?;
    let given = answer.json()?;
    ensure(given.get("error").is_some_and(|given| given == error), || {
        format!("{given}, not {error}")
    })
}

fn hard_to_guess(what: &str, secret: &str) -> Result<(), String> {
    ensure(secret.len() * 6 >= 128, || {
        format!("the {what} is only {} characters long", secret.len())
    })?;
    let bits = encode::entropy(secret);
    ensure(bits > 96.0, || {
        format!("the {what} holds an estimated {bits:.0} bits")
    })
}
