//! Who calls: the holder of a live token of ours that is for this server, under a grant, with the scope needed.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use protocol::access_token::VerifiedAccessToken;
use protocol::error::{ErrorCode, OAuthError, invalid_request};
use protocol::id::{GrantId, SessionId};
use protocol::interaction::FRESH;
use protocol::role::{ACCOUNT_WRITE, Authority};
use protocol::session::Acr;
use store::{Account, Conn, StoreError};

use crate::administration::{self, Actor};
use crate::app::App;
use crate::bearer;
use crate::bearer::refusal::ApiRefusal;
use crate::error::{BearerRefusal, Error};
use crate::factors;
use crate::web::client_ip::ClientAddress;

/// The account a token speaks for, and the token.
pub(super) struct Caller {
    pub(super) account: Account,
    /// The session in which the token was granted, unless there was none.
    pub(super) session: Option<SessionId>,
    /// The grant that the token is of.
    pub(super) grant: GrantId,
    token: Arc<VerifiedAccessToken>,
}

impl Caller {
    /// The caller, when the token in the header is good for `scope`.
    pub(super) async fn find(
        app: &App,
        headers: &HeaderMap,
        uri: &Uri,
        scope: &'static str,
    ) -> Result<Caller, Error<ApiRefusal>> {
        let in_url = |query: &str| query.contains("access_token=");
        if uri.query().is_some_and(in_url) {
            let refusal = invalid_request("an access token does not belong in the URL");
            return Err(BearerRefusal::from(refusal).into());
        }
        let presented = bearer::presented(headers, None)?;
        let token = bearer::require(app, presented).await?;
        let invalid = || {
            let reason = "the access token is not for this endpoint";
            BearerRefusal::from(OAuthError::new(ErrorCode::InvalidToken, reason))
        };
        if !token.is_for(app.issuer()) {
            return Err(invalid().into());
        }
        // What another resource server gets to see, it could use here.
        if scope == ACCOUNT_WRITE && !token.is_only_for(app.issuer()) {
            let reason = "the access token is for others too; get one that is for this server alone";
            let refusal = OAuthError::new(ErrorCode::InvalidToken, reason);
            return Err(BearerRefusal::from(refusal).into());
        }
        // Without a grant a token speaks for a client and for nobody's account.
        let grant = token.jti.grant_id().ok_or_else(invalid)?;
        if !token.scope.contains(scope) {
            return Err(BearerRefusal::InsufficientScope(scope.to_owned()).into());
        }
        let found = app
            .store
            .read(async move |db: &mut Conn| {
                let Some(grant) = store::grants::find(db, grant).await? else {
                    return Ok(None);
                };
                let account = store::accounts::find(db, grant.account_id).await?;
                Ok(account.map(|account| (account, grant.session_id)))
            })
            .await?;
        let (account, session) = found.ok_or_else(invalid)?;
        Ok(Caller {
            account,
            session,
            grant,
            token,
        })
    }

    /// Whether the token is for this server alone, so that nobody else can use it here.
    pub(super) fn require_alone(&self, app: &App) -> Result<(), Error<ApiRefusal>> {
        if self.token.is_only_for(app.issuer()) {
            return Ok(());
        }
        let reason = "the access token is for others too; get one that is for this server alone";
        Err(BearerRefusal::from(OAuthError::new(ErrorCode::InvalidToken, reason)).into())
    }

    /// The account as it acts through the client: with all that it holds, of which the token brings what its scope
    /// names or stands for.
    pub(super) async fn actor(&self, app: &App, address: ClientAddress) -> Result<Actor, StoreError> {
        let mut actor = Actor::person(app, self.account.id, address).await?;
        actor.presented = Some(Authority {
            permissions: administration::named_by(app, &self.token.scope, true).await?,
            ..Authority::default()
        });
        Ok(actor)
    }

    /// Whether the person signed in just now, with a second factor where the account has one (RFC 9470).
    pub(super) async fn require_fresh(&self, app: &App) -> Result<(), Error<ApiRefusal>> {
        let second = factors::has_second_factor(app, self.account.id).await?;
        let acr = second.then_some(Acr::MultiFactor);
        let age = self.token.auth_time.map(|at| app.now().since(at));
        if age.is_some_and(|age| age <= FRESH) && self.token.acr >= acr {
            return Ok(());
        }
        Err(BearerRefusal::InsufficientAuthentication { max_age: FRESH, acr }.into())
    }
}
