//! Authorization requests of many shapes.

use hyper::Method;
use serde_json::Value;

use super::{Outcome, Verdict};
use crate::provider::{End, Provider, Visit, ensure, error_of, random, request, returned};
use crate::web::Agent;
use crate::{encode, html};

/// An ordinary request with something more succeeds.
pub(super) async fn accepted(p: &Provider, extra: &[(&str, &str)]) -> Verdict {
    p.tokens(&mut Agent::new(), &p.config.basic, extra).await?;
    Ok(Outcome::Passed)
}

pub(super) async fn response_type_missing(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let mut parameters = request(client, &state);
    parameters.retain(|(name, _)| *name != "response_type");
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &client.redirect_uri, &parameters)
        .await?;
    let error = error_of(&visit, &p.issuer, &state)?;
    let known = ["unsupported_response_type", "invalid_request"];
    ensure(known.contains(&error.as_str()), || format!("answered `{error}`"))?;
    Ok(Outcome::Passed)
}

pub(super) async fn other_order(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let mut parameters = request(client, &state);
    parameters.retain(|(name, _)| *name != "scope");
    parameters.push(("scope", "email profile openid"));
    parameters.reverse();
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &client.redirect_uri, &parameters)
        .await?;
    let code = p.code_of(&visit, &state)?;
    p.read_tokens(client, &p.redeem(client, &code).await?, code)?;
    Ok(Outcome::Passed)
}

pub(super) async fn by_post(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let parameters = request(client, &state);
    let visit = p
        .visit(&mut Agent::new(), Method::POST, &client.redirect_uri, &parameters)
        .await?;
    let code = p.code_of(&visit, &state)?;
    p.read_tokens(client, &p.redeem(client, &code).await?, code)?;
    Ok(Outcome::Passed)
}

pub(super) async fn acr_values(p: &Provider) -> Verdict {
    let offered = p.metadata.get("acr_values_supported").and_then(Value::as_array);
    let asked: Vec<&str> = offered.map_or(vec!["1", "2"], |list| {
        list.iter().filter_map(Value::as_str).collect()
    });
    let (_, tokens) = p
        .tokens(
            &mut Agent::new(),
            &p.config.basic,
            &[("acr_values", &asked.join(" "))],
        )
        .await?;
    match tokens.claims.get("acr").and_then(Value::as_str) {
        Some(acr) if asked.contains(&acr) => Ok(Outcome::Passed),
        _ => Ok(Outcome::Warned("acr is none of those asked for")),
    }
}

pub(super) async fn unregistered_redirect_uri(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let elsewhere = format!("{}/{}", client.redirect_uri, random(10));
    let mut parameters = request(client, &state);
    parameters.retain(|(name, _)| *name != "redirect_uri");
    parameters.push(("redirect_uri", &elsewhere));
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &elsewhere, &parameters)
        .await?;
    error_page(&visit)?;
    Ok(Outcome::Passed)
}

/// A request object is used or refused, never ignored (OpenID Connect Core §6.1).
pub(super) async fn request_object(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let object = unsigned_object(p, &state, &client.redirect_uri);
    let mut parameters = request(client, &state);
    parameters.push(("request", &object));
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &client.redirect_uri, &parameters)
        .await?;
    let published = p.metadata.get("request_parameter_supported") == Some(&Value::Bool(true));
    if returned(&visit)?.contains_key("code") {
        return if published {
            Ok(Outcome::Passed)
        } else {
            Err("it was taken, or ignored".to_owned())
        };
    }
    let error = error_of(&visit, &p.issuer, &state)?;
    let expected = ["request_not_supported", "invalid_request_object"];
    ensure(expected.contains(&error.as_str()), || {
        format!("answered `{error}`")
    })?;
    ensure(published || error == "request_not_supported", || {
        format!("answered `{error}`")
    })?;
    Ok(Outcome::Skipped("unsigned request objects are refused"))
}

pub(super) async fn request_uri(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let mut parameters = request(client, &state);
    parameters.push(("request_uri", "https://client.example.test/request.jwt"));
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &client.redirect_uri, &parameters)
        .await?;
    let error = error_of(&visit, &p.issuer, &state)?;
    // The member means `true` when it is absent.
    let refused = p.metadata.get("request_uri_parameter_supported") == Some(&Value::Bool(false));
    ensure(refused, || {
        "`request_uri_parameter_supported` must be published as false".to_owned()
    })?;
    ensure(error == "request_uri_not_supported", || {
        format!("answered `{error}`")
    })?;
    Ok(Outcome::Skipped(
        "request_uri is not supported, and the metadata says so",
    ))
}

pub(super) async fn redirect_uri_in_object(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(32));
    let object = unsigned_object(p, &state, &client.redirect_uri);
    let elsewhere = format!("{}/{}", client.redirect_uri, random(10));
    let mut parameters = request(client, &state);
    parameters.retain(|(name, _)| *name != "redirect_uri");
    parameters.extend([("redirect_uri", elsewhere.as_str()), ("request", &object)]);
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &client.redirect_uri, &parameters)
        .await?;
    if matches!(&visit.end, End::Callback(_)) {
        p.code_of(&visit, &state)?;
    } else {
        error_page(&visit)?;
    }
    Ok(Outcome::Passed)
}

fn unsigned_object(p: &Provider, state: &str, redirect_uri: &str) -> String {
    let client = &p.config.basic;
    let claims = serde_json::json!({
        "iss": client.client_id, "aud": p.issuer, "response_type": "code", "client_id": client.client_id,
        "redirect_uri": redirect_uri, "scope": "openid", "state": state, "nonce": random(16),
    });
    let header = encode::base64url(br#"{"alg":"none"}"#);
    format!("{header}.{}.", encode::base64url(claims.to_string().as_bytes()))
}

fn error_page(visit: &Visit) -> Result<(), String> {
    match &visit.end {
        End::Page { status, body } => {
            ensure(status.is_client_error(), || {
                format!("the error page has status {status}")
            })?;
            ensure(html::has_id(body, "error-code"), || {
                "the page has no `error-code`".to_owned()
            })
        }
        End::Callback(_) => Err("the browser was sent to an address that is not registered".to_owned()),
    }
}
