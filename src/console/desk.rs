//! An administrator at the console: who it is, what they may do, and how pages and refusals reach them.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use protocol::interaction::{FRESH, OwnPage};
use store::Conn;

use super::watch;
use crate::administration::{Actor, Expected, Refused};
use crate::app::App;
use crate::browser::{self, Current};
use crate::decision;
use crate::error::Error;
use crate::html;
use crate::pages::{
    ConsoleFrame, ConsoleNotice, ConsolePage, ConsolePart, ConsoleRefusal, ConsoleView, Message, NamedForm,
    Page,
};
use crate::web::client_ip::ClientAddress;
use crate::web::form::Params;

/// Somebody who is signed in and may use the console.
pub(super) struct Desk {
    pub(super) query: Params,
    pub(super) form: Params,
    pub(super) actor: Actor,
    pub(super) headers: HeaderMap,
    part: ConsolePart,
    username: String,
    parts: Vec<ConsolePart>,
    csrf: String,
    cookies: HeaderMap,
}

impl Desk {
    /// Opens a page of a part that the actor may see; the way back after a sign-in is the page itself.
    pub(super) async fn open(app: &App, request: Request, part: ConsolePart) -> Result<Desk, Response> {
        let page = request.uri().path_and_query().map(ToString::to_string);
        let page = page.unwrap_or_else(|| "/admin".to_owned());
        let desk = Desk::at(app, request, part, page, None).await?;
        desk.admit(app)
    }

    /// Opens a page with a form whose answer needs a sign-in of the last minutes: better asked for before it is filled
    /// in.
    pub(super) async fn open_form(app: &App, request: Request, part: ConsolePart) -> Result<Desk, Response> {
        let page = request.uri().path_and_query().map(ToString::to_string);
        let page = page.unwrap_or_else(|| "/admin".to_owned());
        let desk = Desk::at(app, request, part, page, Some(FRESH)).await?;
        desk.admit(app)
    }

    /// Takes a form that changes something, from a page of ours; `back` is where a sign-in leads that is asked for
    /// first.
    pub(super) async fn act(
        app: &App,
        request: Request,
        part: ConsolePart,
        back: &str,
    ) -> Result<Desk, Response> {
        Desk::at(app, request, part, back.to_owned(), Some(FRESH)).await
    }

    /// Takes a form that only asks something, from a page of ours.
    pub(super) async fn ask(
        app: &App,
        request: Request,
        part: ConsolePart,
        back: &str,
    ) -> Result<Desk, Response> {
        let desk = Desk::at(app, request, part, back.to_owned(), None).await?;
        desk.admit(app)
    }

    async fn at(
        app: &App,
        request: Request,
        part: ConsolePart,
        page: String,
        max_age: Option<i64>,
    ) -> Result<Desk, Response> {
        let headers = request.headers().clone();
        let address = ClientAddress::of(request.extensions());
        let query = Params::from_query(request.uri().query(), &[]).unwrap_or_default();
        let form = if request.method() == Method::POST {
            html::own_form(app, request, REPEATABLE).await?
        } else {
            Params::default()
        };
        let current = signed_in(app, &headers, page, max_age).await?;
        let id = current.session.account_id;
        let find = async move |db: &mut Conn| store::accounts::find(db, id).await;
        let account = match app.store.read(find).await {
            Ok(Some(account)) => account,
            Ok(None) => return Err(html::see_other("/login")),
            Err(error) => return Err(html::fail(app, &headers, error)),
        };
        let actor = match Actor::person(app, id, address).await {
            Ok(actor) => actor,
            Err(error) => return Err(html::fail(app, &headers, error)),
        };
        let mut cookies = HeaderMap::new();
        let mark = browser::mark(app, &headers, &mut cookies);
        watch::note(app, current.session.id, &mut cookies);
        Ok(Desk {
            csrf: html::csrf_token(app, &mark),
            parts: ConsolePart::ALL
                .into_iter()
                .filter(|part| {
                    part.permission()
                        .is_none_or(|needed| actor.require(needed).is_ok())
                })
                .collect(),
            query,
            form,
            actor,
            headers,
            part,
            username: account.username,
            cookies,
        })
    }

    /// Refuses whoever may not see the part at all.
    fn admit(self, app: &App) -> Result<Desk, Response> {
        // Without any part there is no console for this account.
        if self.parts.iter().all(|part| part.permission().is_none()) {
            let (status, code) = (StatusCode::FORBIDDEN, "access_denied");
            return Err(html::refuse(app, &self.headers, status, code, Message::Forbidden));
        }
        match self
            .part
            .permission()
            .map_or(Ok(()), |needed| self.actor.require(needed))
        {
            Ok(()) => Ok(self),
            Err(refused) => Err(self.refuse(app, &refused)),
        }
    }

    /// Whether the actor holds a permission.
    pub(super) fn may(&self, permission: &'static str) -> bool {
        self.actor.require(permission).is_ok()
    }

    /// A page for this browser.
    pub(super) fn page(&self, app: &App, view: ConsoleView) -> Response {
        self.page_with(app, StatusCode::OK, view)
    }

