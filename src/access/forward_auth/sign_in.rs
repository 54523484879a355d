//! The way from a page behind a proxy to the sign-in and back again, for a browser that shows a page of the issuer's own
//! host.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use ipnet::IpNet;
use protocol::interaction::{Destination, OwnPage};
use url::Url;

use crate::app::App;
use crate::browser;
use crate::decision;
use crate::web::client_ip;

/// A longer way back is not remembered.
const MAX_PATH: usize = 2048;

/// Sends the browser to the sign-in; nothing when that would lead nowhere.
pub(super) async fn begin(app: &App, request: &Parts) -> Option<Response> {
    let headers = &request.headers;
    let told = Told::of(
        headers,
        is_trusted(request, &app.config.server.trusted_proxies),
        &app.origin,
    );
    if !told.is_page || !told.is_ours {
        return None;
    }
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let page = OwnPage {
        path: told.path,
        max_age: None,
    };
    let interaction = browser::interaction(app, Destination::Own(page), browser::fingerprint(&mark));
    let decided = decision::decide(app, headers, None, &interaction).await.ok()?;
    let mut answer = decision::own(app, decided, &interaction);
    let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    let location = HeaderValue::try_from(format!("{}{location}", app.origin)).ok()?;
    *answer.status_mut() = StatusCode::FOUND;
    answer.headers_mut().insert(header::LOCATION, location);
    answer.headers_mut().extend(cookies);
    Some(answer)
}

fn is_trusted(request: &Parts, proxies: &[IpNet]) -> bool {
    let peer = client_ip::peer(&request.extensions).to_canonical();
    proxies.iter().any(|network| network.contains(&peer))
}

/// What a trusted proxy tells about the request that it holds.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// Whether the browser shows what comes back.
    is_page: bool,
    /// Whether it was sent to the issuer's own host.
    is_ours: bool,
    /// Where to come back to.
    path: String,
}

impl Told {
    fn of(headers: &HeaderMap, trusted: bool, origin: &str) -> Told {
        let first = |names: &[&str]| {
            let mut named = names.iter().filter_map(|name| headers.get(*name));
            named
                .next()
                .filter(|_| trusted)
                .map(|value| value.to_str().unwrap_or_default())
        };
        let method = first(&["x-forwarded-method", "x-original-method"]);
        let host = first(&["x-forwarded-host"]);
        let uri = first(&["x-forwarded-uri", "x-original-uri", "x-original-url"]);
        let own_host = origin.split_once("://").map_or("", |(_, host)| host);
        Told {
            is_page: method.is_none_or(|method| ["GET", "HEAD"].contains(&method)),
            is_ours: host.is_none_or(|host| host.eq_ignore_ascii_case(own_host)),
            path: uri
                .and_then(|uri| own_path(uri, origin))
                .unwrap_or_else(|| "/".to_owned()),
        }
    }
}

/// A path and query of the issuer's own origin; nothing that a browser would take for another one's.
fn own_path(uri: &str, origin: &str) -> Option<String> {
    let path = match Url::parse(uri) {
        Ok(url) if url.origin().ascii_serialization() == origin => {
            url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()
        }
        Ok(_) => return None,
        Err(_) => uri.to_owned(),
    };
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let here = path.starts_with('/') && !path.starts_with("//");
    (plain && here && path.len() <= MAX_PATH).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://id.example";

    #[test]
    fn the_way_back_leads_to_the_same_origin() {
        for (uri, path) in [
            ("/app/page?x=1&y=%2F", Some("/app/page?x=1&y=%2F")),
            ("https://id.example/app?x", Some("/app?x")),
            ("https://evil.example/app", None),
            ("//evil.example/", None),
            ("/\\evil.example/", None),
            ("\\/evil.example/", None),
            ("javascript:alert(1)", None),
            ("https://id.example@evil.example/", None),
            ("https://id.example//evil.example/", None),
            ("/a b", None),
            ("/a\r\nSet-Cookie: x=y", None),
            ("app", None),
            ("", None),
        ] {
            assert_eq!(own_path(uri, ORIGIN).as_deref(), path, "{uri}");
        }
        assert_eq!(own_path(&format!("/{}", "a".repeat(MAX_PATH)), ORIGIN), None);
    }

    #[test]
    fn only_a_trusted_proxy_tells_anything() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-method", HeaderValue::from_static("POST"));
        headers.insert("x-forwarded-host", HeaderValue::from_static("app.example"));
        headers.insert("x-forwarded-uri", HeaderValue::from_static("/app"));
        let told = |is_page, is_ours, path: &str| Told {
            is_page,
            is_ours,
            path: path.to_owned(),
        };
        assert_eq!(Told::of(&headers, true, ORIGIN), told(false, false, "/app"));
        assert_eq!(Told::of(&headers, false, ORIGIN), told(true, true, "/"));
        headers.insert("x-forwarded-method", HeaderValue::from_static("GET"));
        headers.insert("x-forwarded-host", HeaderValue::from_static("ID.example"));
        assert_eq!(Told::of(&headers, true, ORIGIN), told(true, true, "/app"));
    }
}
