//! The userinfo endpoint and what the scopes stand for (OpenID Connect Core §5).

use hyper::Method;
use serde_json::{Map, Value};

use super::{Outcome, Verdict};
use crate::provider::{Provider, Tokens, ensure, read_userinfo};
use crate::web::Agent;

pub(super) async fn get(p: &Provider) -> Verdict {
    let tokens = tokens(p).await?;
    same_sub(&tokens, &p.userinfo(&tokens.access_token).await?)
}

pub(super) async fn post_header(p: &Provider) -> Verdict {
    let tokens = tokens(p).await?;
    let bearer = format!("Bearer {}", tokens.access_token);
    let headers = [("authorization", bearer.as_str())];
    let endpoint = p.endpoint("userinfo_endpoint")?;
    let answer = Agent::new()
        .send(Method::POST, endpoint, &headers, String::new())
        .await?;
    same_sub(&tokens, &read_userinfo(&answer)?)
}

pub(super) async fn post_body(p: &Provider) -> Verdict {
    let tokens = tokens(p).await?;
    let fields = [("access_token", tokens.access_token.as_str())];
    let answer = Agent::new()
        .post_form(p.endpoint("userinfo_endpoint")?, &fields, &[])
        .await?;
    same_sub(&tokens, &read_userinfo(&answer)?)
}

/// Every claim of the scopes is there, filled and of its type.
pub(super) async fn scopes(p: &Provider, scopes: &[&str]) -> Verdict {
    let asked = format!("openid {}", scopes.join(" "));
    let (_, tokens) = p
        .tokens(&mut Agent::new(), &p.config.basic, &[("scope", &asked)])
        .await?;
    let userinfo = p.userinfo(&tokens.access_token).await?;
    for scope in scopes {
        ensure(p.lists("scopes_supported", scope), || {
            format!("scopes_supported lacks {scope}")
        })?;
        for name in claims_of(scope) {
            let value = userinfo
                .get(*name)
                .ok_or_else(|| format!("userinfo lacks `{name}`"))?;
            let fits = match *name {
                "updated_at" => value.is_number(),
                "email_verified" | "phone_number_verified" => value.is_boolean(),
                "address" => value.as_object().is_some_and(|address| !address.is_empty()),
                _ => value.as_str().is_some_and(|text| !text.is_empty()),
            };
            ensure(fits, || format!("`{name}` is {value}"))?;
        }
    }
    same_sub(&tokens, &userinfo)
}

pub(super) async fn essential_claim(p: &Provider) -> Verdict {
    let claims = r#"{"userinfo":{"name":{"essential":true}}}"#;
    let (_, tokens) = p
        .tokens(&mut Agent::new(), &p.config.basic, &[("claims", claims)])
        .await?;
    let userinfo = p.userinfo(&tokens.access_token).await?;
    if userinfo.contains_key("name") {
        return same_sub(&tokens, &userinfo);
    }
    let published = p.metadata.get("claims_parameter_supported") == Some(&Value::Bool(true));
    ensure(!published, || {
        "claims_parameter_supported is published, but `name` did not come".to_owned()
    })?;
    Ok(Outcome::Warned("the claims parameter has no effect"))
}

async fn tokens(p: &Provider) -> Result<Tokens, String> {
    Ok(p.tokens(&mut Agent::new(), &p.config.basic, &[]).await?.1)
}

fn same_sub(tokens: &Tokens, userinfo: &Map<String, Value>) -> Verdict {
    ensure(userinfo.get("sub") == Some(tokens.claim("sub")?), || {
        "userinfo is about another sub".to_owned()
    })?;
    Ok(Outcome::Passed)
}

fn claims_of(scope: &str) -> &'static [&'static str] {
    match scope {
        "profile" => &[
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
            "preferred_username",
        ],
        "email" => &["email", "email_verified"],
        "address" => &["address"],
        "phone" => &["phone_number", "phone_number_verified"],
        _ => &[],
    }
}