    /// A page for this browser, with another status than that all is well.
    pub(super) fn page_with(&self, app: &App, status: StatusCode, view: ConsoleView) -> Response {
        let page = Page::Console(ConsolePage {
            frame: ConsoleFrame {
                username: &self.username,
                part: self.part,
                parts: &self.parts,
                csrf: &self.csrf,
                notice: self.query.get("done").and_then(ConsoleNotice::parse),
                may: crate::pages::console_may(|permission| self.may(permission)),
            },
            view,
        });
        let mut answer = html::page(app, html::locale(app, &self.headers, None), status, &page);
        answer.headers_mut().extend(self.cookies.clone());
        answer
    }

    /// Back to a page, which says what was done.
    pub(super) fn done(&self, path: &str, notice: &'static str) -> Response {
        let joint = if path.contains('?') { '&' } else { '?' };
        self.back_to(&format!("{path}{joint}done={notice}"))
    }

    /// Another page of the console.
    pub(super) fn back_to(&self, path: &str) -> Response {
        let mut answer = html::see_other(path);
        answer.headers_mut().extend(self.cookies.clone());
        answer
    }

    /// What an operation came to instead of what was asked for.
    pub(super) fn fail(&self, app: &App, error: Error<Refused>) -> Response {
        match error {
            Error::Refused(refused) => self.refuse(app, &refused),
            Error::Failed(error) => html::fail(app, &self.headers, error),
        }
    }

    /// Says why something is not done.
    pub(super) fn refuse(&self, app: &App, refused: &Refused) -> Response {
        let view = ConsoleView::Refused(refusal(refused));
        let answer = self.page_with(app, refused.status(), view);
        self.on_record(answer, refused)
    }

    /// Shows a form again that was not taken, with the reason; what is not the form's fault gets a page of its own.
    pub(super) fn form_again(
        &self,
        app: &App,
        error: Error<Refused>,
        view: impl FnOnce(ConsoleRefusal) -> ConsoleView,
    ) -> Result<Response, Response> {
        let refused = match error {
            Error::Refused(refused) if refused != Refused::NotFound => refused,
            other => return Err(self.fail(app, other)),
        };
        let answer = self.page_with(app, refused.status(), view(refusal(&refused)));
        Err(self.on_record(answer, &refused))
    }

    /// The same for the form of a role or a scope.
    pub(super) fn named_form_again(
        &self,
        app: &App,
        error: Error<Refused>,
        form: NamedForm,
    ) -> Result<Response, Response> {
        self.form_again(app, error, |refusal| {
            ConsoleView::NamedForm(NamedForm {
                refusal: Some(refusal),
                ..form
            })
        })
    }

    /// Refuses what cannot be undone unless the name was typed once more.
    pub(super) fn confirmed(&self, app: &App, name: &str) -> Result<(), Response> {
        if !name.is_empty() && self.form.get("confirm").is_some_and(|typed| typed.trim() == name) {
            return Ok(());
        }
        Err(self.unconfirmed(app))
    }

    /// Says that the name was not typed.
    pub(super) fn unconfirmed(&self, app: &App) -> Response {
        let refusal = ConsoleRefusal {
            kind: "confirm",
            detail: String::new(),
        };
        self.page_with(app, StatusCode::BAD_REQUEST, ConsoleView::Refused(refusal))
    }

    /// The version that the form was made for.
    pub(super) fn expected(&self) -> Expected {
        match self.form.get("version") {
            Some(version) => Expected::OneOf(vec![version.to_owned()]),
            None => Expected::Any,
        }
    }

    /// Marks an answer as a refusal of an act, which the door of the console keeps on record.
    fn on_record(&self, mut answer: Response, refused: &Refused) -> Response {
        answer.extensions_mut().insert(Denied {
            actor: self.actor.clone(),
            refused: refused.clone(),
        });
        answer
    }
}

/// An act that was refused, and to whom.
#[derive(Clone, Debug)]
pub(super) struct Denied {
    /// Who asked.
    pub(super) actor: Actor,
    /// Why it was not done.
    pub(super) refused: Refused,
}

/// Members of forms that may come more than once.
const REPEATABLE: &[&str] = &["permissions", "grant_types", "requires"];

/// The session of somebody who signed in lately enough: not before the absolute limit, and, once the console was left
/// alone, not before that.
async fn signed_in(
    app: &App,
    headers: &HeaderMap,
    path: String,
    max_age: Option<i64>,
) -> Result<Current, Response> {
    let limits = &app.config.admin;
    let absolute = limits.session_absolute.as_secs();
    let own = |max_age: i64| OwnPage {
        path: path.clone(),
        max_age: Some(max_age),
    };
    let allowed = max_age.unwrap_or(absolute).min(absolute);
    let current = decision::require(app, headers, own(allowed)).await?;
    if watch::is_open(app, headers, current.session.id) {
        return Ok(current);
    }
    decision::require(app, headers, own(allowed.min(limits.session_idle.as_secs()))).await
}

/// A refusal in the words of the pages.
fn refusal(refused: &Refused) -> ConsoleRefusal {
    let told = |kind, detail: &str| ConsoleRefusal {
        kind,
        detail: detail.to_owned(),
    };
    match refused {
        Refused::Forbidden(permission) => told("forbidden", permission),
        Refused::Beyond => told("beyond", ""),
        Refused::Oneself => told("oneself", ""),
        Refused::LastAdministrator => told("last-administrator", ""),
        Refused::NotFound => told("not-found", ""),
        Refused::Stale => told("stale", ""),
        other => told("other", &other.says()),
    }
}
