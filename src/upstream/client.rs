//! What the `openidconnect` crate is to know of the way we rely on providers: its types, and how it sends.

use std::pin::Pin;

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AsyncHttpClient, ClaimsVerificationError, ConfigurationError, DiscoveryError,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, RequestTokenError,
    StandardErrorResponse,
};
use protocol::jose::JoseError;
use serde::{Deserialize, Serialize};

use crate::error::BoxError;
use crate::fetch::{Fetch, FetchError};

/// Members of the metadata that the crate does not know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MoreMetadata {
    /// Whether authorization responses carry `iss` (RFC 9207 §3).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// What a provider publishes of itself, its keys among it.
pub(super) type Published = openidconnect::ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A relying party of one provider.
pub(super) type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

type ErrorAnswer = StandardErrorResponse<CoreErrorResponseType>;

impl<'c> AsyncHttpClient<'c> for Fetch {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.forward(request).await?;
            // The crate would not tell a provider in trouble from one that refuses.
            if answer.status().is_server_error() {
                return Err(FetchError::Status(answer.status()));
            }
            Ok(answer)
        })
    }
}

/// Why an upstream cannot be used, or believed, right now. For the log; people are told less.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// It cannot be asked, or will not answer.
    #[error("it cannot be asked")]
    Fetch(#[from] FetchError),
    /// What it publishes cannot be used.
    #[error("its metadata cannot be used")]
    Metadata(#[source] BoxError),
    /// Our secret is missing, or sealed with another master key.
    #[error("there is no client secret that this master key opens")]
    Secret,
    /// It does not redeem the code.
    #[error("it refuses the code")]
    Refused(#[source] BoxError),
    /// The token response is none. What is wrong with it may hold what it says, and so is not told.
    #[error("its token response cannot be read")]
    Response,
    /// The ID Token is not one that it made for this sign-in.
    #[error("its ID Token cannot be believed")]
    IdToken(#[from] ClaimsVerificationError),
    /// What it says of the person cannot be believed.
    #[error("its word cannot be believed")]
    Word(#[from] JoseError),
}

impl UpstreamError {
    /// Whether it may be better later, without anybody changing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            UpstreamError::Fetch(FetchError::Status(status)) => status.is_server_error(),
            UpstreamError::Fetch(_) => true,
            _ => false,
        }
    }
}

impl From<DiscoveryError<FetchError>> for UpstreamError {
    fn from(error: DiscoveryError<FetchError>) -> Self {
        match error {
            DiscoveryError::Request(error) => UpstreamError::Fetch(error),
            DiscoveryError::Response(status, ..) if !status.is_success() => {
                UpstreamError::Fetch(FetchError::Status(status))
            }
            DiscoveryError::Parse(error) => UpstreamError::Metadata(error.into()),
            other => UpstreamError::Metadata(other.into()),
        }
    }
}

impl From<ConfigurationError> for UpstreamError {
    fn from(error: ConfigurationError) -> Self {
        UpstreamError::Metadata(error.into())
    }
}

impl From<RequestTokenError<FetchError, ErrorAnswer>> for UpstreamError {
    fn from(error: RequestTokenError<FetchError, ErrorAnswer>) -> Self {
        match error {
            RequestTokenError::Request(error) => UpstreamError::Fetch(error),
            RequestTokenError::ServerResponse(answer) => {
                UpstreamError::Refused(answer.error().to_string().into())
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => UpstreamError::Response,
        }
    }
}
