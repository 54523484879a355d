//! The modules of the Basic and Config plans, each under the suite's name.

mod discovery;
mod flows;
mod requests;
mod sessions;
mod userinfo;

use crate::provider::{Config, Provider};

/// How a module ended when it did not fail.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    /// Does not apply to what the provider publishes.
    Skipped(&'static str),
    /// The suite would accept it, with a warning.
    Warned(&'static str),
}

pub(crate) type Verdict = Result<Outcome, String>;

const MODULES: [&str; 39] = [
    "oidcc-discovery-endpoint-verification",
    "oidcc-server",
    "oidcc-response-type-missing",
    "oidcc-idtoken-signature",
    "oidcc-idtoken-unsigned",
    "oidcc-userinfo-get",
    "oidcc-userinfo-post-header",
    "oidcc-userinfo-post-body",
    "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
    "oidcc-scope-profile",
    "oidcc-scope-email",
    "oidcc-scope-address",
    "oidcc-scope-phone",
    "oidcc-scope-all",
    "oidcc-alternate-happy-flow",
    "oidcc-display-page",
    "oidcc-display-popup",
    "oidcc-prompt-login",
    "oidcc-prompt-none-not-logged-in",
    "oidcc-prompt-none-logged-in",
    "oidcc-max-age-1",
    "oidcc-max-age-10000",
    "oidcc-ensure-request-with-unknown-parameter-succeeds",
    "oidcc-id-token-hint",
    "oidcc-login-hint",
    "oidcc-ui-locales",
    "oidcc-claims-locales",
    "oidcc-ensure-request-with-acr-values-succeeds",
    "oidcc-codereuse",
    "oidcc-codereuse-30seconds",
    "oidcc-ensure-registered-redirect-uri",
    "oidcc-ensure-post-request-succeeds",
    "oidcc-server-client-secret-post",
    "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
    "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
    "oidcc-ensure-request-object-with-redirect-uri",
    "oidcc-claims-essential",
    "oidcc-refresh-token",
    "oidcc-ensure-request-with-valid-pkce-succeeds",
];

async fn module(name: &str, p: &Provider) -> Verdict {
    match name {
        "oidcc-discovery-endpoint-verification" => discovery::verification(p),
        "oidcc-server" => flows::server(p).await,
        "oidcc-response-type-missing" => requests::response_type_missing(p).await,
        "oidcc-idtoken-signature" => flows::signature(p).await,
        "oidcc-idtoken-unsigned" => discovery::unsigned_id_tokens(p),
        "oidcc-userinfo-get" => userinfo::get(p).await,
        "oidcc-userinfo-post-header" => userinfo::post_header(p).await,
        "oidcc-userinfo-post-body" => userinfo::post_body(p).await,
        "oidcc-ensure-request-without-nonce-succeeds-for-code-flow" => requests::accepted(p, &[]).await,
        "oidcc-scope-profile" => userinfo::scopes(p, &["profile"]).await,
        "oidcc-scope-email" => userinfo::scopes(p, &["email"]).await,
        "oidcc-scope-address" => userinfo::scopes(p, &["address"]).await,
        "oidcc-scope-phone" => userinfo::scopes(p, &["phone"]).await,
        "oidcc-scope-all" => userinfo::scopes(p, &["profile", "email", "address", "phone"]).await,
        "oidcc-alternate-happy-flow" => requests::other_order(p).await,
        "oidcc-display-page" => requests::accepted(p, &[("display", "page")]).await,
        "oidcc-display-popup" => requests::accepted(p, &[("display", "popup")]).await,
        "oidcc-prompt-login" => sessions::prompt_login(p).await,
        "oidcc-prompt-none-not-logged-in" => sessions::prompt_none_not_logged_in(p).await,
        "oidcc-prompt-none-logged-in" => sessions::prompt_none_logged_in(p, false).await,
        "oidcc-max-age-1" => sessions::max_age_1(p).await,
        "oidcc-max-age-10000" => sessions::max_age_10000(p).await,
        "oidcc-ensure-request-with-unknown-parameter-succeeds" => {
            requests::accepted(p, &[("extra", "foobar")]).await
        }
        "oidcc-id-token-hint" => sessions::prompt_none_logged_in(p, true).await,
        "oidcc-login-hint" => requests::accepted(p, &[("login_hint", "buffy@example.test")]).await,
        "oidcc-ui-locales" => requests::accepted(p, &[("ui_locales", "se")]).await,
        "oidcc-claims-locales" => requests::accepted(p, &[("claims_locales", "se")]).await,
        "oidcc-ensure-request-with-acr-values-succeeds" => requests::acr_values(p).await,
        "oidcc-codereuse" => flows::code_reuse(p, false).await,
        "oidcc-codereuse-30seconds" => flows::code_reuse(p, true).await,
        "oidcc-ensure-registered-redirect-uri" => requests::unregistered_redirect_uri(p).await,
        "oidcc-ensure-post-request-succeeds" => requests::by_post(p).await,
        "oidcc-server-client-secret-post" => flows::client_secret_post(p).await,
        "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported" => {
            requests::request_object(p).await
        }
        "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported" => {
            requests::request_uri(p).await
        }
        "oidcc-ensure-request-object-with-redirect-uri" => requests::redirect_uri_in_object(p).await,
        "oidcc-claims-essential" => userinfo::essential_claim(p).await,
        "oidcc-refresh-token" => flows::refresh_token(p).await,
        "oidcc-ensure-request-with-valid-pkce-succeeds" => flows::pkce(p).await,
        _ => Err("no such module".to_owned()),
    }
}

/// Runs the modules named, or all; `Ok(true)` when none failed.
pub(crate) async fn run(issuer: &str, config: &str, chosen: &[&str]) -> Result<bool, String> {
    let text = std::fs::read_to_string(config).map_err(|e| format!("{config}: {e}"))?;
    let config: Config = serde_json::from_str(&text).map_err(|e| format!("{config}: {e}"))?;
    let provider = Provider::discover(issuer.trim_end_matches('/'), config).await?;
    let (mut passed, mut other, mut failed) = (0_u32, 0_u32, 0_u32);
    let modules = if chosen.is_empty() { &MODULES[..] } else { chosen };
    for name in modules {
        match module(name, &provider).await {
            Ok(Outcome::Passed) => {
                passed += 1;
                println!("ok {name}");
            }
            Ok(Outcome::Skipped(why)) => {
                other += 1;
                println!("skipped {name}: {why}");
            }
            Ok(Outcome::Warned(why)) => {
                other += 1;
                println!("warning {name}: {why}");
            }
            Err(why) => {
                failed += 1;
                println!("FAILED {name}: {why}");
            }
        }
    }
    println!("demands: {passed} passed, {other} skipped or with a warning, {failed} failed");
    Ok(failed == 0)
}
