//! `chancery demo --check`: the whole flow without a person, one line for each step.

use std::time::{Duration, Instant};

use http::StatusCode;
use openidconnect::core::CoreTokenResponse;
use serde_json::{Value, json};
use url::Url;

use super::browser::{Browser, Landing, Page};
use super::oidc::{Pending, RelyingParty, Tokens};
use super::sample::{BOOKS_CLIENT, SERVICE_CLIENT, Sample, USERNAME, WEB_CLIENT};
use super::transport::Http;
use super::{BoxError, Servers, chain};

const MAX_PAGES: usize = 8;

/// Drives the flow and prints each step; says whether all went well.
pub(super) async fn run(servers: &Servers, start: Duration) -> bool {
    report("ok", start, "provider, relying party and resource server started");
    let begun = Instant::now();
    let mut check = Check {
        sample: &servers.sample,
        http: servers.http.clone(),
        steps: 1,
    };
    let passed = check.flow().await.is_ok();
    let verdict = if passed { "passed" } else { "failed" };
    println!(
        "{verdict} after {} steps, {:.1} ms",
        check.steps,
        millis(start + begun.elapsed())
    );
    passed
}

fn report(verdict: &str, time: Duration, step: &str) {
    println!("{verdict:<6} {:>8.1} ms  {step}", millis(time));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A step has failed and been reported.
struct Stopped;

struct Check<'a> {
    sample: &'a Sample,
    http: Http,
    steps: u32,
}

