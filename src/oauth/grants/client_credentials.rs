//! Tokens for the client itself (RFC 6749 §4.4). Nothing is written: the token is signed and forgotten.

use protocol::client::Client;
use protocol::error::{ErrorCode, OAuthError};
use protocol::resource;
use protocol::role;
use protocol::scope::Scope;
use protocol::token_request::ClientCredentialsParams;

use crate::app::App;
use crate::error::{Error, TokenRefusal};
use crate::oauth::issue::Issuance;

pub(in crate::oauth) async fn redeem(
    app: &App,
    client: &Client,
    params: ClientCredentialsParams,
) -> Result<Issuance, Error<TokenRefusal>> {
    resource::check(&params.resources, client)?;
    let catalogue = app.catalogue().await?;
    // Scopes of OpenID Connect speak of a person, and there is none.
    let own: Scope = client
        .scope
        .retain(|token| role::is_grantable(token, &catalogue.scopes));
    let scope = match params.scope {
        None => own,
        Some(asked) if asked.is_within(&own) => asked,
        Some(_) => {
            let refusal = "scope holds what the client is not registered for or what needs a person";
            return Err(OAuthError::new(ErrorCode::InvalidScope, refusal).into());
        }
    };
    Ok(Issuance {
        holder: None,
        scope,
        resources: params.resources,
        refresh_token: None,
        ends_at: None,
        issued_token_type: None,
    })
}
