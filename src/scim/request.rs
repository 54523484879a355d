//! What a request asks for: its body, its query, and the versions it is for.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use protocol::json;
use protocol::scim::filter::{self, parse_attribute};
use protocol::scim::project::Projection;
use protocol::scim::resource::find;
use protocol::scim::schema::{Returned, Schema};
use protocol::scim::{MEDIA_TYPE, SEARCH_REQUEST, ScimError, ScimType};
use serde_json::{Map, Value};

use crate::administration::Expected;
use crate::administration::provisioning::{MAX_COUNT, Search};
use crate::web::form::Params;
use crate::web::limits::BODY_BYTES;
use crate::web::media_type;

/// How many resources an answer holds when nothing is said.
const DEFAULT_COUNT: usize = 100;

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::of(ScimType::InvalidSyntax, detail)
}

/// The versions that a request is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    /// What a change may be made to.
    pub(super) expected: Expected,
    known: Vec<String>,
}

impl Conditions {
    /// Reads the headers. Tags are compared weakly, as they are given (RFC 7644 §3.14).
    pub(super) fn read(headers: &HeaderMap) -> Conditions {
        let expected = match tags(headers, &header::IF_MATCH) {
            None => Expected::Any,
            Some(tags) if tags == ["*"] => Expected::Any,
            Some(tags) => Expected::OneOf(tags),
        };
        Conditions {
            expected,
            known: tags(headers, &header::IF_NONE_MATCH).unwrap_or_default(),
        }
    }

    /// Whether the asker has this version.
    pub(super) fn knows(&self, version: &str) -> bool {
        let version = version.strip_prefix("W/").unwrap_or(version);
        self.known.iter().any(|known| known == version || known == "*")
    }
}

/// The tags of a header without what says that they are weak; ours hold no comma.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let texts = values.map(|value| value.to_str().unwrap_or_default());
    let tag = |tag: &str| tag.trim().strip_prefix("W/").unwrap_or(tag.trim()).to_owned();
    Some(texts.flat_map(|text| text.split(',')).map(tag).collect())
}

/// Reads a JSON object.
pub(super) async fn body(request: Request) -> Result<Map<String, Value>, ScimError> {
    if !media_type::is(request.headers(), &[MEDIA_TYPE, media_type::JSON]) {
        let detail = format!("the body must be {MEDIA_TYPE}");
        return Err(ScimError::status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE.as_u16(),
            detail,
        ));
    }
    let body = to_bytes(request.into_body(), BODY_BYTES)
        .await
        .map_err(|_| ScimError::status(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), "the body is too large"))?;
    json::object(&body).map_err(|error| syntax(format!("the body must be a JSON object: {error}")))
}

/// What is asked for in the query of a URL.
pub(super) struct Query(Params);

impl Query {
    /// Reads it.
    pub(super) fn read(uri: &Uri) -> Result<Query, ScimError> {
        let params = Params::from_query(uri.query(), &[]);
        Ok(Query(params.map_err(|error| syntax(error.description))?))
    }

    /// What of a resource the answer is to hold.
    pub(super) fn projection(&self, schema: &'static Schema) -> Result<Projection, ScimError> {
        let names = |name| {
            let text = self.0.get(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|name| !name.is_empty())
        };
        Projection::parse(schema, names("attributes"), names("excludedAttributes"))
    }

    /// What is searched for.
    pub(super) fn search(&self, schema: &'static Schema) -> Result<Search, ScimError> {
        let number = |name: &'static str| match self.0.get(name) {
            None => Ok(None),
            Some(text) => text
                .parse::<i64>()
                .map(Some)
                .map_err(|_| ScimError::value(name, "must be a whole number")),
        };
        let wanted = Wanted {
            filter: self.0.get("filter"),
            sort_by: self.0.get("sortBy"),
            sort_order: self.0.get("sortOrder"),
            start: number("startIndex")?,
            count: number("count")?,
        };
        wanted.search(schema)
    }
}

struct Wanted<'a> {
    filter: Option<&'a str>,
    sort_by: Option<&'a str>,
    sort_order: Option<&'a str>,
    start: Option<i64>,
    count: Option<i64>,
}

impl Wanted<'_> {
    fn search(self, schema: &'static Schema) -> Result<Search, ScimError> {
        let sort = match self.sort_by {
            None => None,
            Some(name) => {
                let path = parse_attribute(schema, name);
                let path = path.filter(|path| path.attribute.returned != Returned::Never);
                Some(path.ok_or_else(|| ScimError::value("sortBy", "names no attribute to sort by"))?)
            }
        };
        let descending = match self.sort_order {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(ScimError::value("sortOrder", "is ascending or descending")),
        };
        // What is less than it can be is as little as it can be (RFC 7644 §3.4.2.4).
        let at_least = |value: i64, least: usize| usize::try_from(value).unwrap_or(0).max(least);
        Ok(Search {
            filter: self.filter.map(|text| filter::parse(schema, text)).transpose()?,
            sort,
            descending,
            start: self.start.map_or(1, |start| at_least(start, 1)),
            count: self
                .count
                .map_or(DEFAULT_COUNT, |count| at_least(count, 0))
                .min(MAX_COUNT),
        })
    }
}

/// Reads a search that is sent as a body (RFC 7644 §3.4.3).
pub(super) fn search(
    schema: &'static Schema,
    body: &Map<String, Value>,
) -> Result<(Search, Projection), ScimError> {
    let schemas = find(body, "schemas").and_then(Value::as_array);
    let is_search = |id: &Value| {
        id.as_str()
            .is_some_and(|id| id.eq_ignore_ascii_case(SEARCH_REQUEST))
    };
    if !schemas.is_some_and(|ids| ids.iter().any(is_search)) {
        return Err(syntax("schemas must name the SearchRequest message"));
    }
    let text = |name: &'static str| match find(body, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(ScimError::value(name, "must be text")),
    };
    let number = |name: &'static str| match find(body, name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .map(Some)
            .ok_or_else(|| ScimError::value(name, "must be a whole number")),
    };
    let names = |name: &'static str| match find(body, name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(all)) => Ok(all.iter().filter_map(Value::as_str).collect()),
        Some(_) => Err(ScimError::value(name, "must be a list of names")),
    };
    let wanted = Wanted {
        filter: text("filter")?,
        sort_by: text("sortBy")?,
        sort_order: text("sortOrder")?,
        start: number("startIndex")?,
        count: number("count")?,
    };
    let projection = Projection::parse(schema, names("attributes")?, names("excludedAttributes")?)?;
    Ok((wanted.search(schema)?, projection))
}
