//! The session at the provider: prompt, max_age, hints.

use std::time::Duration;

use hyper::Method;

use super::{Outcome, Verdict};
use crate::provider::{Provider, ensure, error_of, now, random, request};
use crate::web::Agent;

pub(super) async fn prompt_login(p: &Provider) -> Verdict {
    let mut browser = Agent::new();
    let (_, first) = p.tokens(&mut browser, &p.config.basic, &[]).await?;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (visit, second) = p
        .tokens(&mut browser, &p.config.basic, &[("prompt", "login")])
        .await?;
    ensure(visit.logins == 1, || {
        format!("saw {} sign-in pages", visit.logins)
    })?;
    ensure(first.claims.get("sub") == second.claims.get("sub"), || {
        "another sub".to_owned()
    })?;
    if first.claims.contains_key("auth_time") {
        ensure(second.auth_time()? > first.auth_time()?, || {
            "auth_time is not later".to_owned()
        })?;
    }
    Ok(Outcome::Passed)
}

pub(super) async fn prompt_none_not_logged_in(p: &Provider) -> Verdict {
    let (client, state) = (&p.config.basic, random(128));
    let mut parameters = request(client, &state);
    parameters.push(("prompt", "none"));
    let visit = p
        .visit(&mut Agent::new(), Method::GET, &client.redirect_uri, &parameters)
        .await?;
    let error = error_of(&visit, &p.issuer, &state)?;
    let known = [
        "login_required",
        "interaction_required",
        "account_selection_required",
        "consent_required",
    ];
    ensure(known.contains(&error.as_str()), || format!("answered `{error}`"))?;
    Ok(Outcome::Passed)
}

pub(super) async fn prompt_none_logged_in(p: &Provider, with_hint: bool) -> Verdict {
    let mut browser = Agent::new();
    let (_, first) = p.tokens(&mut browser, &p.config.basic, &[]).await?;
    let mut extra = vec![("prompt", "none")];
    if with_hint {
        extra.push(("id_token_hint", &first.id_token));
    }
    let (visit, second) = p.tokens(&mut browser, &p.config.basic, &extra).await?;
    ensure(visit.logins == 0, || "a page was shown".to_owned())?;
    for name in ["sub", "auth_time"] {
        ensure(first.claims.get(name) == second.claims.get(name), || {
            format!("`{name}` changed")
        })?;
    }
    Ok(Outcome::Passed)
}

pub(super) async fn max_age_1(p: &Provider) -> Verdict {
    let mut browser = Agent::new();
    let (_, first) = p.tokens(&mut browser, &p.config.basic, &[]).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (visit, second) = p
        .tokens(&mut browser, &p.config.basic, &[("max_age", "1")])
        .await?;
    ensure(visit.logins == 1, || {
        format!("saw {} sign-in pages", visit.logins)
    })?;
    ensure((now() - second.auth_time()?).abs() < 60, || {
        "auth_time is not recent".to_owned()
    })?;
    if first.claims.contains_key("auth_time") {
        ensure(second.auth_time()? > first.auth_time()?, || {
            "auth_time is not later".to_owned()
        })?;
    }
    Ok(Outcome::Passed)
}

pub(super) async fn max_age_10000(p: &Provider) -> Verdict {
    let mut browser = Agent::new();
    let (_, first) = p
        .tokens(&mut browser, &p.config.basic, &[("max_age", "15000")])
        .await?;
    let (visit, second) = p
        .tokens(&mut browser, &p.config.basic, &[("max_age", "10000")])
        .await?;
    ensure(visit.logins == 0, || "a second sign-in page".to_owned())?;
    ensure(first.auth_time()? == second.auth_time()?, || {
        "auth_time differs".to_owned()
    })?;
    Ok(Outcome::Passed)
}
