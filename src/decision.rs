//! Gathers the facts for the one decision and follows it, for clients and for pages of the server's own.

use axum::http::HeaderMap;
use axum::response::Response;
use protocol::client::Client;
use protocol::interaction::{Destination, Facts, Interaction, Next, OwnPage, SecondFactor, next};
use protocol::role;
use protocol::scope::Scope;
use protocol::session::MfaPolicy;
use store::{Conn, StoreError};

use crate::app::App;
use crate::browser::{self, Current};
use crate::html;

/// What comes next, and what that was concluded from.
pub(crate) struct Decision {
    /// What comes next.
    pub(crate) step: Next,
    /// The session of the browser.
    pub(crate) current: Option<Current>,
    /// The part of the scope asked for that the account may give.
    pub(crate) scope: Scope,
}

/// What the decision needs to know of the account.
struct Known {
    subject: String,
    second_factor: SecondFactor,
    must_change_password: bool,
    scope: Scope,
    remembered: Option<Scope>,
}

async fn know(
    app: &App,
    current: &Current,
    client: Option<&Client>,
    interaction: &Interaction,
) -> Result<Option<Known>, StoreError> {
    let catalogue = app.catalogue().await?;
    let (id, now) = (current.session.account_id, app.now());
    let client_id = client.map(|client| client.client_id.clone());
    let found = app
        .store
        .read(async move |db: &mut Conn| {
            let Some(account) = store::accounts::find(db, id).await? else {
                return Ok(None);
            };
            let enrolled = store::credentials::has_second_factor(db, id).await?;
            let authority = store::roles::authority(db, id, now).await?;
            let remembered = match client_id {
                Some(client_id) => store::consents::find(db, id, &client_id).await?,
                None => None,
            };
            Ok(Some((account, enrolled, authority, remembered)))
        })
        .await?;
    let Some((account, enrolled, authority, remembered)) = found else {
        return Ok(None);
    };
    let stated = [account.mfa, authority.mfa, client.and_then(|client| client.mfa)];
    let scope = match (client, interaction.request()) {
        (Some(client), Some(request)) => {
            role::narrow(&request.scope, &client.scope, &catalogue.scopes, &authority)
        }
        _ => Scope::empty(),
    };
    Ok(Some(Known {
        subject: id.to_string(),
        second_factor: SecondFactor {
            policy: MfaPolicy::effective(stated, app.config.accounts.mfa),
            enrolled,
        },
        must_change_password: account.must_change_password,
        scope,
        remembered,
    }))
}

/// Decides what comes next for the browser that sent `headers`.
pub(crate) async fn decide(
    app: &App,
    headers: &HeaderMap,
    client: Option<&Client>,
    interaction: &Interaction,
) -> Result<Decision, StoreError> {
    let current = browser::session(app, headers).await?;
    let known = match &current {
        Some(current) => know(app, current, client, interaction).await?,
        None => None,
    };
    let Some((current, known)) = current.zip(known) else {
        return Ok(Decision {
            step: next(&facts(app, interaction, client, None)),
            current: None,
            scope: Scope::empty(),
        });
    };
    let step = next(&facts(app, interaction, client, Some((&current, &known))));
    Ok(Decision {
        step,
        current: Some(current),
        scope: known.scope,
    })
}

fn facts<'a>(
    app: &App,
    interaction: &'a Interaction,
    client: Option<&'a Client>,
    known: Option<(&'a Current, &'a Known)>,
) -> Facts<'a> {
    const NOTHING: &Scope = &Scope::empty();
    let nobody = SecondFactor {
        policy: MfaPolicy::IfEnrolled,
        enrolled: false,
    };
    Facts {
        interaction,
        client,
        session: known.map(|(current, _)| &current.session),
        subject: known.map(|(_, known)| known.subject.as_str()),
        second_factor: known.map_or(nobody, |(_, known)| known.second_factor),
        must_change_password: known.is_some_and(|(_, known)| known.must_change_password),
        scope: known.map_or(NOTHING, |(_, known)| &known.scope),
        remembered: known.and_then(|(_, known)| known.remembered.as_ref()),
        now: app.now(),
    }
}

/// Sends the browser to the page where the step is done.
pub(crate) fn to_page(app: &App, step: &Next, interaction: &Interaction) -> Response {
    let path = match step {
        Next::StepUp => "/mfa",
        Next::Enrol => "/enrol",
        Next::ChangePassword => "/password",
        Next::SelectAccount => "/accounts",
        Next::Consent => "/consent",
        Next::Login | Next::Respond | Next::Refuse(_) => "/login",
    };
    html::see_other(&format!("{path}?i={}", browser::seal(app, interaction)))
}

/// Follows a decision that leads to a page of our own.
pub(crate) fn own(app: &App, decision: Decision, interaction: &Interaction) -> Response {
    match (&decision.step, &interaction.destination) {
        (Next::Respond, Destination::Own(page)) => html::see_other(&page.path),
        (step, _) => to_page(app, step, interaction),
    }
}

/// The signed-in person that a page of our own needs, or the way to prove it.
pub(crate) async fn require(app: &App, headers: &HeaderMap, page: OwnPage) -> Result<Current, Response> {
    let mut cookies = HeaderMap::new();
    let mark = browser::mark(app, headers, &mut cookies);
    let interaction = browser::interaction(app, Destination::Own(page), browser::fingerprint(&mark));
    match decide(app, headers, None, &interaction).await {
        Ok(Decision {
            step: Next::Respond,
            current: Some(current),
            ..
        }) => Ok(current),
        Ok(decision) => {
            let mut answer = own(app, decision, &interaction);
            answer.headers_mut().extend(cookies);
            Err(answer)
        }
        Err(error) => Err(html::fail(app, headers, error)),
    }
}
