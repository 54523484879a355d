//! `GET` and `POST /userinfo` (OpenID Connect Core §5.3).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use protocol::claims;
use protocol::error::{ErrorCode, OAuthError, invalid_request};
use serde_json::{Map, Value};
use store::Conn;

use super::grants::Holder;
use super::token::for_origin_of_any;
use super::{bearer, issue};
use crate::app::App;
use crate::error::{BearerRefusal, Error};
use crate::web::form::Params;
use crate::web::{cors, form};

/// Answers for the token in the header.
pub(super) async fn by_get(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    answer(&app, &headers, &uri, None).await
}

/// Answers for the token in the header or in the form.
pub(super) async fn by_post(State(app): State<Arc<App>>, request: Request) -> Response {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    match form::read(request, &[]).await {
        Ok(params) => answer(&app, &headers, &uri, params.get("access_token")).await,
        Err(error) => {
            let refusal = Error::Refused(BearerRefusal::Wrong(error)).into_response();
            for_origin_of_any(&app, &headers, refusal).await
        }
    }
}

async fn answer(app: &App, headers: &HeaderMap, uri: &Uri, form: Option<&str>) -> Response {
    let mut answer = match claims_for(app, headers, uri, form).await {
        Ok((claims, client)) => {
            let mut answer = Json(claims).into_response();
            if let Some(origin) = cors::origin(headers) {
                let allowed = client.allows_origin(origin);
                cors::for_client(answer.headers_mut(), Some(origin), allowed);
            }
            answer
        }
        Err(error) => for_origin_of_any(app, headers, error.into_response()).await,
    };
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn claims_for(
    app: &App,
    headers: &HeaderMap,
    uri: &Uri,
    form: Option<&str>,
) -> Result<(Map<String, Value>, protocol::client::Client), Error<BearerRefusal>> {
    if Params::from_query(uri.query(), &[])?
        .get("access_token")
        .is_some()
    {
        return Err(invalid_request("an access token does not belong in the URL").into());
    }
    let token = bearer::require(app, bearer::presented(headers, form)?).await?;
    let invalid = || {
        OAuthError::new(
            ErrorCode::InvalidToken,
            "the access token is not for this endpoint",
        )
    };
    if !token.is_for(app.issuer()) {
        return Err(invalid().into());
    }
    if !token.scope.contains("openid") {
        return Err(BearerRefusal::InsufficientScope("openid".to_owned()).into());
    }
    let (grant, now) = (token.jti.grant_id().ok_or_else(invalid)?, app.now());
    let holder = app
        .store
        .read(async move |db: &mut Conn| Holder::find(db, grant, now).await)
        .await?;
    let holder = holder.ok_or_else(invalid)?;
    let client = app.client(&holder.grant.client_id).await?.ok_or_else(invalid)?;

    let mut answer = Map::new();
    answer.insert("sub".to_owned(), token.sub.clone().into());
    let held = issue::standard_claims(&holder.account);
    for (name, value) in claims::userinfo(&held, &token.scope, &holder.grant.claims) {
        answer.entry(name).or_insert(value);
    }
    Ok((answer, client.client.clone()))
}
