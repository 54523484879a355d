//! `/admin/diagnosis` and the diagnosis of an account: what does not work, and what helps.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::routing::get;
use protocol::permission;
use protocol::secret::Secret;
use serde_json::{Map, Value};

use super::{Answer, Desk, users};
use crate::administration::{Outcome, accounts, diagnosis};
use crate::app::App;
use crate::diagnosis::token::Inspection;
use crate::pages::{ConsolePart, ConsoleView, DiagnosisPage, InspectedToken, UserDiagnosis};

const PART: ConsolePart = ConsolePart::Diagnosis;
/// The most bytes of a token that is looked at.
const MAX_TOKEN: usize = 16 * 1024;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin/diagnosis", get(show).post(inspect))
        .route("/admin/users/{id}/diagnosis", get(of_user))
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, PART).await?;
    page(&app, &desk, None).await
}

/// Looks at a token, which comes in a form so that no log and no history holds it.
async fn inspect(State(app): State<Arc<App>>, request: Request) -> Answer {
    let mut desk = Desk::ask(&app, request, PART, "/admin/diagnosis").await?;
    let token = desk.form.take("token").unwrap_or_default();
    let token = token.trim().to_owned();
    if token.is_empty() || token.len() > MAX_TOKEN {
        return page(&app, &desk, None).await;
    }
    let found = diagnosis::token(&app, &desk.actor, &Secret::from(token)).await;
    let found = found.map_err(|error| desk.fail(&app, error))?;
    page(&app, &desk, Some(inspected(found))).await
}

fn inspected(found: Inspection) -> InspectedToken {
    let text = |members: &Option<Map<String, Value>>| {
        let members = members.as_ref().map(serde_json::to_string_pretty);
        members.and_then(Result::ok).unwrap_or_default()
    };
    InspectedToken {
        header_text: text(&found.header),
        claims_text: text(&found.claims),
        found,
    }
}

async fn page(app: &App, desk: &Desk, token: Option<InspectedToken>) -> Answer {
    let installation = if desk.may(permission::INSTALLATION_READ) {
        let checks = diagnosis::installation(app, &desk.actor).await;
        Some(checks.map_err(|error| desk.fail(app, error))?)
    } else {
        None
    };
    let view = DiagnosisPage { token, installation };
    Ok(desk.page(app, ConsoleView::Diagnosis(Box::new(view))))
}

async fn of_user(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Answer {
    let desk = Desk::open(&app, request, ConsolePart::Users).await?;
    let id = users::named(&app, &desk, &id)?;
    let found: Outcome<UserDiagnosis> = async {
        let account = accounts::read(&app, &desk.actor, id).await?.account;
        let report = diagnosis::report(&app, &desk.actor, id).await?;
        Ok(UserDiagnosis {
            id: id.to_string(),
            username: account.username,
            sign_in: diagnosis::sign_in(&app, &desk.actor, id).await?,
            risk: report.risk,
            report: report.checks,
        })
    }
    .await;
    let view = found.map_err(|error| desk.fail(&app, error))?;
    Ok(desk.page(&app, ConsoleView::UserDiagnosis(view)))
}
