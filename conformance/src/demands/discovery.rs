//! What the metadata must say (OpenID Connect Discovery §3).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Outcome, Verdict};
use crate::provider::{Provider, ensure};

pub(super) fn verification(p: &Provider) -> Verdict {
    let issuer = p.endpoint("issuer")?;
    ensure(issuer == p.issuer, || format!("issuer is {issuer}"))?;
    let loopback = issuer.starts_with("http://");
    for (name, value) in p.metadata.as_object().ok_or("the metadata is not an object")? {
        let url = value.as_str().unwrap_or_default();
        let secure = url.starts_with("https://") || loopback && url.starts_with("http://");
        ensure(!name.ends_with("_endpoint") || secure, || {
            format!("{name} is `{url}`")
        })?;
        ensure(!value.is_null() && *value != Value::Array(Vec::new()), || {
            format!("{name} is empty")
        })?;
    }
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    ] {
        p.endpoint(name)?;
    }
    for (name, value) in [
        ("response_types_supported", "code"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("scopes_supported", "openid"),
        ("claims_supported", "sub"),
        ("subject_types_supported", "public"),
        ("code_challenge_methods_supported", "S256"),
        ("grant_types_supported", "authorization_code"),
        ("grant_types_supported", "refresh_token"),
    ] {
        ensure(p.lists(name, value), || format!("{name} lacks `{value}`"))?;
    }
    let objects = "request_object_signing_alg_values_supported";
    ensure(
        p.metadata.get(objects).is_none() || p.lists(objects, "RS256"),
        || format!("{objects} lacks RS256"),
    )?;

    let keys = p
        .jwks_document
        .get("keys")
        .and_then(Value::as_array)
        .ok_or("the JWKS has no keys")?;
    let mut seen = BTreeSet::new();
    for key in keys {
        let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
        ensure(!text("kid").is_empty() && seen.insert(text("kid")), || {
            "a kid is missing or used twice".to_owned()
        })?;
        ensure(["RSA", "EC", "OKP"].contains(&text("kty")), || {
            format!("kty is `{}`", text("kty"))
        })?;
        let private = ["d", "p", "q", "dp", "dq", "qi", "k"]
            .iter()
            .find(|name| key.get(**name).is_some());
        ensure(private.is_none(), || "the JWKS holds private material".to_owned())?;
    }
    Ok(Outcome::Passed)
}

pub(super) fn unsigned_id_tokens(p: &Provider) -> Verdict {
    if p.lists("id_token_signing_alg_values_supported", "none") {
        return Err("`none` is offered".to_owned());
    }
    Ok(Outcome::Skipped(
        "`none` is not offered, and the metadata says so",
    ))
}