impl Check<'_> {
    /// Does one step and reports it.
    async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, Stopped> {
        let begun = Instant::now();
        self.steps += 1;
        match work.await {
            Ok(value) => {
                report("ok", begun.elapsed(), name);
                Ok(value)
            }
            Err(error) => {
                report(
                    "failed",
                    begun.elapsed(),
                    &format!("{name}: {}", chain(error.as_ref())),
                );
                Err(Stopped)
            }
        }
    }

    async fn flow(&mut self) -> Result<(), Stopped> {
        let http = self.http.clone();
        let party = RelyingParty::discover(self.sample, http.clone());
        let party = self
            .step("provider and its keys found by discovery", party)
            .await?;

        let mut browser = Browser::new(http);
        let (url, pending) = party.authorization_url();
        let callback = self.sign_in(&mut browser, url).await?;
        let (code, tokens) = self.tokens(&party, &pending, &callback).await?;
        let service_token = self.resource_server(&party, &tokens).await?;
        let tokens = self.refresh(&party, tokens).await?;
        self.revocation(&party, &tokens, &service_token).await?;

        let reused = refused(party.exchange(&code, &pending), "the code was taken twice");
        self.step("used code refused", reused).await?;
        self.bookshop(&mut browser).await?;
        self.logout(&party, &mut browser, &tokens).await
    }

    /// From the authorization request to the redirect back, through whatever pages there are.
    async fn sign_in(&mut self, browser: &mut Browser, url: Url) -> Result<Url, Stopped> {
        let sample = self.sample;
        let awaited = sample.origins.redirect_uri();
        let mut landing = self
            .step("sent to the sign-in page", browser.open(url, Some(&awaited)))
            .await?;
        let mut seen = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = match landing {
                Landing::Awaited(url) => {
                    let all = ["password", "second factor", "consent"];
                    let complete = async {
                        match all.iter().find(|kind| !seen.contains(*kind)) {
                            Some(missing) => Err(format!("the provider never asked for {missing}").into()),
                            None => Ok(url),
                        }
                    };
                    return self
                        .step("sent back to the relying party with a code", complete)
                        .await;
                }
                Landing::Page(page) => page,
            };
            let asked = kind(&page);
            let name = match asked {
                "password" => "user name and password accepted",
                "second factor" => "second factor (one-time code) accepted",
                "consent" => "consent given",
                _ => "page understood",
            };
            // Coming to the same question again means that the answer was not taken.
            let answered = async {
                if asked.is_empty() || seen.contains(&asked) {
                    return Err(format!("came to {}", page.summary()).into());
                }
                let next = answer(browser, sample, &page, asked, Some(&awaited)).await?;
                match &next {
                    Landing::Page(next) if kind(next) == asked => {
                        Err(format!("the answer was not taken: {}", next.summary()).into())
                    }
                    _ => Ok(next),
                }
            };
            landing = self.step(name, answered).await?;
            seen.push(asked);
        }
        let lost = async { Err::<Url, BoxError>("too many pages".into()) };
        self.step("sent back to the relying party with a code", lost)
            .await
    }

    async fn tokens(
        &mut self,
        party: &RelyingParty,
        pending: &Pending,
        callback: &Url,
    ) -> Result<(String, Tokens), Stopped> {
        let response: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
        let code = self
            .step("state and issuer of the response match", async {
                party.code(pending, &response)
            })
            .await?;
        let answer: CoreTokenResponse = self
            .step("code exchanged for tokens", party.exchange(&code, pending))
            .await?;
        let tokens = self
            .step("ID token verified", async { party.verify(&answer, pending) })
            .await?;
        let told = async {
            let claims = serde_json::to_value(party.userinfo(&tokens).await?)?;
            expect(claims.get("email") == Some(&json!("alice@example.test")), || {
                format!("userinfo told {claims}")
            })
        };
        self.step("userinfo names the same account", told).await?;
        Ok((code, tokens))
    }

    /// The resource server's verdicts; gives back the service's token.
    async fn resource_server(&mut self, party: &RelyingParty, tokens: &Tokens) -> Result<String, Stopped> {
        let (http, sample) = (self.http.clone(), self.sample);
        let url = format!("{}/books", sample.origins.resource);

        let called = async { status(&http.get(&url, Some(&tokens.access_token)).await?, StatusCode::OK) };
        self.step(
            "resource server took the access token, verified by JWKS alone",
            called,
        )
        .await?;
        let bare = async { status(&http.get(&url, None).await?, StatusCode::UNAUTHORIZED) };
        self.step("resource server refused a call without a token", bare)
            .await?;
        let wrong = async {
            status(
                &http.get(&url, Some(&tokens.id_token)).await?,
                StatusCode::UNAUTHORIZED,
            )
        };
        self.step("resource server refused an ID token", wrong).await?;

        let issued = async {
            let endpoint = &party.endpoints.token_endpoint;
            let fields = [("grant_type", "client_credentials"), ("scope", "books:read")];
            let answer = http
                .post_form(
                    endpoint,
                    (SERVICE_CLIENT, sample.service_secret.expose()),
                    &fields,
                )
                .await?;
            status(&answer, StatusCode::OK)?;
            let answer: Value = serde_json::from_slice(answer.body())?;
            let token = answer
                .get("access_token")
                .and_then(Value::as_str)
                .ok_or("no access_token")?;
            Ok(token.to_owned())
        };
        let token = self
            .step("service got a token for its client credentials", issued)
            .await?;
        let called = async { status(&http.get(&url, Some(&token)).await?, StatusCode::OK) };
        self.step("resource server took the service's token", called)
            .await?;
        let write = async {
            let request = http::Request::post(&url)
                .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(br#"{"title":"t","author":"a"}"#.to_vec())?;
            let answer = http.send(request).await?;
            status(&answer, StatusCode::FORBIDDEN)?;
            let challenge = answer.headers().get(http::header::WWW_AUTHENTICATE);
            let named = challenge
                .is_some_and(|value| value.as_bytes().windows(18).any(|w| w == b"insufficient_scope"));
            expect(named, || {
                "WWW-Authenticate does not say insufficient_scope".to_owned()
            })
        };
        self.step("resource server refused writing without the scope", write)
            .await?;
        Ok(token)
    }

    async fn refresh(&mut self, party: &RelyingParty, old: Tokens) -> Result<Tokens, Stopped> {
        let rotated = async {
            let new = party.refresh(&old).await?;
            expect(new.refresh_token.is_some(), || {
                "no new refresh token came".to_owned()
            })?;
            expect(new.refresh_token != old.refresh_token, || {
                "the refresh token was not replaced".to_owned()
            })?;
            Ok(new)
        };
        let new = self.step("refresh token rotated", rotated).await?;
        let retried = async {
            let again = party.refresh(&old).await?;
            expect(again.refresh_token == new.refresh_token, || {
                "a retry got another successor".to_owned()
            })?;
            Ok(again)
        };
        self.step("lost response retried within the grace: same successor", retried)
            .await
    }

    async fn revocation(
        &mut self,
        party: &RelyingParty,
        tokens: &Tokens,
        service: &str,
    ) -> Result<(), Stopped> {
        let (http, sample) = (self.http.clone(), self.sample);
        let web = (WEB_CLIENT, sample.web_secret.expose());
        let active = async |token: &str| {
            let books = (BOOKS_CLIENT, sample.books_secret.expose());
            let url = &party.endpoints.introspection_endpoint;
            let answer = http.post_form(url, books, &[("token", token)]).await?;
            status(&answer, StatusCode::OK)?;
            let answer: Value = serde_json::from_slice(answer.body())?;
            Ok::<_, BoxError>(answer.get("active") == Some(&Value::Bool(true)))
        };
        let revoke = async |token: &str| {
            let url = &party.endpoints.revocation_endpoint;
            status(
                &http.post_form(url, web, &[("token", token)]).await?,
                StatusCode::OK,
            )
        };
        let refresh_token = tokens.refresh_token.clone().unwrap_or_default();

        let seen = async {
            expect(active(&tokens.access_token).await?, || {
                "it is told inactive".to_owned()
            })
        };
        self.step("introspection tells the access token active", seen)
            .await?;
        self.step("access token revoked", revoke(&tokens.access_token))
            .await?;
        let seen = async {
            expect(!active(&tokens.access_token).await?, || {
                "it is told active".to_owned()
            })
        };
        self.step("introspection tells it inactive", seen).await?;
        let asked = async {
            let url = &party.endpoints.userinfo_endpoint;
            status(
                &http.get(url, Some(&tokens.access_token)).await?,
                StatusCode::UNAUTHORIZED,
            )
        };
        self.step("userinfo refuses it", asked).await?;
        self.step("refresh token revoked", revoke(&refresh_token)).await?;
        let refreshed = refused(party.refresh(tokens), "the revoked refresh token was taken");
        self.step("revoked refresh token refused", refreshed).await?;
        let other = async { expect(active(service).await?, || "it is told inactive".to_owned()) };
        self.step("the service's token is untouched", other).await
    }

    /// The sample relying party's own pages, with the session that the browser has by now.
    async fn bookshop(&mut self, browser: &mut Browser) -> Result<(), Stopped> {
        let sample = self.sample;
        let shown = async {
            let home = page(
                browser
                    .open(Url::parse(&sample.origins.relying_party)?, None)
                    .await?,
            )?;
            let form = home
                .form_to("/sign-in")
                .ok_or("the front page has no sign-in button")?;
            let mut landing = browser.submit(&home, &form, &[], None).await?;
            for _ in 0..MAX_PAGES {
                let current = page(landing)?;
                let kind = kind(&current);
                if kind.is_empty() {
                    expect(current.url.path() == "/tokens", || {
                        format!("came to {}", current.summary())
                    })?;
                    return Ok(current);
                }
                expect(kind == "consent", || {
                    format!("single sign-on asked for {kind} again")
                })?;
                landing = answer(browser, sample, &current, kind, None).await?;
            }
            Err("too many pages".into())
        };
        let tokens = self
            .step("signed in at the sample relying party by the same session", shown)
            .await?;
        let called = async {
            let form = tokens
                .form_to("/call/read")
                .ok_or("the page has no button that calls the API")?;
            let after = page(browser.submit(&tokens, &form, &[], None).await?)?;
            expect(after.html.contains("200 OK"), || {
                format!("the API was not called: {}", after.summary())
            })
        };
        self.step("its page called the API", called).await
    }

    async fn logout(
        &mut self,
        party: &RelyingParty,
        browser: &mut Browser,
        tokens: &Tokens,
    ) -> Result<(), Stopped> {
        let return_to = self.sample.origins.post_logout_redirect_uri();
        let out = async {
            let url = party.logout_url(&tokens.id_token, &return_to)?;
            let mut landing = browser.open(url, Some(&return_to)).await?;
            if let Landing::Page(page) = &landing
                && let Some(form) = page.form("logout")
            {
                let filled: Vec<(&str, &str)> = form.button("logout").into_iter().collect();
                landing = browser.submit(page, &form, &filled, Some(&return_to)).await?;
            }
            match landing {
                Landing::Awaited(_) => Ok(()),
                Landing::Page(page) if page.html.contains("id=\"logged-out\"") => Ok(()),
                Landing::Page(page) => Err(format!("came to {}", page.summary()).into()),
            }
        };
        self.step("signed out at the provider", out).await?;

        let redirect_uri = self.sample.origins.redirect_uri();
        let gone = async {
            let (mut url, pending) = party.authorization_url();
            let kept: Vec<(String, String)> = url
                .query_pairs()
                .into_owned()
                .filter(|(name, _)| name != "prompt")
                .collect();
            url.query_pairs_mut()
                .clear()
                .extend_pairs(kept)
                .append_pair("prompt", "none");
            let Landing::Awaited(url) = browser.open(url, Some(&redirect_uri)).await? else {
                return Err("prompt=none showed a page".into());
            };
            let response: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            match party.code(&pending, &response) {
                Err(error) if error.to_string().starts_with("login_required") => Ok(()),
                Err(error) => Err(error),
                Ok(_) => Err("the session still lives".into()),
            }
        };
        self.step("the session is over: prompt=none says login_required", gone)
            .await
    }
}

