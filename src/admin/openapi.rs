//! The description of the API, made from its operations: at `/openapi.json` where the configuration says so.

use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use protocol::permission::OWN;
use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
    Server,
};

use crate::app::App;
use crate::error::Problem;

/// The member of an operation that names the permission it needs.
const PERMISSION: &str = "x-permission";
const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it describes what Problem writes")]
struct ProblemDetails {
    /// What kind of problem, `about:blank` for what the status says.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What was wrong with the request.
    #[schema(required = false)]
    detail: String,
    /// The request, as the log calls it.
    #[schema(required = false)]
    request_id: String,
    /// The member of the request that is wrong.
    #[schema(required = false)]
    member: String,
    /// The permission that is needed.
    #[schema(required = false)]
    permission: String,
}

/// The document before the operations are in it.
pub(super) fn blank() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An access token for this server alone, whose scope names the permission of the operation.",
        ))
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Chancery administration")
                .version(env!("CARGO_PKG_VERSION"))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new()
                .schema_from::<ProblemDetails>()
                .security_scheme("bearer", SecurityScheme::Http(bearer))
                .build(),
        ))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(
            "bearer",
            [],
        )]))
        .build()
}

/// Says what all operations have in common.
pub(super) fn complete(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations_mut(item) {
            for (status, text) in [("4XX", "Refused"), ("5XX", "Failed")] {
                let content = ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("Problem")))
                    .build();
                let answer = ResponseBuilder::new()
                    .description(text)
                    .content(PROBLEM_JSON, content)
                    .build();
                let all = &mut operation.responses.responses;
                all.entry(status.to_owned()).or_insert(RefOr::T(answer));
            }
        }
    }
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}

/// The operations of a path.
pub(super) fn operations(item: &PathItem) -> Vec<(Method, &Operation)> {
    [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    .collect()
}

/// The permission that an operation says it needs, when it is one of ours.
pub(super) fn permission(operation: &Operation) -> Option<&'static str> {
    let named = operation.extensions.as_ref()?.get(PERMISSION)?.as_str()?;
    OWN.iter().map(|(name, _)| *name).find(|name| *name == named)
}

/// Whether an operation says that it takes a header.
pub(super) fn takes_header(operation: &Operation, name: &str) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => {
            parameter.parameter_in == ParameterIn::Header && parameter.name.eq_ignore_ascii_case(name)
        }
        RefOr::Ref(_) => false,
    })
}

/// The document of a server, as its JSON.
pub(super) fn document(app: &App, mut document: OpenApi, root: &str) -> Option<String> {
    if !app.config.admin.openapi {
        return None;
    }
    document.servers = Some(vec![Server::new(format!("{}{root}", app.issuer()))]);
    document.to_json().ok()
}

/// Answers with the document, or as if there were none.
pub(super) fn answer(document: Option<&String>) -> Response {
    let Some(document) = document else {
        return Problem::not_found().into_response();
    };
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], document.clone()).into_response()
}
