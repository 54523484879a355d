//! Pages of what a search finds. Where the next one begins travels sealed with the caller, bound to what was asked.

use protocol::access::request::Page;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::access::request::bad;
use crate::app::App;
use crate::bearer::refusal::ApiRefusal;
use crate::error::Error;

const TOKEN: &str = "access-search";
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// The last entry of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// An account.
    Account(Uuid),
    /// A thing of all there are.
    Any(String),
    /// A thing of those that somebody owns.
    Owned(String),
    /// A thing of those that somebody was given a permission on.
    Given(String),
    /// An action.
    Action(String),
}

impl Place {
    /// The text by which the database goes on.
    pub(super) fn into_text(self) -> String {
        match self {
            Place::Account(id) => id.to_string(),
            Place::Any(text) | Place::Owned(text) | Place::Given(text) | Place::Action(text) => text,
        }
    }

    /// Whether it is of this part of a list.
    pub(super) fn is_part(&self, part: fn(String) -> Place) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(&part(String::new()))
    }
}

#[derive(Serialize, Deserialize)]
struct Token {
    /// The hash of what was asked.
    asked: Vec<u8>,
    /// Where that page ended.
    place: Place,
}

/// A list that is given page by page.
pub(super) struct Listing {
    asked: Vec<u8>,
    limit: usize,
}

/// A page, and where the next one begins.
pub(super) struct Cut<T> {
    items: Vec<T>,
    next: Option<Place>,
}

#[derive(Serialize)]
pub(super) struct Found<T> {
    page: Told,
    results: Vec<T>,
}

#[derive(Serialize)]
struct Told {
    next_token: String,
    count: usize,
}

impl Listing {
    /// The list for these terms, and the place after which the page begins. A token that is not ours, or from another
    /// search, is refused.
    pub(super) fn open(
        app: &App,
        terms: impl Serialize,
        page: &Page,
    ) -> Result<(Listing, Option<Place>), Error<ApiRefusal>> {
        let limit = match page.limit {
            Some(0) => {
                let detail = "page.limit: must be at least 1";
                return Err(bad(detail).with("member", "page.limit").into());
            }
            limit => limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT),
        };
        let asked = Sha256::digest(serde_json::to_vec(&(terms, limit))?).to_vec();
        let place = match page.token.as_deref().filter(|token| !token.is_empty()) {
            None => None,
            Some(token) => {
                let opened = app.sealer.open_text(TOKEN, token);
                let opened = opened.and_then(|json| serde_json::from_slice::<Token>(&json).ok());
                let wrong = || {
                    let detail = "page.token: is not the next_token of the same search";
                    bad(detail).with("member", "page.token")
                };
                let token = opened.filter(|token| token.asked == asked).ok_or_else(wrong)?;
                Some(token.place)
            }
        };
        let limit = usize::try_from(limit).unwrap_or(0);
        Ok((Listing { asked, limit }, place))
    }

    /// How many rows to look for: one more than the page holds tells whether there is another.
    pub(super) fn rows(&self) -> i64 {
        i64::try_from(self.limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
    }

    /// The page of what was found after `before`.
    pub(super) fn cut<T>(
        &self,
        mut items: Vec<T>,
        before: Option<Place>,
        place: impl FnOnce(&T) -> Place,
    ) -> Cut<T> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().map(place).or(before);
        Cut {
            items,
            next: last.filter(|_| more),
        }
    }

    /// The page as it is told.
    pub(super) fn page<T, U>(&self, app: &App, cut: Cut<T>, told: impl Fn(T) -> U) -> Found<U> {
        let next_token = cut.next.map(|place| {
            let token = Token {
                asked: self.asked.clone(),
                place,
            };
            let json = serde_json::to_vec(&token).unwrap_or_default();
            app.sealer.seal_text(TOKEN, &json)
        });
        let results: Vec<U> = cut.items.into_iter().map(told).collect();
        Found {
            page: Told {
                next_token: next_token.unwrap_or_default(),
                count: results.len(),
            },
            results,
        }
    }
}
