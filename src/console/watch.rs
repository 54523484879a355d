//! How long the console was left alone. A sealed cookie holds when it was last used in which session, so that neither
//! the pages of the account nor sign-ins at apps keep it open.

use axum::http::HeaderMap;
use protocol::id::SessionId;
use protocol::time::Timestamp;
use uuid::Uuid;

use crate::app::App;
use crate::web::cookies::Cookies;

const COOKIE: &str = "console";

/// Whether this session used the console not long ago.
pub(super) fn is_open(app: &App, headers: &HeaderMap, session: SessionId) -> bool {
    let cookies = Cookies::new(app.is_https());
    let seen = cookies.read(headers, COOKIE).and_then(|value| read(app, value));
    seen.is_some_and(|(of, at)| {
        of == session && app.now().since(at) < app.config.admin.session_idle.as_secs()
    })
}

fn read(app: &App, value: &str) -> Option<(SessionId, Timestamp)> {
    let plain = app.sealer.open_text(COOKIE, value)?;
    let text = String::from_utf8(plain).ok()?;
    let (session, at) = text.split_once(' ')?;
    Some((
        SessionId(Uuid::parse_str(session).ok()?),
        Timestamp(at.parse().ok()?),
    ))
}

/// Notes that the session uses the console now.
pub(super) fn note(app: &App, session: SessionId, answer: &mut HeaderMap) {
    let plain = format!("{session} {}", app.now().0);
    let sealed = app.sealer.seal_text(COOKIE, plain.as_bytes());
    Cookies::new(app.is_https()).put(answer, COOKIE, &sealed, None);
}