/// What a page of the provider asks for; empty when it is none of the pages of a sign-in.
fn kind(page: &Page) -> &'static str {
    if page.form("password").is_some() {
        "password"
    } else if page.form("code").is_some() {
        "second factor"
    } else if page
        .form("decision")
        .is_some_and(|form| form.offers("decision", "allow"))
    {
        "consent"
    } else {
        ""
    }
}

/// Fills in the form of a page as the account holder would.
async fn answer(
    browser: &mut Browser,
    sample: &Sample,
    page: &Page,
    kind: &str,
    awaited: Option<&str>,
) -> Result<Landing, BoxError> {
    let code = sample.totp.now().0;
    let (field, filled) = match kind {
        "password" => (
            "password",
            vec![("username", USERNAME), ("password", sample.pass_phrase.as_str())],
        ),
        "second factor" => ("code", vec![("code", code.as_str())]),
        _ => ("decision", vec![("decision", "allow")]),
    };
    let form = page.form(field).ok_or("the page has lost its form")?;
    browser.submit(page, &form, &filled, awaited).await
}

fn page(landing: Landing) -> Result<Page, BoxError> {
    match landing {
        Landing::Page(page) => Ok(page),
        Landing::Awaited(url) => Err(format!("sent to {}", url.path()).into()),
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn status(answer: &openidconnect::HttpResponse, expected: StatusCode) -> Result<(), BoxError> {
    if answer.status() == expected {
        return Ok(());
    }
    let body = String::from_utf8_lossy(answer.body())
        .chars()
        .take(200)
        .collect::<String>();
    Err(format!(
        "answered {} instead of {}: {body}",
        answer.status().as_u16(),
        expected.as_u16()
    )
    .into())
}

/// Turns a refusal by the provider (`invalid_grant`) into success.
async fn refused<T>(
    work: impl Future<Output = Result<T, BoxError>>,
    otherwise: &str,
) -> Result<(), BoxError> {
    match work.await {
        Ok(_) => Err(otherwise.into()),
        Err(error) if chain(error.as_ref()).contains("invalid_grant") => Ok(()),
        Err(error) => Err(error),
    }
}
