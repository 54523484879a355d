//! Who comes to a page that serves people without an account or without their password, with or without a request of
//! an app on its way.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use protocol::interaction::Interaction;
use store::StoredClient;

use super::card;
use crate::app::App;
use crate::browser;
use crate::html;
use crate::pages::{ClientCard, Locale, Message, Notice, NoticePage, Page};
use crate::web::form::{self, Params};

/// What came with a request, and the browser it came from.
pub(super) struct Visitor {
    pub(super) headers: HeaderMap,
    pub(super) query: Params,
    pub(super) form: Params,
    cookies: HeaderMap,
    mark: String,
    sealed: Option<String>,
    interaction: Option<Interaction>,
    client: Option<Arc<StoredClient>>,
}

impl Visitor {
    /// Reads a request; a POST must come from a page of ours. A request of an app that has ended is forgotten.
    pub(super) async fn open(app: &App, request: Request) -> Result<Visitor, Response> {
        let headers = request.headers().clone();
        let is_post = request.method() == Method::POST;
        let refuse = |status, code, message| html::refuse(app, &headers, status, code, message);
        let bad = || {
            refuse(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                Message::InvalidRequest,
            )
        };
        let query = Params::from_query(request.uri().query(), &[]).map_err(|_| bad())?;
        let form = if is_post {
            form::read(request, &[]).await.map_err(|_| bad())?
        } else {
            Params::default()
        };
        if is_post && !html::is_ours(app, &headers, form.get("csrf")) {
            return Err(refuse(StatusCode::FORBIDDEN, "access_denied", Message::Forgery));
        }
        let mut cookies = HeaderMap::new();
        let mark = browser::mark(app, &headers, &mut cookies);
        let mut visitor = Visitor {
            query,
            form,
            cookies,
            mark,
            sealed: None,
            interaction: None,
            client: None,
            headers,
        };
        let sealed = visitor.query.get("i").unwrap_or_default().to_owned();
        visitor.bring(app, sealed).await?;
        Ok(visitor)
    }

    /// Takes up the request that this browser began, where it can still be completed.
    pub(super) async fn bring(&mut self, app: &App, sealed: String) -> Result<(), Response> {
        let Some(interaction) = browser::open(app, &self.headers, &sealed) else {
            return Ok(());
        };
        if let Some(request) = interaction.request() {
            match app.client(&request.client_id).await {
                Ok(Some(client)) => self.client = Some(client),
                Ok(None) => return Ok(()),
                Err(error) => return Err(html::fail(app, &self.headers, error)),
            }
        }
        (self.sealed, self.interaction) = (Some(sealed), Some(interaction));
        Ok(())
    }

    /// The sealed request on its way, if there is one.
    pub(super) fn sealed(&self) -> Option<&str> {
        self.sealed.as_deref()
    }

    /// The address of a page that goes on with the request, if there is one.
    pub(super) fn action(&self, path: &str) -> String {
        match &self.sealed {
            Some(sealed) => format!("{path}?i={sealed}"),
            None => path.to_owned(),
        }
    }

    /// The app that the person is on the way to.
    pub(super) fn card(&self) -> Option<ClientCard<'_>> {
        self.client.as_ref().map(|stored| card(&stored.client))
    }

    /// The token of a form for this browser.
    pub(super) fn csrf(&self, app: &App) -> String {
        html::csrf_token(app, &self.mark)
    }

    /// What tells this browser from others.
    pub(super) fn fingerprint(&self) -> String {
        browser::fingerprint(&self.mark)
    }

    /// The language of the person.
    pub(super) fn locale(&self, app: &App) -> Locale {
        let request = self.interaction.as_ref().and_then(Interaction::request);
        html::locale(
            app,
            &self.headers,
            request.and_then(|request| request.ui_locales.as_deref()),
        )
    }

    /// A page as the answer.
    pub(super) fn page(&self, app: &App, status: StatusCode, page: &Page<'_>) -> Response {
        let mut answer = html::page(app, self.locale(app), status, page);
        answer.headers_mut().extend(self.cookies.clone());
        answer
    }

    /// What has been done, or cannot be, and a link to where it goes on.
    pub(super) fn notice(&self, app: &App, status: StatusCode, notice: Notice, path: &str) -> Response {
        let link = self.action(path);
        self.page(app, status, &Page::Notice(NoticePage { notice, link: &link }))
    }

    /// The answer to a failure of ours.
    pub(super) fn fail(&self, app: &App, error: impl Into<crate::error::BoxError>) -> Response {
        html::fail(app, &self.headers, error)
    }
}
