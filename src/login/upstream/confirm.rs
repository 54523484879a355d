//! `/login/connect/confirm`: the holder of an account, who has just proved it, connects it with an upstream.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use protocol::interaction::{Destination, FRESH, Interaction, Next, OwnPage};
use store::{Account, Conn};

use super::unknown::Unsettled;
use super::{expired, form_targets, resume, ui_locales};
use crate::app::App;
use crate::browser::{self, Current};
use crate::decision;
use crate::html;
use crate::pages::Page;
use crate::random;
use crate::upstream;
use crate::web::client_ip::ClientAddress;

/// The holder of an account, who proved it after coming back from the upstream, or the way to do so.
async fn holder(app: &App, unsettled: &Unsettled) -> Result<(Current, Account), Response> {
    let page = OwnPage {
        path: unsettled.action("/login/connect/confirm"),
        max_age: Some(FRESH),
    };
    let current = decision::require(app, &unsettled.headers, page.clone()).await?;
    let pending = &unsettled.pending;
    if current.session.auth_time < pending.since {
        // Whoever sits in front of a session that somebody left open is not yet its holder.
        let again = Interaction {
            id: random::secret("").expose().to_owned(),
            destination: Destination::Own(page),
            signed_in: None,
            ..pending.interaction.clone()
        };
        return Err(decision::to_page(app, &Next::Login, &again));
    }
    let id = current.session.account_id;
    let account = app
        .store
        .read(async move |db: &mut Conn| store::accounts::find(db, id).await)
        .await;
    match account {
        Ok(Some(account)) => Ok((current, account)),
        Ok(None) => Err(expired(app, &unsettled.headers)),
        Err(error) => Err(html::fail(app, &unsettled.headers, error)),
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let unsettled = match Unsettled::open(&app, request).await {
        Ok(unsettled) => unsettled,
        Err(refusal) => return refusal,
    };
    let (_, account) = match holder(&app, &unsettled).await {
        Ok(holder) => holder,
        Err(answer) => return answer,
    };
    unsettled.page(
        &app,
        &Page::UpstreamConfirm {
            action: &unsettled.action("/login/connect/confirm"),
            csrf: &unsettled.csrf(&app),
            upstream: unsettled.stored.upstream.display_name(),
            person: unsettled.pending.shown(),
            username: &account.username,
            form_targets: &form_targets(&unsettled.pending.interaction),
        },
    )
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(address): Extension<ClientAddress>,
    request: Request,
) -> Response {
    let unsettled = match Unsettled::open(&app, request).await {
        Ok(unsettled) => unsettled,
        Err(refusal) => return refusal,
    };
    let (current, account) = match holder(&app, &unsettled).await {
        Ok(holder) => holder,
        Err(answer) => return answer,
    };
    let mut interaction = unsettled.pending.interaction.clone();
    interaction.signed_in = Some(current.session.id);
    if unsettled.form.get("choice") != Some("connect") {
        // They are signed in all the same.
        return resume(&app, &interaction);
    }
    let locale = html::locale(&app, &unsettled.headers, ui_locales(&interaction));
    let upstream = &unsettled.stored.upstream;
    match upstream::connect(&app, upstream, &unsettled.pending, &account, locale, address).await {
        Ok(true) => {
            let mut cookies = HeaderMap::new();
            if let Err(error) = browser::renew(&app, &current, &mut cookies).await {
                return html::fail(&app, &unsettled.headers, error);
            }
            let mut answer = resume(&app, &interaction);
            answer.headers_mut().extend(cookies);
            answer
        }
        Ok(false) => expired(&app, &unsettled.headers),
        Err(error) => html::fail(&app, &unsettled.headers, error),
    }
}
