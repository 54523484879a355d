//! As much of a browser as the check needs: cookies, redirects one at a time, and forms.

use std::collections::BTreeMap;

use http::header;
use url::Url;

use super::BoxError;
use super::transport::Http;

const MAX_REDIRECTS: usize = 12;

pub(super) struct Browser {
    http: Http,
    // Cookies know no ports, and the demo knows one host.
    cookies: BTreeMap<String, Cookie>,
}

struct Cookie {
    value: String,
    path: String,
}

/// Where a navigation ended.
pub(super) enum Landing {
    /// At a page.
    Page(Page),
    /// At a redirect to the URL that was waited for, which was not followed.
    Awaited(Url),
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) status: http::StatusCode,
    pub(super) html: String,
}

/// A form with its fields as the page filled them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    action: String,
    get: bool,
    fields: Vec<(String, String)>,
    buttons: Vec<(String, String)>,
}

impl Browser {
    pub(super) fn new(http: Http) -> Browser {
        Browser {
            http,
            cookies: BTreeMap::new(),
        }
    }

    /// Opens `url`, following redirects except one that begins with `awaited`.
    pub(super) async fn open(&mut self, url: Url, awaited: Option<&str>) -> Result<Landing, BoxError> {
        self.navigate(url, None, awaited).await
    }

    /// Sends `form` of `page` with some of its fields filled in and, by name and value, a button pressed.
    pub(super) async fn submit(
        &mut self,
        page: &Page,
        form: &Form,
        filled: &[(&str, &str)],
        awaited: Option<&str>,
    ) -> Result<Landing, BoxError> {
        let kept = form
            .fields
            .iter()
            .filter(|(name, _)| filled.iter().all(|(other, _)| name != other));
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(kept.map(|(name, value)| (name.as_str(), value.as_str())));
        body.extend_pairs(filled);
        let mut target = if form.action.is_empty() {
            page.url.clone()
        } else {
            page.url.join(&form.action)?
        };
        if form.get {
            target.set_query(Some(&body.finish()));
            return self.navigate(target, None, awaited).await;
        }
        let origin = page.url.origin().ascii_serialization();
        self.navigate(target, Some((body.finish(), origin)), awaited)
            .await
    }

    async fn navigate(
        &mut self,
        mut url: Url,
        mut post: Option<(String, String)>,
        awaited: Option<&str>,
    ) -> Result<Landing, BoxError> {
        for _ in 0..MAX_REDIRECTS {
            if awaited.is_some_and(|awaited| url.as_str().starts_with(awaited)) {
                return Ok(Landing::Awaited(url));
            }
            let mut request = http::Request::builder()
                .uri(url.as_str())
                .header(header::ACCEPT, "text/html")
                .header(header::ACCEPT_LANGUAGE, "en");
            let cookies = self.cookies_for(url.path());
            if !cookies.is_empty() {
                request = request.header(header::COOKIE, cookies);
            }
            let request = match post.take() {
                Some((body, origin)) => request
                    .method("POST")
                    .header(header::ORIGIN, origin)
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(body.into_bytes())?,
                None => request.body(Vec::new())?,
            };
            let response = self.http.send(request).await?;
            for line in response.headers().get_all(header::SET_COOKIE) {
                self.keep_cookie(line.to_str()?);
            }
            let location = response
                .headers()
                .get(header::LOCATION)
                .filter(|_| response.status().is_redirection());
            let Some(location) = location else {
                let status = response.status();
                let html = String::from_utf8(response.into_body())?;
                return Ok(Landing::Page(Page { url, status, html }));
            };
            url = url.join(location.to_str()?)?;
        }
        Err(format!("more than {MAX_REDIRECTS} redirects, the last to {}", url.path()).into())
    }

    fn cookies_for(&self, path: &str) -> String {
        let fits = |cookie: &Cookie| {
            path.strip_prefix(cookie.path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.path.ends_with('/'))
        };
        let pairs = self.cookies.iter().filter(|(_, cookie)| fits(cookie));
        pairs
            .map(|(name, cookie)| format!("{name}={}", cookie.value))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn keep_cookie(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let mut cookie = Cookie {
            value: value.to_owned(),
            path: "/".to_owned(),
        };
        for attribute in parts {
            let (key, setting) = attribute.split_once('=').unwrap_or((attribute, ""));
            if key.eq_ignore_ascii_case("path") {
                cookie.path = setting.to_owned();
            } else if key.eq_ignore_ascii_case("max-age") && setting.starts_with(['0', '-']) {
                self.cookies.remove(name);
                return;
            }
        }
        self.cookies.insert(name.to_owned(), cookie);
    }
}

impl Page {
    /// The first form with a field or button of that name.
    pub(super) fn form(&self, name: &str) -> Option<Form> {
        let named = |pairs: &[(String, String)]| pairs.iter().any(|(field, _)| field == name);
        forms(&self.html)
            .into_iter()
            .find(|form| named(&form.fields) || named(&form.buttons))
    }

    /// The first form whose `action` ends so.
    pub(super) fn form_to(&self, action: &str) -> Option<Form> {
        forms(&self.html)
            .into_iter()
            .find(|form| form.action.ends_with(action))
    }

