//! The pages of the sample relying party: plain HTML, one stylesheet, nothing from elsewhere.

use protocol::jose;
use serde_json::Value;

use super::explain;
use super::oidc::Tokens;
use super::relying_party::Call;

pub(super) const STYLE: &str = include_str!("style.css");

/// Makes text safe between tags and inside quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn page(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"/style.css\">{head}</head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>\n",
        title = escape(title),
    )
}

fn button(action: &str, label: &str, class: &str) -> String {
    format!("<form method=\"post\" action=\"{action}\"><button class=\"{class}\">{label}</button></form>")
}

/// The front page.
pub(super) fn home() -> String {
    let button = button("/sign-in", "Sign in with Chancery", "primary");
    page(
        "Demo bookshop",
        "",
        &format!(
            "<p>A relying party: it knows no passwords and lets the provider say who you are.</p>{button}"
        ),
    )
}

/// Something went wrong on the way back from the provider.
pub(super) fn problem(what: &str) -> String {
    let again = button("/sign-in", "Try again", "primary");
    page(
        "That did not work",
        "",
        &format!("<p class=\"notice\" role=\"alert\">{}</p>{again}", escape(what)),
    )
}

/// The stand-in for an authenticator app.
pub(super) fn authenticator(code: &str, remaining: i64) -> String {
    let head = format!(
        "<meta http-equiv=\"refresh\" content=\"{}\">",
        remaining.clamp(1, 3)
    );
    let grouped = code
        .split_at_checked(3)
        .map_or(code.to_owned(), |(left, right)| format!("{left} {right}"));
    page(
        "Authenticator",
        &head,
        &format!(
            "<p>In place of the app on your phone: the code for <strong>alice</strong>.</p>\
             <p class=\"code\" id=\"code\" aria-label=\"{code}\">{grouped}</p>\
             <progress max=\"30\" value=\"{remaining}\"></progress>\
             <p>{remaining} seconds left</p>"
        ),
    )
}

/// What the sign-in gave, explained.
pub(super) fn tokens(
    tokens: &Tokens,
    userinfo: &Value,
    call: Option<&Call>,
    notice: Option<&str>,
    now: i64,
) -> String {
    let notice = notice.map(|text| format!("<p class=\"notice\" role=\"status\">{}</p>", escape(text)));
    let expires = tokens
        .expires_in
        .map(|seconds| format!(" for {seconds} seconds"))
        .unwrap_or_default();
    let body = format!(
        "{notice}\
         <div>{read}{write}{bare}{refresh}{out}</div>\
         {call}\
         <h2>ID token</h2><p>For this relying party: who signed in, when and how. Its signature, issuer, audience, \
         times and nonce have been verified.</p>{id_token}\
         <h2>Access token</h2><p>For the resource server, good{expires}, with the scope <code>{scope}</code>. The relying party would not look inside; \
         we do, to show what the resource server reads.</p>{access_token}\
         <h2>Refresh token</h2><p>{refresh_token}</p>\
         <h2>Userinfo</h2><p>What the provider answers when asked about the account with this access token.</p>\
         <pre>{userinfo}</pre>\
         <h2>The tokens as sent</h2><p>ID token</p><pre>{raw_id_token}</pre><p>Access token</p><pre>{raw_access_token}</pre>",
        notice = notice.unwrap_or_default(),
        scope = escape(&tokens.scope),
        read = button("/call/read", "Call the API", "primary"),
        write = button("/call/write", "Add a book", ""),
        bare = button("/call/bare", "Call without a token", ""),
        refresh = button("/refresh", "Refresh", ""),
        out = button("/sign-out", "Sign out", ""),
        call = call.map(exchange).unwrap_or_default(),
        id_token = claims(&tokens.id_token, now),
        access_token = claims(&tokens.access_token, now),
        refresh_token = match &tokens.refresh_token {
            Some(token) => format!(
                "An opaque secret that is replaced at each use: <code>{}…</code>",
                escape(token.get(..12).unwrap_or_default())
            ),
            None => "None was given.".to_owned(),
        },
        userinfo = escape(&pretty(userinfo)),
        raw_id_token = escape(&tokens.id_token),
        raw_access_token = escape(&tokens.access_token),
    );
    page("You are signed in", "", &body)
}

fn claims(token: &str, now: i64) -> String {
    match jose::parse_unverified(token) {
        Ok(parsed) => {
            let typ = parsed.typ.as_deref().unwrap_or("none");
            let kid = parsed.kid.as_deref().unwrap_or("none");
            format!(
                "<p>Header: <code>alg</code> {}, <code>typ</code> {}, <code>kid</code> {}</p>{}",
                escape(&parsed.alg),
                escape(typ),
                escape(kid),
                explain::table(&parsed.claims, now)
            )
        }
        Err(_) => "<p>An opaque token: only the provider can read it.</p>".to_owned(),
    }
}

fn exchange(call: &Call) -> String {
    format!(
        "<h2>Request to the API</h2><pre>{}</pre><h2>Its answer</h2><pre>{}</pre>",
        escape(&call.request),
        escape(&call.response)
    )
}

/// JSON as people read it.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let html = problem("<script>alert('1')</script>");
        assert!(!html.contains("<script") && html.contains("&#39;1&#39;"));
    }

    #[test]
    fn the_authenticator_shows_the_code_in_two_halves() {
        let html = authenticator("123456", 7);
        assert!(html.contains("123 456") && html.contains("7 seconds left"));
    }
}
