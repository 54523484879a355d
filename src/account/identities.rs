//! `/account/identities`: the sign-ins elsewhere that lead to this account.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use protocol::id::{AccountId, SessionId};
use protocol::interaction::{Destination, FRESH, OwnPage};
use protocol::secret::TokenHash;
use store::{Account, Conn, StoreError, StoredUpstream, UpstreamIdentity};

use super::Visit;
use crate::app::App;
use crate::browser;
use crate::hex;
use crate::html;
use crate::pages::{AccountNotice, AccountPart, IdentityCard, Locale, Page, UpstreamCard};
use crate::upstream::{self, Disconnected, Flow, begin, missing};
use crate::web;

const PAGE: &str = "/account/identities";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(PAGE, get(show))
        .route(
            "/account/identities/connect/{name}",
            get(connect).head(web::no_head),
        )
        .route("/account/identities/end", post(end))
}

/// A connection and how it is shown.
pub(super) struct Shown {
    pub(super) identity: UpstreamIdentity,
    pub(super) id: String,
    pub(super) title: String,
    /// Whether the upstream lets people in now.
    pub(super) open: bool,
}

/// The connections of an account, and all upstreams.
pub(super) async fn held(app: &App, id: AccountId) -> Result<(Vec<Shown>, Vec<StoredUpstream>), StoreError> {
    let (identities, upstreams) = app
        .store
        .read(async move |db: &mut Conn| {
            let identities = store::upstream_identities::list(db, id).await?;
            Ok((identities, store::upstreams::list(db).await?))
        })
        .await?;
    let shown = |identity: UpstreamIdentity| {
        let mut there = upstreams
            .iter()
            .filter(|stored| stored.upstream.issuer == identity.issuer);
        let first = there.clone().next();
        Shown {
            id: hex::encode(TokenHash::of(&format!("{}\n{}", identity.issuer, identity.subject)).as_bytes()),
            title: first
                .map_or(identity.issuer.as_str(), |stored| stored.upstream.display_name())
                .to_owned(),
            open: there.any(|stored| stored.upstream.enabled),
            identity,
        }
    };
    Ok((identities.into_iter().map(shown).collect(), upstreams))
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PAGE, None).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let (held, upstreams) = match held(&app, visit.account.id).await {
        Ok(found) => found,
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let identities: Vec<_> = held
        .iter()
        .map(|shown| IdentityCard {
            title: &shown.title,
            id: &shown.id,
            open: shown.open,
            created_at: shown.identity.created_at,
            last_used_at: shown.identity.last_used_at,
        })
        .collect();
    let upstreams: Vec<_> = upstreams
        .into_iter()
        .filter(|stored| stored.upstream.enabled)
        .map(|stored| UpstreamCard {
            action: format!("{PAGE}/connect/{}", stored.upstream.name),
            title: stored.upstream.display_name().to_owned(),
            name: stored.upstream.name,
        })
        .collect();
    let page = Page::AccountIdentities {
        frame: visit.frame(AccountPart::Identities),
        identities: &identities,
        upstreams: &upstreams,
    };
    visit.page(&app, StatusCode::OK, &page)
}

/// Leads to an upstream; nothing is connected before the way back has been confirmed.
async fn connect(State(app): State<Arc<App>>, Path(name): Path<String>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PAGE, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let stored = match upstream::find(&app, &name).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return missing(&app, &visit.headers),
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let Some(browser) = browser::csrf_binding(&app, &visit.headers) else {
        return missing(&app, &visit.headers);
    };
    let page = OwnPage {
        path: PAGE.to_owned(),
        max_age: None,
    };
    let interaction = browser::interaction(&app, Destination::Own(page), browser);
    let mut flow = Flow::new(&stored.upstream, interaction, app.now());
    flow.connect = true;
    begin(&app, &visit.headers, &stored.upstream, &flow).await
}

async fn end(State(app): State<Arc<App>>, request: Request) -> Response {
    let visit = match Visit::open(&app, request, PAGE, Some(FRESH)).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let held = match held(&app, visit.account.id).await {
        Ok((held, _)) => held,
        Err(error) => return html::fail(&app, &visit.headers, error),
    };
    let wanted = visit.form.get("identity").unwrap_or_default();
    let Some(shown) = held.iter().find(|shown| shown.id == wanted) else {
        return visit.not_found(&app);
    };
    let locale = visit.locale(&app);
    let kept = Some(visit.current.session.id);
    match disconnect(&app, &visit.account, shown, kept, locale).await {
        Ok(Disconnected::Done) => visit.done(PAGE, AccountNotice::IdentityEnded),
        Ok(Disconnected::LastWay) => visit.done(PAGE, AccountNotice::IdentityLast),
        Ok(Disconnected::Missing) => visit.not_found(&app),
        Err(error) => html::fail(&app, &visit.headers, error),
    }
}

/// Takes a connection away. Whoever came in that way is sent out, but for the session that is kept.
pub(super) async fn disconnect(
    app: &App,
    account: &Account,
    shown: &Shown,
    kept: Option<SessionId>,
    locale: Locale,
) -> Result<Disconnected, StoreError> {
    let done = upstream::disconnect(app, account, &shown.identity, &shown.title, locale).await?;
    if done == Disconnected::Done {
        browser::end_sessions(app, account.id, kept).await?;
    }
    Ok(done)
}