    /// The page in a line, for the report of a failure.
    pub(super) fn summary(&self) -> String {
        let text = |from: &str| {
            let rest = self.html.split_once(from)?.1.split_once('>')?.1;
            Some(decode(rest.split('<').next()?).trim().to_owned())
        };
        let mut summary = format!("{} with status {}", self.url.path(), self.status.as_u16());
        for part in ["id=\"error-code\"", "<h1", "role=\"alert\""]
            .into_iter()
            .filter_map(text)
        {
            if !part.is_empty() {
                summary.push_str(&format!(", {part:?}"));
            }
        }
        summary
    }
}

impl Form {
    /// Whether the form can be sent with this.
    pub(super) fn offers(&self, name: &str, value: &str) -> bool {
        self.buttons
            .iter()
            .any(|(button, sent)| button == name && sent == value)
    }

    /// The button of that name, as it is sent when pressed.
    pub(super) fn button(&self, name: &str) -> Option<(&str, &str)> {
        self.buttons
            .iter()
            .find(|(button, _)| button == name)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The forms of a page, in order.
fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (name, attributes, remaining) = tag(after);
        rest = remaining;
        let get = |wanted: &str| {
            attributes
                .iter()
                .find(|(key, _)| key == wanted)
                .map(|(_, value)| value.clone())
        };
        match name.as_str() {
            "form" => {
                forms.extend(open.take());
                let is_get = !get("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
                open = Some(Form {
                    action: get("action").unwrap_or_default(),
                    get: is_get,
                    ..Form::default()
                });
            }
            "/form" => forms.extend(open.take()),
            "input" | "button" => {
                let (Some(form), Some(field)) = (open.as_mut(), get("name")) else {
                    continue;
                };
                let kind = get("type").unwrap_or_default();
                let value = get("value").unwrap_or_default();
                let chosen = get("checked").is_some() || !matches!(kind.as_str(), "checkbox" | "radio");
                if name == "button" || kind == "submit" {
                    form.buttons.push((field, value));
                } else if chosen {
                    form.fields.push((field, value));
                }
            }
            _ => {}
        }
    }
    forms.extend(open);
    forms
}

/// Reads a tag behind its `<`: its name, its attributes, and what follows it.
fn tag(text: &str) -> (String, Vec<(String, String)>, &str) {
    let name_end = text
        .find(|c: char| c.is_whitespace() || c == '>')
        .unwrap_or(text.len());
    let (name, mut rest) = text.split_at(name_end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            break;
        }
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        let key_end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '=' | '>'))
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(key_end);
        let mut value = "";
        rest = after;
        if let Some(after) = after.trim_start().strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => after
                    .get(1..)
                    .and_then(|t| t.split_once(quote))
                    .unwrap_or((after, "")),
                None => after.split_at(
                    after
                        .find(|c: char| c.is_whitespace() || c == '>')
                        .unwrap_or(after.len()),
                ),
            };
        } else if key.is_empty() {
            break;
        }
        attributes.push((key.to_ascii_lowercase(), decode(value)));
    }
    (name.to_ascii_lowercase(), attributes, rest)
}

/// Replaces the character references that templates write.
fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let reference = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        let decoded = reference.and_then(|(name, after)| Some((character(name)?, after)));
        match decoded {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_with_their_fields_and_buttons() {
        let html = r#"<p>1 &lt; 2</p><form method="post" action="/login?i=a&amp;b=&#x2f;c">
            <input type=hidden name='csrf' value="x>y"><input name="username" required autofocus/>
            <input type="checkbox" name="remember" value="1"><button name="decision" value="allow">Allow</button>
            </form><form action="/other"><input name="code"></form>"#;
        let forms = forms(html);
        assert_eq!(forms.len(), 2);
        assert_eq!(forms[0].action, "/login?i=a&b=/c");
        assert!(!forms[0].get && forms[1].get);
        let fields: Vec<_> = forms[0]
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(fields, [("csrf", "x>y"), ("username", "")]);
        assert!(forms[0].offers("decision", "allow"));
    }

    #[test]
    fn broken_markup_ends_the_scan() {
        for html in [
            "<",
            "<form",
            "<form action",
            "<form action=",
            "<form action=\"x",
            "<input name='a",
            "<a =b>",
            "<>",
            "<é x=é>",
        ] {
            let _ = forms(html);
        }
        assert_eq!(
            decode("a & b &unknown; &#x110000; &amp"),
            "a & b &unknown; &#x110000; &amp"
        );
    }

    #[test]
    fn cookies_are_kept_by_name_and_path_until_they_end() {
        let mut browser = Browser::new(Http::new());
        browser.keep_cookie("a=1; Path=/; HttpOnly");
        browser.keep_cookie("b=2; Path=/login");
        assert_eq!(browser.cookies_for("/login/x"), "a=1; b=2");
        assert_eq!(browser.cookies_for("/loginx"), "a=1");
        browser.keep_cookie("a=; Max-Age=0; Path=/");
        assert_eq!(browser.cookies_for("/"), "");
    }
}
