//! `/account/sessions`: where the account is signed in.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::id::{AccountId, SessionId};
use protocol::interaction::FRESH;
use protocol::session::Acr;
use store::sessions::ListedSession;
use store::{Conn, StoreError};
use uuid::Uuid;

use super::Visit;
use crate::app::App;
use crate::browser;
use crate::html;
use crate::pages::{AccountNotice, AccountPart, Page, SessionCard};

const PATH: &str = "/account/sessions";

/// The sessions in which an account is signed in, the last seen first.
pub(super) async fn list(app: &App, id: AccountId) -> Result<Vec<ListedSession>, StoreError> {
    let now = app.now();
    let idle_since = now - app.config.sessions.idle;
    app.store
        .read(async move |db: &mut Conn| {
            store::sessions::list_with_devices(db, Some(id), now, idle_since).await
        })
        .await
}

/// The network of an address, as exactly as its holder needs to recognise it: a /24 or a /48.
pub(super) fn network(address: Option<&str>) -> String {
    match address.and_then(|address| address.parse().ok()) {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        None => String::new(),
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, None).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let sessions = match list(&app, visit.account.id).await {
        Ok(sessions) => sessions,
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let texts: Vec<_> = sessions
        .iter()
        .map(|listed| (listed.session.id.to_string(), network(listed.address.as_deref())))
        .collect();
    let cards: Vec<_> = sessions
        .iter()
        .zip(&texts)
        .map(|(listed, (id, network))| SessionCard {
            id,
            user_agent: listed.user_agent.as_deref().unwrap_or_default(),
            network,
            signed_in_at: listed.session.created_at,
            last_seen_at: listed.session.last_seen_at,
            two_factors: listed.session.acr() == Acr::MultiFactor,
            current: listed.session.id == visit.current.session.id,
        })
        .collect();
    let page = Page::AccountSessions {
        frame: visit.frame(AccountPart::Sessions),
        sessions: &cards,
    };
    visit.page(&app, StatusCode::OK, &page)
}

/// Ends the session that the form names.
pub(super) async fn end(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let named = visit.form.get("session").and_then(|id| Uuid::parse_str(id).ok());
    let Some(id) = named.map(SessionId) else {
        return visit.not_found(&app);
    };
    match browser::end_session(&app, visit.account.id, id).await {
        Ok(true) if id == visit.current.session.id => signed_out(&app),
        Ok(true) => visit.done(PATH, AccountNotice::SessionEnded),
        Ok(false) => visit.not_found(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// Ends all sessions but the one that asks.
pub(super) async fn end_others(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    match browser::end_sessions(&app, visit.account.id, Some(visit.current.session.id)).await {
        Ok(_) => visit.done(PATH, AccountNotice::SessionsEnded),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// Ends all sessions.
pub(super) async fn end_all(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PATH, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    match browser::end_sessions(&app, visit.account.id, None).await {
        Ok(_) => signed_out(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

fn signed_out(app: &App) -> Response {
    let mut cookies = HeaderMap::new();
    browser::forget(app, &mut cookies);
    let mut answer = html::see_other("/");
    answer.headers_mut().extend(cookies);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_its_network() {
        for (address, shown) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "0:0:0::/48"),
            ("<b>", ""),
        ] {
            assert_eq!(network(Some(address)), shown);
        }
        assert_eq!(network(None), "");
    }
}
