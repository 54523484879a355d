//! Answers: one resource with its version, or a list of them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::scim::project::Projection;
use protocol::scim::{LIST_RESPONSE, MEDIA_TYPE};
use serde_json::{Value, json};

use super::request::Conditions;
use crate::administration::provisioning::{Page, Resource};

/// A document that nobody keeps.
pub(super) fn scim_json(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body.to_string()).into_response()
}

fn of_meta<'a>(resource: &'a Resource, name: &str) -> Option<&'a str> {
    resource.get("meta")?.get(name)?.as_str()
}

/// A resource with its version; 304 for who has it already.
pub(super) fn show(resource: Resource, projection: &Projection, conditions: &Conditions) -> Response {
    let known = of_meta(&resource, "version").is_some_and(|version| conditions.knows(version));
    one(StatusCode::OK, resource, projection, known)
}

/// A resource as it is after a change.
pub(super) fn changed(resource: Resource, projection: &Projection) -> Response {
    one(StatusCode::OK, resource, projection, false)
}

/// A resource that was made.
pub(super) fn created(resource: Resource, projection: &Projection) -> Response {
    one(StatusCode::CREATED, resource, projection, false)
}

fn one(status: StatusCode, resource: Resource, projection: &Projection, known: bool) -> Response {
    let header_of = |name| of_meta(&resource, name).and_then(|text| HeaderValue::try_from(text).ok());
    let (tag, location) = (header_of("version"), header_of("location"));
    let mut answer = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        scim_json(status, &Value::Object(projection.of(resource)))
    };
    let headers = answer.headers_mut();
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    if let Some(location) = location {
        let name = if status == StatusCode::CREATED {
            header::LOCATION
        } else {
            header::CONTENT_LOCATION
        };
        headers.insert(name, location);
    }
    answer
}

/// A part of a list (RFC 7644 §3.4.2).
pub(super) fn listed(page: Page, start: usize, projection: &Projection) -> Response {
    let count = page.resources.len();
    let resources = page.resources.into_iter();
    let resources: Vec<Value> = resources.map(|one| Value::Object(projection.of(one))).collect();
    list(page.total, start, count, resources)
}

/// A list of documents.
pub(super) fn list(total: usize, start: usize, count: usize, resources: Vec<Value>) -> Response {
    let mut body = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": count,
    });
    if let Some(members) = body.as_object_mut() {
        members.insert("Resources".to_owned(), Value::Array(resources));
    }
    scim_json(StatusCode::OK, &body)
}
