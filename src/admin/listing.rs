//! Lists over HTTP: `limit`, `cursor` and `sort` beside the filters of the list; what else is asked is refused.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::{self, Serializer};
use utoipa::{IntoParams, ToSchema};

use crate::administration::Refused;
use crate::administration::listing::{self, DEFAULT_LIMIT, Listed, MAX_LIMIT, Slice};
use crate::app::App;

/// Which piece of a list, in which order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what is read by hand")]
pub(super) struct Paging {
    /// How many entries, 50 unless told.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `next` of the answer before.
    cursor: Option<String>,
    /// The member to sort by; `-` before it for the greatest first.
    sort: Option<String>,
}

/// A piece of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// Its entries.
    pub(super) items: Vec<T>,
    /// The `cursor` of the next piece; null when this is the last.
    pub(super) next: Option<String>,
}

/// What a list is asked for: its own filters and where to begin.
#[derive(Clone, Debug)]
pub(super) struct Query<F> {
    filter: F,
    limit: usize,
    cursor: Option<String>,
    sort: Option<String>,
    /// The filters as sent, in one order.
    pairs: Vec<(String, String)>,
    path: String,
}

impl<F: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<F> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let path = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .map_or_else(|| parts.uri.path(), |original| original.0.path());
        Query::parse(path, parts.uri.query().unwrap_or_default())
    }
}

impl<F: DeserializeOwned> Query<F> {
    fn parse(path: &str, query: &str) -> Result<Query<F>, Refused> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let (mut limit, mut cursor, mut sort) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.contains(['\0', '\u{FFFD}']) {
                return Err(Refused::invalid(name, "must be text without NUL, in UTF-8"));
            }
            let place = match name.as_ref() {
                "limit" => &mut limit,
                "cursor" => &mut cursor,
                "sort" => &mut sort,
                _ => {
                    pairs.push((name.into_owned(), value.into_owned()));
                    continue;
                }
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(Refused::invalid(name, "is given twice"));
            }
        }
        pairs.sort();
        let whole = |text: &String| text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let limit = match &limit {
            None => DEFAULT_LIMIT,
            Some(text) => {
                whole(text).ok_or_else(|| Refused::invalid("limit", format!("must be 1 to {MAX_LIMIT}")))?
            }
        };
        Ok(Query {
            filter: filter(&pairs)?,
            limit,
            cursor,
            sort,
            pairs,
            path: path.to_owned(),
        })
    }

    /// The filters, the piece, and what makes an answer of it. `list` names the list, and the first of `sorts` is the
    /// order when none is asked for.
    pub(super) fn listing(
        self,
        app: &App,
        list: &str,
        sorts: &[&'static str],
    ) -> Result<(F, Slice, Pager), Refused> {
        let (name, descending) = match self.sort.as_deref() {
            None => (sorts.first().copied().unwrap_or_default(), false),
            Some(sort) => match sort.strip_prefix('-') {
                Some(name) => (name, true),
                None => (sort, false),
            },
        };
        let allowed = || Refused::invalid("sort", format!("must be one of {}", sorts.join(", ")));
        let sort = *sorts.iter().find(|sort| **sort == name).ok_or_else(allowed)?;
        let filters = encoded(&self.pairs);
        let list = format!("{list}?{filters}&sort={sort}&descending={descending}");
        let after = self.cursor.as_deref();
        let after = after
            .map(|cursor| listing::open(app, &list, cursor))
            .transpose()?;
        let mut pairs = self.pairs;
        pairs.push(("limit".to_owned(), self.limit.to_string()));
        pairs.extend(self.sort.map(|sort| ("sort".to_owned(), sort)));
        let slice = Slice {
            sort,
            descending,
            after,
            limit: self.limit,
        };
        let pager = Pager {
            list,
            path: self.path,
            pairs,
        };
        Ok((self.filter, slice, pager))
    }
}

/// Reads the filters; each once, and no other than the list has.
fn filter<F: DeserializeOwned>(pairs: &[(String, String)]) -> Result<F, Refused> {
    let unreadable = || Refused::invalid("query", "cannot be read");
    let uri = Uri::try_from(format!("/?{}", encoded(pairs))).map_err(|_| unreadable())?;
    match axum::extract::Query::<F>::try_from_uri(&uri) {
        Ok(axum::extract::Query(filter)) => Ok(filter),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Err(Refused::invalid(
                "query",
                cause.unwrap_or_else(|| error.to_string()),
            ))
        }
    }
}

fn encoded(pairs: &[(String, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What makes an answer of a piece.
#[derive(Clone, Debug)]
pub(super) struct Pager {
    list: String,
    path: String,
    pairs: Vec<(String, String)>,
}

impl Pager {
    /// The answer, with the way to the next piece in the body and as a link (RFC 8288).
    pub(super) fn answer<T: Serialize>(self, app: &App, listed: Listed<T>) -> Response {
        let next = listed
            .next
            .map(|position| listing::seal(app, &self.list, &position));
        let link = next.as_ref().map(|cursor| {
            let mut pairs = self.pairs;
            pairs.push(("cursor".to_owned(), cursor.clone()));
            format!("<{}?{}>; rel=\"next\"", self.path, encoded(&pairs))
        });
        let page = Page {
            items: listed.items,
            next,
        };
        let mut answer = Json(page).into_response();
        if let Some(link) = link.and_then(|link| HeaderValue::try_from(link).ok()) {
            answer.headers_mut().insert(header::LINK, link);
        }
        answer
    }
}

/// No filters.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NoFilter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        state: Option<String>,
        since: Option<i64>,
    }

    #[test]
    fn only_known_parameters_of_the_right_kind_are_taken() {
        for (query, good) in [
            ("", true),
            ("limit=1&state=a&since=5", true),
            ("limit=200", true),
            ("limit=0", false),
            ("limit=201", false),
            ("limit=x", false),
            ("limit=1&limit=1", false),
            ("state=a&state=b", false),
            ("since=x", false),
            ("other=1", false),
            ("state=a%00", false),
            ("state=%FF", false),
        ] {
            let read = Query::<Filter>::parse("/x", query);
            assert_eq!(read.is_ok(), good, "{query}: {read:?}");
        }
        let read = Query::<Filter>::parse("/x", "since=5&state=a%26b").unwrap();
        assert_eq!(
            (read.filter.state.as_deref(), read.filter.since),
            (Some("a&b"), Some(5))
        );
    }
}
