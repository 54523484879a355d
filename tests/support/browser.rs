//! A browser without scripts: it keeps cookies, follows redirects within the server, and fills in forms.

use std::collections::BTreeMap;

use scraper::{Html, Selector};

use super::http::{Answer, Request};
use super::server::Server;

/// A browser window.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a Server) -> Browser<'a> {
        Browser {
            server,
            cookies: BTreeMap::new(),
        }
    }

    /// Sends one request with the cookies, and keeps those that come back.
    pub(crate) async fn send(&mut self, mut request: Request) -> Answer {
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            request = request.header("cookie", cookies.join("; "));
        }
        let answer = self.server.send(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Opens a path and follows redirects as long as they stay on the server.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let answer = self.send(Request::get(path)).await;
        self.follow(answer).await
    }

    async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            match answer.header("location") {
                Some(path) if path.starts_with('/') => {
                    assert_eq!(answer.status, 303);
                    let path = path.to_owned();
                    answer = self.send(Request::get(path)).await;
                }
                _ => return answer,
            }
        }
        panic!("redirects without end");
    }

    /// Fills in the form of a page, sends it, and follows.
    pub(crate) async fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let answer = self.send(Form::of(&page.body).filled(fields)).await;
        self.follow(answer).await
    }

    /// Opens an authorization request and signs in with user name and password where asked.
    pub(crate) async fn sign_in(&mut self, path: &str, username: &str, password: &str) -> Answer {
        let page = self.open(path).await;
        assert!(
            page.body.contains("name=\"password\""),
            "no sign-in page: {} {}",
            page.status,
            page.body
        );
        self.submit(&page, &[("username", username), ("password", password)])
            .await
    }
}

/// The form of a page: where it goes, and its hidden inputs.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
}

impl Form {
    pub(crate) fn of(html: &str) -> Form {
        Form::selected(html, "form")
    }

    /// The first form of a page that goes to `action`.
    pub(crate) fn at(html: &str, action: &str) -> Form {
        Form::selected(html, &format!("form[action=\"{action}\"]"))
    }

    fn selected(html: &str, selector: &str) -> Form {
        let page = Html::parse_document(html);
        let form = page
            .select(&Selector::parse(selector).unwrap())
            .next()
            .unwrap_or_else(|| panic!("no {selector} in {html}"));
        let inputs = Selector::parse("input[type=hidden]").unwrap();
        let hidden = form.select(&inputs);
        Form {
            action: form.value().attr("action").unwrap_or_default().to_owned(),
            hidden: hidden
                .map(|input| {
                    let attribute = |name| input.value().attr(name).unwrap_or_default().to_owned();
                    (attribute("name"), attribute("value"))
                })
                .collect(),
        }
    }

    /// The request that sending the form makes.
    pub(crate) fn filled(&self, fields: &[(&str, &str)]) -> Request {
        let hidden = self
            .hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        Request::form(self.action.clone(), &pairs)
    }
}
